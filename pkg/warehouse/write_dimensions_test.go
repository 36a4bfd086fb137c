package warehouse_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// row reads one row as PostgreSQL writes it as text.
func row(t *testing.T, pool *pgxpool.Pool, statement string, arguments ...any) string {
	t.Helper()
	rows, err := pool.Query(context.Background(), "SELECT x::text FROM ("+statement+") AS x", arguments...)
	require.NoError(t, err)
	text, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	require.NoError(t, err, statement)
	return text
}

// assertCounts checks that each item was counted once, and where.
func assertCounts(t *testing.T, stored, unchanged, rejected int, result warehouse.WriteResult) {
	t.Helper()
	assert.Equal(t, []int{stored, unchanged, rejected}, []int{result.Stored, result.Unchanged, len(result.Rejected)},
		"stored, unchanged, rejected: %v", result.Rejected)
	assert.Len(t, result.StoredItems, stored)
}

func pointer[T any](value T) *T { return &value }

func TestUpsertModelsLeavesWhatIsNotSaid(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	full := warehouse.Model{Name: "coder", Provider: "Acme", Family: "Coder", TaskClass: "chat", ParametersBillion: pointer(7.0),
		Accuracy: pointer(0.81), AccuracyMetric: "HumanEval", BusinessCriticality: pointer(80), Stage: "staging", LatencySLO: pointer(1500 * time.Millisecond)}

	result, err := store.UpsertModels(ctx, []warehouse.Model{full, {Name: "plain"}})
	require.NoError(t, err)
	assertCounts(t, 2, 0, 0, result)
	const said = `SELECT name, provider, family, task_class, parameters_billion, accuracy, accuracy_metric, business_criticality, stage, latency_slo_ms
		FROM wattscore.model WHERE name = $1`
	assert.Equal(t, "(coder,Acme,Coder,chat,7,0.81,HumanEval,80,staging,1500)", row(t, pool, said, "coder"))
	assert.Equal(t, "(plain,,,,,,,,production,)", row(t, pool, said, "plain"))

	result, err = store.UpsertModels(ctx, []warehouse.Model{full, {Name: "plain"}})
	require.NoError(t, err)
	assertCounts(t, 0, 2, 0, result)

	result, err = store.UpsertModels(ctx, []warehouse.Model{{Name: "plain"}, {Name: "coder", Accuracy: pointer(0.9)}})
	require.NoError(t, err)
	assertCounts(t, 1, 1, 0, result)
	assert.Equal(t, []int{1}, result.StoredItems)
	assert.Equal(t, "(coder,Acme,Coder,chat,7,0.9,HumanEval,80,staging,1500)", row(t, pool, said, "coder"))
}

func TestUpsertModelsRejectsWhatCannotBe(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	for reason, model := range map[string]warehouse.Model{
		"has no name":             {},
		"reserved name":           {Name: "__idle__"},
		"unknown task class":      {Name: "m", TaskClass: "chatting"},
		"unknown stage":           {Name: "m", Stage: "live"},
		"parameters is 0":         {Name: "m", ParametersBillion: pointer(0.0)},
		"parameters is not a num": {Name: "m", ParametersBillion: pointer(math.NaN())},
		"-1 is negative":          {Name: "m", ParametersBillion: pointer(-1.0)},
		"accuracy is not a num":   {Name: "m", Accuracy: pointer(math.Inf(1))},
		"not between 0 and 100":   {Name: "m", BusinessCriticality: pointer(101)},
		"not positive":            {Name: "m", LatencySLO: pointer(time.Duration(0))},
		"NUL character":           {Name: "m\x00"},
		"not valid UTF-8":         {Name: "m", Family: "\xff"},
	} {
		result, err := store.UpsertModels(context.Background(), []warehouse.Model{model, {Name: "good"}})
		require.NoError(t, err, reason)
		require.Len(t, result.Rejected, 1, reason)
		assert.Equal(t, 0, result.Rejected[0].Index)
		assert.ErrorContains(t, result.Rejected[0].Reason, reason)
		assert.Equal(t, 1, result.Stored+result.Unchanged, "the good model is written whatever its neighbour: %s", reason)
	}
}

func TestABatchThatRepeatsOrContradictsItself(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	batch := []warehouse.Project{
		{Name: "search", Team: "Retrieval"}, {Name: "search", Team: "Retrieval"}, {Name: "search", Team: "Ranking"}, {Name: "ads"},
	}
	for run, stored := range []int{2, 0} {
		result, err := store.UpsertProjects(context.Background(), batch)
		require.NoError(t, err)
		assertCounts(t, stored, 3-stored, 1, result)
		assert.Equal(t, 2, result.Rejected[0].Index, "run %d", run)
		assert.ErrorContains(t, result.Rejected[0].Reason, "an earlier entry for search says otherwise")
	}
}

func TestUpsertProjectsLeavesWhatIsNotSaid(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	_, err := store.UpsertProjects(ctx, []warehouse.Project{{Name: "search", Team: "Retrieval", BusinessUnit: "Consumer", Owner: "Ada"}})
	require.NoError(t, err)
	result, err := store.UpsertProjects(ctx, []warehouse.Project{{Name: "search", ProductLine: "Web", CostCentre: "4711", Owner: "Grace"}})
	require.NoError(t, err)
	assertCounts(t, 1, 0, 0, result)
	assert.Equal(t, "(search,Retrieval,Consumer,Web,4711,Grace)",
		row(t, pool, "SELECT name, team, business_unit, product_line, cost_centre, owner FROM wattscore.project WHERE name = 'search'"))
}

func TestUpsertTrainingRuns(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	started := now.Add(-48 * time.Hour)
	running := warehouse.TrainingRun{ID: "run-1", Model: "coder", Project: "search", StartedAt: started, GPUCount: pointer(8), GPUModel: "H100"}
	result, err := store.UpsertTrainingRuns(ctx, []warehouse.TrainingRun{
		running,
		{ID: "", StartedAt: started},
		{ID: "backwards", StartedAt: started, EndedAt: pointer(started.Add(-time.Second))},
		{ID: "too early", StartedAt: time.Unix(0, 0)},
		{ID: "no model", StartedAt: started},
	})
	require.NoError(t, err)
	assertCounts(t, 2, 0, 3, result)
	assert.ErrorContains(t, result.Rejected[0].Reason, "no id")
	assert.ErrorContains(t, result.Rejected[1].Reason, "before it starts")
	assert.ErrorContains(t, result.Rejected[2].Reason, "before 2015")

	ended := warehouse.TrainingRun{ID: "run-1", StartedAt: started, EndedAt: pointer(now), Accuracy: pointer(0.7), AccuracyMetric: "MMLU"}
	for _, stored := range []int{1, 0} {
		result, err = store.UpsertTrainingRuns(ctx, []warehouse.TrainingRun{ended})
		require.NoError(t, err)
		assertCounts(t, stored, 1-stored, 0, result)
	}
	assert.Equal(t, `(coder,search,8,H100,0.7,MMLU,t)`, row(t, pool, `SELECT m.name, p.name, r.gpu_count, r.gpu_model, r.accuracy, r.accuracy_metric,
		r.ended_at = $1 FROM wattscore.training_run r JOIN wattscore.model m USING (model_id) JOIN wattscore.project p USING (project_id)
		WHERE run_id = 'run-1'`, now))
}

func TestUpsertRegionsKeepsTheCountry(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	result, err := store.UpsertRegions(context.Background(), []warehouse.Region{
		{Code: "us-central1", Location: "Council Bluffs"},
		{Code: "us-east1", CountryCode: "FRA"},
		{Code: "moon1", CountryCode: "Moon"},
		{Code: "on-premises-paris", Location: "Paris", CountryCode: "FRA"},
		{Code: "nowhere"},
		{Code: "europe-west9"},
	})
	require.NoError(t, err)
	assertCounts(t, 3, 1, 2, result)
	assert.ErrorContains(t, result.Rejected[0].Reason, "region us-east1 lies in USA")
	assert.ErrorContains(t, result.Rejected[1].Reason, "three capital letters")
	assert.Equal(t, "(us-central1,gcp,\"Council Bluffs\",USA)",
		row(t, pool, "SELECT code, cloud, location, country_code FROM wattscore.region WHERE code = 'us-central1'"))
	assert.Equal(t, "(56.039,1.58)", row(t, pool, `SELECT grid_location, pue FROM wattscore.factor_period x JOIN wattscore.region r USING (region_id)
		WHERE r.code = 'on-premises-paris' AND valid_to = 'infinity'`), "a new region takes its country's factors at once")

	regions, err := store.Regions(context.Background())
	require.NoError(t, err)
	assert.Contains(t, regions, warehouse.Region{Code: "nowhere", Location: "nowhere"})
}
