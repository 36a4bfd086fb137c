package query_test

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

func TestTrainingRuns(t *testing.T) {
	pool := smallCompany(t)
	ctx := context.Background()
	// run-1 of the small company took 40 kWh in five hours across midnight of the 20th.
	start := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
	end := start.Add(5 * time.Hour)
	gpus, accuracy := 8, 0.8
	second := warehousetest.Event("second", time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC))
	second.Duration, second.Workload, second.RunID, second.Model, second.Project = 96*time.Hour, kpi.WorkloadFineTuning, "run-2", "chat-0", "project-0"
	second.Requests, second.InputTokens, second.OutputTokens, second.ITEnergy, second.GPUHours = 0, 0, 0, 96, 96
	warehousetest.Write(t, pool, now, second)
	_, err := warehouse.OpenStore(pool).UpsertTrainingRuns(ctx, []warehouse.TrainingRun{
		{ID: "run-1", Model: "chat-0", Project: "project-0", Feature: "answers", StartedAt: start, EndedAt: &end, GPUCount: &gpus, Accuracy: &accuracy, AccuracyMetric: "F1"},
		{ID: "run-3", Model: "chat-1", Project: "project-1", Feature: "answers", StartedAt: start},
		{ID: "run-0", Model: "chat-1", Project: "project-1", StartedAt: start.AddDate(0, -2, 0), EndedAt: ptrTo(end.AddDate(0, -2, 0))},
	})
	require.NoError(t, err)

	frames := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns"})
	assert.Equal(t, []string{"run-2", "run-1", "run-3"}, texts(t, frames[0], "run"), "the most energy first; one that was over before the period is left out")
	assert.InDelta(t, 96, value(t, frames[0], "energy_kwh", 0), 1e-9, "a run over the edge of the period counts whole")
	assert.InDelta(t, 40, value(t, frames[0], "energy_kwh", 1), 1e-9)
	assert.InDelta(t, 0.5, value(t, frames[0], "kwh_per_accuracy_point", 1), 1e-9, "40 kWh for 80 points")
	assert.InDelta(t, 40*1.11*0.369473, value(t, frames[0], "carbon_kg", 1), 1e-9, "PUE and grid of Iowa")
	assert.InDelta(t, 40*1.11*0.369473/1000*100, value(t, frames[0], "carbon_cost_usd", 1), 1e-9, "at 100 USD per tonne")
	assert.InDelta(t, 5, value(t, frames[0], "duration_hours", 1), 1e-9)
	for field, row := range map[string]int{"energy_kwh": 2, "duration_hours": 2, "accuracy": 0, "kwh_per_accuracy_point": 0} {
		f, _ := frames[0].FieldByName(field)
		assert.Nil(t, f.At(row), "%s of row %d is not known", field, row)
	}
	assert.Contains(t, noticesOf(frames[0]), "1 of the runs have no energy because no event names them: run-3")
	golden(t, "training_runs", frames)

	var facts float64
	require.NoError(t, pool.QueryRow(ctx, `SELECT sum(carbon_location_kg)::float8 FROM wattscore.event WHERE run_id = 'run-2'`).Scan(&facts))
	assert.InDelta(t, facts, value(t, frames[0], "carbon_kg", 0), 1e-9, "as the view prices the events")

	features := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "options": map[string]any{"view": "features"}})
	assert.Equal(t, []string{"", "answers", "answers"}, texts(t, features[0], "feature"))
	// chat-0 served 10,000 requests in November.
	assert.InDelta(t, 40*1.11*369.473/10, value(t, features[0], "carbon_g_per_1k_requests", 1), 1e-6)
	assert.InDelta(t, 40, value(t, features[0], "kwh_per_run", 1), 1e-9)
	perRun, _ := features[0].FieldByName("kwh_per_run")
	assert.Nil(t, perRun.At(0), "run-2 has not ended: there is no completed run")

	for filter, want := range map[string][]string{"project": {"run-3"}, "workload": {"run-2"}, "endpoint": {}} {
		member := map[string]string{"project": "project-1", "workload": "fine_tuning", "endpoint": "__none__"}[filter]
		frames := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "filters": map[string]any{filter: []string{member}}})
		assert.Equal(t, want, texts(t, frames[0], "run"), filter)
	}
	_, err = ask(t, pool, "trainingRuns", map[string]any{"options": map[string]any{"view": "teams"}})
	assert.ErrorContains(t, err, "must be one of runs, features")
}

func ptrTo[T any](value T) *T { return &value }
