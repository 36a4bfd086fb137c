package prometheus

import (
	"testing"

	"github.com/prometheus/common/model"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
)

// Servers on one host share the 0.15 kWh of its GPU.
func TestServersShareAGPUByWhatTheyAllTell(t *testing.T) {
	type served struct{ requests, tokens float64 }
	for name, test := range map[string]struct {
		triton *served
		vllm   map[string]served
		want   map[string]totals
	}{
		"one that tells no tokens beside an idle one": { // 100 : 50 : 0 requests
			triton: &served{requests: 100}, vllm: map[string]served{"b": {50, 500}, "c": {}},
			want: map[string]totals{
				"/a/triton": {kWh: 0.1, requests: 100, gpuHours: 2. / 3}, "/b/vllm": {kWh: 0.05, requests: 50, output: 500, gpuHours: 1. / 3}},
		},
		"one that tells no tokens beside one that has answered none yet": { // 99 : 1 under way
			triton: &served{requests: 99}, vllm: map[string]served{"b": {0, 500}},
			want: map[string]totals{
				"/a/triton": {kWh: 0.1485, requests: 99, gpuHours: 0.99}, "/b/vllm": {kWh: 0.0015, output: 500, gpuHours: 0.01}},
		},
		"all tell tokens": { // 500 : 1000 : 0 tokens
			vllm: map[string]served{"b": {50, 500}, "c": {10, 1000}, "d": {}},
			want: map[string]totals{
				"/b/vllm": {kWh: 0.05, requests: 50, output: 500, gpuHours: 1. / 3}, "/c/vllm": {kWh: 0.1, requests: 10, output: 1000, gpuHours: 2. / 3}},
		},
		"one that tells no tokens and was not asked": { // 500 : 1000 tokens
			triton: &served{}, vllm: map[string]served{"b": {50, 500}, "c": {10, 1000}},
			want: map[string]totals{
				"/b/vllm": {kWh: 0.05, requests: 50, output: 500, gpuHours: 1. / 3}, "/c/vllm": {kWh: 0.1, requests: 10, output: 1000, gpuHours: 2. / 3}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			series := prometheustest.Recorded{}
			line(series, model.Metric{"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID": "GPU-1", "Hostname": "node", "job": "dcgm"}, 0, 5.4e8)
			if test.triton != nil {
				line(series, model.Metric{"__name__": "nv_inference_request_success", "model": "a", "version": "1", "job": "triton", "instance": "node:8002"}, 0, test.triton.requests)
			}
			for name, did := range test.vllm {
				of := func(metric model.LabelValue) model.Metric {
					return model.Metric{"__name__": metric, "model_name": model.LabelValue(name), "job": "vllm", "instance": model.LabelValue("node:800" + name)}
				}
				line(series, of("vllm:request_success_total"), 0, did.requests)
				line(series, of("vllm:generation_tokens_total"), 0, did.tokens)
			}
			_, got, _ := hourOf(t, series, "")
			for key, want := range test.want {
				want.estimated = want.kWh
				test.want[key] = want
			}
			requireTotals(t, test.want, got)
		})
	}
}
