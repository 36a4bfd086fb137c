package prometheus

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// source is what recorded exporters say, and what that comes to in two hours.
type source struct {
	files   []string
	mapping string
	// first and second are of 10 to 11 and 11 to 12 o'clock, by project/model/endpoint.
	first, second map[string]totals
	rejected      int
}

const (
	llama  = "helpdesk/meta-llama/Llama-3.1-8B-Instruct/vllm-llama"
	nobody = "__unallocated__/__unallocated__/"
	atRest = "__idle__/__idle__/"
)

// sources are worked out by hand from the numbers in testdata; 3.6e9 mJ and 3.6e6 J are
// a kWh.
var sources = map[string]source{
	// The GPU of the vLLM pod: 1.44e9 mJ, then 1.08e9 mJ; 2800+300−1000−100 requests,
	// then 1000. 72 GiB of memory are held all the hour. The GPU of nobody: 2.52e8 mJ an
	// hour at no utilisation. The GPU of two MIG instances: 7.2e8 mJ an hour, once, by
	// how their engines ran, 1 : 3. The T4 has no counter: 45 W for an hour.
	"DCGM and vLLM": {
		files: []string{"dcgm", "vllm"},
		first: map[string]totals{
			llama:        {kWh: 0.4, requests: 2000, input: 1_000_000, output: 500_000, gpuHours: 1, memoryHours: 72},
			atRest:       {kWh: 0.07, gpuHours: 1},
			"research//": {kWh: 0.05, estimated: 0.05, gpuHours: 0.25, memoryHours: 10},
			"vision//":   {kWh: 0.15, estimated: 0.15, gpuHours: 0.75, memoryHours: 20},
			"search//":   {kWh: 0.045, estimated: 0.045, gpuHours: 1, memoryHours: 5},
		},
		second: map[string]totals{
			llama:        {kWh: 0.3, requests: 1000, input: 600_000, output: 200_000, gpuHours: 1, memoryHours: 72},
			atRest:       {kWh: 0.07, gpuHours: 1},
			"research//": {kWh: 0.05, estimated: 0.05, gpuHours: 0.25, memoryHours: 10},
			"vision//":   {kWh: 0.15, estimated: 0.15, gpuHours: 0.75, memoryHours: 20},
			"search//":   {kWh: 0.045, estimated: 0.045, gpuHours: 1, memoryHours: 5},
		},
		rejected: 2, // the T4's blank counter, in either hour
	},
	// 720 kJ for 3000 and 1000 requests, which tell no tokens: 3 : 1; then 252 kJ, all of
	// it for the one model that was asked.
	"Triton": {
		files:   []string{"triton"},
		mapping: "project: {default: vision}",
		first: map[string]totals{
			"vision/resnet50/triton":   {kWh: 0.15, estimated: 0.15, requests: 3000, gpuHours: 0.75, memoryHours: 3},
			"vision/bert-large/triton": {kWh: 0.05, estimated: 0.05, requests: 1000, gpuHours: 0.25, memoryHours: 1},
		},
		second: map[string]totals{"vision/resnet50/triton": {kWh: 0.07, estimated: 0.07, requests: 500, gpuHours: 1, memoryHours: 4}},
	},
	"TGI, which needs a rule": {
		files:   []string{"tgi"},
		mapping: "rules: [{match: {job: ^tgi$}, model: mistral-small, project: code, endpoint: completion}]",
		first:   map[string]totals{"code/mistral-small/completion": {requests: 400, input: 80_000, output: 40_000}},
		second:  map[string]totals{},
	},
	"TGI without one": {files: []string{"tgi"}, first: map[string]totals{}, second: map[string]totals{}, rejected: 2},
	"SGLang": {
		files:  []string{"sglang"},
		first:  map[string]totals{"search/Qwen/Qwen3-14B/sglang": {requests: 1000, input: 1_000_000, output: 300_000}},
		second: map[string]totals{},
	},
	// An hour of the host's package zone: 180 kJ idle and 360 kJ active, of which 216 kJ
	// of the vLLM pod and 36 kJ of another; core and dram overlap and do not count. Of
	// the GPU 900 kJ, of which 540 kJ of a pod, and the rest at no work.
	"Kepler": {
		files:   []string{"kepler"},
		mapping: "rules: [{match: {pod: ^vllm-llama-}, project: helpdesk, model: llama}]",
		first: map[string]totals{
			"helpdesk/llama/": {kWh: 0.06}, nobody: {kWh: 0.04}, atRest: {kWh: 0.05 + 0.1, gpuHours: 0.4}, "vision//": {kWh: 0.15, gpuHours: 0.6},
		},
		second: map[string]totals{
			"helpdesk/llama/": {kWh: 0.06}, nobody: {kWh: 0.04}, atRest: {kWh: 0.05 + 0.1, gpuHours: 0.4}, "vision//": {kWh: 0.15, gpuHours: 0.6},
		},
	},
	// 3 and 3.25 kWh with a PUE of 1.25 inside.
	"CodeCarbon": {
		files:   []string{"codecarbon"},
		mapping: "{read: [codecarbon], codecarbon: {pue: 1.25}}",
		first:   map[string]totals{"ranker-training//": {kWh: 2.4}},
		second:  map[string]totals{"ranker-training//": {kWh: 2.6}},
	},
}

func TestWhatTheSourcesSay(t *testing.T) {
	for name, test := range sources {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			client := asking(t, &prometheustest.Fake{Series: prometheustest.Record(t, test.files...)})
			report := pull(t, puller(t, client, store, mappingOf(t, test.mapping)), ten, twelve)
			test.check(t, store, report)
		})
	}
}

// TestWhatTheSourcesSayByARealPrometheus asks the server itself the same.
func TestWhatTheSourcesSayByARealPrometheus(t *testing.T) {
	all := prometheustest.Recorded{}
	for _, test := range sources {
		for key, series := range prometheustest.Record(t, test.files...) {
			all[key] = series
		}
	}
	client := clientOf(t, prometheustest.StartServer(t, all))
	for name, test := range sources {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			mapping := mappingOf(t, test.mapping)
			mapping.file.Select = `job=~"` + jobs(t, test.files) + `"`
			report := pull(t, puller(t, client, store, mapping), ten, twelve)
			test.check(t, store, report)
			again := pull(t, puller(t, client, store, mapping), ten, twelve)
			assert.Zero(t, again.Stored)
			assert.Equal(t, report.Stored, again.Unchanged)
		})
	}
	_, _, err := client.Samples(context.Background(), "vllm:prompt_tokens_total", `job=`, ten, eleven)
	assert.ErrorContains(t, err, "check select in the mapping", "the server's own error")
}

func jobs(t *testing.T, files []string) (pattern string) {
	for _, series := range prometheustest.Record(t, files...) {
		pattern += "|" + string(series.Metric["job"])
	}
	return pattern[1:]
}

func (s source) check(t *testing.T, store *memory, report ingest.Report) {
	t.Helper()
	requireTotals(t, s.first, store.by(ten))
	requireTotals(t, s.second, store.by(eleven))
	assert.Equal(t, s.rejected, report.Rejected)
	assert.Equal(t, report.Read, report.Stored+report.Unchanged+report.Rejected)
}

func requireTotals(t *testing.T, want, got map[string]totals) {
	t.Helper()
	for key, w := range want {
		g := got[key]
		for _, amount := range []struct {
			name      string
			want, got float64
		}{{"kWh", w.kWh, g.kWh}, {"estimated kWh", w.estimated, g.estimated}, {"GPU hours", w.gpuHours, g.gpuHours}, {"GiB·h", w.memoryHours, g.memoryHours}} {
			assert.InDelta(t, amount.want, amount.got, 1e-9, "%s of %s", amount.name, key)
		}
		assert.Equal(t, [3]int64{w.requests, w.input, w.output}, [3]int64{g.requests, g.input, g.output}, "requests and tokens of %s", key)
	}
	for key, g := range got {
		assert.Contains(t, want, key, "%+v", g)
	}
}

// The latencies of 10 to 11 o'clock: 500 requests in (0.3, 0.5], 1000 in (1.5, 2], 450 in
// (5, 10] and 50 in (15, 20].
func TestLatenciesStandInTheMiddleOfTheirBuckets(t *testing.T) {
	store := &memory{}
	client := asking(t, &prometheustest.Fake{Series: prometheustest.Record(t, "vllm")})
	report := pull(t, puller(t, client, store, mappingOf(t, "")), ten, eleven)
	got := map[string]int64{}
	for _, e := range store.events[ten] {
		require.NotNil(t, e.Latency)
		got[e.Latency.Round(time.Millisecond).String()] += e.Requests
	}
	assert.Equal(t, map[string]int64{"387ms": 500, "1.732s": 1000, "7.071s": 450, "17.321s": 50}, got, "√(0.3·0.5), √(1.5·2), √(5·10) and √(15·20) s")
	assert.Contains(t, report.Notes, "Latencies come from buckets of up to a factor of 2: a percentile is within 41 % of the true one.")
}

func TestAPullTwiceAndOverlappingRangesChangeNothing(t *testing.T) {
	f := &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "vllm")}
	store, apart := &memory{}, &memory{}
	first := pull(t, puller(t, asking(t, f), store, mappingOf(t, "")), ten, twelve)
	require.Positive(t, first.Stored)
	again := pull(t, puller(t, asking(t, f), store, mappingOf(t, "")), ten.Add(25*time.Minute), twelve)
	assert.Zero(t, again.Stored)
	assert.Equal(t, first.Stored, again.Unchanged, "a range is widened to whole windows")
	assert.Equal(t, first.Read, again.Read)

	pull(t, puller(t, asking(t, f), apart, mappingOf(t, "")), eleven, twelve)
	assert.Equal(t, store.events[eleven], apart.events[eleven], "what a window counts does not depend on the range that was asked for")

	_, err := puller(t, asking(t, f), store, mappingOf(t, ""), func(o *Options) { o.Step = 15 * time.Minute }).Pull(context.Background(), ten, twelve)
	assert.ErrorContains(t, err, "was stored with --step 1h0m0s", "another step would count the time twice")
}

func TestAWindowIsStoredWhenItIsSettled(t *testing.T) {
	f := &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "vllm")}
	store := &memory{}
	now := eleven.Add(4 * time.Minute)
	clock := func(o *Options) { o.Now = func() time.Time { return now } }
	p := puller(t, asking(t, f), store, mappingOf(t, ""), clock)
	report := pull(t, p, ten, twelve)
	assert.Zero(t, report.Read)
	assert.Contains(t, report.Notes, "Not over or not settled yet: 2 windows. They wait for the next pull.")
	now = eleven.Add(5 * time.Minute)
	pull(t, p, ten, twelve)
	assert.Len(t, store.windows, 1)
	now = twelve.Add(time.Hour)
	pull(t, p, ten, twelve)
	assert.Len(t, store.windows, 2)
	requireTotals(t, sources["DCGM and vLLM"].second, store.by(eleven))
}

func TestAnotherMappingReplacesOnlyWhenAsked(t *testing.T) {
	f := &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "vllm")}
	store := &memory{}
	pull(t, puller(t, asking(t, f), store, mappingOf(t, "")), ten, twelve)
	before := store.events[ten]
	other := mappingOf(t, "models: [{match: Llama-3.1-8B, name: llama-8b, task_class: chat}]")
	report := pull(t, puller(t, asking(t, f), store, other), ten, twelve)
	assert.Zero(t, report.Stored)
	assert.Equal(t, before, store.events[ten])
	assert.Contains(t, report.Notes, "Stored otherwise than now, because the mapping or Prometheus' data changed: 2 windows. --replace puts the new ones in their place.")

	replaced := pull(t, puller(t, asking(t, f), store, other, func(o *Options) { o.Replace = true }), ten, twelve)
	assert.Positive(t, replaced.Stored)
	assert.InDelta(t, 0.4, store.by(ten)["helpdesk/llama-8b/vllm-llama"].kWh, 1e-12)
	for _, e := range store.events[ten] {
		for _, old := range before {
			assert.NotEqual(t, old.ID, e.ID, "what was taken out stays out, so a new fact has a new id")
		}
	}
	assert.Equal(t, []warehouse.Model{{Name: "llama-8b", TaskClass: "chat"}}, store.models[:1])
}

func TestRejectedSeriesAreSetAsideOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejects.csv")
	rejects := ingest.NewSeriesRejects(path)
	store := &memory{}
	client := asking(t, &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "tgi")})
	report := pull(t, puller(t, client, store, mappingOf(t, ""), func(o *Options) { o.Rejects = rejects }), ten, twelve)
	require.NoError(t, rejects.Close())
	assert.Equal(t, 4, report.Rejected, "two series in two windows")
	assert.Regexp(t, `^time,reason,series
2026-11-02T10:00:00Z,none of its samples can be: it is a blank value \(2\^62 or more\),.*DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION.*
2026-11-02T10:00:00Z,"no label and no rule names its model: .*","tgi \{job=""tgi"".*
$`, readFile(t, path))
}

func TestThereIsNothingToRead(t *testing.T) {
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{}), store, mappingOf(t, "")), ten, twelve)
	assert.Zero(t, report.Read)
	assert.Contains(t, report.Notes[0], "There are none of the metrics that are read")
	assert.Empty(t, store.windows, "what may come later is not done")

	_, err := puller(t, asking(t, &prometheustest.Fake{}), store, mappingOf(t, "").WithRegion("moon")).Pull(context.Background(), ten, twelve)
	assert.ErrorContains(t, err, `no region "moon"`)
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, step := range []time.Duration{time.Second, 7 * time.Minute, 16 * time.Minute, 2 * time.Hour, 24 * time.Hour, -time.Hour} {
		_, err := New(Options{Step: step, Now: time.Now})
		assert.ErrorContains(t, err, "step", step)
	}
	_, err := New(Options{Settle: -time.Minute, Now: time.Now})
	assert.ErrorContains(t, err, "settle")
}
