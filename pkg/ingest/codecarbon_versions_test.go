package ingest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func importCodeCarbon(t testing.TB, pool *pgxpool.Pool, name, text string) Report {
	t.Helper()
	report, err := CodeCarbon(context.Background(), warehouse.OpenStore(pool), inMemory(t, name, text), trainingInUTC, now)
	require.NoError(t, err)
	return report
}

// forget empties a warehouse of what CodeCarbon brought.
func forget(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	warehousetest.Exec(t, pool, "TRUNCATE wattscore.inference_energy_fact, wattscore.codecarbon_run")
}

// totals is what of CodeCarbon is in the warehouse: nWh, µg and microhours of GPUs.
func totals(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	return lines(t, pool, `SELECT sum(it_energy_nwh), sum(carbon_location_ug), sum(gpu_microhours) FROM wattscore.inference_energy_fact`)[0]
}

// Recorded files of every version whose columns differ; testdata/codecarbon/README.md
// says where they are from. The energy is that of the last record of each run, in nWh.
func TestCodeCarbonAsEachVersionWroteIt(t *testing.T) {
	pool := warehousetest.Open(t)
	for name, want := range map[string]struct {
		report Report
		total  string
	}{
		// 8 + 3 + 1 + 5 kWh and 8 + 1 + 1 + 8 kg in four runs without ids.
		"v1.0.0.csv": {Report{Read: 4, Stored: 4}, "(17000000000000,18000000000,0)"},
		// 0.00057442898176 kWh is 574428981.76 nWh, 0.0004490989249167 kg is 449098.92 µg, whatever columns are around.
		"v2.0.0.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		"v2.2.0.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		"v2.2.3.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		"v2.7.0.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		"v3.0.8.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		"v3.2.1.csv": {Report{Read: 1, Stored: 1}, "(574428982,449099,0)"},
		// One run, written three times: its last total is 51478735.4818382 nWh, 13327.795 µg.
		"v3.3.0-flushed.csv": {Report{Read: 3, Stored: 3}, "(51478735,13328,0)"},
		// Three tasks: 1655909259.9871 + 5199447.985955 + 11501895.9156957 nWh; a GPU for
		// 90.0036 + 0.1516 + 0.3698 s is 25001 + 42 + 103 microhours.
		"v3.3.0-tasks.csv":      {Report{Read: 3, Stored: 3}, "(1672610604,,25146)"},
		"v3.3.0-with-tasks.csv": {Report{Read: 1, Stored: 1}, "(20313776297,,25002)"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "codecarbon", name))
			require.NoError(t, err)
			forget(t, pool)
			assert.Equal(t, want.report, importCodeCarbon(t, pool, name, string(text)))
			assert.Equal(t, want.total, totals(t, pool))
			again := importCodeCarbon(t, pool, name, string(text))
			assert.Equal(t, Report{Read: want.report.Read, Unchanged: want.report.Read}, again)
		})
	}
}

// CodeCarbon 2.4.3 wrote runs without ids, flushed runs, and records without emissions.
func TestCodeCarbonOfAFlushedTrackerWithoutIDs(t *testing.T) {
	pool := warehousetest.Open(t)
	file := testdata(t, filepath.Join("codecarbon", "v2.4.3.csv"))
	report, err := CodeCarbon(context.Background(), warehouse.OpenStore(pool), file, trainingInUTC, now)
	require.NoError(t, err)
	assert.Equal(t, []string{"6: energy_consumed is empty", "7: energy_consumed is empty"}, rejected(t, file))
	assert.Equal(t, Report{Read: 9, Stored: 7, Rejected: 2}, report)
}

func readCodeCarbon(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "codecarbon", name))
	require.NoError(t, err)
	return string(text)
}

// The run's total has the energy of its tasks in it, so in either order, and again,
// what is stored is the total: 0.020313776296792 kWh.
func TestATaskCountsOnceBesideItsRun(t *testing.T) {
	pool := warehousetest.Open(t)
	tasks, run := readCodeCarbon(t, "v3.3.0-tasks.csv"), readCodeCarbon(t, "v3.3.0-with-tasks.csv")
	for name, files := range map[string][]string{"the run first": {run, tasks}, "its tasks first": {tasks, run}} {
		t.Run(name, func(t *testing.T) {
			forget(t, pool)
			for range 2 {
				for _, text := range files {
					importCodeCarbon(t, pool, "emissions.csv", text)
				}
				assert.Equal(t, []string{"(20313776297)"}, lines(t, pool, "SELECT sum(it_energy_nwh) FROM wattscore.inference_energy_fact"))
			}
		})
	}
}

// A tracker whose tasks are flushed: the clock is set back with each task, the total
// goes on, and tasks come in between.
func TestATotalGoesOnThoughATaskSetTheClockBack(t *testing.T) {
	const header, taskHeader = "timestamp,run_id,duration,energy_consumed,country_iso_code\n", "task_name,timestamp,run_id,duration,energy_consumed,country_iso_code\n"
	pool := warehousetest.Open(t)
	sum := func() string {
		return lines(t, pool, "SELECT trim_scale(sum(it_energy_nwh) / 1000000000) FROM wattscore.inference_energy_fact")[0]
	}
	importCodeCarbon(t, pool, "emissions.csv", header+"2026-03-02T08:10:00,r,600,1,FRA\n")
	assert.Equal(t, "(1000)", sum())
	importCodeCarbon(t, pool, "emissions_exp_r.csv", taskHeader+"fit,2026-03-02T08:09:00,r,300,0.6,FRA\ntest,2026-03-02T08:20:00,r,120,0.3,FRA\n")
	assert.Equal(t, "(1300)", sum(), "the first task is in the total that counted, the second is not yet")
	importCodeCarbon(t, pool, "emissions.csv", header+"2026-03-02T08:30:00,r,60,2,FRA\n")
	assert.Equal(t, "(2000)", sum(), "the total, whatever brought it")
	importCodeCarbon(t, pool, "emissions.csv", header+"2026-03-02T08:40:00,r,660,2.5,FRA\n")
	assert.Equal(t, "(2500)", sum())
}

// What follows a file reads it anew whenever it has grown. The result is that of the
// final file, in every step that a tracker appends, and in "update" mode, in which the
// newest record of a run takes the place of the last.
func TestStepsOfAFileAddUpToTheFinalFile(t *testing.T) {
	final := readCodeCarbon(t, "v3.3.0-flushed.csv")
	sample, err := os.ReadFile(filepath.Join("testdata", "codecarbon.csv"))
	require.NoError(t, err)
	pool := warehousetest.Open(t)
	whole := func(t *testing.T, text string) []string {
		forget(t, pool)
		importCodeCarbon(t, pool, "emissions.csv", text)
		all := events(t, pool)
		forget(t, pool)
		return all
	}
	for name, text := range map[string]string{"a run flushed twice": final, "many runs": string(sample)} {
		t.Run(name+", appended", func(t *testing.T) {
			want := whole(t, text)
			records := strings.SplitAfter(text, "\n")
			for end := 2; end <= len(records); end++ {
				importCodeCarbon(t, pool, "emissions.csv", strings.Join(records[:end], ""))
			}
			assert.Equal(t, want, events(t, pool), "the same events, not only the same sum")
		})
	}
	records := strings.SplitAfter(final, "\n")
	t.Run("updated in place", func(t *testing.T) {
		want := whole(t, final)
		for _, newest := range records[1:4] {
			importCodeCarbon(t, pool, "emissions.csv", records[0]+newest)
			importCodeCarbon(t, pool, "emissions.csv", records[0]+newest)
		}
		assert.Equal(t, want, events(t, pool))
	})
	t.Run("a run over two files, in either order", func(t *testing.T) {
		for _, parts := range [][]string{{records[1] + records[2], records[3]}, {records[3], records[1] + records[2]}} {
			forget(t, pool)
			for i, part := range parts {
				importCodeCarbon(t, pool, []string{"emissions.csv.bak", "emissions.csv"}[i], records[0]+part)
			}
			assert.Equal(t, "(51478735,13328,0)", totals(t, pool))
		}
	})
}

func events(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	return lines(t, pool, `SELECT ts, slice, it_energy_nwh, carbon_location_ug, gpu_microhours, run_id FROM wattscore.inference_energy_fact ORDER BY ts, slice, it_energy_nwh`)
}

// pandas reads and writes the whole file when CodeCarbon 2 appends: whole numbers get a
// fraction and the last digit moves. Records without a run are the same all the same.
func TestARecordThatPandasWroteAnewIsTheSame(t *testing.T) {
	const header = "timestamp,project_name,duration,energy_consumed,country_iso_code,gpu_count\n"
	pool := warehousetest.Open(t)
	importCodeCarbon(t, pool, "emissions.csv", header+"2026-03-02T08:10:00,p,161.20380687713623,0.00057442898176,FRA,8\n")
	again := importCodeCarbon(t, pool, "emissions.csv", header+"2026-03-02T08:10:00,p,161.20380687713624,0.0005744289817600001,FRA,8.0\n2026-03-02T08:20:00,p,60,1,FRA,\n")
	assert.Equal(t, Report{Read: 2, Stored: 1, Unchanged: 1}, again)
}

const ofTasks = "task_name,timestamp,project_name,run_id,duration,emissions,energy_consumed,country_iso_code\n"

// A task of 0.6 kWh (0.06 kg) is in its run's total of 1 kWh (0.1 kg), wherever the two
// stand: 1 kWh in all. A further task of 0.3 kWh is in the total of 1.5 kWh.
func TestTasksAndTheirRunInOneFileCountTheRunsTotal(t *testing.T) {
	const fit, run = "fit,2026-03-02T08:05:00,p,r,300,0.06,0.6,FRA\n", ",2026-03-02T08:10:00,p,r,600,0.1,1,FRA\n"
	const further, end = "test,2026-03-02T08:20:00,p,r,300,0.03,0.3,FRA\n", ",2026-03-02T08:30:00,p,r,1800,0.15,1.5,FRA\n"
	for name, files := range map[string][]string{
		"in one file":                     {fit + run},
		"the run first":                   {run + fit},
		"again":                           {fit + run, fit + run},
		"the task was counted before":     {fit, fit + run},
		"it grows":                        {fit, fit + run, fit + run + fit},
		"two equal tasks":                 {"fit,2026-03-02T08:05:00,p,r,300,0.03,0.3,FRA\nfit,2026-03-02T08:05:00,p,r,300,0.03,0.3,FRA\n" + run},
		"one of two equal was there":      {"fit,2026-03-02T08:05:00,p,r,300,0.03,0.3,FRA\n", "fit,2026-03-02T08:05:00,p,r,300,0.03,0.3,FRA\nfit,2026-03-02T08:05:00,p,r,300,0.03,0.3,FRA\n" + run},
		"in files of their own, run last": {fit, run},
	} {
		t.Run(name, func(t *testing.T) {
			pool := warehousetest.Open(t)
			for _, text := range files {
				importCodeCarbon(t, pool, "emissions.csv", ofTasks+text)
			}
			assert.Equal(t, "(1000000000000,100000000)", energyAndCarbon(t, pool))
			importCodeCarbon(t, pool, "emissions.csv", ofTasks+fit+run+further+end)
			assert.Equal(t, "(1500000000000,150000000)", energyAndCarbon(t, pool), "and what comes later")
		})
	}
}

func energyAndCarbon(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	return lines(t, pool, "SELECT sum(it_energy_nwh), sum(carbon_location_ug) FROM wattscore.inference_energy_fact")[0]
}

// The facts of a month are dropped, and what was taken off the run for its tasks stays off.
func TestDroppedFactsOfTasksAreNotCountedAgain(t *testing.T) {
	pool := warehousetest.Open(t)
	importCodeCarbon(t, pool, "emissions.csv", ofTasks+"fit,2026-03-31T23:50:00,p,r,300,0.06,0.6,FRA\n,2026-04-01T00:10:00,p,r,1800,0.1,1,FRA\n")
	require.Equal(t, "(1000000000000,100000000)", energyAndCarbon(t, pool))
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.inference_energy_fact WHERE source = 'codecarbon task'")
	require.Equal(t, "(400000000000,40000000)", energyAndCarbon(t, pool))
	importCodeCarbon(t, pool, "emissions.csv", ofTasks+",2026-04-01T00:20:00,p,r,2400,0.12,1.2,FRA\n")
	assert.Equal(t, "(600000000000,60000000)", energyAndCarbon(t, pool), "0.2 kWh and 0.02 kg more")
}

// An import read a run before another one counted a task of it: its step is refused, and
// so is the other way round.
func TestATaskAndItsRunAtOnceCountOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	key := warehouse.RunKey{RunID: "r", Project: "p"}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	task, run := warehousetest.Event("task", at), warehousetest.Event("run", at)
	task.RunID, task.Project, task.Source, task.ITEnergy = "r", "p", warehouse.SourceCodeCarbonTask, 0.6
	run.RunID, run.Project, run.Source = "r", "p", warehouse.SourceCodeCarbon
	counted := warehouse.CountedRun{StartedAt: at, ClockAt: at, Until: at.Add(time.Hour), Duration: time.Hour, ITEnergy: 1e12}
	before := map[warehouse.RunKey]warehouse.RunStep{key: {}}
	_, err := store.WriteCodeCarbon(ctx, []warehouse.Event{task}, before, now)
	require.NoError(t, err)
	_, err = store.WriteCodeCarbon(ctx, []warehouse.Event{run}, map[warehouse.RunKey]warehouse.RunStep{key: {Counted: &counted}}, now)
	require.ErrorIs(t, err, warehouse.ErrRunMoved, "the run did not know of its task")
	known, err := store.CodeCarbonRuns(ctx, []warehouse.RunKey{key})
	require.NoError(t, err)
	assert.Equal(t, kpi.NanowattHours(6e11), known[key].TasksEnergy)
	_, err = store.WriteCodeCarbon(ctx, []warehouse.Event{run}, map[warehouse.RunKey]warehouse.RunStep{key: {Known: known[key], Counted: &counted}}, now)
	require.NoError(t, err)
	other := task
	other.ID = warehousetest.Event("another", at).ID
	_, err = store.WriteCodeCarbon(ctx, []warehouse.Event{other}, before, now)
	require.ErrorIs(t, err, warehouse.ErrRunMoved, "the task did not know of its run")
	assert.Equal(t, []string{"(2)"}, lines(t, pool, "SELECT count(*) FROM wattscore.inference_energy_fact"))
}

// Many imports of a task and of its run at once, each again until nobody was in its way,
// end where one after the other would.
func TestManyImportsOfATaskAndItsRunAtOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	texts := []string{
		"fit,2026-03-02T08:05:00,p,r,300,0.06,0.6,FRA\n", ",2026-03-02T08:10:00,p,r,600,0.1,1,FRA\n",
		"fit,2026-03-02T08:05:00,p,r,300,0.06,0.6,FRA\n,2026-03-02T08:10:00,p,r,600,0.1,1,FRA\n",
	}
	errs := make(chan error)
	for _, text := range texts {
		first := inMemory(t, "emissions.csv", ofTasks+text)
		go func() {
			store := warehouse.OpenStore(pool)
			for {
				_, err := CodeCarbon(context.Background(), store, first, trainingInUTC, now)
				if !errors.Is(err, warehouse.ErrRunMoved) {
					errs <- err
					return
				}
				first.Reader = strings.NewReader(ofTasks + text)
			}
		}()
	}
	for range texts {
		assert.NoError(t, <-errs)
	}
	assert.Equal(t, "(1000000000000,100000000)", energyAndCarbon(t, pool))
}

func TestTwoImportsOfARunAtOnceCountItOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	key := warehouse.RunKey{RunID: "r", Project: "p"}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	step := warehouse.RunStep{Counted: &warehouse.CountedRun{StartedAt: at, ClockAt: at, Until: at.Add(time.Hour), Duration: time.Hour, ITEnergy: 5}}
	first := warehousetest.Event("first", at)
	_, err := store.WriteCodeCarbon(ctx, []warehouse.Event{first}, map[warehouse.RunKey]warehouse.RunStep{key: step}, now)
	require.NoError(t, err)
	second := warehousetest.Event("second", at.Add(time.Minute))
	_, err = store.WriteCodeCarbon(ctx, []warehouse.Event{second}, map[warehouse.RunKey]warehouse.RunStep{key: step}, now)
	require.ErrorIs(t, err, warehouse.ErrRunMoved)
	assert.Equal(t, []string{"(1)"}, lines(t, pool, "SELECT count(*) FROM wattscore.inference_energy_fact"), "nothing of the second is in")
	known, err := store.CodeCarbonRuns(ctx, []warehouse.RunKey{key, {RunID: "other"}})
	require.NoError(t, err)
	require.Len(t, known, 1)
	assert.Equal(t, kpi.NanowattHours(5), known[key].Counted.ITEnergy)
	_, err = store.WriteCodeCarbon(ctx, []warehouse.Event{second}, map[warehouse.RunKey]warehouse.RunStep{key: {Known: known[key], Counted: step.Counted}}, now)
	require.NoError(t, err)
}

func TestThePUEOfATrackerThatDoesNotStateIt(t *testing.T) {
	pool := warehousetest.Open(t)
	options := trainingInUTC
	options.PUE = 1.25
	_, err := CodeCarbon(context.Background(), warehouse.OpenStore(pool), inMemory(t, "emissions_exp_r.csv",
		"task_name,timestamp,run_id,duration,energy_consumed,country_iso_code\nfit,2026-03-02T08:09:00,r,300,1,FRA\n"), options, now)
	require.NoError(t, err)
	assert.Equal(t, []string{"(800000000000)"}, lines(t, pool, "SELECT sum(it_energy_nwh) FROM wattscore.inference_energy_fact"), "1 kWh / 1.25")
	options.PUE = 0.5
	_, err = CodeCarbon(context.Background(), warehouse.OpenStore(pool), inMemory(t, "x.csv", ""), options, now)
	assert.ErrorContains(t, err, "the PUE 0.5 is not between 1 and 10")
}
