package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
