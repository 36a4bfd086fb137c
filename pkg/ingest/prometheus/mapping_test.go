package prometheus

import (
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestTheSampleMappingIsOne(t *testing.T) {
	m, err := ReadMapping("../../../deploy/prometheus-mapping.yaml")
	require.NoError(t, err)
	assert.Positive(t, m.Rules())
	defaults, err := ParseMapping(nil)
	require.NoError(t, err)
	sample := m.file
	sample.Rules, sample.Models, sample.Metrics, sample.Region, sample.Project.Names = nil, nil, nil, mapping.Source{From: sample.Region.From}, nil
	assert.Equal(t, defaults.file, sample, "what stands in the sample without being an example are the defaults")
}

func TestMappingsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"read: [cpu]":                                              `unknown "cpu" in read`,
		"proyect: {}":                                              "field proyect not found",
		"source: ''":                                               "source is empty",
		"rules: [{project: a}]":                                    "rule 1 (): match states no label",
		"rules: [{name: x, match: {pod: a}}]":                      "rule 1 (x): it states nothing",
		"rules: [{match: {pod: '('}, project: a}]":                 "error parsing regexp",
		"rules: [{match: {pod: a}, workload: idle}]":               `unknown workload "idle"`,
		"rules: [{match: {pod: a}, project: __idle__}]":            "reserved",
		"ties: [{meter: [pod], server: []}]":                       "ties, entry 1",
		"models: [{name: a}]":                                      "match has no expression",
		"metrics: {gpu_horsepower: [a]}":                           "unknown metrics.gpu_horsepower: the quantities are [gpu_millijoules",
		"metrics: {gpu_joules: ['']}":                              "is no name of a metric",
		"codecarbon: {pue: 0.5}":                                   "codecarbon.pue 0.5",
		"project: {default: __unallocated__}":                      "project: the project's name __unallocated__ is reserved",
		"codecarbon: {pue: .nan}":                                  "codecarbon.pue NaN",
		"kepler: {zones: package}":                                 "cannot unmarshal",
		"rules: [{match: {pod: a}, project: a, region: __none__}]": "reserved",
		"region: {names: {a: __idle__}}":                           "reserved",
	} {
		_, err := ParseMapping([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
	_, err := ReadMapping("nowhere.yaml")
	assert.ErrorContains(t, err, "reading the mapping")
}

// What exporters and scrapes call a pod, a namespace and a host.
func TestLabelsHaveOneName(t *testing.T) {
	for _, test := range []struct {
		name   string
		series model.Metric
		want   labels
	}{
		{"labels are not honoured", model.Metric{"pod": "dcgm-exporter-x", "namespace": "gpu-operator", "container": "dcgm", "exported_pod": "vllm-0", "exported_namespace": "a", "exported_container": "vllm"},
			labels{"pod": "vllm-0", "namespace": "a", "container": "vllm"}},
		{"and nobody has the GPU", model.Metric{"pod": "nvidia-dcgm-exporter-x", "namespace": "gpu-operator", "container": "dcgm", "Hostname": "nvidia-dcgm-exporter-x", "instance": "10.0.0.1:9400"},
			labels{"host": "10.0.0.1"}},
		{"labels are honoured", model.Metric{"pod": "vllm-0", "namespace": "a", "container": "vllm", "Hostname": "gpu-1"},
			labels{"pod": "vllm-0", "namespace": "a", "container": "vllm", "host": "gpu-1"}},
		{"old names", model.Metric{"pod_name": "vllm-0", "pod_namespace": "a", "container_name": "vllm", "hostname": "gpu-1", "pod": "dcgm-exporter-x", "namespace": "b"},
			labels{"pod": "vllm-0", "namespace": "a", "container": "vllm", "host": "gpu-1"}},
		{"a model server on a host", model.Metric{"instance": "gpu-2.example.com:8000"}, labels{"host": "gpu-2.example.com"}},
		{"the node is nearer than the instance", model.Metric{"instance": "10.0.0.1:8000", "node": "gpu-3"}, labels{"host": "gpu-3"}},
	} {
		got := labelsOf(test.series, nil)
		for _, name := range []string{labelPod, labelNamespace, labelContainer, labelHost} {
			assert.Equal(t, test.want[name], got[name], "%s: %s", test.name, name)
		}
	}
	a := labelsOf(model.Metric{"instance": "a", "prometheus_replica": "0"}, replicaLabels)
	b := labelsOf(model.Metric{"instance": "a", "prometheus_replica": "1"}, replicaLabels)
	assert.Equal(t, a.series(), b.series())
}

func TestTies(t *testing.T) {
	server := func(pairs ...string) placedServer { return placedServer{labels: labelsFrom(pairs)} }
	servers := []placedServer{
		server("namespace", "a", "pod", "vllm-0", "host", "gpu-1"),
		server("namespace", "b", "pod", "vllm-0", "host", "gpu-1"),
		server("host", "gpu-2.example.com"),
		server("host", "10.0.0.7"),
	}
	m := mappingOf(t, "")
	tied := newTies(m.file.Ties, servers)
	for _, test := range []struct {
		name  string
		meter labels
		want  []int
	}{
		{"by pod", labelsFrom([]string{"namespace", "b", "pod", "vllm-0"}), []int{1}},
		{"a pod of no server has not its neighbour's work", labelsFrom([]string{"namespace", "b", "pod", "train-0", "host", "gpu-1"}), nil},
		{"by host, of which one name is qualified", labelsFrom([]string{"host", "GPU-2"}), []int{2}},
		{"by address", labelsFrom([]string{"host", "10.0.0.7"}), []int{3}},
		{"addresses are not cut at their points", labelsFrom([]string{"host", "10.0.0.8"}), nil},
		{"a host without a pod may serve for all on it", labelsFrom([]string{"host", "gpu-1"}), []int{0, 1}},
		{"nothing", labels{}, nil},
	} {
		assert.Equal(t, test.want, tied.of(test.meter), test.name)
	}
	own := newTies([]tie{{[]string{"hpc_job"}, []string{"slurm_job"}}}, []placedServer{server("slurm_job", "17")})
	assert.Equal(t, []int{0}, own.of(labels{"hpc_job": "17"}))
}

func labelsFrom(pairs []string) labels {
	l := labels{}
	for i := 0; i < len(pairs); i += 2 {
		l[pairs[i]] = pairs[i+1]
	}
	return l
}

func TestRulesSayWhoseEnergyItIs(t *testing.T) {
	recorded := func() *prometheustest.Fake {
		return &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "vllm")}
	}
	for name, test := range map[string]struct {
		mapping string
		want    map[string]float64 // kWh of the first hour
	}{
		"a rule that names a project of a training pod": {"rules: [{match: {pod: ^train-}, project: vision-models, workload: training}]",
			map[string]float64{"vision-models//": 0.15, "research//": 0.05}},
		"a rule on the server and on the GPU alike": {"rules: [{match: {namespace: ^helpdesk$}, project: support, endpoint: chat, region: FRA}]",
			map[string]float64{"support/meta-llama/Llama-3.1-8B-Instruct/chat": 0.4}},
		"a model that no server tells of": {"rules: [{match: {pod: ^reranker}, model: reranker, endpoint: rerank}]",
			map[string]float64{"/reranker/rerank": 0.045}},
		"no project by namespace": {"project: {from: [team]}", map[string]float64{nobody: 0.05 + 0.15 + 0.045}},
		"left out":                {"rules: [{match: {pod: ^train-}, drop: true}]", map[string]float64{"vision//": 0, "research//": 0.05}},
		"a rule that renames a model on both sides": {"rules: [{match: {namespace: ^helpdesk$}, model: llama}]",
			map[string]float64{"helpdesk/llama/vllm-llama": 0.4}},
		"a worker's GPU, of a model that a server elsewhere serves": {"rules: [{match: {pod: ^(train|vllm-llama)-}, model: llama, project: helpdesk}]",
			map[string]float64{"helpdesk/llama/vllm-llama": 0.4 + 0.15}},
		"two rules, each for one": {"rules: [{match: {pod: ^train-}, model: ranker}, {match: {namespace: ^vision$}, project: vision-models}]", map[string]float64{"vision-models/ranker/": 0.15}},
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			pull(t, puller(t, asking(t, recorded()), store, mappingOf(t, test.mapping)), ten, eleven)
			got := store.by(ten)
			for key, want := range test.want {
				assert.InDelta(t, want, got[key].kWh, 1e-9, "%s of %v", key, got)
			}
		})
	}
}

func TestAGPUOfAServerThatNobodyAsksIsIdle(t *testing.T) {
	series := prometheustest.Record(t, "dcgm", "sglang") // the T4 has SGLang's pod, which is asked in the first hour only
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, twelve)
	assert.InDelta(t, 0.045, store.by(ten)["search/Qwen/Qwen3-14B/sglang"].kWh, 1e-9)
	assert.Equal(t, int64(1000), store.by(ten)["search/Qwen/Qwen3-14B/sglang"].requests)
	assert.InDelta(t, 0.07+0.045, store.by(eleven)[atRest].kWh, 1e-9)
	for _, e := range store.events[eleven] {
		if e.Project == kpi.Idle {
			assert.Equal(t, kpi.WorkloadIdle, e.Workload)
		}
	}
	var all float64
	for _, t := range store.by() {
		all += t.kWh
	}
	// 0.4 + 0.3, and 0.07, 0.2 and 0.045 in either hour.
	assert.InDelta(t, 0.7+2*(0.07+0.2+0.045), all, 1e-9, "it is all somewhere")
	assert.Contains(t, report.Notes[0], "Energy of 1.330 kWh on the meters: 1.145 kWh to models and projects, 0.185 kWh __idle__, 0.000 kWh __unallocated__.")
}
