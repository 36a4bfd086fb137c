package query_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// comparedCompany measures four of the six chat models: three by F1 and one by mAP.
func comparedCompany(t *testing.T) *pgxpool.Pool {
	pool := smallCompany(t)
	// chat-0 takes 0.02 kWh per 1k requests, chat-5 six times as much.
	warehousetest.Exec(t, pool,
		`UPDATE wattscore.model SET accuracy = 0.90, accuracy_metric = 'F1', parameters_billion = 7 WHERE name = 'chat-0'`,
		`UPDATE wattscore.model SET accuracy = 0.95, accuracy_metric = 'F1', parameters_billion = 70 WHERE name = 'chat-3'`,
		`UPDATE wattscore.model SET accuracy = 0.89, accuracy_metric = 'F1', parameters_billion = 40 WHERE name = 'chat-5'`,
		`UPDATE wattscore.model SET accuracy = 0.10, accuracy_metric = 'mAP' WHERE name = 'chat-1'`)
	return pool
}

func TestModelComparison(t *testing.T) {
	pool := comparedCompany(t)
	frames := askIn(t, pool, november, map[string]any{"queryType": "modelComparison"})
	assert.Equal(t, []string{"chat-5", "chat-4", "chat-3", "chat-2", "chat-1", "chat-0"}, texts(t, frames[0], "model"), "the thirstiest first")
	assert.Equal(t, []string{"Dominated", "Not comparable", "On the front", "Not comparable", "Alone in its class", "On the front"}, texts(t, frames[0], "pareto"),
		"accuracies of one metric compare, and no others")
	assert.Equal(t, []string{"chat-0", "", "", "", "", ""}, texts(t, frames[0], "better_model"))
	// 1.2 kWh at PUE 1.11 and 0.1 USD cost 0.1332 USD; at a sixth of the intensity, five sixths are saved.
	assert.InDelta(t, 0.111, value(t, frames[0], "potential_saving_usd", 0), 1e-12)
	assert.InDelta(t, 0.12, value(t, frames[0], "kwh_per_1k_requests", 0), 1e-12)
	assert.InDelta(t, 0.0222/7, value(t, frames[0], "cost_per_billion_parameters", 5), 1e-12, "training is no inference cost")
	assert.InDelta(t, 0.9/7, value(t, frames[0], "accuracy_per_billion_parameters", 5), 1e-12)
	assert.Contains(t, noticesOf(frames[0]), "2 of the models cannot be compared")
	golden(t, "model_comparison", frames)

	lines := askIn(t, pool, november, map[string]any{"queryType": "modelComparison", "format": "number", "metric": "accuracy"})
	require.Equal(t, 4, lines[0].Rows(), "a model without an accuracy is no line of an alert")
	golden(t, "model_comparison_number", lines)
}

func TestModelComparisonByFullCost(t *testing.T) {
	pool := comparedCompany(t)
	billed := warehousetest.Event("billed", november.From.Add(time.Hour))
	cost := kpi.USD(5)
	billed.Model, billed.Requests, billed.ITEnergy, billed.Cost = "chat-0", 10_000, 0.2, &cost
	warehousetest.Write(t, pool, now, billed)
	full := askIn(t, pool, november, map[string]any{"queryType": "modelComparison", "options": map[string]any{"costBasis": "full"}})
	energy := askIn(t, pool, november, map[string]any{"queryType": "modelComparison"})
	// 10,000 requests at 0.0222 USD of energy, and 10,000 billed at 5 USD.
	assert.InDelta(t, 5.0222/20, value(t, full[0], "cost_per_1k_requests_usd", 5), 1e-12)
	assert.InDelta(t, 0.0444/20, value(t, energy[0], "cost_per_1k_requests_usd", 5), 1e-12)
	assert.Equal(t, value(t, energy[0], "potential_saving_usd", 0), value(t, full[0], "potential_saving_usd", 0), "a bill does not fall with the energy")
}

// A drill-down to a model must not make a dominated one the best of its kind.
func TestModelsCompareWithAllWhateverThePanelShows(t *testing.T) {
	pool := comparedCompany(t)
	frames := askIn(t, pool, november, map[string]any{"queryType": "modelComparison", "filters": map[string]any{"model": []string{"chat-5"}}})
	assert.Equal(t, []string{"chat-5"}, texts(t, frames[0], "model"))
	assert.Equal(t, []string{"Dominated"}, texts(t, frames[0], "pareto"))
	assert.Equal(t, []string{"chat-0"}, texts(t, frames[0], "better_model"))
	assert.InDelta(t, 0.111, value(t, frames[0], "potential_saving_usd", 0), 1e-12)

	// The other filters narrow the work, and so who is there to compare with: unit 1
	// uses chat-1, chat-3 and chat-5.
	frames = askIn(t, pool, november, map[string]any{"queryType": "modelComparison", "filters": map[string]any{"businessUnit": []string{"Unit 1"}}})
	assert.Equal(t, []string{"chat-5", "chat-3", "chat-1"}, texts(t, frames[0], "model"))
	assert.Equal(t, []string{"chat-3", "", ""}, texts(t, frames[0], "better_model"))
}

func TestModelComparisonInOddPortfolios(t *testing.T) {
	for _, test := range []struct {
		name, change string
		stage        string
		standings    []string
		notice       string
	}{
		{"one with an accuracy among those without", `UPDATE wattscore.model SET accuracy = NULL WHERE name <> 'chat-3'`, "production",
			[]string{"Not comparable", "Not comparable", "Alone in its class", "Not comparable", "Not comparable", "Not comparable"}, "5 of the models cannot be compared"},
		{"accuracies that name no metric", `UPDATE wattscore.model SET accuracy = 0.9, accuracy_metric = NULL`, "production",
			[]string{"Not comparable", "Not comparable", "Not comparable", "Not comparable", "Not comparable", "Not comparable"}, "6 of the models cannot be compared"},
		{"no task class", `UPDATE wattscore.model SET task_class = NULL`, "production",
			[]string{"Not comparable", "Not comparable", "Not comparable", "Not comparable", "Not comparable", "Not comparable"}, "task class"},
		{"one in production", `UPDATE wattscore.model SET stage = 'staging' WHERE name <> 'chat-5'`, "production", []string{"Alone in its class"}, ""},
		{"none in production", `UPDATE wattscore.model SET stage = 'staging'`, "production", []string{}, "None of the models used in this period is in production"},
		{"none in production, and all shown", `UPDATE wattscore.model SET stage = 'staging'`, "all",
			[]string{"Dominated", "Not comparable", "On the front", "Not comparable", "Alone in its class", "On the front"}, ""},
		{"a model that was trained and never asked", `UPDATE wattscore.event SET requests = 0 WHERE model = 'chat-0'`, "production",
			[]string{"Dominated", "Not comparable", "On the front", "Not comparable", "Alone in its class", "Not comparable"}, "energy per request is not known: chat-4, chat-2, chat-0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool := comparedCompany(t)
			warehousetest.Exec(t, pool, test.change)
			frames := askIn(t, pool, november, map[string]any{"queryType": "modelComparison", "options": map[string]any{"stage": test.stage}})
			assert.Equal(t, test.standings, texts(t, frames[0], "pareto"))
			assert.Contains(t, noticesOf(frames[0]), test.notice)
		})
	}
}

func TestModelComparisonRefusesBadOptions(t *testing.T) {
	pool := comparedCompany(t)
	for _, test := range []struct {
		fields map[string]any
		says   string
	}{
		{map[string]any{"options": map[string]any{"stage": "retired"}}, "must be one of production, all"},
		{map[string]any{"options": map[string]any{"costBasis": "free"}}, "must be one of energy, full"},
		{map[string]any{"options": map[string]any{"cost": "full"}}, "cost"},
		{map[string]any{"groupBy": []string{"model"}}, "has no group-by"},
		{map[string]any{"format": "number", "metric": "potential_saving_usd"}, "has no metric"},
		{map[string]any{"format": "time_series"}, "table, number"},
		{map[string]any{"filters": map[string]any{"model": []string{"nobody"}}}, "does not exist"},
	} {
		frames, err := ask(t, pool, "modelComparison", test.fields)
		assert.Empty(t, frames)
		assert.ErrorContains(t, err, test.says)
	}
}
