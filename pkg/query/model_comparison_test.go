package query_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestModelComparison(t *testing.T) {
	pool := smallCompany(t)
	// chat-0 takes 0.02 kWh per 1k requests, chat-5 six times as much.
	warehousetest.Exec(t, pool,
		`UPDATE wattscore.model SET accuracy = 0.90, accuracy_metric = 'F1', parameters_billion = 7 WHERE name = 'chat-0'`,
		`UPDATE wattscore.model SET accuracy = 0.95, accuracy_metric = 'F1', parameters_billion = 70 WHERE name = 'chat-3'`,
		`UPDATE wattscore.model SET accuracy = 0.89, accuracy_metric = 'F1', parameters_billion = 40 WHERE name = 'chat-5'`,
		`UPDATE wattscore.model SET accuracy = 0.10, accuracy_metric = 'mAP' WHERE name = 'chat-1'`)
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
	require.Equal(t, 4, lines[0].Rows())
	_, err := ask(t, pool, "modelComparison", map[string]any{"options": map[string]any{"stage": "retired"}})
	assert.ErrorContains(t, err, "must be one of production, all")
}
