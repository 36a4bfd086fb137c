package demo

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	norrfold "github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/company"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestStepsAreCutWithinTheHoursThatTheyEndIn(t *testing.T) {
	hour := stepOf(time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC))
	assert.Equal(t, hour, stepOf(endOf(hour)))
	assert.Equal(t, hour, stepOf(endOf(hour).Add(gpuStep-1)), "the step after it has not ended")
	// At 12:20 with nothing stored since 10:00: up to 12:04 by the hour, then 96 steps.
	now := hour + 2*stepsPerHour + 120
	cuts := cutSteps(hour, now)
	require.Len(t, cuts, 3+96)
	assert.Equal(t, [][2]int64{{hour + 1, hour + 359}, {hour + 360, hour + 719}, {hour + 720, now - 96}}, cuts[:3])
	next := hour + 1
	for _, cut := range cuts {
		assert.Equal(t, next, cut[0], "without a gap, and nothing twice")
		assert.Equal(t, cut[0]/stepsPerHour, cut[1]/stepsPerHour, "of one hour")
		next = cut[1] + 1
	}
	assert.Equal(t, now+1, next)
	assert.Empty(t, cutSteps(now, now))
	assert.Empty(t, cutSteps(now, now-5), "a clock that was set back takes nothing back")
	assert.Equal(t, [][2]int64{{now, now}}, cutSteps(now-1, now))
}

func TestAGPUsEnergyIsTheSumOfItsSteps(t *testing.T) {
	for number, host := range gpuHosts() {
		first := stepOf(time.Date(2026, 11, 26, 14-host.utcOffset, 0, 0, 0, time.UTC)) // two in the afternoon there
		g := demoGPU{device: host.device("NRF-1", 0), host: host, number: uint64(number)}
		whole := g.sample(first, first+stepsPerHour-1)
		require.NoError(t, whole.Validate())
		assert.Equal(t, whole, g.sample(first, first+stepsPerHour-1), "it depends on the GPU and the time alone")
		var sum int64
		for step := first; step < first+stepsPerHour; step++ {
			one := g.sample(step, step)
			sum += *one.Energy
			assert.InDelta(t, *one.PowerWatts*10/3600*1e9, float64(*one.Energy), 1, "watts × 10 s in nWh")
			assert.Less(t, *one.PowerWatts, host.limit)
			assert.Greater(t, *one.PowerWatts, host.idle)
		}
		assert.Equal(t, sum, *whole.Energy)
		assert.InDelta(t, *whole.PowerWatts*1e9, float64(sum), 1e3, "an hour's mean power is its energy")
		night := stepOf(endOf(first).Add(12 * time.Hour))
		assert.Greater(t, *whole.PowerWatts, 1.2*(*g.sample(night, night+stepsPerHour-1).PowerWatts), "business hours are busier")
	}
}

// gpuCompany is a warehouse with no more of the demo's company than its GPU hosts need:
// the factors and the inventory.
func gpuCompany(t *testing.T, now time.Time) *pgxpool.Pool {
	t.Helper()
	pool := warehousetest.Open(t)
	made := norrfold.Generate(1, now)
	made.Events = nil
	require.NoError(t, made.Load(t.Context(), warehouse.OpenStore(pool), now, nil))
	return pool
}

func askGPUs(t *testing.T, pool *pgxpool.Pool, now time.Time, more map[string]any) *data.Frame {
	t.Helper()
	more["queryType"] = "gpuLive"
	text, err := json.Marshal(more)
	require.NoError(t, err)
	frames, err := answered(t, pool, text, backend.TimeRange{From: now.Add(-15 * time.Minute), To: now})
	require.NoError(t, err)
	require.Len(t, frames, 1)
	return frames[0]
}

func column(t *testing.T, frame *data.Frame, name string) []any {
	t.Helper()
	field, _ := frame.FieldByName(name)
	require.NotNil(t, field, name)
	values := make([]any, field.Len())
	for row := range values {
		values[row], _ = field.ConcreteAt(row)
		_, known := field.ConcreteAt(row)
		assert.True(t, known, "%s of row %d", name, row)
	}
	return values
}

// stored is what the warehouse holds of the inventory, of facts and of GPUs.
func stored(t *testing.T, pool *pgxpool.Pool) (inventory, samples string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT ((SELECT count(*) FROM wattscore.hardware_asset), (SELECT count(*) FROM wattscore.hardware_event),
		(SELECT count(*) FROM wattscore.inference_energy_fact))::text, (SELECT (count(*), count(DISTINCT gpu_uuid), sum(energy_nwh))::text FROM wattscore.gpu_sample)`).
		Scan(&inventory, &samples))
	return inventory, samples
}

func TestTheDemosGPUsAreLiveAndOneIsUnusual(t *testing.T) {
	now := time.Now().UTC()
	pool := gpuCompany(t, now)
	inventory, _ := stored(t, pool)
	gpus, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	require.NoError(t, gpus.write(t.Context(), now))

	live := askGPUs(t, pool, now, map[string]any{"options": map[string]any{"source": "fleet"}})
	require.Equal(t, len(gpuHosts())*gpusPerHost, live.Rows())
	for _, name := range []string{"power_w", "utilization", "memory_used", "temperature", "cost_usd_per_hour", "carbon_g_per_hour"} {
		for row, value := range column(t, live, name) {
			assert.Positive(t, value, "%s of row %d", name, row)
		}
	}
	assert.Equal(t, []any{"live"}, slices.Compact(column(t, live, "status")))
	assert.Equal(t, []any{"nrf-demo-1", "nrf-demo-2", "nrf-demo-3"}, slices.Compact(column(t, live, "host")))

	unusual := askGPUs(t, pool, now, map[string]any{"options": map[string]any{"source": "fleet", "view": "unusual"}})
	require.Equal(t, live.Rows(), unusual.Rows())
	deviations := column(t, unusual, "deviation") // the usual of all of them is known
	assert.Equal(t, []any{"nrf-demo-2", "NVIDIA H100 80GB HBM3 #5"}, []any{column(t, unusual, "host")[0], column(t, unusual, "gpu_name")[0]})
	assert.Greater(t, deviations[0], 3.5)
	for row, deviation := range deviations[1:] {
		assert.Less(t, deviation, 2.0, "row %d", row+1)
	}

	rules := alertRules(t)
	rule := rules[slices.IndexFunc(rules, func(r alertRule) bool { return r.UID == "wattscore-gpu-anomaly" })]
	alerting := 0
	numbers := askGPUs(t, pool, now, rule.Data[0].Model)
	assert.Equal(t, live.Rows(), numbers.Rows(), "an alert a GPU")
	for row, deviation := range column(t, numbers, "deviation") {
		if deviation.(float64) > 3.5 {
			alerting++
			assert.Equal(t, []any{"nrf-demo-2", "NVIDIA H100 80GB HBM3 #5"}, []any{column(t, numbers, "host")[row], column(t, numbers, "gpu_name")[row]})
		}
	}
	assert.Equal(t, 1, alerting, "the rule's alert is of the one GPU")

	after, samples := stored(t, pool)
	assert.Equal(t, inventory, after, "the boards are the inventory's own, and samples are no facts")
	again, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	require.NoError(t, again.write(t.Context(), now))
	_, unchanged := stored(t, pool)
	assert.Equal(t, samples, unchanged, "a demo that is started again goes on where the last one ended")
	later, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	require.NoError(t, later.write(t.Context(), now.Add(2*gpuStep)))
	assert.Equal(t, slices.Collect(maps.Values(gpus.written)), slices.Repeat([]int64{stepOf(now)}, len(gpus.gpus)))
	var newer int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM wattscore.gpu_sample WHERE ts > $1", now).Scan(&newer))
	assert.Equal(t, 2*len(gpus.gpus), newer)
}

// Whenever the demo is started, and for a day from then on.
func TestOneGPUIsUnusualAtEveryHour(t *testing.T) {
	started := time.Date(2026, 11, 27, 0, 5, 0, 0, time.UTC)
	var gpus []demoGPU
	for _, host := range gpuHosts() {
		for index := range gpusPerHost {
			g := demoGPU{device: host.device("", index), host: host, number: uint64(len(gpus))}
			if host.name == runawayHost && index == runawayIndex {
				g.runaway = runawaySince(started)
			}
			gpus = append(gpus, g)
		}
	}
	for hour := range 24 {
		first := stepOf(started.Truncate(time.Hour).Add(time.Duration(hour-1) * time.Hour)) // of the last full hour
		var unusual []string
		for _, g := range gpus {
			var energies []float64
			for day := range int64(15) {
				from := first - day*24*stepsPerHour
				energies = append(energies, float64(*g.sample(from, from+stepsPerHour-1).Energy))
			}
			deviation, _ := kpi.Unusual(&energies[0], energies[1:])
			require.NotNil(t, deviation)
			if *deviation > 3.5 {
				unusual = append(unusual, g.host.name)
			} else {
				assert.InDelta(t, 0, *deviation, 2, "%s #%d at %d", g.host.name, g.device.Index, hour)
			}
		}
		assert.Equal(t, []string{runawayHost}, unusual, "at %d", hour)
	}
}

func TestTheGPUFeedGoesOnUntilItIsStoppedAndSaysWhatFails(t *testing.T) {
	now := time.Now().UTC()
	pool := gpuCompany(t, now)
	gpus, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	require.NoError(t, gpus.write(t.Context(), now))
	ticks := make(chan time.Time)
	gpus.run(t.Context(), ticks)
	ticks <- now.Add(gpuStep)
	ticks <- now.Add(gpuStep) // taken once the first is stored
	require.NoError(t, gpus.Stop())
	var newer int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM wattscore.gpu_sample WHERE ts > $1", now).Scan(&newer))
	assert.Equal(t, len(gpus.gpus), newer)

	var log bytes.Buffer
	failing, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	failing.log = &log
	pool.Close()
	failing.run(t.Context(), ticks)
	for range 3 {
		ticks <- now.Add(2 * gpuStep)
	}
	assert.ErrorContains(t, failing.Stop(), "the demo's GPUs stood still")
	assert.Equal(t, 1, strings.Count(log.String(), "tried again"), "said once, not at each try")
}
