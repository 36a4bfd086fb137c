package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// Days begin at midnight in Berlin, so the first of November begins on 31 October
// in UTC.
func TestBusinessFiguresBeginAtTheCompanysMidnight(t *testing.T) {
	ctx := context.Background()
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.NoError(t, store.SetCalendar(ctx, "Europe/Berlin", time.October))
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.business_metric VALUES
			('2026-10-01', 'revenue', '', 100, 'test'), ('2026-11-01', 'revenue', 'Retail', 60, 'test'), ('2026-12-01', 'revenue', '', 120, 'test')`,
		`INSERT INTO wattscore.cost_budget VALUES ('2026-10-25', '', 10, 'test'), ('2026-10-26', '', 11, 'test'), ('2026-10-27', '', 12, 'test')`,
		`INSERT INTO wattscore.carbon_budget VALUES ('2026-10-19', '', 1, 'test'), ('2026-10-26', 'Retail', 2, 'test')`)
	reader := warehouse.NewReader(pool)
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, berlin) }

	metrics, err := reader.BusinessMetrics(ctx, kpi.Span{From: at(11, 1), To: at(12, 1)})
	require.NoError(t, err)
	require.Len(t, metrics, 1)
	assert.True(t, metrics[0].Month.Equal(at(11, 1)), "%s", metrics[0].Month)
	assert.Equal(t, []any{"revenue", "Retail", 60.0}, []any{metrics[0].Metric, metrics[0].BusinessUnit, metrics[0].Value})

	days, err := reader.CostBudgets(ctx, kpi.Span{From: at(10, 25), To: at(10, 26).Add(time.Hour)})
	require.NoError(t, err)
	require.Len(t, days, 2, "the day that begins within the span counts, the one after it does not")
	assert.True(t, days[0].Start.Equal(at(10, 25)) && days[1].Start.Equal(at(10, 26)), "a day of 25 hours lies between")
	assert.Equal(t, []kpi.USD{10, 11}, []kpi.USD{days[0].Amount, days[1].Amount})

	weeks, err := reader.CarbonBudgets(ctx, kpi.Span{From: at(10, 20), To: at(11, 1)})
	require.NoError(t, err)
	require.Len(t, weeks, 1, "only the week that begins in the span")
	assert.Equal(t, warehouse.Budget[kpi.KilogramsCO2e]{Start: weeks[0].Start, BusinessUnit: "Retail", Amount: 2}, weeks[0])
}

func TestFactorsAreCutToTheSpan(t *testing.T) {
	ctx := context.Background()
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'electricity_price', day::date, price, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version, (VALUES ('2026-01-01', 0.1), ('2026-03-01', 0.3)) AS v (day, price) WHERE code = 'us-central1'`,
		`SELECT wattscore.fill_factor_periods(1)`)
	span := kpi.Span{From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	factors, err := warehouse.NewReader(pool).Factors(ctx, 0, span)
	require.NoError(t, err)
	var iowa []warehouse.FactorPeriod
	for _, f := range factors {
		assert.False(t, f.From.Before(span.From) || f.To.After(span.To), "%s lies in the span", f.Region)
		if f.Region == "us-central1" {
			iowa = append(iowa, f)
		}
	}
	require.Len(t, iowa, 2)
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	assert.True(t, iowa[0].From.Equal(span.From) && iowa[0].To.Equal(march) && iowa[1].From.Equal(march) && iowa[1].To.Equal(span.To))
	assert.Equal(t, []float64{0.1, 0.3}, []float64{*iowa[0].ElectricityPrice, *iowa[1].ElectricityPrice})
	none, err := warehouse.NewReader(pool).Factors(ctx, 99, span)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// A fact that is taken out, or was written at a wrong time, is no first use, whether it
// is rolled up or not.
func TestAReleaseIsTheFirstUseThatStands(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, `SELECT wattscore.set_calendar('Pacific/Auckland', 4::smallint)`)
	auckland, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	used := func(name, model string, at time.Time) warehouse.Event {
		e := warehousetest.Event(name, at)
		e.Model = model
		return e
	}
	atMonthsEnd := time.Date(2026, 9, 30, 23, 30, 0, 0, auckland)
	warehousetest.Write(t, pool, now,
		used("first", "first", time.Date(2026, 6, 10, 9, 0, 0, 0, auckland)),
		used("typo", "typo", time.Date(2025, 5, 1, 9, 0, 0, 0, auckland)),
		used("late", "late", atMonthsEnd), used("late again", "late", atMonthsEnd.AddDate(0, 0, 20)),
		used("gone", "gone", time.Date(2026, 8, 3, 9, 0, 0, 0, auckland)), used("gone later", "gone", time.Date(2026, 10, 3, 9, 0, 0, 0, auckland)))
	correct := func() {
		warehousetest.Exec(t, pool, `UPDATE wattscore.event SET ts = '2026-11-01 09:00:00+13' WHERE model = 'typo'`,
			`DELETE FROM wattscore.event WHERE model = 'gone' AND ts < '2026-09-01'`)
	}
	reader := warehouse.NewReader(pool)
	check := func(t *testing.T) {
		releases, err := reader.ModelReleases(t.Context(), kpi.Span{From: now.AddDate(-2, 0, 0), To: now}, kpi.Filters{})
		require.NoError(t, err)
		found := map[string]string{}
		for _, r := range releases {
			found[r.Model] = r.Time.In(auckland).Format(time.DateOnly)
		}
		assert.Equal(t, map[string]string{"late": "2026-09-30", "gone": "2026-10-03", "typo": "2026-11-01"}, found)
	}
	t.Run("not rolled up", func(t *testing.T) {
		correct()
		check(t)
	})
	t.Run("rolled up", func(t *testing.T) {
		warehousetest.Refresh(t, pool)
		check(t)
	})
	t.Run("taken out after it was rolled up", func(t *testing.T) {
		warehousetest.Write(t, pool, now, used("earlier", "late", time.Date(2026, 7, 1, 9, 0, 0, 0, auckland)))
		warehousetest.Refresh(t, pool)
		warehousetest.Exec(t, pool, `DELETE FROM wattscore.event WHERE model = 'late' AND ts < '2026-08-01'`)
		check(t)
	})
}

func TestOccasions(t *testing.T) {
	ctx := context.Background()
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	old, recent := warehousetest.Event("old", now.AddDate(0, 0, -10)), warehousetest.Event("new", now.AddDate(0, 0, -3))
	trained := warehousetest.Event("training", now.AddDate(0, 0, -2))
	recent.Model, trained.Model, trained.Workload, trained.Requests = "newcomer", "only-trained", kpi.WorkloadTraining, 0
	warehousetest.Write(t, pool, now, old)
	warehousetest.Refresh(t, pool)
	warehousetest.Write(t, pool, now, recent, trained) // not rolled up
	day := time.Date(2026, 11, 12, 0, 0, 0, 0, time.UTC)
	_, err := store.UpsertModels(ctx, []warehouse.Model{{Name: "announced", Provider: "Acme", TaskClass: "chat", ReleasedOn: &day}})
	require.NoError(t, err)
	span := kpi.Span{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)}
	reader := warehouse.NewReader(pool)

	releases, err := reader.ModelReleases(ctx, span, kpi.Filters{})
	require.NoError(t, err)
	require.Len(t, releases, 2, "not the model that was there when the records began, nor one that serves nobody")
	assert.Equal(t, []string{"announced", "newcomer"}, []string{releases[0].Model, releases[1].Model})
	assert.Equal(t, []bool{true, false}, []bool{releases[0].Named, releases[1].Named})
	assert.True(t, releases[0].Time.Equal(day) && releases[1].Time.Equal(now.AddDate(0, 0, -3)))
	only, err := reader.ModelReleases(ctx, span, kpi.Filters{kpi.DimensionModel: {"newcomer"}})
	require.NoError(t, err)
	assert.Len(t, only, 1)

	result, err := store.WriteFactors(ctx, "Contract 2027", []warehouse.Factor{{Region: "us-central1", Quantity: warehouse.FactorPUE,
		ValidFrom: day.AddDate(-1, 0, 0), Value: 1.5, Source: "test", SourceYear: 2026}})
	require.NoError(t, err)
	require.False(t, result.InForce)
	for range 2 { // the second time it is in force already
		require.NoError(t, store.PutFactorsInForce(ctx, result.Version))
	}
	require.NoError(t, store.PutFactorsInForce(ctx, 1))
	today := kpi.Span{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
	restatements, err := reader.Restatements(ctx, today)
	require.NoError(t, err)
	require.Len(t, restatements, 2)
	assert.Equal(t, []any{1, "Reference figures 2024", result.Version, "Contract 2027"},
		[]any{restatements[0].FromVersion, restatements[0].FromVersionName, restatements[0].ToVersion, restatements[0].ToVersionName})
	assert.Equal(t, []int{result.Version, 1}, []int{restatements[1].FromVersion, restatements[1].ToVersion})
}
