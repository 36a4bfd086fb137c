package query_test

import (
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// spendingCompany bills 10 USD and emits 2 kg every hour of day up to now, in one
// business unit, since 2 November, a Monday; now is Wednesday 2 December.
func spendingCompany(t testing.TB, now time.Time) *pgxpool.Pool {
	pool := warehousetest.Open(t)
	var events []warehouse.Event
	for at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC); at.Before(now); at = at.Add(time.Hour) {
		e := warehousetest.Event("hourly", at)
		cost, carbon := kpi.USD(10), kpi.KilogramsCO2e(2)
		e.Cost, e.CarbonLocation = &cost, &carbon
		events = append(events, e)
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Exec(t, pool,
		`UPDATE wattscore.project SET business_unit = 'Retail' WHERE name = 'helpdesk'`,
		`INSERT INTO wattscore.carbon_budget SELECT week, unit, kg, 'test' FROM (VALUES
			('2026-11-02'::date, 400), ('2026-11-09', 340), ('2026-11-16', 330), ('2026-11-30', 300)) AS b (week, kg), unnest(ARRAY['', 'Retail']) AS unit`,
		`INSERT INTO wattscore.cost_budget SELECT day, '', 250, 'test' FROM generate_series('2026-11-01'::date, '2026-12-31', '1 day') AS day WHERE day <> '2026-11-12'`)
	return pool
}

func golden(t *testing.T, name string, frames data.Frames) {
	t.Helper()
	for _, frame := range frames {
		frame.Meta.ExecutedQueryString = "" // the statement has its own file
	}
	experimental.CheckGoldenJSONResponse(t, "testdata", name, &backend.DataResponse{Frames: frames}, *update)
}

func TestBudgetVariance(t *testing.T) {
	pool := spendingCompany(t, now)
	span := backend.TimeRange{From: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), To: now.AddDate(0, 0, 30)}
	carbon := askIn(t, pool, span, map[string]any{"queryType": "budgetVariance"})
	// Each full week emits 168 h × 2 kg = 336 kg; the running one has two days of it.
	assert.Equal(t, []string{"On budget", "Close to budget", "Over budget", "No budget", "Over budget"}, texts(t, carbon[0], "status"),
		"a week that would end over its budget is red before it does")
	for week, actual := range []float64{336, 336, 336, 336, 96} {
		assert.InDelta(t, actual, value(t, carbon[0], "actual", week), 1e-9)
	}
	assert.InDelta(t, 336, value(t, carbon[0], "projected", 4), 1e-9, "as the four weeks before went on after Tuesday")
	assert.InDelta(t, -64, value(t, carbon[0], "variance", 0), 1e-9)
	assert.InDelta(t, -0.16, value(t, carbon[0], "variance_pct", 0), 1e-9)
	golden(t, "budget_variance_carbon", carbon)
	golden(t, "budget_variance_series", askIn(t, pool, span, map[string]any{"queryType": "budgetVariance", "format": "time_series"}))

	latest := askIn(t, pool, span, map[string]any{"queryType": "budgetVariance", "format": "number", "metric": "projected", "groupBy": []string{"businessUnit"}})
	require.Equal(t, 1, latest[0].Rows(), "an alert asks how the running week stands")
	assert.InDelta(t, 336, value(t, latest[0], "projected", 0), 1e-9)

	cost := askIn(t, pool, span, map[string]any{"queryType": "budgetVariance", "options": map[string]any{"budget": "cost", "step": "week"}})
	budget, _ := cost[0].FieldByName("budget")
	assert.Nil(t, budget.At(1), "a week with a day that has no budget has none")
	assert.InDelta(t, 1750, value(t, cost[0], "budget", 0), 1e-9)
	assert.InDelta(t, 1680, value(t, cost[0], "actual", 0), 1e-9)

	part := askIn(t, pool, span, map[string]any{"queryType": "budgetVariance", "filters": map[string]any{"model": []string{"assistant"}}})
	assert.Equal(t, "No budget", texts(t, part[0], "status")[0])
	assert.Contains(t, part[0].Meta.Notices[len(part[0].Meta.Notices)-1].Text, "a part would be held against the whole")
}

func TestCostMeter(t *testing.T) {
	at := time.Date(2026, 12, 2, 12, 0, 0, 0, time.UTC)
	pool := spendingCompany(t, at)
	// The dashboard's range is over at noon: the meter reads that moment.
	span := backend.TimeRange{From: november.From, To: at}
	ask := func(options map[string]any) *data.Frame {
		return askWhen(t, pool, span, at, map[string]any{"queryType": "costMeter", "options": options})[0]
	}
	frame := ask(map[string]any{"scope": "all"})
	for field, want := range map[string]float64{
		"spend_day_usd": 120, "spend_hour_usd": 0, "budget_day_usd": 250, "budget_used": 0.48, "projected_day_usd": 240, "burn_usd_per_hour": 10,
	} {
		assert.InDelta(t, want, value(t, frame, field, 0), 1e-9, field)
	}
	assert.Equal(t, []string{"Close to budget"}, texts(t, frame, "status"), "240 is 96 % of 250")
	golden(t, "cost_meter", data.Frames{frame})
	assert.Equal(t, []string{"On budget"}, texts(t, ask(map[string]any{"scope": "all", "warnAt": 0.97}), "status"))

	energy := ask(map[string]any{"costBasis": "energy"})
	assert.Less(t, value(t, energy, "spend_day_usd", 0), 1.0, "what the electricity cost, not the bill")

	warehousetest.Exec(t, pool, `UPDATE wattscore.cost_budget SET usd = 0 WHERE day = '2026-12-02'`)
	assert.Equal(t, []string{"Over budget"}, texts(t, ask(map[string]any{"scope": "all"}), "status"), "a budget of zero is a budget")
	warehousetest.Exec(t, pool, `DELETE FROM wattscore.cost_budget`)
	assert.Equal(t, []string{"No budget"}, texts(t, ask(map[string]any{"scope": "all"}), "status"))

	stale := askWhen(t, pool, backend.TimeRange{From: november.From, To: at.AddDate(0, 0, 2)}, at.AddDate(0, 0, 2), map[string]any{"queryType": "costMeter"})[0]
	assert.InDelta(t, 0, value(t, stale, "spend_day_usd", 0), 1e-9)
	assert.Contains(t, stale.Meta.Notices[0].Text, "The meter stands still")
}

func TestBadBudgetOptions(t *testing.T) {
	pool := warehousetest.Open(t)
	for _, test := range []struct {
		queryType string
		options   map[string]any
		says      string
	}{
		{"budgetVariance", map[string]any{"budget": "water"}, "must be one of carbon, cost"},
		{"budgetVariance", map[string]any{"step": "day"}, "Carbon budgets are by week"},
		{"budgetVariance", map[string]any{"warnAt": 1.5}, "warnAt is 1.5"},
		{"costMeter", map[string]any{"scope": "some"}, "must be one of serving, all"},
		{"costMeter", map[string]any{"warnAt": 0}, "warnAt is 0"},
	} {
		_, err := ask(t, pool, test.queryType, map[string]any{"options": test.options})
		assert.ErrorContains(t, err, test.says)
	}
}
