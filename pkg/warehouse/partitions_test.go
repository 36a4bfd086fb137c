package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestTwoWritersMakeTheSameMonthAtOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx := context.Background()
	const months = "SELECT wattscore.ensure_partitions('2020-03-01Z', '2020-04-01Z')"
	first, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer first.Rollback(ctx) //nolint:errcheck // it was committed, unless the test fails
	var made int
	require.NoError(t, first.QueryRow(ctx, months).Scan(&made))
	require.Equal(t, 4, made, "two months of facts and of GPU samples")
	second := make(chan error, 1)
	madeBySecond := -1
	go func() { second <- pool.QueryRow(ctx, months).Scan(&madeBySecond) }()
	require.Eventually(t, func() bool { return waitsForALock(pool) }, time.Minute, 5*time.Millisecond)
	require.NoError(t, first.Commit(ctx))
	require.NoError(t, <-second)
	assert.Zero(t, madeBySecond)
}

func TestANewMonthDoesNotDeadlockWithAWriter(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx := context.Background()
	warehousetest.Write(t, pool, now, warehousetest.Event("first", now.Add(-time.Hour)))
	writer, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer writer.Rollback(ctx) //nolint:errcheck // it was committed, unless the test fails
	_, err = writer.Exec(ctx, "INSERT INTO wattscore.model (name) VALUES ('new')")
	require.NoError(t, err)
	month := make(chan error, 1)
	go func() {
		_, err := pool.Exec(ctx, "SELECT wattscore.ensure_partitions('2020-03-01Z', '2020-03-01Z')")
		month <- err
	}()
	require.Eventually(t, func() bool { return waitsForALock(pool) }, time.Minute, 5*time.Millisecond)
	_, err = writer.Exec(ctx, `INSERT INTO wattscore.event (event_id, ts, model, region, workload, it_energy_kwh, quality)
		VALUES (gen_random_uuid(), $1, 'new', 'FRA', 'inference', 1, 'measured')`, now)
	require.NoError(t, err)
	require.NoError(t, writer.Commit(ctx))
	require.NoError(t, <-month)
}

// A name that no key can hold would stop all rolling up.
func TestALongRunIsRefused(t *testing.T) {
	pool := warehousetest.Open(t)
	const insert = `INSERT INTO wattscore.event (event_id, ts, model, region, workload, it_energy_kwh, quality, run_id)
		VALUES (gen_random_uuid(), $1, 'm', 'FRA', 'training', 1, 'measured', repeat('r', $2))`
	for _, at := range []time.Time{now, now.AddDate(-3, 0, 0)} { // in a month of before, and in one that is made
		_, err := pool.Exec(context.Background(), insert, at, 501)
		assert.ErrorContains(t, err, "inference_energy_fact_run_id")
		_, err = pool.Exec(context.Background(), insert, at, 500)
		assert.NoError(t, err)
	}
}

// A transaction is over a moment before other sessions hear of the month that it made.
// In that moment it still has the lock by which they keep apart.
func TestARefreshAndANewMonthKeepApart(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx := context.Background()
	store := warehouse.OpenStore(pool)
	warehousetest.Write(t, pool, now, warehousetest.Event("first", now.Add(-time.Hour)))
	writer, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer writer.Rollback(ctx) //nolint:errcheck // it was committed, unless the test fails
	_, err = writer.Exec(ctx, `INSERT INTO wattscore.event (event_id, ts, model, region, workload, it_energy_kwh, quality)
		SELECT gen_random_uuid(), at, 'late', 'FRA', 'inference', 1, 'measured' FROM unnest(ARRAY['2020-03-01Z', $1]::timestamptz[]) AS at`, now)
	require.NoError(t, err)
	rolledUp, err := store.RefreshRollups(ctx)
	require.NoError(t, err)
	assert.Zero(t, rolledUp, "a month is being made")
	require.NoError(t, writer.Commit(ctx))
	warehousetest.Refresh(t, pool)
	differences, err := warehouse.NewReader(pool).VerifyRollups(ctx)
	require.NoError(t, err)
	assert.Empty(t, differences)

	warehousetest.Write(t, pool, now, warehousetest.Event("second", now.Add(-time.Hour)))
	refresh, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer refresh.Rollback(ctx)         //nolint:errcheck // it was committed, unless the test fails
	require.Eventually(t, func() bool { // transactions of other tests may be running
		var facts *int64
		require.NoError(t, refresh.QueryRow(ctx, "SELECT wattscore.refresh_rollups()").Scan(&facts))
		return facts != nil
	}, time.Minute, 5*time.Millisecond)
	month := make(chan error, 1)
	go func() {
		_, err := pool.Exec(ctx, "SELECT wattscore.ensure_partitions('2020-05-01Z', '2020-05-01Z')")
		month <- err
	}()
	require.Eventually(t, func() bool { return waitsForALock(pool) }, time.Minute, 5*time.Millisecond)
	_, err = pool.Exec(ctx, `INSERT INTO wattscore.event (event_id, ts, model, region, workload, it_energy_kwh, quality)
		VALUES (gen_random_uuid(), $1, 'another', 'FRA', 'inference', 1, 'measured')`, now)
	require.NoError(t, err, "who waits for a month holds up no other writer")
	require.NoError(t, refresh.Commit(ctx))
	require.NoError(t, <-month)
}
