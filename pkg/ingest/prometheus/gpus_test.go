package prometheus

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func powerSeries(uuid, pod string) model.Metric {
	metric := gpuSeries(uuid, pod)
	metric[model.MetricNameLabel] = "DCGM_FI_DEV_POWER_USAGE"
	return metric
}

// TestWindowsCountWhatLiesAcrossTheirBoundaries scrapes at half past each minute, from
// 09:58:30 to 11:00:30: a window from 10:00 to 10:05 has the samples from 10:00:30 to
// 10:04:30 and with them the time from 09:59:30 on, 300 s. At 120 W these are 36 kJ,
// 0.01 kWh, and 1/12 GPU hour; a counter of 120 J/s says the same.
func TestWindowsCountWhatLiesAcrossTheirBoundaries(t *testing.T) {
	for name, test := range map[string]struct {
		metric model.Metric
		value  func(seconds float64) float64
	}{
		"power":   {powerSeries("GPU-1", "a"), func(float64) float64 { return 120 }},
		"counter": {gpuSeries("GPU-1", "a"), func(seconds float64) float64 { return 120e3 * seconds }}, // mJ
	} {
		t.Run(name, func(t *testing.T) {
			series := prometheustest.Recorded{}
			first := ten.Add(-90 * time.Second)
			for at := first; at.Before(eleven.Add(time.Minute)); at = at.Add(time.Minute) {
				series.Add(test.metric, prometheustest.Sample{At: at.UnixMilli(), Value: test.value(at.Sub(first).Seconds())})
			}
			store := &memory{}
			p := puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, ""), func(o *Options) { o.Step = 5 * time.Minute })
			pull(t, p, ten, eleven)
			for start := ten; start.Before(eleven); start = start.Add(5 * time.Minute) {
				require.Len(t, store.by(start), 1, start)
				for _, got := range store.by(start) {
					assert.InDelta(t, 0.01, got.kWh, 1e-11, start)
					assert.InDelta(t, 1./12, got.gpuHours, 1e-9, start)
				}
			}
		})
	}
}

// TestWindowsAddUpToTheIntegral scrapes the power of a GPU at any pace at which it is
// known throughout, from pods that take turns: what the windows hold is the integral by
// the trapezoid rule, and the time that it was taken over, whatever the step.
func TestWindowsAddUpToTheIntegral(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		series := prometheustest.Recorded{}
		at := ten.Add(-time.Duration(rapid.IntRange(0, 300).Draw(r, "before")) * time.Second)
		var joules, seconds, before, pause float64
		for first := true; !at.After(twelve); first = false {
			watts := float64(rapid.IntRange(0, 700).Draw(r, "watts"))
			pod := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "pod")
			series.Add(powerSeries("GPU-1", pod), prometheustest.Sample{At: at.UnixMilli(), Value: watts})
			if at.After(ten) && !first {
				joules, seconds = joules+(before+watts)/2*pause, seconds+pause
			}
			before, pause = watts, float64(rapid.IntRange(1, 300).Draw(r, "pause"))
			at = at.Add(time.Duration(pause) * time.Second)
		}
		store := &memory{}
		p := puller(t, sameAs(series), store, mappingOf(t, "read: [gpu]"), func(o *Options) {
			o.Step = rapid.SampledFrom([]time.Duration{time.Hour, 10 * time.Minute, 5 * time.Minute, time.Minute}).Draw(r, "step")
		})
		pull(t, p, ten, twelve)
		var hours float64
		for _, got := range store.by() {
			hours += got.gpuHours
		}
		// Each window is rounded to a whole nWh.
		require.InDelta(r, joules/3.6e6*float64(kpi.NanowattHours(1e12)), float64(store.nanowattHours()), 120)
		require.InDelta(r, seconds/3600, hours, 1e-9)
	})
}

// TestAGapHasNoMoreGPUHoursThanAMeasureHolds is of a counter that is scraped each minute
// but from 10:10 to 10:40: the energy is known, not who held the GPU meanwhile.
func TestAGapHasNoMoreGPUHoursThanAMeasureHolds(t *testing.T) {
	series := prometheustest.Recorded{}
	line(series, gpuSeries("GPU-1", "a"), 0, 3.6e8) // 0.1 kWh in mJ
	store := &memory{}
	fake := &prometheustest.Fake{Series: series.Without(ten.Add(10*time.Minute), ten.Add(40*time.Minute))}
	pull(t, puller(t, asking(t, fake), store, mappingOf(t, "")), ten, eleven)
	require.Len(t, store.by(), 1)
	for _, got := range store.by() {
		assert.InDelta(t, 0.1, got.kWh, 1e-9)
		assert.InDelta(t, (10+5+20)/60., got.gpuHours, 1e-9)
	}
}
