package warehouse_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestWriteEventsTwiceChangesNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	run := warehousetest.Event("run", now.Add(-30*time.Hour))
	run.Duration, run.Workload, run.RunID = 5*time.Hour+20*time.Minute, kpi.WorkloadTraining, "run-1"
	events := []warehouse.Event{warehousetest.Event("call", now.Add(-time.Hour)), run}
	first, err := store.WriteEvents(context.Background(), events, now)
	require.NoError(t, err)
	assert.Equal(t, warehouse.EventResult{Stored: 2}, first)
	second, err := store.WriteEvents(context.Background(), events, now)
	require.NoError(t, err)
	assert.Equal(t, warehouse.EventResult{Unchanged: 2}, second)
}

func TestWritersOfTheSameEventsStoreThemOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	const writers, batches, perBatch = 4, 6, 40
	var stored, unchanged atomic.Int64
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			store := warehouse.OpenStore(pool)
			for b := range batches {
				events := make([]warehouse.Event, perBatch)
				for i := range events {
					n := i
					if w%2 == 1 { // another order
						n = perBatch - 1 - i
					}
					// Batches overlap by half, and the last two events of each are one.
					n = b*perBatch/2 + min(n, perBatch-2)
					events[i] = warehousetest.Event(fmt.Sprint("event ", n), now.Add(-time.Duration(n)*time.Minute))
				}
				result, err := store.WriteEvents(context.Background(), events, now)
				if assert.NoError(t, err) {
					stored.Add(int64(result.Stored))
					unchanged.Add(int64(result.Unchanged))
				}
			}
		})
	}
	wait.Wait()
	const distinct = (batches-1)*perBatch/2 + perBatch - 1
	assert.EqualValues(t, distinct, stored.Load())
	assert.EqualValues(t, writers*batches*perBatch-distinct, unchanged.Load())
	warehousetest.Refresh(t, pool)
	requireExact(t, pool, "written by several")
}

func TestWriteEventsSpreadsALongEventOverItsHours(t *testing.T) {
	pool := warehousetest.Open(t)
	start := time.Date(2026, 11, 3, 9, 40, 0, 0, time.UTC)
	cost := kpi.USD(1.000000001)
	run := warehousetest.Event("run", start)
	run.Duration, run.Cost, run.ITEnergy, run.Requests, run.OutputTokens = 150*time.Minute, &cost, 1.000000000001, 7, 3
	warehousetest.Write(t, pool, now, run)
	type row struct {
		TS                   time.Time
		Energy, Cost, Counts int64
	}
	rows, err := pool.Query(context.Background(), `SELECT ts, it_energy_nwh, cost_nusd, requests FROM wattscore.inference_energy_fact ORDER BY ts`)
	require.NoError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	require.NoError(t, err)
	require.Len(t, got, 4, "20 min, two full hours and 10 min")
	var sum row
	for i, r := range got {
		if i > 0 {
			assert.Zero(t, r.TS.Minute(), "a part begins at the full hour")
		}
		sum.Energy, sum.Cost, sum.Counts = sum.Energy+r.Energy, sum.Cost+r.Cost, sum.Counts+r.Counts
	}
	assert.Equal(t, row{Energy: 1_000_000_000_001, Cost: 1_000_000_001, Counts: 7}, sum, "the parts add up to the event")
	assert.InDelta(t, 1e12*20/150, float64(got[0].Energy), 2, "a part is as large as its time")
	usage := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{quarter()}})
	assert.EqualValues(t, 1, usage[0].Events, "an event of four rows is one event")
}

func TestWriteEventsRejectsWhatCannotBeTrue(t *testing.T) {
	pool := warehousetest.Open(t)
	negative, notANumber := kpi.USD(-1), kpi.KilogramsCO2e(math.NaN())
	for name, test := range map[string]struct {
		change func(*warehouse.Event)
		reason string
	}{
		"negative energy":  {func(e *warehouse.Event) { e.ITEnergy = -0.1 }, "energy -0.1 is negative"},
		"energy is NaN":    {func(e *warehouse.Event) { e.ITEnergy = kpi.KilowattHours(math.NaN()) }, "energy is not a number"},
		"energy is Inf":    {func(e *warehouse.Event) { e.ITEnergy = kpi.KilowattHours(math.Inf(1)) }, "energy is not a number"},
		"endless energy":   {func(e *warehouse.Event) { e.ITEnergy = 1e9 }, "larger than a single event"},
		"negative cost":    {func(e *warehouse.Event) { e.Cost = &negative }, "cost -1 is negative"},
		"carbon is NaN":    {func(e *warehouse.Event) { e.CarbonLocation = &notANumber }, "location-based carbon is not a number"},
		"1970":             {func(e *warehouse.Event) { e.Time = time.Unix(0, 0) }, "time 1970-01-01T00:00:00Z is before 2015"},
		"2099":             {func(e *warehouse.Event) { e.Time = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC) }, "is in the future"},
		"ends in 2099":     {func(e *warehouse.Event) { e.Duration = 200 * 24 * time.Hour }, "is in the future"},
		"unknown region":   {func(e *warehouse.Event) { e.Region = "mars-north1" }, `unknown region "mars-north1"`},
		"no region":        {func(e *warehouse.Event) { e.Region = "" }, "no region"},
		"unknown workload": {func(e *warehouse.Event) { e.Workload = "thinking" }, `unknown workload "thinking"`},
		"negative tokens":  {func(e *warehouse.Event) { e.InputTokens = -1 }, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := warehousetest.Event("bad "+name, now.Add(-time.Hour)), warehousetest.Event("good "+name, now.Add(-time.Hour))
			test.change(&bad)
			result, err := warehouse.OpenStore(pool).WriteEvents(context.Background(), []warehouse.Event{bad, good}, now)
			require.NoError(t, err)
			assert.Equal(t, 1, result.Stored, "the good event beside it goes in")
			require.Len(t, result.Rejected, 1)
			assert.Equal(t, 0, result.Rejected[0].Index)
			assert.ErrorContains(t, result.Rejected[0].Reason, test.reason)
		})
	}
}
