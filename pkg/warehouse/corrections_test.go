package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

var byModel = warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, GroupBy: []kpi.Dimension{kpi.DimensionModel}}

// requireExact checks answers against the facts, and the roll-ups against both.
func requireExact(t *testing.T, pool *pgxpool.Pool, when string) {
	t.Helper()
	require.Equal(t, fromFacts(t, pool, quarter()), fromUsage(usage(t, pool, byModel)), when)
	var differences int
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT count(*) FROM wattscore.verify_rollups()").Scan(&differences))
	require.Zero(t, differences, "%s: the roll-ups differ from the facts", when)
}

func TestCorrectionsAndDeletionsReachTheRollups(t *testing.T) {
	const (
		correction = "UPDATE wattscore.event SET it_energy_kwh = it_energy_kwh * 1.5, requests = requests + 6 WHERE requests % 3 = 1"
		renaming   = "UPDATE wattscore.event SET model = 'renamed', region = 'FRA' WHERE model = 'model-1'"
		later      = "UPDATE wattscore.event SET ts = ts + interval '40 days' WHERE model = 'model-2' AND ts < '2026-10-01'"
		deletion   = "DELETE FROM wattscore.event WHERE project = 'project-2'"
		direct     = "UPDATE wattscore.inference_energy_fact SET it_energy_nwh = it_energy_nwh + 1, ts = ts + interval '31 days' WHERE ts < '2026-09-20'"
	)
	for _, rolledUpBefore := range []bool{true, false} {
		for _, rolledUpBetween := range []bool{true, false} {
			t.Run(fmt.Sprint(rolledUpBefore, rolledUpBetween), func(t *testing.T) {
				pool := warehousetest.Open(t)
				events := randomEvents(rand.New(rand.NewPCG(5, 6)), 300)
				for i := range events {
					events[i].Requests = int64(i)
				}
				warehousetest.Write(t, pool, now, events...)
				if rolledUpBefore {
					warehousetest.Refresh(t, pool)
				}
				for _, change := range []string{correction, renaming, correction, later, deletion, direct, deletion} {
					before := fromFacts(t, pool, quarter())
					warehousetest.Exec(t, pool, change)
					if change == correction || change == renaming {
						require.NotEqual(t, before, fromFacts(t, pool, quarter()), "%s changes something", change)
					}
					requireExact(t, pool, change)
					if rolledUpBetween {
						warehousetest.Refresh(t, pool)
						requireExact(t, pool, change+", rolled up")
					}
				}
				warehousetest.Refresh(t, pool)
				requireExact(t, pool, "rolled up")
				warehousetest.Exec(t, pool, "SELECT wattscore.rebuild_rollups()")
				requireExact(t, pool, "rebuilt")
			})
		}
	}
}

func TestACorrectionThatIsRolledBackChangesNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, randomEvents(rand.New(rand.NewPCG(7, 8)), 50)...)
	warehousetest.Refresh(t, pool)
	before := fromUsage(usage(t, pool, byModel))
	tx, err := pool.Begin(context.Background())
	require.NoError(t, err)
	_, err = tx.Exec(context.Background(), "DELETE FROM wattscore.event")
	require.NoError(t, err)
	assert.Equal(t, before, fromUsage(usage(t, pool, byModel)), "not committed yet")
	require.NoError(t, tx.Rollback(context.Background()))
	warehousetest.Refresh(t, pool)
	assert.Equal(t, before, fromUsage(usage(t, pool, byModel)))
	requireExact(t, pool, "rolled back")
}

func TestACorrectionKeepsWhatTheSourceGave(t *testing.T) {
	pool := warehousetest.Open(t)
	cost := kpi.USD(3)
	billed := warehousetest.Event("billed", now.Add(-time.Hour))
	billed.Cost = &cost
	warehousetest.Write(t, pool, now, billed, warehousetest.Event("derived", now.Add(-2*time.Hour)))
	warehousetest.Exec(t, pool, "UPDATE wattscore.event SET it_energy_kwh = 2 * it_energy_kwh")
	rows, err := pool.Query(context.Background(), "SELECT cost_nusd, carbon_location_ug IS NULL, it_energy_nwh FROM wattscore.inference_energy_fact ORDER BY ts DESC")
	require.NoError(t, err)
	defer rows.Close()
	var costs []*int64
	for rows.Next() {
		var cost *int64
		var derived bool
		var energy int64
		require.NoError(t, rows.Scan(&cost, &derived, &energy))
		assert.True(t, derived, "the carbon was derived and stays so")
		assert.EqualValues(t, 0.12e12, energy)
		costs = append(costs, cost)
	}
	require.NoError(t, rows.Err())
	billedCost := int64(3e9)
	assert.Equal(t, []*int64{&billedCost, nil}, costs)

	var kept int
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT count(*) FROM wattscore.fact_removal WHERE removed_by = session_user AND it_energy_nwh = 60000000000").Scan(&kept))
	assert.Equal(t, 2, kept, "an auditor can read what was there before")
	_, err = pool.Exec(context.Background(), "UPDATE wattscore.event SET business_unit = 'Search'")
	assert.ErrorContains(t, err, "of its project")
}

func TestVerifyFindsWhatIsWrongAndRebuildMendsIt(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, randomEvents(rand.New(rand.NewPCG(9, 9)), 200)...)
	warehousetest.Refresh(t, pool)
	reader, store := warehouse.NewReader(pool), warehouse.OpenStore(pool)
	differences, err := reader.VerifyRollups(context.Background())
	require.NoError(t, err)
	assert.Empty(t, differences)

	warehousetest.Exec(t, pool,
		"UPDATE wattscore.rollup_hour SET requests = requests + 5 WHERE (bucket, model_id) IN (SELECT bucket, model_id FROM wattscore.rollup_hour ORDER BY bucket LIMIT 1)",
		"DELETE FROM wattscore.rollup_month WHERE bucket = '2026-10-01Z' AND workload_id = 1")
	differences, err = reader.VerifyRollups(context.Background())
	require.NoError(t, err)
	require.NotEmpty(t, differences)
	found := map[string]warehouse.RollupDifference{}
	for _, difference := range differences {
		found[difference.Rollup] = difference
	}
	assert.Equal(t, map[string]float64{"requests": 5}, found["rollup_hour"].Excess)
	assert.Less(t, found["rollup_month"].Excess["it_energy_nwh"], 0.0, "less than the facts")
	assert.Equal(t, map[string]float64{"requests": -5}, found["rollup_site_day"].Excess, "the others are compared with the hours")
	assert.Empty(t, found["rollup_site_day"].Model)

	facts, err := store.RebuildRollups(context.Background())
	require.NoError(t, err)
	assert.Positive(t, facts)
	requireExact(t, pool, "rebuilt")
}

func TestDroppedFactsStayInTheRollups(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('Europe/Berlin', 4::smallint)")
	warehousetest.Write(t, pool, now, randomEvents(rand.New(rand.NewPCG(11, 12)), 400)...)
	dropped, err := store.DropFacts(context.Background(), time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	assert.NotContains(t, dropped, "inference_energy_fact_2026_09", "what is not rolled up yet is not dropped")
	warehousetest.Refresh(t, pool)
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE ts < '2026-09-03'")
	warehousetest.Refresh(t, pool)
	before := fromUsage(usage(t, pool, byModel))

	dropped, err = store.DropFacts(context.Background(), time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	assert.Subset(t, dropped, []string{"inference_energy_fact_2026_09", "inference_energy_fact_2026_10"})
	assert.NotContains(t, dropped, "inference_energy_fact_2026_11")
	assert.Equal(t, before, fromUsage(usage(t, pool, byModel)), "answers are the same without the facts")

	late := warehousetest.Event("late", time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC))
	result, err := store.WriteEvents(context.Background(), []warehouse.Event{late, warehousetest.Event("new", now.Add(-time.Hour))}, now)
	require.NoError(t, err)
	require.Len(t, result.Rejected, 1, "nobody could tell it from one that is counted")
	assert.ErrorContains(t, result.Rejected[0].Reason, "the facts before 2026-11-01 were dropped")
	assert.Equal(t, 1, result.Stored)
	_, err = pool.Exec(context.Background(), "SELECT wattscore.ensure_partitions('2026-09-14', '2026-09-14')")
	assert.ErrorContains(t, err, "were dropped", "whoever else writes cannot either")
	warehousetest.Refresh(t, pool)
	with := fromUsage(usage(t, pool, byModel))
	assert.Equal(t, before["assistant"].requests+1000, with["assistant"].requests, "the new one counts")
	differences, err := warehouse.NewReader(pool).VerifyRollups(context.Background())
	require.NoError(t, err)
	assert.Empty(t, differences, "what cannot be verified is not found wrong")
	_, err = store.RebuildRollups(context.Background())
	require.NoError(t, err)
	assert.Equal(t, with, fromUsage(usage(t, pool, byModel)), "rebuilding keeps what cannot be made again")
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE true")
	warehousetest.Refresh(t, pool)
	condition, err := warehouse.NewReader(pool).Inspect(context.Background())
	require.NoError(t, err)
	assert.False(t, condition.NewestEvent.IsZero(), "what the roll-ups keep is still there")
	_, err = pool.Exec(context.Background(), "SELECT wattscore.set_calendar('Asia/Tokyo', 1::smallint)")
	assert.ErrorContains(t, err, "can no longer change")
}

// TestARestoredWarehouseIsNoticedAndTakenOver stands for a dump restored on
// another server: its identity differs and its transaction ids are lower.
func TestARestoredWarehouseIsNoticedAndTakenOver(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx := context.Background()
	warehousetest.Write(t, pool, now, randomEvents(rand.New(rand.NewPCG(13, 14)), 200)...)
	warehousetest.Refresh(t, pool)
	warehousetest.Write(t, pool, now, warehousetest.Event("waiting", now.Add(-time.Hour)))
	before := fromUsage(usage(t, pool, byModel))
	const lower = 1_000_000 // the old server was this many transactions ahead
	warehousetest.Exec(t, pool,
		"ALTER TABLE wattscore.inference_energy_fact DISABLE TRIGGER USER",
		fmt.Sprint("UPDATE wattscore.inference_energy_fact SET ingest_xid = ingest_xid + ", lower),
		"ALTER TABLE wattscore.inference_energy_fact ENABLE TRIGGER USER",
		fmt.Sprint("UPDATE wattscore.rollup_state SET system_identifier = 1, next_xid = next_xid + ", lower))
	assert.Equal(t, before, fromUsage(usage(t, pool, byModel)), "answers hold before anybody notices")

	condition, err := warehouse.NewReader(pool).Inspect(ctx)
	require.NoError(t, err)
	assert.True(t, condition.Restored)
	_, err = pool.Exec(ctx, "DELETE FROM wattscore.event WHERE model = 'model-0'")
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Hint, "wattctl rollup refresh")

	// The writer of the programs takes it over and goes on.
	warehousetest.Write(t, pool, now, warehousetest.Event("after", now.Add(-time.Hour)))
	requireExact(t, pool, "one more event")
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE model = 'model-0'", "UPDATE wattscore.event SET requests = 5 WHERE model = 'model-1'")
	requireExact(t, pool, "corrections after it")
	warehousetest.Refresh(t, pool)
	requireExact(t, pool, "rolled up")
	warehousetest.Exec(t, pool, "SELECT wattscore.rebuild_rollups()")
	requireExact(t, pool, "rebuilt")
	condition, err = warehouse.NewReader(pool).Inspect(ctx)
	require.NoError(t, err)
	assert.False(t, condition.Restored)
	assert.Zero(t, condition.FactsWaiting)
}

// waitsForALock tells whether a session of the database waits for another one.
func waitsForALock(pool *pgxpool.Pool) bool {
	var waits bool
	err := pool.QueryRow(context.Background(),
		"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)").Scan(&waits)
	return err == nil && waits
}

// TestAChangeOfAnEventThatChangedMeanwhileIsRefused has two people change one event
// at once: the second waits for the first, and must not then work on what it saw.
func TestAChangeOfAnEventThatChangedMeanwhileIsRefused(t *testing.T) {
	const (
		correction = "UPDATE wattscore.event SET requests = requests + 1"
		deletion   = "DELETE FROM wattscore.event"
		direct     = "UPDATE wattscore.inference_energy_fact SET requests = requests + 1"
	)
	for _, test := range []struct {
		first, second string
		left          []int64 // the requests of the events that are there in the end
	}{
		{correction, correction, []int64{1001}},
		{correction, deletion, []int64{1001}},
		{deletion, correction, []int64{}},
		{deletion, deletion, []int64{}},
		{direct, correction, []int64{1001}},
	} {
		t.Run(test.first+", "+test.second, func(t *testing.T) {
			pool := warehousetest.Open(t)
			ctx := context.Background()
			warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-time.Hour)))
			first, err := pool.Begin(ctx)
			require.NoError(t, err)
			defer first.Rollback(ctx) //nolint:errcheck // it was committed, unless the test fails
			_, err = first.Exec(ctx, test.first)
			require.NoError(t, err)
			second := make(chan error, 1)
			go func() {
				_, err := pool.Exec(ctx, test.second)
				second <- err
			}()
			require.Eventually(t, func() bool { return waitsForALock(pool) }, time.Minute, 5*time.Millisecond)
			require.NoError(t, first.Commit(ctx))

			var refused *pgconn.PgError
			if assert.ErrorAs(t, <-second, &refused) {
				assert.Equal(t, "40001", refused.Code, refused.Message)
			}
			rows, err := pool.Query(ctx, "SELECT requests FROM wattscore.inference_energy_fact")
			require.NoError(t, err)
			left, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			require.NoError(t, err)
			assert.Equal(t, test.left, left)
			requireExact(t, pool, "afterwards")
		})
	}
}

func TestACorrectionOntoAnotherFactIsRefused(t *testing.T) {
	pool := warehousetest.Open(t)
	long := warehousetest.Event("long", now.Add(-10*time.Hour))
	long.Duration = 3 * time.Hour
	warehousetest.Write(t, pool, now, long)
	before := fromFacts(t, pool, quarter())
	// Each hour of the event would move to where the next one still is.
	_, err := pool.Exec(context.Background(), "UPDATE wattscore.event SET ts = ts + interval '1 hour'")
	var refused *pgconn.PgError
	if assert.ErrorAs(t, err, &refused) {
		assert.Equal(t, "23505", refused.Code, refused.Message)
	}
	assert.Equal(t, before, fromFacts(t, pool, quarter()))
	requireExact(t, pool, "afterwards")
}

func TestAMonthMayOutgrowABigint(t *testing.T) {
	pool := warehousetest.Open(t)
	var events []warehouse.Event
	for day := range 3 { // 12 GWh in a month of one combination
		e := warehousetest.Event("cluster", time.Date(2026, 10, 5+day, 0, 0, 0, 0, time.UTC))
		e.ITEnergy = 4e6
		events = append(events, e)
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
	october := kpi.Span{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for _, groupBy := range [][]kpi.Dimension{nil, {kpi.DimensionModel}, {kpi.DimensionProject}} {
		rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{october}, GroupBy: groupBy, Omit: warehouse.MeasureScore})
		require.Len(t, rows, 1)
		assert.Equal(t, kpi.KilowattHours(12e6), rows[0].ITEnergy, "by %v", groupBy)
	}
	requireExact(t, pool, "a month of 12 GWh")
}

func TestWhatWasTakenOutStaysOutWhenItsFileComesAgain(t *testing.T) {
	pool := warehousetest.Open(t)
	events := []warehouse.Event{warehousetest.Event("deleted", now.Add(-50*time.Hour)), warehousetest.Event("moved", now.Add(-40*time.Hour)),
		warehousetest.Event("kept", now.Add(-30*time.Hour))}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Exec(t, pool, fmt.Sprintf("DELETE FROM wattscore.event WHERE event_id = '%s'", events[0].ID),
		fmt.Sprintf("UPDATE wattscore.event SET ts = ts + interval '1 hour' WHERE event_id = '%s'", events[1].ID))
	before := fromUsage(usage(t, pool, byModel))
	again, err := warehouse.OpenStore(pool).WriteEvents(context.Background(), events, now)
	require.NoError(t, err)
	assert.Equal(t, warehouse.EventResult{Unchanged: 3}, again)
	assert.Equal(t, before, fromUsage(usage(t, pool, byModel)))
	warehousetest.Refresh(t, pool)
	requireExact(t, pool, "imported again")
}

// TestACopyThatWentItsOwnWayIsNoticed stands for a dump restored on a clone of its
// server: the identity is the same and the transaction ids are lower.
func TestACopyThatWentItsOwnWayIsNoticed(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	warehousetest.Write(t, pool, now, warehousetest.Event("before", now.Add(-3*time.Hour)))
	warehousetest.Refresh(t, pool)
	warehousetest.Exec(t, pool, "UPDATE wattscore.rollup_state SET next_xid = next_xid + 1000000",
		"ALTER TABLE wattscore.inference_energy_fact DISABLE TRIGGER USER",
		"UPDATE wattscore.inference_energy_fact SET ingest_xid = ingest_xid + 1000000",
		"ALTER TABLE wattscore.inference_energy_fact ENABLE TRIGGER USER")
	condition, err := warehouse.NewReader(pool).Inspect(context.Background())
	require.NoError(t, err)
	assert.True(t, condition.Restored)
	result, err := store.WriteEvents(context.Background(), []warehouse.Event{warehousetest.Event("after", now.Add(-2*time.Hour))}, now)
	require.NoError(t, err, "a store takes the copy over")
	assert.Equal(t, 1, result.Stored)
	warehousetest.Refresh(t, pool)
	requireExact(t, pool, "taken over")
}

func TestARefreshWithNothingToDoWritesNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-3*time.Hour)))
	warehousetest.Refresh(t, pool)
	var before, after time.Time
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT refreshed_at FROM wattscore.rollup_state").Scan(&before))
	facts, err := warehouse.OpenStore(pool).RefreshRollups(context.Background())
	require.NoError(t, err)
	assert.Zero(t, facts)
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT refreshed_at FROM wattscore.rollup_state").Scan(&after))
	assert.Equal(t, before, after, "kept answers stay good")
}
