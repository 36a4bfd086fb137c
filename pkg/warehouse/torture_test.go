package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

const (
	// tortureVariable is how long the torture goes on, such as 5m.
	tortureVariable = "WATTSCORE_TORTURE"
	// tortureSeedVariable is a number that decides what the writers do.
	tortureSeedVariable = "WATTSCORE_TORTURE_SEED"

	tortureDuration = 15 * time.Second
	// tortureRound is the time from one kill of the server to the next.
	tortureRound = 5 * time.Second
	// tortureKills are made at least, however slow the machine is.
	tortureKills      = 2
	tortureWriters    = 4
	tortureRefreshers = 3
	tortureShared     = 4 // events that every writer corrects
	// tortureReach is how late an event may come.
	tortureReach = 2 * 365 * 24 * time.Hour
)

// TestTheWarehouseUnderTorture has writers, refreshers and a checker work on a
// warehouse while sessions are ended and the server is killed and started again.
// At every moment each roll-up and its tail must equal the facts to the last bit,
// and at the end the facts must be what was committed, no more and no less.
func TestTheWarehouseUnderTorture(t *testing.T) {
	r := prepareTorture(t)
	ledgers := r.run(t)
	if t.Failed() {
		return
	}
	r.requireNothingLost(t, union(ledgers...))
	r.requireCheckerSeesADifference(t)
}

// tally counts what happened.
type tally struct {
	committed, rolledBack, refused, corrections        atomic.Int64
	cutOff, survived                                   atomic.Int64 // transactions without an answer, and those of them that were committed
	refreshes, refreshesCutOff                         atomic.Int64
	terminatedHalfWay, cancelledHalfWay, killedHalfWay atomic.Int64
	kills, checks                                      atomic.Int64
}

func (c *tally) String() string {
	return fmt.Sprintf("%d transactions committed, %d rolled back, %d refused, %d without an answer of which %d were committed; %d corrections; "+
		"%d refreshes, %d ended, of those half way %d by termination, %d by their context, %d by a kill; %d kills of the server; %d checks",
		c.committed.Load(), c.rolledBack.Load(), c.refused.Load(), c.cutOff.Load(), c.survived.Load(), c.corrections.Load(),
		c.refreshes.Load(), c.refreshesCutOff.Load(), c.terminatedHalfWay.Load(), c.cancelledHalfWay.Load(), c.killedHalfWay.Load(),
		c.kills.Load(), c.checks.Load())
}

// torture is one run.
type torture struct {
	server   *postgres.Server
	dsn      string
	duration time.Duration
	seed     uint64
	check    string // the statement of the checker

	observer *pgxpool.Pool // looks at the facts, for anybody
	// watch looks at the sessions and never at a table of the warehouse: what holder
	// keeps waiting must not keep it waiting.
	watch, holder *pgxpool.Pool
	halfWay       sync.Mutex // one refresh is held at a time
	cancels       sync.Map   // of the refreshers' present calls, by name

	over  atomic.Bool
	fail  func(format string, arguments ...any)
	tally tally
}

// goesOn is false when the time is up or something failed.
func (r *torture) goesOn() bool { return !r.over.Load() }

// prepareTorture makes an empty warehouse on a server of its own.
func prepareTorture(t *testing.T) *torture {
	t.Helper()
	duration, seed := tortureDuration, uint64(1)
	var err error
	if text := os.Getenv(tortureVariable); text != "" {
		duration, err = time.ParseDuration(text)
		require.NoError(t, err, tortureVariable)
	}
	if text := os.Getenv(tortureSeedVariable); text != "" {
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, tortureSeedVariable)
	}
	r := &torture{server: startPrivateServer(t), duration: duration, seed: seed}
	t.Logf("%s=%d", tortureSeedVariable, seed)
	r.fail = func(format string, arguments ...any) {
		if !r.over.Swap(true) {
			t.Errorf(format, arguments...)
		}
	}
	r.dsn = r.server.DSN("postgres")
	config, err := pgx.ParseConfig(r.dsn)
	require.NoError(t, err)
	_, err = warehouse.Migrate(t.Context(), config)
	require.NoError(t, err)
	r.observer = openSessions(t, r.dsn, "observer", "", tortureWriters+1)
	r.watch, r.holder = openSession(t, r.dsn, "watch", ""), openSession(t, r.dsn, "holder", "")
	warehousetest.Exec(t, r.observer, "SELECT wattscore.set_calendar('Europe/Berlin', 4::smallint)")
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		require.NoError(t, r.observer.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&value))
		require.Equal(t, "on", value, setting)
	}
	r.check = checkStatement(t, r.observer)
	return r
}

// run lets everybody work for the duration and returns the writers' ledgers, and one
// of the shared events as they were at first.
func (r *torture) run(t *testing.T) []*ledger {
	t.Helper()
	shared, sharedLedger := r.storeShared(t)
	ledgers := []*ledger{sharedLedger}
	var everybody sync.WaitGroup
	for i := range tortureWriters {
		w := &writer{
			torture: r, pool: openSession(t, r.dsn, fmt.Sprint("writer ", i), "wattscore_writer"),
			random: rand.New(rand.NewPCG(r.seed, uint64(i))), ledger: newLedger(), shared: shared,
		}
		ledgers = append(ledgers, &w.ledger)
		everybody.Go(w.write)
	}
	for i := range tortureRefreshers {
		name := fmt.Sprint("refresher ", i)
		who := refresher{name, openSession(t, r.dsn, name, "wattscore_writer")}
		everybody.Go(func() { r.refresh(who) })
	}
	checker := openSession(t, r.dsn, "checker", "wattscore_reader")
	everybody.Go(func() { r.checkOnAndOn(checker) })
	everybody.Go(r.interrupt)
	defer everybody.Wait()
	defer r.over.Store(true)

	until := time.Now().Add(r.duration)
	for round := 0; round <= tortureKills || time.Now().Before(until); round++ {
		if round > 0 {
			r.killServer(t)
			r.requireExact(t, fmt.Sprint("after kill ", round))
		}
		for end := time.Now().Add(tortureRound); r.goesOn() && time.Now().Before(end); {
			time.Sleep(50 * time.Millisecond)
		}
		if !r.goesOn() {
			break
		}
	}
	return ledgers
}

// storeShared stores the events that every writer corrects.
func (r *torture) storeShared(t *testing.T) ([]uuid.UUID, *ledger) {
	t.Helper()
	stored := newLedger()
	for i := range tortureShared {
		e := warehousetest.Event(fmt.Sprint("shared ", i), time.Now().Add(-time.Hour))
		warehousetest.Write(t, r.observer, time.Now(), e)
		stored.enter([]change{{event: e.ID, by: amountOf(e)}})
	}
	return slices.Clone(stored.order), &stored
}

// tortureMeasures are the measures of a roll-up as an analyst would add them up
// from the facts: written anew here, so that one mistake is not made twice.
var tortureMeasures = map[string]string{
	"events":                   "count(*) FILTER (WHERE slice = 0)",
	"requests":                 "sum(requests)",
	"input_tokens":             "sum(input_tokens)",
	"output_tokens":            "sum(output_tokens)",
	"it_energy_nwh":            "sum(it_energy_nwh)",
	"measured_energy_nwh":      "coalesce(sum(it_energy_nwh) FILTER (WHERE measured), 0)",
	"cost_nusd":                "coalesce(sum(cost_nusd), 0)",
	"cost_open_nwh":            "coalesce(sum(it_energy_nwh) FILTER (WHERE cost_nusd IS NULL), 0)",
	"carbon_location_ug":       "coalesce(sum(carbon_location_ug), 0)",
	"carbon_location_open_nwh": "coalesce(sum(it_energy_nwh) FILTER (WHERE carbon_location_ug IS NULL), 0)",
	"carbon_market_ug":         "coalesce(sum(carbon_market_ug), 0)",
	"carbon_market_open_nwh":   "coalesce(sum(it_energy_nwh) FILTER (WHERE carbon_market_ug IS NULL), 0)",
	"gpu_microhours":           "sum(gpu_microhours)",
	"gpu_memory_microhours":    "sum(gpu_memory_microhours)",
	"latency_us":               "coalesce(sum(latency_us::numeric * requests), 0)",
	"latency_requests":         "coalesce(sum(requests) FILTER (WHERE latency_us IS NOT NULL), 0)",
}

// tortureBin is the bin of the latency histogram that a fact falls into.
const tortureBin = `CASE WHEN latency_us = 0 THEN -1
	ELSE ceil(ln(latency_us::double precision) / ln(1.01 / 0.99::double precision)) END`

// ofRuns is what belongs to a run: of requests there is none.
const ofRuns = "run_id IS NOT NULL AND workload_id IN (SELECT workload_id FROM wattscore.workload WHERE NOT serves_requests)"

// rollupsSQL lists the roll-ups with their keys and measures.
const rollupsSQL = `
SELECT c.relname::text, substring(c.relname FROM '[a-z]+$'),
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum = ANY (i.indkey) AND a.attname <> 'bucket'),
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum <> ALL (i.indkey))
FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'wattscore'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^rollup.*_(hour|day|month)$'
GROUP BY c.relname ORDER BY c.relname`

// checkStatement is one statement, and so of one snapshot, that compares every
// roll-up and its tail with the facts, by every key and bucket. It returns the
// cells of each roll-up that differ and shows one of them.
func checkStatement(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), rollupsSQL)
	require.NoError(t, err)
	type rollup struct {
		Name, Grain    string
		Keys, Measures []string
	}
	rollups, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rollup])
	require.NoError(t, err)
	var names, comparisons []string
	var sums, tailMeasures string
	for name, sum := range tortureMeasures {
		sums += ", " + sum + " AS " + name
		tailMeasures += ", " + name
	}
	for _, r := range rollups {
		names = append(names, r.Name)
		if len(r.Measures) == 0 { // what answered no request, by the roll-up of the same grain
			comparisons = append(comparisons, fmt.Sprintf(`
			SELECT '%[1]s' AS rollup, count(*) AS cells, min(cell::text) AS example
			FROM (SELECT bucket, %[2]s, sum(listed)
			      FROM (SELECT bucket, %[2]s, 1 AS listed FROM wattscore.%[1]s
			            UNION ALL SELECT bucket, %[2]s, -1 FROM wattscore.rollup_%[3]s WHERE requests = 0) AS sides
			      GROUP BY bucket, %[2]s HAVING sum(listed) <> 0) AS cell`, r.Name, strings.Join(r.Keys, ", "), r.Grain))
			continue
		}
		if slices.Contains(r.Keys, "objective_bin") { // whatever the objective: verify_rollups tells the breaches
			comparisons = append(comparisons, fmt.Sprintf(`
			SELECT '%[1]s' AS rollup, count(*) AS cells, min(cell::text) AS example
			FROM (SELECT bucket, model_id, sum(requests)
			      FROM (SELECT bucket, model_id, requests FROM wattscore.%[1]s
			            UNION ALL SELECT date_trunc('%[2]s', bucket, zone.name), model_id, latency_requests FROM tail, zone WHERE latency_bin IS NOT NULL
			            UNION ALL SELECT %[2]s, model_id, -requests FROM binned) AS sides
			      GROUP BY bucket, model_id HAVING sum(requests) <> 0) AS cell`, r.Name, r.Grain))
			continue
		}
		fact, tail, condition := "fact", "", ""
		wanted := r.Measures
		keys, tailKeys := strings.Join(r.Keys, ", "), strings.Join(r.Keys, ", ")
		if slices.Contains(r.Keys, "bin") {
			require.Equal(t, []string{"requests"}, r.Measures, r.Name)
			fact, tail, condition = "binned", "latency_requests", "WHERE latency_bin IS NOT NULL"
			tailKeys = strings.Replace(keys, "bin", "latency_bin", 1)
		} else {
			measures := len(tortureMeasures)
			if slices.Contains(r.Keys, "run_id") { // how many facts is a measure of these
				fact, condition, measures = "run_fact", "WHERE "+ofRuns, measures+1
			}
			require.Len(t, r.Measures, measures, "every measure of %s is checked", r.Name)
			tail = strings.Join(wanted, ", ")
		}
		var differs, summed, negative []string
		for _, measure := range wanted {
			differs = append(differs, "sum("+measure+") <> 0")
			summed = append(summed, "sum("+measure+") AS "+measure)
			negative = append(negative, "-"+measure)
		}
		comparisons = append(comparisons, fmt.Sprintf(`
			SELECT '%[1]s' AS rollup, count(*) AS cells, min(cell::text) AS example
			FROM (SELECT bucket, %[2]s, %[3]s
			      FROM (SELECT bucket, %[2]s, %[4]s FROM wattscore.%[1]s
			            UNION ALL SELECT date_trunc('%[5]s', bucket, zone.name), %[6]s, %[7]s FROM tail, zone %[8]s
			            UNION ALL SELECT %[5]s, %[2]s, %[9]s FROM %[10]s) AS sides
			      GROUP BY bucket, %[2]s HAVING %[11]s) AS cell`,
			r.Name, keys, strings.Join(summed, ", "), strings.Join(wanted, ", "), r.Grain, tailKeys, tail, condition,
			strings.Join(negative, ", "), fact, strings.Join(differs, " OR ")))
	}
	require.Subset(t, names, []string{"rollup_hour", "rollup_day", "rollup_month", "rollup_latency_hour", "rollup_breach_day", "rollup_unrequested_day", "rollup_run_day"})
	const grouped = `date_trunc('hour', ts, zone.name) AS hour, date_trunc('day', ts, zone.name) AS day, date_trunc('month', ts, zone.name) AS month,
		model_id, project_id, region_id, endpoint_id, workload_id`
	return `WITH zone AS (SELECT time_zone AS name FROM wattscore.calendar_setting
	), fact AS MATERIALIZED (
		SELECT ` + grouped + sums + ` FROM wattscore.inference_energy_fact, zone GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	), run_fact AS MATERIALIZED (
		SELECT run_id, ` + grouped + sums + `, count(*) AS facts FROM wattscore.inference_energy_fact, zone WHERE ` + ofRuns + ` GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
	), binned AS MATERIALIZED (
		SELECT ` + grouped + `, ` + tortureBin + ` AS bin, sum(requests) AS requests
		FROM wattscore.inference_energy_fact, zone WHERE latency_us IS NOT NULL AND requests > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
	), tail AS MATERIALIZED (
		SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id, latency_bin, run_id, facts` + tailMeasures + `
		FROM wattscore.fact_measure WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state)
	) SELECT * FROM (` + strings.Join(comparisons, " UNION ALL ") + `) AS compared WHERE cells > 0`
}

// asker is a pool or a transaction.
type asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// difference is a roll-up that, with its tail, is not the facts.
type difference struct {
	Rollup  string
	Cells   int64
	Example string
}

func (r *torture) differences(from asker) ([]difference, error) {
	rows, err := from.Query(context.Background(), r.check)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[difference])
}

// checkOnAndOn checks until the torture ends.
func (r *torture) checkOnAndOn(pool *pgxpool.Pool) {
	reader := warehouse.NewReader(pool)
	for turn := 0; r.goesOn(); turn++ {
		found, err := r.differences(pool)
		if err == nil && len(found) > 0 {
			r.fail("the roll-ups and their tail differ from the facts: %+v", found)
		}
		if err == nil && turn%4 == 0 {
			var wrong []warehouse.RollupDifference
			if wrong, err = reader.VerifyRollups(context.Background()); err == nil && len(wrong) > 0 {
				r.fail("verify_rollups finds %d differences, the first %+v", len(wrong), wrong[0])
			}
		}
		switch {
		case err == nil:
			r.tally.checks.Add(1)
		case !wasCutOff(err):
			r.fail("a check failed: %s", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// requireExact checks once. The sessions may have been cut off, so it tries again.
func (r *torture) requireExact(t *testing.T, when string) {
	t.Helper()
	for {
		found, err := r.differences(r.observer)
		if err != nil && wasCutOff(err) {
			continue
		}
		require.NoError(t, err, when)
		require.Empty(t, found, when)
		r.tally.checks.Add(1)
		return
	}
}

// requireNothingLost compares the warehouse at rest with all that was committed.
func (r *torture) requireNothingLost(t *testing.T, committed ledger) {
	t.Helper()
	ctx := t.Context()
	rows, err := r.observer.Query(ctx, "SELECT event_id, sum(it_energy_nwh)::bigint, sum(requests)::bigint FROM wattscore.inference_energy_fact GROUP BY 1")
	require.NoError(t, err)
	stored, total := map[uuid.UUID]amount{}, amount{}
	var event uuid.UUID
	var a amount
	_, err = pgx.ForEachRow(rows, []any{&event, &a.energy, &a.requests}, func() error {
		stored[event], total = a, total.plus(a)
		return nil
	})
	require.NoError(t, err)
	assert.Empty(t, differences(committed.events, stored), "the facts are what was committed")
	var facts, removed int64
	require.NoError(t, r.observer.QueryRow(ctx, "SELECT (SELECT count(*) FROM wattscore.inference_energy_fact), (SELECT count(*) FROM wattscore.fact_removal)").Scan(&facts, &removed))
	assert.Equal(t, committed.removed, removed, "an auditor finds each fact that was taken out, once")
	t.Logf("%s; %d events in %d facts, %d facts taken out", &r.tally, len(stored), facts, removed)

	warehousetest.Refresh(t, r.observer)
	r.requireAnswers(t, "rolled up", len(stored), total)
	warehousetest.Exec(t, r.observer, "SELECT wattscore.rebuild_rollups()")
	r.requireAnswers(t, "rebuilt", len(stored), total)
}

// requireAnswers compares all that reads the warehouse with what is stored.
func (r *torture) requireAnswers(t *testing.T, when string, events int, total amount) {
	t.Helper()
	r.requireExact(t, when)
	reader := warehouse.NewReader(r.observer)
	wrong, err := reader.VerifyRollups(t.Context())
	require.NoError(t, err)
	assert.Empty(t, wrong, when)
	condition, err := reader.Inspect(t.Context())
	require.NoError(t, err)
	assert.Zero(t, condition.FactsWaiting, when)
	var newest time.Time
	require.NoError(t, r.observer.QueryRow(t.Context(), "SELECT max(ts) FROM wattscore.inference_energy_fact").Scan(&newest))
	assert.True(t, newest.Equal(condition.NewestEvent), "%s: the newest event is of %s, not %s", when, newest, condition.NewestEvent)

	calendar, err := reader.Calendar(t.Context())
	require.NoError(t, err)
	all := warehouse.SnapToHours(kpi.Span{From: time.Now().Add(-2 * tortureReach), To: time.Now().Add(48 * time.Hour)}, calendar.Location)
	answers, _, err := reader.Usage(t.Context(), warehouse.UsageRequest{Periods: []kpi.Span{all}})
	require.NoError(t, err)
	require.Len(t, answers[0], 1, when)
	got := answers[0][0]
	assert.EqualValues(t, events, got.Events, when)
	assert.Equal(t, total.requests, got.Requests, when)
	assert.Equal(t, kpi.KilowattHours(float64(total.energy)/1e12), got.ITEnergy, when)
}

// requireCheckerSeesADifference shows that the checks above could have failed.
func (r *torture) requireCheckerSeesADifference(t *testing.T) {
	t.Helper()
	for _, tampering := range []string{
		"UPDATE wattscore.rollup_hour SET gpu_microhours = gpu_microhours + 1 WHERE ctid = (SELECT max(ctid) FROM wattscore.rollup_hour)",
		"DELETE FROM wattscore.rollup_day WHERE ctid = (SELECT max(ctid) FROM wattscore.rollup_day WHERE events > 0)",
		"UPDATE wattscore.rollup_month SET latency_us = latency_us - 1 WHERE ctid = (SELECT max(ctid) FROM wattscore.rollup_month)",
		"UPDATE wattscore.rollup_latency_hour SET requests = requests + 1 WHERE ctid = (SELECT max(ctid) FROM wattscore.rollup_latency_hour)",
		"DELETE FROM wattscore.inference_energy_fact",
		"UPDATE wattscore.rollup_state SET next_xid = 0",
	} {
		tx, err := r.observer.Begin(t.Context())
		require.NoError(t, err)
		tag, err := tx.Exec(t.Context(), tampering)
		require.NoError(t, err)
		require.Positive(t, tag.RowsAffected(), tampering)
		found, err := r.differences(tx)
		require.NoError(t, err)
		if strings.Contains(tampering, "inference_energy_fact") {
			assert.Empty(t, found, "facts that are deleted properly leave everything equal")
		} else {
			assert.NotEmpty(t, found, tampering)
		}
		require.NoError(t, tx.Rollback(t.Context()))
	}
}
