package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
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

	assert.InDelta(t, 40, value(t, frames[0], "gpu_hours", 1), 1e-9, "no event says them: 8 GPUs for 5 hours")
	assert.InDelta(t, 96, value(t, frames[0], "gpu_hours", 0), 1e-9, "as the events say")
	assert.Contains(t, noticesOf(frames[0]), "1 of the runs are known by their events alone, so their end and accuracy are not: run-2")
	golden(t, "training_runs_number", askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "format": "number", "metric": "duration_hours"}))

	features := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "options": map[string]any{"view": "features"}})
	golden(t, "training_features", features)
	assert.Equal(t, []string{"", "answers", "answers"}, texts(t, features[0], "feature"))
	// chat-0 served 10,000 requests in November.
	assert.InDelta(t, 40*1.11*369.473/10, value(t, features[0], "carbon_g_per_1k_requests", 1), 1e-6)
	assert.InDelta(t, 40, value(t, features[0], "kwh_per_run", 1), 1e-9)
	perRun, _ := features[0].FieldByName("kwh_per_run")
	assert.Nil(t, perRun.At(0), "run-2 has not ended: there is no completed run")

	for filter, want := range map[string][]string{"project": {"run-3"}, "workload": {"run-2"}, "endpoint": {"run-2", "run-1"}} {
		member := map[string]string{"project": "project-1", "workload": "fine_tuning", "endpoint": "__none__"}[filter]
		frames := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "filters": map[string]any{filter: []string{member}}})
		assert.Equal(t, want, texts(t, frames[0], "run"), filter)
	}
}

// twoTrainings are two trainings of chat-0 for two features and units, of which
// only the second is better than what was there.
func twoTrainings(t *testing.T) *pgxpool.Pool {
	pool := smallCompany(t)
	var events []warehouse.Event
	var runs []warehouse.TrainingRun
	for i, accuracy := range []float64{0.80, 0.78, 0.82} {
		start := time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC).AddDate(0, i, 0)
		end := start.Add(10 * time.Hour)
		e := warehousetest.Event(fmt.Sprint("training ", i), start)
		e.Duration, e.Workload, e.RunID, e.Model, e.Project = 10*time.Hour, kpi.WorkloadTraining, fmt.Sprint("tuning-", i), "chat-0", fmt.Sprint("project-", i%2)
		e.Requests, e.InputTokens, e.OutputTokens, e.ITEnergy, e.GPUHours = 0, 0, 0, kpi.KilowattHours(10*(i+1)), 20
		events = append(events, e)
		runs = append(runs, warehouse.TrainingRun{ID: e.RunID, Model: e.Model, Project: e.Project, Feature: "tone", StartedAt: start, EndedAt: &end,
			Accuracy: &accuracy, AccuracyMetric: "F1"})
	}
	warehousetest.Write(t, pool, now, events...)
	_, err := warehouse.OpenStore(pool).UpsertTrainingRuns(context.Background(), runs)
	require.NoError(t, err)
	return pool
}

func TestTrainingRunsAgainstTheRunBefore(t *testing.T) {
	pool := twoTrainings(t)
	autumn := backend.TimeRange{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: november.To}
	frames := askIn(t, pool, autumn, map[string]any{"queryType": "trainingRuns", "filters": map[string]any{"workload": []string{"training"}}})
	assert.Equal(t, []string{"run-1", "tuning-2", "tuning-1"}, texts(t, frames[0], "run"))
	assert.InDelta(t, 30.0/4, value(t, frames[0], "kwh_per_accuracy_point_gained", 1), 1e-9, "from 0.78 to 0.82")
	gained, _ := frames[0].FieldByName("kwh_per_accuracy_point_gained")
	assert.Nil(t, gained.At(2), "0.78 is worse than the 0.80 of September, before the period")
}

func TestFeaturesOfTwoUnitsAndWhatTheirModelServed(t *testing.T) {
	pool := twoTrainings(t)
	autumn := backend.TimeRange{From: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), To: november.To}
	ask := func(filters map[string]any) *data.Frame {
		return askIn(t, pool, autumn, map[string]any{"queryType": "trainingRuns", "filters": filters, "options": map[string]any{"view": "features", "carbonPriceUsdPerTonne": 50}})[0]
	}
	frame := ask(nil)
	assert.Equal(t, []string{"", "tone", "tone"}, texts(t, frame, "feature"))
	assert.Equal(t, []string{"Unit 0", "Unit 0", "Unit 1"}, texts(t, frame, "business_unit"), "a feature of two units is two rows")
	for row, want := range []struct{ runs, energy, perRun float64 }{1: {2, 40, 20}, 2: {1, 20, 20}} {
		if row == 0 {
			continue // run-1 of the small company, of no feature
		}
		assert.Equal(t, want.runs, value(t, frame, "runs", row))
		assert.InDelta(t, want.energy, value(t, frame, "energy_kwh", row), 1e-9)
		assert.InDelta(t, want.perRun, value(t, frame, "kwh_per_run", row), 1e-9)
		carbon := want.energy * 1.11 * 0.369473
		assert.InDelta(t, carbon, value(t, frame, "carbon_kg", row), 1e-9)
		assert.InDelta(t, carbon/1000*50, value(t, frame, "carbon_cost_usd", row), 1e-9, "at the option's price")
		assert.Equal(t, 20_000.0, value(t, frame, "requests", row), "in October and November")
		assert.InDelta(t, carbon*1000/20, value(t, frame, "carbon_g_per_1k_requests", row), 1e-6)
	}
	for name, filters := range map[string]map[string]any{
		"unit": {"businessUnit": []string{"Unit 1"}}, "workload": {"workload": []string{"training"}}, "project": {"project": []string{"project-1"}},
	} {
		frame := ask(filters)
		assert.Equal(t, 20_000.0, value(t, frame, "requests", frame.Rows()-1), "a filter on the %s narrows the runs, not what the model served", name)
	}
}

func TestTrainingRunsInOddWorlds(t *testing.T) {
	pool := twoTrainings(t)
	withoutPrice := func(fields map[string]any) *data.Frame {
		body, err := json.Marshal(fields)
		require.NoError(t, err)
		request, err := query.Parse(backend.DataQuery{JSON: body, TimeRange: november}, query.Company{}, now)
		require.NoError(t, err)
		frames, err := request.Answer(context.Background(), warehouse.NewReader(pool))
		require.NoError(t, err)
		return frames[0]
	}
	frame := withoutPrice(map[string]any{"queryType": "trainingRuns"})
	cost, _ := frame.FieldByName("carbon_cost_usd")
	assert.Nil(t, cost.At(0), "without a price there is no carbon cost, not one of 0")
	assert.Contains(t, noticesOf(frame), "No internal carbon price is set")

	empty := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns", "filters": map[string]any{"model": []string{"chat-4"}}})
	assert.Zero(t, empty[0].Rows())
	assert.Contains(t, noticesOf(empty[0]), "No training run overlaps this period")

	// The model of a run in November that answered nothing in a day of it.
	day := backend.TimeRange{From: time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)}
	unused := askIn(t, pool, day, map[string]any{"queryType": "trainingRuns", "options": map[string]any{"view": "features"}})
	grams, _ := unused[0].FieldByName("carbon_g_per_1k_requests")
	require.Equal(t, 1, unused[0].Rows())
	assert.Nil(t, grams.At(0))
	assert.Zero(t, value(t, unused[0], "requests", 0))
	assert.Contains(t, noticesOf(unused[0]), "answered no requests in the period")

	// A run that ends after the query is asked has not been completed.
	ahead := askWhen(t, pool, day, day.From.Add(time.Hour), map[string]any{"queryType": "trainingRuns", "options": map[string]any{"view": "features"}})
	perRun, _ := ahead[0].FieldByName("kwh_per_run")
	assert.Nil(t, perRun.At(0))

	warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor", "SELECT wattscore.fill_factor_periods(1)")
	unpriced := askIn(t, pool, november, map[string]any{"queryType": "trainingRuns"})
	for _, field := range []string{"cost_usd", "carbon_kg", "carbon_cost_usd"} {
		f, _ := unpriced[0].FieldByName(field)
		assert.Nil(t, f.At(0), field)
	}
	assert.Contains(t, noticesOf(unpriced[0]), "Some energy of 2 of the runs has no factor")
}

func TestTrainingRunsRefuseBadOptions(t *testing.T) {
	pool := twoTrainings(t)
	for _, test := range []struct {
		fields map[string]any
		says   string
	}{
		{map[string]any{"options": map[string]any{"view": "teams"}}, "must be one of runs, features"},
		{map[string]any{"options": map[string]any{"carbonPriceUsdPerTonne": -1}}, "carbonPriceUsdPerTonne is -1"},
		{map[string]any{"options": map[string]any{"carbonPriceUsdPerTonne": "high"}}, "must not be a string"},
		{map[string]any{"options": map[string]any{"price": 1}}, "price"},
		{map[string]any{"groupBy": []string{"model"}}, "has no group-by"},
		{map[string]any{"format": "number", "metric": "kwh_per_run"}, "no kwh_per_run with these options"},
		{map[string]any{"format": "number", "metric": "duration_hours", "options": map[string]any{"view": "features"}}, "no duration_hours with these options"},
		{map[string]any{"filters": map[string]any{"region": []string{"atlantis"}}}, "does not exist"},
		{map[string]any{"factorVersion": 99}, "factor version 99"},
	} {
		frames, err := ask(t, pool, "trainingRuns", test.fields)
		assert.Empty(t, frames)
		assert.ErrorContains(t, err, test.says)
	}
}

func ptrTo[T any](value T) *T { return &value }
