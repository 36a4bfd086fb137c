package prometheus

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestStepsOfACounter(t *testing.T) {
	const most = 3e6 // mJ a second: 3 kW
	for _, test := range []struct {
		name          string
		before, after sample
		most          float64
		want          step
	}{
		{"it goes on", sample{0, 1000}, sample{15_000, 4000}, most, step{1000, 4000, stepOn}},
		{"it stands still", sample{0, 1000}, sample{15_000, 1000}, most, step{1000, 1000, stepOn}},
		{"the driver was loaded anew", sample{0, 126e9}, sample{15_000, 6e6}, most, step{0, 6e6, stepReset}},
		{"another scraper had an older reading, which is no reset of 35 kWh", sample{0, 126e9}, sample{2_000, 126e9 - 1000}, most, step{126e9, 126e9, stepBack}},
		{"1e14 J in a quarter of a minute", sample{0, 1e9}, sample{15_000, 1e17}, most, step{1e9, 1e17, stepBeyond}},
		{"requests have no bound", sample{0, 10}, sample{15_000, 7}, 0, step{0, 7, stepReset}},
	} {
		assert.Equal(t, test.want, next(test.before, test.after, test.most), test.name)
	}
}

func TestSamplesThatCannotBe(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 9223372036854775794, 1 << 62} {
		assert.False(t, sample{value: value}.valid(), "%g", value)
		assert.NotEmpty(t, sample{value: value}.invalid())
	}
	assert.True(t, sample{value: 1<<62 - 1024}.valid())
	assert.True(t, sample{}.valid())
}

// gpuSeries is a GPU's energy counter, of a pod.
func gpuSeries(uuid, pod string) model.Metric {
	return model.Metric{"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID": model.LabelValue(uuid), "instance": "node:9400", "namespace": "vision", "pod": model.LabelValue(pod)}
}

// TestWindowsAddUpToTheCounter scrapes a counter at any pace, over any pauses shorter
// than the lookback, from pods that take turns, with resets or none: what the windows
// hold is what the counter moved by, to the last nWh.
func TestWindowsAddUpToTheCounter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		series := prometheustest.Recorded{}
		end := twelve.Add(10 * time.Hour)
		at := ten.Add(-time.Duration(rapid.IntRange(0, 600).Draw(r, "before")) * time.Second)
		value := int64(rapid.IntRange(0, 1e12).Draw(r, "start"))
		var want kpi.NanowattHours
		pods := rapid.IntRange(1, 3).Draw(r, "pods")
		for !at.After(end) {
			pod := rapid.SampledFrom([]string{"a", "b", "c"}[:pods]).Draw(r, "pod")
			series.Add(gpuSeries("GPU-1", pod), prometheustest.Sample{At: at.UnixMilli(), Value: float64(value)})
			seconds := rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(60, 3600), rapid.IntRange(3600, 5*3600)).Draw(r, "pause")
			at = at.Add(time.Duration(seconds) * time.Second)
			moved := int64(rapid.IntRange(0, seconds*700_000).Draw(r, "energy"))
			before := value
			if value += moved; rapid.IntRange(0, 9).Draw(r, "reset") == 0 && before > 4_000_000*int64(seconds) {
				before, value = 0, moved // since the driver was loaded anew
			}
			if at.After(ten) && !at.After(end) {
				want += kpi.NanowattHoursBetween(before, value)
			}
		}
		store := &memory{}
		p := puller(t, sameAs(series), store, mappingOf(t, "read: [gpu]"), func(o *Options) {
			o.Now = func() time.Time { return end.Add(time.Hour) }
			o.Step = rapid.SampledFrom([]time.Duration{time.Hour, 30 * time.Minute, 5 * time.Minute}).Draw(r, "step")
		})
		report := pull(t, p, ten, end)
		require.Zero(r, report.Rejected, report.Notes)
		require.Equal(r, want, store.nanowattHours())
	})
}

// TestAWindowHasOneAnswer pulls a window alone and among others: a sample that lies
// hours before it counts in both.
func TestAWindowHasOneAnswer(t *testing.T) {
	series := prometheustest.Record(t, "dcgm", "vllm").Without(ten.Add(10*time.Minute), eleven.Add(20*time.Minute))
	together, alone := &memory{}, &memory{}
	f := &prometheustest.Fake{Series: series}
	report := pull(t, puller(t, asking(t, f), together, mappingOf(t, "")), ten, twelve)
	pull(t, puller(t, asking(t, f), alone, mappingOf(t, "")), eleven, twelve)
	assert.Equal(t, together.events[eleven], alone.events[eleven])
	assert.Contains(t, report.Notes[1], "Series of dcgm were not scraped for over 5m0s")
	assert.Contains(t, report.Notes[1], "for 1h10m0s at the longest")

	// 0.4 kWh and 0.3 kWh together, whenever; the pause counts where it ends.
	assert.InDelta(t, 0.7, together.by()[llama].kWh, 1e-9)
	assert.Equal(t, int64(3000), together.by()[llama].requests)
	assert.InDelta(t, 0.4/6, together.by(ten)[llama].kWh, 1e-9, "ten minutes of the first hour")
}

func TestAGapBeyondTheLookbackIsTold(t *testing.T) {
	series := prometheustest.Recorded{}
	for _, at := range []time.Time{ten.Add(-8 * time.Hour), ten.Add(-7 * time.Hour), ten.Add(10 * time.Minute), ten.Add(30 * time.Minute)} {
		series.Add(gpuSeries("GPU-1", "a"), prometheustest.Sample{At: at.UnixMilli(), Value: 1e12 + float64(at.Unix()-ten.Unix())*1e6}) // 1 kW
	}
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten.Add(-9*time.Hour), eleven)
	assert.InDelta(t, 1+1./3, float64(store.nanowattHours().KilowattHours()), 1e-9, "an hour, and 20 minutes")
	assert.Contains(t, report.Notes, "Meters that were not scraped for over 6h0m0s rose by 7.167 kWh meanwhile, which are in no window.")
}

func TestARestartedServerGoesOnFromZero(t *testing.T) {
	half := ten.Add(30 * time.Minute).UnixMilli()
	series := prometheustest.Record(t, "dcgm", "vllm")
	for _, s := range series {
		if name := s.Metric["__name__"]; len(name) < 5 || name[:5] != "vllm:" {
			continue
		}
		var at float64
		for i := range s.Samples {
			if s.Samples[i].At <= half {
				at = s.Samples[i].Value
				continue
			}
			s.Samples[i].Value -= at
		}
	}
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, twelve)
	requireTotals(t, map[string]totals{llama: sources["DCGM and vLLM"].first[llama]}, map[string]totals{llama: store.by(ten)[llama]})
	assert.Contains(t, report.Notes[1], "Counters of vllm began anew")
}

func TestAServersNewCounterBeganAtZero(t *testing.T) {
	of := func(reason string) model.Metric {
		return model.Metric{"__name__": "vllm:request_success_total", "model_name": "m", "instance": "a:1", "finished_reason": model.LabelValue(reason)}
	}
	series := prometheustest.Recorded{}
	for at := ten.Add(-time.Minute); !at.After(eleven); at = at.Add(time.Minute) {
		series.Add(of("stop"), prometheustest.Sample{At: at.UnixMilli(), Value: 100})
		if at.After(ten.Add(30 * time.Minute)) {
			series.Add(of("length"), prometheustest.Sample{At: at.UnixMilli(), Value: 7})
			series.Add(model.Metric{"__name__": "vllm:request_success_total", "model_name": "m", "instance": "b:1"}, prometheustest.Sample{At: at.UnixMilli(), Value: 5000})
		}
	}
	store := &memory{}
	pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, eleven)
	assert.Equal(t, int64(7), store.by()["/m/"].requests, "what the server had not counted before it has counted since; of a server that is new nobody knows since when it counts")
}

func TestTwoScrapersOfAGPUAreOneMeter(t *testing.T) {
	series := prometheustest.Record(t, "dcgm", "vllm")
	for _, s := range prometheustest.Record(t, "dcgm") {
		metric := s.Metric.Clone()
		metric["instance"], metric["prometheus_replica"] = "10.0.1.7:9500", "b"
		for i, one := range s.Samples {
			one.At += 7_000
			if i > 0 && s.Metric["__name__"] == "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" {
				one.Value = s.Samples[i-1].Value // what the exporter had a minute ago
			}
			series.Add(metric, one)
		}
	}
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, eleven)
	got := store.by(ten)
	assert.InDelta(t, 0.4, got[llama].kWh, 1e-9)
	assert.InDelta(t, 1, got[llama].gpuHours, 1e-2)
	assert.InDelta(t, 0.07, got[atRest].kWh, 1e-9)
	assert.Contains(t, report.Notes[1], "Older than those before them, as of two scrapers")
}

func TestACounterThatJumpsIsRejected(t *testing.T) {
	jump := ten.Add(30 * time.Minute).UnixMilli()
	series := prometheustest.Record(t, "kepler").Change(t, `^kepler_node_cpu_idle_joules_total.*package`, func(s prometheustest.Sample) prometheustest.Sample {
		if s.At >= jump {
			s.Value += 1e14
		}
		return s
	})
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, eleven)
	assert.Equal(t, 1, report.Rejected)
	assert.InDelta(t, 0.05*59/60+0.1, store.by()[atRest].kWh, 1e-6, "all steps but one; so far up the counter is in steps of 1/64 J")
}
