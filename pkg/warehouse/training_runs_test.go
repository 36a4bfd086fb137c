package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func trainingRuns(t *testing.T, pool *pgxpool.Pool, span kpi.Span, filters kpi.Filters) []warehouse.RunUsage {
	t.Helper()
	runs, err := warehouse.NewReader(pool).TrainingRuns(context.Background(), span, filters, 0)
	require.NoError(t, err)
	return runs
}

func runIDs(runs []warehouse.RunUsage) []string {
	ids := []string{}
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	return ids
}

// trained is an event of a run, without requests.
func trained(run string, at time.Time, duration time.Duration, energy kpi.KilowattHours) warehouse.Event {
	e := warehousetest.Event(run, at)
	e.RunID, e.Workload, e.Duration, e.ITEnergy = run, kpi.WorkloadTraining, duration, energy
	e.Requests, e.InputTokens, e.OutputTokens = 0, 0, 0
	return e
}

func describe(t *testing.T, pool *pgxpool.Pool, runs ...warehouse.TrainingRun) {
	t.Helper()
	result, err := warehouse.OpenStore(pool).UpsertTrainingRuns(context.Background(), runs)
	require.NoError(t, err)
	require.Empty(t, result.Rejected)
}

// runsFromFacts is what an analyst would write: the view prices the events.
const runsFromFacts = `
SELECT run_id, sum(it_energy_kwh)::float8, sum(facility_energy_kwh)::float8, sum(cost_usd)::float8,
       sum(carbon_location_kg)::float8, sum(carbon_market_kg)::float8, sum(gpu_hours)::float8
FROM wattscore.event
WHERE run_id IS NOT NULL AND workload IN ('training', 'fine_tuning', 'evaluation')
GROUP BY 1`

// Runs of many hours, regions and workloads, some billed and measured and some
// not, across a change of the factors and the edges of the span.
func TestTrainingRunsEqualPlainSQLOverTheEvents(t *testing.T) {
	pool := warehousetest.Open(t)
	random := rand.New(rand.NewPCG(5, 6))
	events := randomEvents(random, 400)
	for i := range events {
		events[i].GPUHours = random.Float64()
		if random.IntN(3) > 0 {
			events[i].RunID = fmt.Sprint("run-", random.IntN(25))
		}
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'pue', '2026-10-15', 1.5, 'the test', 2026, 'measured', 'facility'
			FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1'`,
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'electricity_price', '2026-01-01', 0.1, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code IN ('us-central1', 'europe-west9', 'us-east-1', 'FRA')`,
		`SELECT wattscore.fill_factor_periods(1)`)

	type amounts struct{ energy, facility, cost, location, market, gpuHours float64 }
	want := map[string]amounts{}
	rows, err := pool.Query(context.Background(), runsFromFacts)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var run string
		var a amounts
		require.NoError(t, rows.Scan(&run, &a.energy, &a.facility, &a.cost, &a.location, &a.market, &a.gpuHours))
		want[run] = a
	}
	require.NoError(t, rows.Err())
	require.Len(t, want, 25)

	for _, when := range []string{"not rolled up", "rolled up"} {
		got := trainingRuns(t, pool, quarter(), nil)
		require.Len(t, got, 25)
		for i, run := range got {
			w := want[run.ID]
			for name, pair := range map[string][2]float64{
				"energy": {w.energy, float64(*run.ITEnergy)}, "facility energy": {w.facility, float64(*run.FacilityEnergy)}, "cost": {w.cost, float64(*run.Cost)},
				"location": {w.location, float64(*run.CarbonLocation)}, "market": {w.market, float64(*run.CarbonMarket)}, "GPU hours": {w.gpuHours, *run.GPUHours},
			} {
				assert.InEpsilon(t, pair[0], pair[1], 1e-12, "%s of %s, %s", name, run.ID, when)
			}
			if i > 0 {
				assert.GreaterOrEqual(t, *got[i-1].ITEnergy, *run.ITEnergy, "the most energy first")
			}
		}
		warehousetest.Refresh(t, pool)
	}
}

// TestTrainingRunsAreNeverBehind changes the events of runs that nobody described, of
// which some days are rolled up and some are not, and compares each answer with the
// events: which runs overlap a span, since when, by what model and with what energy.
func TestTrainingRunsAreNeverBehind(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('Asia/Kolkata', 4::smallint)") // its days begin at half past six in the evening, UTC
	random := rand.New(rand.NewPCG(7, 8))
	events := randomEvents(random, 300)
	for i := range events {
		if events[i].RunID = fmt.Sprint("run-", random.IntN(40)); random.IntN(3) > 0 {
			events[i].Workload = kpi.WorkloadTraining
		}
	}
	half := func(n int) time.Time { return time.Date(2026, 11, n, 3, 30, 0, 0, time.UTC) } // on the hour in India
	spans := []kpi.Span{{From: half(-60).Add(-time.Hour), To: half(19)}, {From: half(3), To: half(4)}, {From: half(5), To: half(5).Add(time.Hour)}, {From: half(6).Add(5 * time.Hour), To: half(9).Add(15 * time.Hour)}}
	type run struct {
		startedAt time.Time
		model     string
		energy    float64
	}
	check := func(when string) {
		for _, span := range spans {
			want, got := map[string]run{}, map[string]run{}
			rows, err := pool.Query(context.Background(), `
				SELECT run_id, min(ts), (array_agg(model ORDER BY ts))[1], sum(it_energy_kwh)::float8
				FROM wattscore.event
				WHERE run_id IS NOT NULL AND workload IN ('training', 'fine_tuning', 'evaluation')
				GROUP BY run_id HAVING bool_or(ts >= $1 AND ts < $2)`, span.From, span.To)
			require.NoError(t, err)
			var id string
			var r run
			_, err = pgx.ForEachRow(rows, []any{&id, &r.startedAt, &r.model, &r.energy}, func() error {
				r.startedAt = r.startedAt.UTC()
				want[id] = r
				return nil
			})
			require.NoError(t, err)
			for _, r := range trainingRuns(t, pool, span, nil) {
				got[r.ID] = run{r.StartedAt.UTC(), r.Model, float64(*r.ITEnergy)}
			}
			require.Len(t, got, len(want), "%s, %s", when, span)
			for id, w := range want {
				g := got[id]
				assert.Equal(t, []any{w.startedAt, w.model}, []any{g.startedAt, g.model}, "%s of %s, %s", id, span, when)
				assert.InEpsilon(t, w.energy, g.energy, 1e-12, "%s of %s, %s", id, span, when)
			}
		}
	}
	warehousetest.Write(t, pool, now, events[:200]...)
	check("not rolled up")
	warehousetest.Refresh(t, pool)
	check("rolled up")
	warehousetest.Write(t, pool, now, events[200:]...)
	check("with a tail")
	for _, change := range []string{
		"DELETE FROM wattscore.event WHERE event_id IN (SELECT (array_agg(event_id ORDER BY ts))[1] FROM wattscore.event GROUP BY run_id)", // each run's first
		"UPDATE wattscore.event SET it_energy_kwh = it_energy_kwh + 1, model = 'model-0' WHERE extract(minute FROM ts) < 10",
		"UPDATE wattscore.event SET ts = ts + interval '10 hours 7 minutes' WHERE ts >= '2026-11-03' AND ts < '2026-11-09'",
		"UPDATE wattscore.event SET run_id = 'run-0' WHERE run_id IN ('run-1', 'run-2')",
		"DELETE FROM wattscore.event WHERE run_id IN ('run-3', 'run-4', 'run-5')",
	} {
		warehousetest.Exec(t, pool, change)
		check(change)
		warehousetest.Refresh(t, pool)
		check("rolled up: " + change)
		differences, err := warehouse.NewReader(pool).VerifyRollups(context.Background())
		require.NoError(t, err)
		require.Empty(t, differences, change)
	}
}

func TestTrainingRunsForgetWhatWasTakenOut(t *testing.T) {
	pool := warehousetest.Open(t)
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	first := kpi.Span{From: day(5), To: day(6)}
	warehousetest.Write(t, pool, now, trained("spoken of", day(5).Add(time.Hour), 0, 1), trained("spoken of", day(8), 0, 2), trained("described", day(5), 0, 3))
	describe(t, pool, warehouse.TrainingRun{ID: "described", StartedAt: day(5)})
	warehousetest.Refresh(t, pool)
	require.Equal(t, []string{"described", "spoken of"}, runIDs(trainingRuns(t, pool, first, nil)))
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE ts < '2026-11-06'")
	for _, when := range []string{"at once", "rolled up"} {
		runs := trainingRuns(t, pool, first, nil)
		require.Equal(t, []string{"described"}, runIDs(runs), "%s: the other has nothing on that day any more", when)
		assert.Nil(t, runs[0].ITEnergy, "%s: no events is not an energy of 0", when)
		assert.Equal(t, []string{"spoken of", "described"}, runIDs(trainingRuns(t, pool, quarter(), nil)), when)
		warehousetest.Refresh(t, pool)
	}
}

func TestTrainingRunsKeepWhatWasDropped(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('America/Los_Angeles', 1::smallint)") // whose 31 October is cut by the drop
	from, cut := time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	as := func(model string, e warehouse.Event) warehouse.Event {
		e.Model, e.Project = model, model+" project"
		return e
	}
	warehousetest.Write(t, pool, now, trained("described", from, 96*time.Hour, 96), as("later in the alphabet", trained("spoken of", from, 0, 1)),
		as("early", trained("spoken of", from.Add(time.Hour), 96*time.Hour, 48)), trained("gone", from, time.Hour, 1), trained("still there", cut.Add(5*time.Hour), 0, 0.5))
	described := from.Add(96 * time.Hour)
	describe(t, pool, warehouse.TrainingRun{ID: "described", Model: "assistant", Project: "helpdesk", StartedAt: from, EndedAt: &described})
	warehousetest.Refresh(t, pool)
	spans := map[string]kpi.Span{"quarter": quarter(), "its first hours": {From: from.Add(-time.Hour), To: from.Add(6 * time.Hour)}, "the cut day, before the cut": {From: cut.Add(-3 * time.Hour), To: cut}}
	want := map[string][]string{"quarter": {"described", "spoken of", "gone", "still there"}, "its first hours": {"described", "spoken of", "gone"}, "the cut day, before the cut": {"described", "spoken of"}}
	answers := func() map[string][]warehouse.RunUsage {
		all := map[string][]warehouse.RunUsage{}
		for name, span := range spans {
			all[name] = trainingRuns(t, pool, span, nil)
			for i := range all[name] {
				all[name][i].StartedAt = all[name][i].StartedAt.UTC()
			}
			assert.Equal(t, want[name], runIDs(all[name]), name)
		}
		return all
	}
	before := answers()
	dropped, err := warehouse.OpenStore(pool).DropFacts(context.Background(), time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Contains(t, dropped, "inference_energy_fact_2026_10")
	assert.Equal(t, before, answers())
	warehousetest.Exec(t, pool, "UPDATE wattscore.event SET it_energy_kwh = it_energy_kwh + 1 WHERE run_id = 'spoken of' AND ts = '2026-11-02 00:00Z'")
	for _, when := range []string{"not rolled up", "rolled up"} {
		assert.InDelta(t, 50, float64(*answers()["quarter"][1].ITEnergy), 1e-9, when)
		warehousetest.Refresh(t, pool)
	}
}

// Havana's 1 November 2026 begins at 04:00 UTC and once more at 05:00.
func TestTrainingRunsOnADayWithTwoMidnights(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('America/Havana', 1::smallint)",
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'electricity_price', '2026-11-01', 100, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1'`,
		`SELECT wattscore.fill_factor_periods(1)`)
	first, second := time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC)
	warehousetest.Write(t, pool, now, trained("early", first.Add(10*time.Minute), 0, 1))
	var costs []kpi.USD
	for _, when := range []string{"not rolled up", "rolled up"} {
		for name, test := range map[string]struct {
			span kpi.Span
			want []string
		}{
			"the hour between the midnights": {kpi.Span{From: first, To: second}, []string{"early"}},
			"the day from its second":        {kpi.Span{From: second, To: second.Add(24 * time.Hour)}, []string{}},
			"the day before":                 {kpi.Span{From: first.Add(-24 * time.Hour), To: first}, []string{}},
			"the day":                        {kpi.Span{From: first, To: second.Add(24 * time.Hour)}, []string{"early"}},
		} {
			assert.Equal(t, test.want, runIDs(trainingRuns(t, pool, test.span, nil)), "%s, %s", name, when)
		}
		costs = append(costs, *trainingRuns(t, pool, quarter(), nil)[0].EnergyCost)
		warehousetest.Refresh(t, pool)
	}
	assert.Equal(t, costs[0], costs[1], "a run costs the same when it is rolled up")
}

func TestTrainingRunsOverlapTheSpanAndCountWhole(t *testing.T) {
	pool := warehousetest.Open(t)
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	ended := func(id string, from, to time.Time) warehouse.TrainingRun {
		return warehouse.TrainingRun{ID: id, Model: "assistant", Project: "helpdesk", StartedAt: from, EndedAt: &to}
	}
	warehousetest.Write(t, pool, now,
		trained("over both edges", day(1), 15*24*time.Hour, 360), trained("before", day(1), 24*time.Hour, 1),
		trained("events only", day(7), 48*time.Hour, 2), trained("going on", day(6), 24*time.Hour, 3), trained("after", day(12), time.Hour, 1))
	describe(t, pool, ended("over both edges", day(1), day(16)), ended("before", day(1), day(2)), ended("after", day(12), day(13)),
		ended("ends where it begins", day(3), day(5)), ended("of no time", day(5), day(5)),
		warehouse.TrainingRun{ID: "going on", StartedAt: day(6)})

	runs := trainingRuns(t, pool, kpi.Span{From: day(5), To: day(10)}, nil)
	assert.Equal(t, []string{"over both edges", "going on", "events only", "of no time"}, runIDs(runs))
	whole, goingOn, eventsOnly, without := runs[0], runs[1], runs[2], runs[3]
	assert.InDelta(t, 360, float64(*whole.ITEnergy), 1e-9, "also what it took before and after the span")
	assert.True(t, whole.Completed(now))
	assert.False(t, whole.Completed(day(15)), "its end lies ahead")
	assert.Equal(t, []any{"assistant", "helpdesk", true}, []any{goingOn.Model, goingOn.Project, goingOn.Described}, "the events say what the row does not")
	assert.False(t, goingOn.Completed(now))
	assert.Equal(t, []any{"assistant", false}, []any{eventsOnly.Model, eventsOnly.Described})
	assert.True(t, day(7).Equal(eventsOnly.StartedAt), "it began with its first event")
	assert.Nil(t, eventsOnly.EndedAt)
	assert.Nil(t, without.ITEnergy, "no events is not an energy of 0")
	assert.Nil(t, without.Cost)
	assert.Nil(t, without.CarbonLocation)
}

func TestTrainingRunsCountTrainingOnly(t *testing.T) {
	pool := warehousetest.Open(t)
	at := now.Add(-48 * time.Hour)
	served, idle, evaluated := trained("run", at, 0, 100), trained("run", at.Add(time.Hour), 0, 100), trained("run", at.Add(2*time.Hour), 0, 5)
	served.Workload, served.Requests, idle.Workload, evaluated.Workload = kpi.WorkloadInference, 10, kpi.WorkloadIdle, kpi.WorkloadEvaluation
	onlyServed := trained("no run", at.Add(3*time.Hour), 0, 7)
	onlyServed.Workload = kpi.WorkloadBatch
	warehousetest.Write(t, pool, now, served, idle, evaluated, onlyServed)
	runs := trainingRuns(t, pool, quarter(), nil)
	require.Equal(t, []string{"run"}, runIDs(runs))
	assert.InDelta(t, 5, float64(*runs[0].ITEnergy), 1e-12)
}

func TestTrainingRunsLeaveOutWhatHasNoFactor(t *testing.T) {
	pool := warehousetest.Open(t)
	at := now.Add(-48 * time.Hour)
	cost := kpi.USD(3)
	billed := trained("billed", at, 0, 2)
	billed.Cost = &cost
	// A slice without energy needs no factor; usage answers so too.
	early := trained("early", beforeAnyFactor, 0, 0)
	warehousetest.Write(t, pool, now, billed, early, trained("early", at, 0, 1))
	warehousetest.Exec(t, pool,
		"DELETE FROM wattscore.region_factor WHERE quantity = 'electricity_price'",
		"UPDATE wattscore.region_factor SET valid_from = '2020-01-01' WHERE valid_from < '2020-01-01'",
		"SELECT wattscore.fill_factor_periods(1)")
	runs := trainingRuns(t, pool, quarter(), nil)
	require.Equal(t, []string{"billed", "early"}, runIDs(runs))
	assert.Nil(t, runs[0].EnergyCost, "without a price there is no energy cost, not a cost of 0")
	assert.InDelta(t, 3, float64(*runs[0].Cost), 1e-12, "the billed cost needs no price")
	assert.Nil(t, runs[1].Cost)
	require.NotNil(t, runs[1].CarbonLocation, "all of its energy has a factor")
	assert.InDelta(t, 1.11*0.369473, float64(*runs[1].CarbonLocation), 1e-12)
}

// beforeAnyFactor is when no factor of TestTrainingRunsLeaveOutWhatHasNoFactor holds.
var beforeAnyFactor = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTrainingRunsFilters(t *testing.T) {
	pool := warehousetest.Open(t)
	at := now.Add(-72 * time.Hour)
	here, there := trained("moved", at, 0, 1), trained("moved", at.Add(time.Hour), 0, 2)
	there.Region, there.Workload = "FRA", kpi.WorkloadEvaluation
	other := trained("other", at, 0, 1)
	other.Model, other.Project, other.Endpoint = "coder", "ide", "batch-queue"
	warehousetest.Write(t, pool, now, here, there, other)
	describe(t, pool, warehouse.TrainingRun{ID: "without energy", Model: "coder", Project: "ide", StartedAt: at})
	warehousetest.Exec(t, pool, "UPDATE wattscore.project SET business_unit = 'Care', team = 'Chat' WHERE name = 'helpdesk'")
	for _, test := range []struct {
		filters kpi.Filters
		want    []string
	}{
		{nil, []string{"moved", "other", "without energy"}},
		{kpi.Filters{kpi.DimensionRegion: {"FRA"}}, []string{"moved"}},
		{kpi.Filters{kpi.DimensionRegion: {"us-central1"}}, []string{"moved", "other"}},
		{kpi.Filters{kpi.DimensionWorkload: {"evaluation"}}, []string{"moved"}},
		{kpi.Filters{kpi.DimensionWorkload: {"inference"}}, []string{}},
		{kpi.Filters{kpi.DimensionEndpoint: {"batch-queue"}}, []string{"other"}},
		{kpi.Filters{kpi.DimensionEndpoint: {kpi.None}}, []string{"moved"}},
		{kpi.Filters{kpi.DimensionModel: {"coder"}}, []string{"other", "without energy"}},
		{kpi.Filters{kpi.DimensionBusinessUnit: {"Care"}, kpi.DimensionTeam: {"Chat"}, kpi.DimensionProject: {"helpdesk", "ide"}}, []string{"moved"}},
	} {
		t.Run(fmt.Sprint(test.filters), func(t *testing.T) {
			runs := trainingRuns(t, pool, quarter(), test.filters)
			require.Equal(t, test.want, runIDs(runs))
			if len(runs) > 0 && runs[0].ID == "moved" {
				assert.InDelta(t, 3, float64(*runs[0].ITEnergy), 1e-12, "a run is kept whole")
			}
		})
	}
}

func TestTrainingRunsKnowTheAccuracyBefore(t *testing.T) {
	pool := warehousetest.Open(t)
	month := func(n int) time.Time { return time.Date(2026, time.Month(n), 1, 0, 0, 0, 0, time.UTC) }
	run := func(id, model, metric string, n int, accuracy *float64, over bool) warehouse.TrainingRun {
		r := warehouse.TrainingRun{ID: id, Model: model, Project: "helpdesk", StartedAt: month(n), Accuracy: accuracy, AccuracyMetric: metric}
		if over {
			end := month(n).Add(time.Hour)
			r.EndedAt = &end
		}
		return r
	}
	of := func(accuracy float64) *float64 { return &accuracy }
	describe(t, pool,
		run("long ago", "chat", "F1", 1, of(0.80), true), run("another metric", "chat", "EM", 8, of(0.50), true),
		run("another model", "code", "F1", 8, of(0.10), true), run("no accuracy", "chat", "F1", 9, nil, true),
		run("unnamed metric", "chat", "", 9, of(0.99), true), run("second", "chat", "F1", 10, of(0.85), true),
		run("third", "chat", "F1", 11, of(0.82), true), run("going on", "chat", "F1", 11, of(0.70), false))
	trained, evaluated := trained("third", month(11), 0, 1), trained("evaluation", month(11).Add(2*time.Hour), 0, 1)
	evaluated.Workload = kpi.WorkloadEvaluation
	warehousetest.Write(t, pool, now, trained, evaluated)
	later := run("evaluation", "chat", "F1", 11, of(0.90), false)
	over := month(11).Add(3 * time.Hour)
	later.StartedAt, later.EndedAt = month(11).Add(2*time.Hour), &over
	describe(t, pool, later)
	got := map[string]*float64{}
	for _, r := range trainingRuns(t, pool, quarter(), nil) {
		got[r.ID] = r.PreviousAccuracy
	}
	assert.Equal(t, map[string]*float64{
		"no accuracy": nil, "unnamed metric": nil, "second": of(0.80), "third": of(0.85), "going on": nil, "evaluation": nil,
	}, got, "of the same model by the same metric, also from before the span")
}
