package warehouse_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func gridFactor(region string, from time.Time, value float64) warehouse.Factor {
	return warehouse.Factor{Region: region, Quantity: warehouse.FactorGridLocation, ValidFrom: from, Value: value,
		Source: "test", SourceYear: from.Year(), Method: "average generation", Boundary: "life cycle"}
}

func january(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }

func carbonOf(t *testing.T, reader *warehouse.Reader, version int) float64 {
	t.Helper()
	answers, _, err := reader.Usage(context.Background(), warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, FactorVersion: version})
	require.NoError(t, err)
	require.Len(t, answers[0], 1)
	require.NotNil(t, answers[0][0].CarbonLocation)
	return float64(*answers[0][0].CarbonLocation)
}

func TestFactorsNoEventDependsOnGoIntoTheVersionInForce(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	factors := []warehouse.Factor{gridFactor("us-central1", january(2025), 400), gridFactor("FRA", january(2025), 50)}

	result, err := store.WriteFactors(ctx, "2025", factors)
	require.NoError(t, err)
	assertCounts(t, 2, 0, 0, result.WriteResult)
	assert.Equal(t, 1, result.Version)
	assert.True(t, result.InForce)

	result, err = store.WriteFactors(ctx, "2025 again", factors)
	require.NoError(t, err)
	assertCounts(t, 0, 2, 0, result.WriteResult)
	assert.Equal(t, 1, result.Version)
	assert.Equal(t, "(1)", row(t, pool, "SELECT count(*) FROM wattscore.factor_version"))
	assert.Equal(t, "(400)", row(t, pool, `SELECT grid_location FROM wattscore.factor_period x JOIN wattscore.region r USING (region_id)
		WHERE r.code = 'us-central1' AND valid_to = 'infinity'`))
	assert.Equal(t, "(50)", row(t, pool, `SELECT grid_location FROM wattscore.factor_period x JOIN wattscore.region r USING (region_id)
		WHERE r.code = 'europe-west9' AND valid_to = 'infinity'`), "a cloud region takes its country's")
}

func TestFactorsThatEventsDependOnMakeAVersionToRestate(t *testing.T) {
	for name, rolledUp := range map[string]bool{"rolled up": true, "not rolled up yet": false} {
		t.Run(name, func(t *testing.T) {
			pool := warehousetest.Open(t)
			store, reader := warehouse.OpenStore(pool), warehouse.NewReader(pool)
			ctx := context.Background()
			warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-24*time.Hour)))
			if rolledUp {
				warehousetest.Refresh(t, pool)
			}
			before := carbonOf(t, reader, 0)

			result, err := store.WriteFactors(ctx, "2026", []warehouse.Factor{gridFactor("us-central1", january(2026), 2*369.473)})
			require.NoError(t, err)
			assertCounts(t, 1, 0, 0, result.WriteResult)
			assert.Equal(t, 2, result.Version)
			assert.False(t, result.InForce)
			assert.Equal(t, before, carbonOf(t, reader, 0), "a published number does not change silently")
			assert.InDelta(t, 2*before, carbonOf(t, reader, 2), 1e-12)

			again, err := store.WriteFactors(ctx, "2026", []warehouse.Factor{gridFactor("us-central1", january(2026), 2*369.473)})
			require.NoError(t, err)
			assertCounts(t, 0, 1, 0, again.WriteResult)
			assert.Equal(t, 2, again.Version, "compared with the newest version, not with the one in force")
			assert.False(t, again.InForce)

			require.NoError(t, store.PutFactorsInForce(ctx, 2))
			assert.InDelta(t, 2*before, carbonOf(t, reader, 0), 1e-12)
			assert.Equal(t, before, carbonOf(t, reader, 1), "the earlier version stays readable")
		})
	}
}

func TestWhichFactorsAnEventDependsOn(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	at := now.Add(-24 * time.Hour)
	inParis := warehousetest.Event("paris", at)
	inParis.Region = "europe-west9" // has no figure of its own: takes France's
	inIreland := warehousetest.Event("ireland", at)
	inIreland.Region = "eu-west-1" // has its own from 2020 on
	warehousetest.Write(t, pool, now, inParis, inIreland)
	free := gridFactor("europe-west9", january(2026), 0.9)
	free.Quantity = warehouse.FactorCarbonFreeShare

	for _, test := range []struct {
		name    string
		factor  warehouse.Factor
		inForce bool
	}{
		{"another region", gridFactor("us-central1", january(2026), 1), true},
		{"from a later day", gridFactor("europe-west9", now, 1), true},
		{"the country of a region with a figure of its own", gridFactor("IRL", january(2026), 1), true},
		{"a quantity in no formula", free, true},
		{"the country of a region without", gridFactor("FRA", january(2026), 1), false},
		{"the region itself", gridFactor("eu-west-1", january(2026), 1), false},
		{"from the event's own day", gridFactor("eu-west-1", at, 1), false},
		{"the country, before the region's own begins", gridFactor("IRL", january(2019), 1), false},
	} {
		result, err := store.WriteFactors(context.Background(), test.name, []warehouse.Factor{test.factor})
		require.NoError(t, err, test.name)
		assert.Equal(t, test.inForce, result.InForce, "%s: %+v", test.name, result)
	}
}

func TestFactorsForTheVersionInForceReachTheOneThatWaits(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-24*time.Hour)))
	_, err := store.WriteFactors(ctx, "waits", []warehouse.Factor{gridFactor("us-central1", january(2026), 500)})
	require.NoError(t, err)

	result, err := store.WriteFactors(ctx, "new region", []warehouse.Factor{gridFactor("us-west1", january(2026), 80)})
	require.NoError(t, err)
	assert.Equal(t, 1, result.Version)
	assert.True(t, result.InForce)
	assert.Equal(t, "(\"1, 2\")", row(t, pool, `SELECT string_agg(version_id::text, ', ' ORDER BY version_id) FROM wattscore.region_factor f
		JOIN wattscore.region r USING (region_id) WHERE r.code = 'us-west1' AND quantity = 'grid_location'`))
}

func TestFactorsThatCannotBe(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	change := func(change func(*warehouse.Factor)) warehouse.Factor {
		factor := gridFactor("us-central1", january(2025), 400)
		change(&factor)
		return factor
	}
	cases := []struct {
		reason string
		factor warehouse.Factor
	}{
		{`unknown region "mars"`, change(func(f *warehouse.Factor) { f.Region = "mars" })},
		{`unknown quantity "co2"`, change(func(f *warehouse.Factor) { f.Quantity = "co2" })},
		{"is not a number", change(func(f *warehouse.Factor) { f.Value = math.NaN() })},
		{"is negative", change(func(f *warehouse.Factor) { f.Value = -1 })},
		{"is more than 5000", change(func(f *warehouse.Factor) { f.Value = 412720 })},
		{"pue 0.9 is less than 1", change(func(f *warehouse.Factor) { f.Quantity, f.Value = warehouse.FactorPUE, 0.9 })},
		{"carbon_free_share 87 is more than 1", change(func(f *warehouse.Factor) { f.Quantity, f.Value = warehouse.FactorCarbonFreeShare, 87 })},
		{"before 2000", change(func(f *warehouse.Factor) { f.ValidFrom = january(1970) })},
		{"after 2045", change(func(f *warehouse.Factor) { f.ValidFrom = january(2099) })},
		{"source's year", change(func(f *warehouse.Factor) { f.SourceYear = 0 })},
		{"does not say its source", change(func(f *warehouse.Factor) { f.Source = "" })},
		{"NUL", change(func(f *warehouse.Factor) { f.Method = "\x00" })},
	}
	factors := make([]warehouse.Factor, len(cases))
	for i, test := range cases {
		factors[i] = test.factor
	}
	result, err := store.WriteFactors(context.Background(), "bad", factors)
	require.NoError(t, err)
	require.Len(t, result.Rejected, len(cases))
	for i, test := range cases {
		assert.ErrorContains(t, result.Rejected[i].Reason, test.reason)
	}
	_, err = store.WriteFactors(context.Background(), "", nil)
	assert.ErrorContains(t, err, "needs a name")
	assert.ErrorIs(t, store.PutFactorsInForce(context.Background(), 9), warehouse.ErrNoSuchFactorVersion)
	assert.Equal(t, "(1)", row(t, pool, "SELECT version_id FROM wattscore.factor_version WHERE in_force"), "the one in force stays")
}

func TestFactorImportsWaitForEachOther(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-24*time.Hour)))
	var imports sync.WaitGroup
	for i := range 4 {
		imports.Go(func() {
			_, err := store.WriteFactors(context.Background(), "concurrent",
				[]warehouse.Factor{gridFactor("us-central1", january(2026).AddDate(0, i, 0), float64(100+i))})
			assert.NoError(t, err)
		})
	}
	imports.Wait()
	assert.Equal(t, "(4)", row(t, pool, `SELECT count(*) FROM wattscore.region_factor f JOIN wattscore.region r USING (region_id)
		WHERE r.code = 'us-central1' AND quantity = 'grid_location' AND valid_from >= '2026-01-01'
		AND version_id = (SELECT max(version_id) FROM wattscore.factor_version)`), "no import is lost in the newest version")
}

func TestAWriterMayWriteFactorsAndRestate(t *testing.T) {
	pool := warehousetest.Open(t)
	writer := openAs(t, pool, loginIn(t, pool, "wattscore_writer"), "test")
	store := warehouse.OpenStore(writer)
	ctx := context.Background()
	warehousetest.Write(t, writer, now, warehousetest.Event("one", now.Add(-24*time.Hour)))
	result, err := store.WriteFactors(ctx, "2026", []warehouse.Factor{gridFactor("us-central1", january(2026), 500)})
	require.NoError(t, err)
	require.NoError(t, store.PutFactorsInForce(ctx, result.Version))
	_, err = store.UpsertRegions(ctx, []warehouse.Region{{Code: "on-premises"}})
	require.NoError(t, err)
	_, err = store.UpsertModels(ctx, []warehouse.Model{{Name: "coder"}})
	require.NoError(t, err)
	_, err = store.UpsertProjects(ctx, []warehouse.Project{{Name: "search"}})
	require.NoError(t, err)
	_, err = store.UpsertTrainingRuns(ctx, []warehouse.TrainingRun{{ID: "r", StartedAt: now}})
	require.NoError(t, err)
	_, err = store.WriteCostBudgets(ctx, []warehouse.CostBudget{{Day: now, USD: 1, Source: "test"}})
	require.NoError(t, err)
	_, _, err = store.WriteHardware(ctx, []warehouse.HardwareAsset{{Serial: "s", Accelerator: "H100"}},
		[]warehouse.HardwareEvent{{Serial: "s", Time: now, Stage: "deployed", Source: "test"}})
	require.NoError(t, err)
	assert.Error(t, store.SetCalendar(ctx, "Europe/Berlin", time.October), "only the owner moves the calendar")
}
