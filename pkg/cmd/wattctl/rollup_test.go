package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestRollupsAreVerifiedAndRebuilt(t *testing.T) {
	c := onWarehouse(t)
	pool, err := warehouse.OpenDSN(context.Background(), c.env[dsnVariable])
	require.NoError(t, err)
	defer pool.Close()
	now := time.Now()
	month := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	old := month.AddDate(0, -4, 0)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-time.Hour)), warehousetest.Event("old", old))
	warehousetest.Refresh(t, pool)
	require.Equal(t, exitDone, c.run("rollup", "verify"), c.err)
	assert.Equal(t, "The roll-ups equal the facts.\n", c.out)

	warehousetest.Exec(t, pool, "UPDATE wattscore.rollup_month SET requests = requests + 5 WHERE bucket > now() - interval '2 months'")
	require.Equal(t, exitFailed, c.run("rollup", "verify"))
	assert.Regexp(t, `rollup_month +\S+Z +assistant · helpdesk · us-central1 · __none__ · inference +requests \+5\n`, c.out)
	assert.Contains(t, c.err, "1 buckets of the roll-ups differ from the facts. Make them again with: wattctl rollup rebuild")
	require.Equal(t, exitDone, c.run("rollup", "rebuild"), c.err)
	assert.Equal(t, "The roll-ups were made again from 2 facts.\n", c.out)
	require.Equal(t, exitDone, c.run("rollup", "verify"), c.err)

	require.Equal(t, exitDone, c.run("rollup", "watch", "--every", "0", "--keep-months", "2"), c.err)
	assert.Contains(t, c.err, "inference_energy_fact_"+old.Format("2006_01")+" was dropped; its roll-ups stay")
	require.Equal(t, exitDone, c.run("rollup", "status"), c.err)
	assert.Contains(t, c.out, "facts kept since  "+month.AddDate(0, -2, 0).Format(time.DateOnly))
	require.Equal(t, exitDone, c.run("rollup", "verify"), c.err)
	assert.Equal(t, exitUsage, c.run("rollup", "watch", "--keep-months", "-1"))
}

func TestWatchRollsUpUntilItIsStopped(t *testing.T) {
	c := onWarehouse(t)
	pool, err := warehouse.OpenDSN(context.Background(), c.env[dsnVariable])
	require.NoError(t, err)
	defer pool.Close()
	now := time.Now()
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-time.Hour)))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() { ended <- c.runIn(ctx, "rollup", "watch", "--every", "20ms") }()
	require.Eventually(t, func() bool {
		condition, err := warehouse.NewReader(pool).Inspect(context.Background())
		require.NoError(t, err)
		return condition.FactsWaiting == 0
	}, time.Minute, 20*time.Millisecond)
	stop()
	assert.Equal(t, exitDone, <-ended, "being stopped is how it is meant to end")
	assert.Contains(t, c.err, "1 facts were rolled up")
}
