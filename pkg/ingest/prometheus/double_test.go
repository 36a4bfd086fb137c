package prometheus

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// line adds a series that goes from one value to another over the hour.
func line(r prometheustest.Recorded, metric model.Metric, from, to float64) {
	for minute := range 61 {
		r.Add(metric, prometheustest.Sample{At: ten.Add(time.Duration(minute) * time.Minute).UnixMilli(), Value: from + (to-from)*float64(minute)/60})
	}
}

func hourOf(t *testing.T, series prometheustest.Recorded, mapping string) (*memory, map[string]totals, []string) {
	t.Helper()
	store := &memory{}
	report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, mapping)), ten, eleven)
	return store, store.by(ten), report.Notes
}

// What is told of twice counts once.
func TestNothingCountsTwice(t *testing.T) {
	const gpu = "GPU-1"
	energy := func(name model.LabelValue, more model.Metric) model.Metric {
		metric := model.Metric{"__name__": name, "UUID": gpu, "Hostname": "node", "job": "dcgm"}
		for label, value := range more {
			metric[label] = value
		}
		return metric
	}
	t.Run("a GPU of DCGM, Triton and Kepler", func(t *testing.T) {
		series := prometheustest.Recorded{}
		line(series, energy("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", nil), 0, 3.6e8)
		line(series, energy("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", nil), 0, 3.6e5)
		line(series, energy("DCGM_FI_DEV_POWER_USAGE", nil), 100, 100)
		line(series, model.Metric{"__name__": "nv_energy_consumption", "gpu_uuid": gpu, "instance": "node:8002"}, 0, 3.6e5)
		line(series, model.Metric{"__name__": "kepler_node_gpu_joules_total", "gpu_uuid": gpu, "node_name": "node", "gpu": "0"}, 0, 3.6e5)
		_, got, _ := hourOf(t, series, "")
		assert.InDelta(t, 0.1, got[nobody].kWh, 1e-9)
		assert.Len(t, got, 1)
		assert.Zero(t, got[nobody].estimated)
	})
	t.Run("the GPU as a whole beside its instances", func(t *testing.T) {
		series := prometheustest.Recorded{}
		for _, of := range []model.Metric{{}, {"GPU_I_ID": "1", "pod": "a", "namespace": "x"}, {"GPU_I_ID": "2"}} {
			line(series, energy("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", of), 0, 3.6e8)
		}
		_, got, _ := hourOf(t, series, "")
		requireTotals(t, map[string]totals{"x//": {kWh: 0.05, estimated: 0.05, gpuHours: 0.5}, nobody: {kWh: 0.05, estimated: 0.05, gpuHours: 0.5}}, got)
	})
	t.Run("pods that take turns on a GPU", func(t *testing.T) {
		series := prometheustest.Recorded{}
		for _, of := range []model.Metric{{"pod": "a", "namespace": "x"}, {"pod": "b", "namespace": "y"}} {
			line(series, energy("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", of), 0, 3.6e8)
			line(series, energy("DCGM_FI_DEV_FB_USED", of), 2048, 2048)
		}
		_, got, _ := hourOf(t, series, "")
		requireTotals(t, map[string]totals{"x//": {kWh: 0.05, estimated: 0.05, gpuHours: 0.5, memoryHours: 1}, "y//": {kWh: 0.05, estimated: 0.05, gpuHours: 0.5, memoryHours: 1}}, got)
	})
	t.Run("a GPU that wattctl collect has", func(t *testing.T) {
		series := prometheustest.Recorded{}
		line(series, energy("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", nil), 0, 3.6e8)
		store := &memory{collected: []warehouse.CollectedGPU{{UUID: gpu, Since: ten.Add(-time.Hour), Last: eleven}}}
		report := pull(t, puller(t, asking(t, &prometheustest.Fake{Series: series}), store, mappingOf(t, "")), ten, eleven)
		assert.Empty(t, store.events[ten])
		assert.Contains(t, report.Notes, "The energy of GPU-1 is left out: wattctl collect has it.")
	})
	t.Run("Triton and the vLLM within it", func(t *testing.T) {
		series := prometheustest.Recorded{}
		of := func(name model.LabelValue) model.Metric {
			return model.Metric{"__name__": name, "model": "llama", "version": "1", "job": "triton", "instance": "node:8002"}
		}
		line(series, of("nv_inference_request_success"), 0, 120)
		line(series, of("vllm:request_success_total"), 0, 120)
		line(series, of("vllm:generation_tokens_total"), 0, 6000)
		_, got, notes := hourOf(t, series, "")
		requireTotals(t, map[string]totals{"/llama/triton": {requests: 120, output: 6000}}, got)
		assert.Contains(t, notes, "Requests that vllm has and triton tells of too are left out: 1 time.")
	})
	t.Run("a pod of Kepler's that runs and has ended", func(t *testing.T) {
		series := prometheustest.Recorded{}
		node := model.Metric{"node_name": "node", "zone": "package"}
		for name, joules := range map[model.LabelValue]float64{"kepler_node_cpu_active_joules_total": 3.6e5, "kepler_node_cpu_idle_joules_total": 0} {
			metric := node.Clone()
			metric["__name__"] = name
			line(series, metric, 0, joules)
		}
		for _, state := range []model.LabelValue{"running", "terminated"} {
			line(series, model.Metric{"__name__": "kepler_pod_cpu_joules_total", "node_name": "node", "zone": "package", "pod_name": "a", "pod_namespace": "x", "state": state}, 0, 1.8e5)
		}
		_, got, _ := hourOf(t, series, "rules: [{match: {pod: a}, project: x}]")
		requireTotals(t, map[string]totals{"x//": {kWh: 0.05}, nobody: {kWh: 0.05}}, got)
	})
	t.Run("zones that overlap", func(t *testing.T) {
		series := prometheustest.Recorded{}
		for _, zone := range []model.LabelValue{"psys", "package", "core", "dram"} {
			line(series, model.Metric{"__name__": "kepler_node_cpu_active_joules_total", "node_name": "node", "zone": zone}, 0, 3.6e5)
		}
		_, got, _ := hourOf(t, series, "kepler: {zones: [package]}")
		requireTotals(t, map[string]totals{nobody: {kWh: 0.1}}, got)
	})
	t.Run("CodeCarbon's last measurement is no total", func(t *testing.T) {
		series := prometheustest.Recorded{}
		line(series, model.Metric{"__name__": "codecarbon_energy_consumed", "project_name": "p"}, 0.01, 0.01)
		for name, watts := range map[model.LabelValue]float64{"codecarbon_cpu_power": 50, "codecarbon_gpu_power": 300, "codecarbon_ram_power": 10} {
			line(series, model.Metric{"__name__": name, "project_name": "p"}, watts, watts)
		}
		_, got, _ := hourOf(t, series, "read: [codecarbon]")
		requireTotals(t, map[string]totals{"p//": {kWh: 0.36, estimated: 0.36}}, got)
	})
}
