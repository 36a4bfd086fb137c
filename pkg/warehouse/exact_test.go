package warehouse_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// An event of three hours that comes as its hours, in amounts that no float64 holds: each
// hour counts as a row that is stored, and all as one event.
func TestHoursOfAnEventAreStoredAsTheyAre(t *testing.T) {
	ctx := context.Background()
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	began := time.Date(2026, 11, 1, 22, 30, 0, 0, time.UTC)
	now := began.Add(24 * time.Hour)
	cost := int64(1<<53 + 1)
	id := uuid.New()
	var hours []warehouse.Event
	for slice := range 3 {
		e := warehousetest.Event("", began)
		e.ID, e.Time, e.Slice = id, began.Add(time.Duration(slice)*time.Hour), slice
		e.ITEnergy = 77 // does not count
		e.Exact = &warehouse.Measures{ITEnergy: 1<<53 + 1 + int64(slice), Cost: &cost, GPUMicrohours: 3}
		hours = append(hours, e)
	}
	latency := 5 * time.Millisecond
	hours[2].Latency = &latency
	for _, want := range []warehouse.EventResult{{Stored: 2}, {Stored: 1, Unchanged: 2}, {Unchanged: 3}} {
		batch := hours
		if want.Unchanged == 0 {
			batch = hours[1:]
		}
		result, err := store.WriteEvents(ctx, batch, now)
		require.NoError(t, err)
		assert.Equal(t, want, result)
	}
	var energies, slices []int64
	var withLatency int
	require.NoError(t, pool.QueryRow(ctx, `SELECT array_agg(it_energy_nwh ORDER BY ts), array_agg(slice ORDER BY ts), count(latency_us)
		FROM wattscore.inference_energy_fact WHERE event_id = $1`, id).Scan(&energies, &slices, &withLatency))
	assert.Equal(t, []int64{1<<53 + 1, 1<<53 + 2, 1<<53 + 3}, energies)
	assert.Equal(t, []int64{0, 1, 2}, slices)
	assert.Equal(t, 1, withLatency)
	warehousetest.Refresh(t, pool)
	var events int64
	require.NoError(t, pool.QueryRow(ctx, "SELECT sum(events) FROM wattscore.rollup_hour").Scan(&events))
	assert.Equal(t, int64(1), events, "the roll-ups count the event once")
}

func TestExactAmountsThatCannotBeAreRefused(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	negative, huge := int64(-1), int64(math.MaxInt64)
	for want, change := range map[string]func(*warehouse.Event){
		"energy is negative":                            func(e *warehouse.Event) { e.Exact.ITEnergy = -1 },
		"cost is negative":                              func(e *warehouse.Event) { e.Exact.Cost = &negative },
		"location-based carbon is larger than a":        func(e *warehouse.Event) { e.Exact.CarbonLocation = &huge },
		"market-based carbon is negative":               func(e *warehouse.Event) { e.Exact.CarbonMarket = &negative },
		"GPU hours is negative":                         func(e *warehouse.Event) { e.Exact.GPUMicrohours = -1 },
		"GPU memory hours is larger than a":             func(e *warehouse.Event) { e.Exact.GPUMemoryMicrohours = huge },
		"slice -1 is not between":                       func(e *warehouse.Event) { e.Slice = -1 },
		"slice 9000 is not between":                     func(e *warehouse.Event) { e.Slice = 9000 },
		"an hour of an event is no longer than an hour": func(e *warehouse.Event) { e.Slice, e.Duration = 1, 2*time.Hour },
	} {
		e := warehousetest.Event("x", now)
		e.Exact = &warehouse.Measures{}
		require.NoError(t, e.Validate(now))
		change(&e)
		assert.ErrorContains(t, e.Validate(now.Add(3*time.Hour)), want)
	}
}

// All tables can be taken out by a login that is limited to a business unit, and none
// tells it of others.
func TestAScopedLoginExportsItsOwnUnitOnly(t *testing.T) {
	pool := warehousetest.SmallCompany(t, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	reader := warehouse.NewReader(warehousetest.ScopedTo(t, pool, "Unit 0"))
	ctx := context.Background()
	span, err := reader.ExportExtent(ctx)
	require.NoError(t, err)
	everything, err := warehouse.NewReader(pool).ExportExtent(ctx)
	require.NoError(t, err)
	for _, table := range warehouse.ExportTables() {
		rows := map[bool]int{}
		for scoped, from := range map[bool]struct {
			*warehouse.Reader
			kpi.Span
		}{true: {reader, span}, false: {warehouse.NewReader(pool), everything}} {
			days := int64(0)
			require.NoError(t, from.Export(ctx, table, from.Span, func(done int64) { days = done }, func(values []any) error {
				rows[scoped]++
				for i, value := range values {
					assert.False(t, table.Columns[i].Required && value == nil, "%s.%s", table.Name, table.Columns[i].Name)
					if text, ok := value.(string); ok && scoped {
						assert.NotContains(t, others, text, table.Name)
					}
				}
				return nil
			}), table.Name)
			if table.Timed {
				assert.Equal(t, warehouse.ExportDays(from.Span), days)
			}
		}
		if table.Timed || table.Name == "projects" || table.Name == "models" {
			assert.Greater(t, rows[true], 0, table.Name)
			assert.Less(t, rows[true], rows[false], table.Name)
		}
	}
	assert.Zero(t, warehouse.ExportDays(kpi.Span{}))
}
