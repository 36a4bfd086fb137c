package query_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// still is a machine whose readings do not change.
type still gpu.Snapshot

func (s still) Snapshot() gpu.Snapshot { return gpu.Snapshot(s) }

// oneGPU is a machine with one GPU of 400 W, read two seconds before now.
func oneGPU(at time.Time) still {
	watts, used, drawn, hot := 400.0, int64(20<<30), int64(7_200_000), 61.0
	return still{Host: "node-1", Time: at, Devices: []gpu.Reading{{
		Identity: gpu.Identity{UUID: "GPU-1", Name: "NVIDIA H100"}, Time: at.Add(-2 * time.Second), PowerWatts: &watts,
		MemoryUsedBytes: &used, EnergyMillijoules: &drawn, EnergyMethod: gpu.MethodCounter, TemperatureC: &hot,
	}}}
}

// askGPUs asks gpuLive now, with the text of more of the query.
func askGPUs(t *testing.T, source query.Source, local query.LocalGPUs, more string) *data.Frame {
	t.Helper()
	at := time.Now()
	request, err := query.Parse(backend.DataQuery{TimeRange: backend.TimeRange{From: at.Add(-time.Hour), To: at}, MaxDataPoints: 100,
		JSON: []byte(`{"queryType":"gpuLive"` + more + `}`)}, query.Company{}, at)
	require.NoError(t, err)
	request.Local = local
	frames, err := request.Answer(t.Context(), source)
	require.NoError(t, err)
	require.Len(t, frames, 1)
	return frames[0]
}

func notices(frame *data.Frame) string {
	var all string
	for _, notice := range frame.Meta.Notices {
		all += notice.Text + "\n"
	}
	return all
}

// cell is the first row's number, or nil.
func cell(t *testing.T, frame *data.Frame, name string) *float64 {
	t.Helper()
	field, _ := frame.FieldByName(name)
	require.NotNil(t, field, name)
	number, _ := field.At(0).(*float64)
	return number
}

func TestLiveGPUsOfThisMachineArePriced(t *testing.T) {
	pool := warehousetest.Open(t)
	reader := warehouse.NewReader(pool)
	frame := askGPUs(t, reader, query.LocalGPUs{Source: oneGPU(time.Now()), Region: "us-central1"}, "")
	require.Equal(t, 1, frame.Rows())
	factors, err := reader.Factors(t.Context(), 0, kpi.Span{From: time.Now(), To: time.Now().Add(time.Second)})
	require.NoError(t, err)
	var pue, grid float64
	for _, f := range factors {
		if f.Region == "us-central1" {
			pue, grid = *f.PUE, *f.GridLocation
		}
	}
	assert.Equal(t, 400.0, value(t, frame, "power_w", 0))
	assert.InDelta(t, 0.002, value(t, frame, "energy_kwh", 0), 1e-12, "7.2 MJ are 2 Wh")
	assert.InDelta(t, 0.4*pue*grid, value(t, frame, "carbon_g_per_hour", 0), 1e-9)
	assert.Nil(t, cell(t, frame, "utilization"), "what it does not tell is null, not 0")
	assert.Equal(t, []string{"live"}, texts(t, frame, "status"))
	assert.Contains(t, notices(frame), "Read from NVML on node-1")

	series := askGPUs(t, reader, query.LocalGPUs{Source: oneGPU(time.Now())}, `,"format":"time_series","metric":"temperature"`)
	require.Len(t, series.Fields, 2)
	assert.Equal(t, "node-1", series.Fields[1].Labels["host"])
	number := askGPUs(t, reader, query.LocalGPUs{Source: oneGPU(time.Now())}, `,"format":"number","metric":"power_w"`)
	for _, field := range number.Fields {
		assert.NotEqual(t, "status", field.Name, "an alert is not another one when a reading is late")
	}
	nowhere := askGPUs(t, reader, query.LocalGPUs{Source: oneGPU(time.Now())}, "")
	assert.Nil(t, cell(t, nowhere, "cost_usd_per_hour"))
	assert.Contains(t, notices(nowhere), "Set the region")
}

func TestTheTotalOfLiveGPUsIsNullWhereAPartIsMissing(t *testing.T) {
	pool := warehousetest.Open(t)
	reader := warehouse.NewReader(pool)
	two := oneGPU(time.Now())
	cold, instance := two.Devices[0], two.Devices[0]
	watts, warm := 100.0, 40.0
	cold.UUID, cold.PowerWatts, cold.TemperatureC, cold.EnergyMillijoules = "GPU-2", &watts, &warm, nil
	instance.UUID, instance.Parent, instance.PowerWatts, instance.EnergyMillijoules = "MIG-1", "GPU-1", nil, nil
	two.Devices = append(two.Devices, cold, instance)
	total := askGPUs(t, reader, query.LocalGPUs{Source: two, Region: "us-central1"}, `,"options":{"view":"total"}`)
	require.Equal(t, 1, total.Rows())
	assert.Equal(t, 2.0, value(t, total, "gpus", 0), "an instance is a part of its GPU")
	assert.Equal(t, 500.0, value(t, total, "power_w", 0))
	assert.Equal(t, 61.0, value(t, total, "temperature", 0))
	assert.Nil(t, cell(t, total, "energy_kwh"), "of one nobody knows it")
	assert.NotNil(t, cell(t, total, "carbon_g_per_hour"))
	nowhere := askGPUs(t, reader, query.LocalGPUs{Source: two}, `,"options":{"view":"total"}`)
	assert.Nil(t, cell(t, nowhere, "cost_usd_per_hour"), "without a price, not 0")
	none := askGPUs(t, reader, query.LocalGPUs{Source: still{Problem: "nothing"}}, `,"options":{"view":"total"}`)
	assert.Zero(t, value(t, none, "gpus", 0))
	assert.Nil(t, cell(t, none, "power_w"))
}

// Three samples a minute apart, then one that is late for two minutes, and the moment.
func TestTheSeriesOfTheFleetHasItsPast(t *testing.T) {
	pool := warehousetest.Open(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	var batch warehouse.GPUBatch
	for index, uuid := range []string{"GPU-a", "GPU-b"} {
		batch.Devices = append(batch.Devices, warehouse.GPUDevice{UUID: uuid, Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", Index: index, SeenAt: now})
		for n, ago := range []time.Duration{5 * time.Minute, 4 * time.Minute, 3 * time.Minute, 5 * time.Second} {
			watts := float64(100*(index+1) + n)
			batch.Samples = append(batch.Samples, warehouse.GPUSample{UUID: uuid, Start: now.Add(-ago - 10*time.Second), Time: now.Add(-ago), Sequence: int64(n),
				Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", PowerWatts: &watts})
		}
	}
	_, err := warehouse.OpenStore(pool).WriteGPUSamples(t.Context(), batch)
	require.NoError(t, err)
	reader := warehouse.NewReader(pool)

	series := askGPUs(t, reader, query.LocalGPUs{}, `,"format":"time_series","metric":"power_w"`)
	require.Len(t, series.Fields, 3)
	assert.Equal(t, "node-1 #1", series.Fields[2].Config.DisplayNameFromDS)
	assert.NotEqual(t, series.Fields[1].Name, series.Fields[2].Name, "Grafana knows a streamed field again by its name")
	var told []string
	previous := time.Time{}
	for row := range series.Rows() {
		at := series.Fields[0].At(row).(time.Time)
		assert.True(t, at.After(previous), "in order")
		previous = at
		text := "–"
		if watts := series.Fields[2].At(row).(*float64); watts != nil {
			text = fmt.Sprint(*watts)
		}
		if len(told) == 0 || told[len(told)-1] != text {
			told = append(told, text)
		}
	}
	assert.Equal(t, []string{"–", "200", "201", "202", "–", "203"}, told, "nothing is known before the first sample, and of a minute after one")
	assert.Greater(t, series.Rows(), 80, "a quarter of an hour by ten seconds")

	priced := askGPUs(t, reader, query.LocalGPUs{}, `,"format":"time_series","metric":"carbon_g_per_hour"`)
	assert.Equal(t, series.Rows(), priced.Rows())
	assert.Equal(t, 1, askGPUs(t, reader, query.LocalGPUs{}, `,"format":"time_series","metric":"energy_kwh"`).Rows(), "since midnight, which no sample tells")
}

// A reading that is late is not drawn at any moment, the newest one included.
func TestTheSeriesOfTheFleetEndsWithItsReadings(t *testing.T) {
	pool := warehousetest.Open(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	batch := warehouse.GPUBatch{Devices: []warehouse.GPUDevice{{UUID: "GPU-a", Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", SeenAt: now}}}
	for n, ago := range []time.Duration{9 * time.Minute, 7 * time.Minute, 5 * time.Minute} {
		watts := float64(100 + n)
		batch.Samples = append(batch.Samples, warehouse.GPUSample{UUID: "GPU-a", Start: now.Add(-ago - 2*time.Minute), Time: now.Add(-ago), Sequence: int64(n),
			Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", PowerWatts: &watts})
	}
	_, err := warehouse.OpenStore(pool).WriteGPUSamples(t.Context(), batch)
	require.NoError(t, err)
	series := askGPUs(t, warehouse.NewReader(pool), query.LocalGPUs{}, `,"format":"time_series","metric":"power_w"`)
	require.Len(t, series.Fields, 2)
	for row := range series.Rows() {
		at := series.Fields[0].At(row).(time.Time)
		if ago := now.Sub(at); ago < 3*time.Minute {
			assert.Nil(t, series.Fields[1].At(row), "%s ago", ago)
		}
	}
}

// Grafana has words of its own for a frame that has times and no numbers, and shows the
// panel's for one without a field.
func TestTheSeriesOfNoGPUHasNoField(t *testing.T) {
	empty := askGPUs(t, warehouse.NewReader(warehousetest.Open(t)), query.LocalGPUs{Source: still{Problem: "it has no NVIDIA driver"}}, `,"format":"time_series","metric":"power_w"`)
	assert.Empty(t, empty.Fields)
	assert.Contains(t, notices(empty), "Run wattctl collect on each GPU host")
	text, err := data.FrameToJSON(empty, data.IncludeAll)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"fields":[]`)
	assert.Contains(t, string(text), `"values":[]`)
}

func TestLiveGPUsOfTheFleet(t *testing.T) {
	pool := warehousetest.Open(t)
	reader, store := warehouse.NewReader(pool), warehouse.OpenStore(pool)
	none := query.LocalGPUs{Source: still{Problem: "it has no NVIDIA driver"}}
	empty := askGPUs(t, reader, none, "")
	assert.Zero(t, empty.Rows())
	assert.Contains(t, notices(empty), "Run wattctl collect on each GPU host. As for this machine: it has no NVIDIA driver.")

	at := time.Now().Add(-5 * time.Second).Truncate(time.Microsecond)
	watts, energy := 300.0, int64(3_000_000)
	result, err := store.WriteGPUSamples(t.Context(), warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{{UUID: "GPU-7", Host: "node-7", Region: "us-central1", Name: "NVIDIA L4", SeenAt: at}},
		Samples: []warehouse.GPUSample{{UUID: "GPU-7", Start: at.Add(-10 * time.Second), Time: at, Host: "node-7", Region: "us-central1", Name: "NVIDIA L4",
			PowerWatts: &watts, Energy: &energy, Method: "counter"}},
	})
	require.NoError(t, err)
	require.Equal(t, 1, result.Stored)
	fleet := askGPUs(t, reader, none, "")
	require.Equal(t, 1, fleet.Rows())
	assert.Equal(t, []string{"node-7"}, texts(t, fleet, "host"))
	assert.Equal(t, 300.0, value(t, fleet, "power_w", 0))
	assert.Contains(t, notices(fleet), "Collected by agents on 1 host.")
	assert.Zero(t, askGPUs(t, reader, none, `,"filters":{"region":["europe-west4"]}`).Rows(), "it stands elsewhere")
	shared := askGPUs(t, reader, none, `,"filters":{"team":["search"]}`)
	assert.Equal(t, 1, shared.Rows())
	assert.Contains(t, notices(shared), "the filter on team leaves them all")
	both := askGPUs(t, reader, query.LocalGPUs{Source: oneGPU(time.Now())}, `,"options":{"source":"fleet"}`)
	assert.Equal(t, []string{"node-7"}, texts(t, both, "host"), "the fleet where it is asked for")
}

// A GPU that takes twice its usual energy, one that takes the same as ever, one that
// is new, and a MIG instance, which has no meter.
func TestUnusualGPUs(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx, hour := t.Context(), time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	kWh := func(amount float64) *int64 { return new(int64(amount * 1e12)) }
	var batch warehouse.GPUBatch
	device := func(uuid, parent string, index int, hours ...float64) { // the newest first, a day apart
		batch.Devices = append(batch.Devices, warehouse.GPUDevice{UUID: uuid, Host: "node-1", Region: "us-central1", Name: "NVIDIA H100", Index: index,
			Parent: parent, Accelerator: "NVIDIA H100 SXM", SeenAt: time.Now().UTC()})
		for day, energy := range hours {
			end := hour.AddDate(0, 0, -day).Add(40 * time.Minute)
			batch.Samples = append(batch.Samples, warehouse.GPUSample{UUID: uuid, Start: end.Add(-30 * time.Minute), Time: end, Sequence: int64(100 - day),
				Host: "node-1", Region: "us-central1", Name: "NVIDIA H100", Energy: kWh(energy), Method: "counter"})
		}
	}
	device("GPU-steady", "", 0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3)
	device("GPU-twice", "", 1, 0.6, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3)
	device("GPU-new", "", 2, 0.5, 0.1)
	device("MIG-1", "GPU-new", 3)
	_, err := warehouse.OpenStore(pool).WriteGPUSamples(ctx, batch)
	require.NoError(t, err)
	reader := warehouse.NewReader(pool)

	frame := askGPUs(t, reader, query.LocalGPUs{}, `,"options":{"view":"unusual"}`)
	assert.Equal(t, []string{"GPU-twice", "GPU-steady", "GPU-new"}, texts(t, frame, "uuid"), "the most unusual first")
	assert.InDelta(t, 0.3/(0.05*0.3), value(t, frame, "deviation", 0), 1e-9)
	assert.InDelta(t, 0.6, value(t, frame, "energy_hour_kwh", 0), 1e-12)
	assert.InDelta(t, 0.3, value(t, frame, "usual_kwh", 0), 1e-12)
	assert.Zero(t, value(t, frame, "deviation", 1))
	deviation, _ := frame.FieldByName("deviation")
	assert.Nil(t, deviation.At(2), "one day before tells nothing")
	assert.Contains(t, notices(frame), "Of 1 GPU it is not known yet what is usual")

	number := askGPUs(t, reader, query.LocalGPUs{}, `,"format":"number","options":{"view":"unusual"},"metric":"deviation"`)
	assert.Equal(t, 2, number.Rows(), "of a GPU without a usual there is no number")
	elsewhere := askGPUs(t, reader, query.LocalGPUs{}, `,"options":{"view":"unusual"},"filters":{"region":["europe-west4"]}`)
	assert.Zero(t, elsewhere.Rows())
	assert.Contains(t, notices(elsewhere), "wattctl collect")
}

func TestUnusualGPUsAreOfTheFleetAndHaveNoSeries(t *testing.T) {
	reader := warehouse.NewReader(warehousetest.Open(t))
	for _, more := range []string{`,"options":{"view":"unusual","source":"local"}`, `,"options":{"view":"unusual"},"format":"time_series"`, `,"options":{"view":"odd"}`} {
		at := time.Now()
		request, err := query.Parse(backend.DataQuery{TimeRange: backend.TimeRange{From: at.Add(-time.Hour), To: at}, JSON: []byte(`{"queryType":"gpuLive"` + more + `}`)},
			query.Company{}, at)
		if err == nil {
			_, err = request.Answer(t.Context(), reader)
		}
		assert.ErrorContains(t, err, "view", more)
	}
}
