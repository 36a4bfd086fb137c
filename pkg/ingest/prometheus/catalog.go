package prometheus

import "slices"

// quantity is what a metric counts or measures, in the unit that its name says.
type quantity string

const (
	gpuMillijoules quantity = "gpu_millijoules" // counter, since the driver was loaded
	gpuJoules      quantity = "gpu_joules"      // counter
	gpuWatts       quantity = "gpu_watts"
	gpuUtilization quantity = "gpu_utilization" // any scale: what counts is whether it is 0
	gpuMemoryMiB   quantity = "gpu_memory_mib"
	gpuMemoryBytes quantity = "gpu_memory_bytes"
	gpuEngine      quantity = "gpu_engine_active" // 0 to 1, by MIG instance

	requestCount  quantity = "requests"
	inputTokens   quantity = "input_tokens"
	outputTokens  quantity = "output_tokens"
	latencyBucket quantity = "latency_bucket" // seconds, cumulative by le

	nodeActiveJoules quantity = "node_active_joules"
	nodeIdleJoules   quantity = "node_idle_joules"
	podJoules        quantity = "pod_joules"
	nodeGPUJoules    quantity = "node_gpu_joules"
	podGPUJoules     quantity = "pod_gpu_joules"

	codecarbonKWh quantity = "codecarbon_kilowatt_hours" // counter
	codecarbonCPU quantity = "codecarbon_cpu_watts"
	codecarbonGPU quantity = "codecarbon_gpu_watts"
	codecarbonRAM quantity = "codecarbon_ram_watts"
)

// The sources, of whose names a metric is one.
const (
	triton     = "triton"
	vllm       = "vllm"
	sglang     = "sglang"
	tgi        = "tgi"
	dcgm       = "dcgm"
	kepler     = "kepler"
	codecarbon = "codecarbon"
)

// metric is a name that a source gives a quantity.
type metric struct {
	name     string
	source   string
	quantity quantity
}

// catalog are the names that are read. Of several names that a source has had for one
// quantity the first that a series has counts; names of other sources never add up for
// one server or one GPU: see sourceRank.
//
// Sources: NVIDIA/dcgm-exporter etc/default-counters.csv, and before that gpu-monitoring-
// tools (dcgm_*); DCGM 4.7's field ids for the names to come; vLLM docs/design/metrics.md,
// also as Ray Serve and KServe prefix them; Triton docs/user_guide/metrics.md; TGI
// docs/source/reference/metrics.md; SGLang docs/references/production_metrics.md; Kepler
// docs/user/metrics.md; CodeCarbon output_methods/metrics.
var catalog = slices.Concat(
	names(dcgm, gpuMillijoules, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "dcgm_total_energy_consumption"),
	names(dcgm, gpuJoules, "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL"),
	names(dcgm, gpuWatts, "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS", "dcgm_power_usage"),
	names(dcgm, gpuUtilization, "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_UTIL_RATIO", "dcgm_gpu_utilization"),
	names(dcgm, gpuMemoryMiB, "DCGM_FI_DEV_FB_USED", "dcgm_fb_used"),
	names(dcgm, gpuEngine, "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO"),

	names(triton, gpuJoules, "nv_energy_consumption"),
	names(triton, gpuWatts, "nv_gpu_power_usage"),
	names(triton, gpuUtilization, "nv_gpu_utilization"),
	names(triton, gpuMemoryBytes, "nv_gpu_memory_used_bytes"),
	names(triton, requestCount, "nv_inference_request_success"),

	names(vllm, requestCount, "vllm:request_success_total", "ray_vllm_request_success_total", "ray_vllm:request_success_total", "kserve_vllm:request_success_total"),
	names(vllm, inputTokens, "vllm:prompt_tokens_total", "ray_vllm_prompt_tokens_total", "ray_vllm:prompt_tokens_total", "kserve_vllm:prompt_tokens_total"),
	names(vllm, outputTokens, "vllm:generation_tokens_total", "ray_vllm_generation_tokens_total", "ray_vllm:generation_tokens_total", "kserve_vllm:generation_tokens_total"),
	names(vllm, latencyBucket, "vllm:e2e_request_latency_seconds_bucket", "ray_vllm_e2e_request_latency_seconds_bucket",
		"ray_vllm:e2e_request_latency_seconds_bucket", "kserve_vllm:e2e_request_latency_seconds_bucket"),

	names(sglang, requestCount, "sglang:num_requests_total", "sglang_num_requests_total"),
	names(sglang, inputTokens, "sglang:prompt_tokens_total", "sglang_prompt_tokens_total"),
	names(sglang, outputTokens, "sglang:generation_tokens_total", "sglang_generation_tokens_total"),
	names(sglang, latencyBucket, "sglang:e2e_request_latency_seconds_bucket", "sglang_e2e_request_latency_seconds_bucket"),

	names(tgi, requestCount, "tgi_request_success", "tgi_request_success_total", "tgi_request_duration_count"),
	names(tgi, inputTokens, "tgi_request_input_length_sum"),
	names(tgi, outputTokens, "tgi_request_generated_tokens_sum"),
	names(tgi, latencyBucket, "tgi_request_duration_bucket"),

	names(kepler, nodeActiveJoules, "kepler_node_cpu_active_joules_total"),
	names(kepler, nodeIdleJoules, "kepler_node_cpu_idle_joules_total"),
	names(kepler, podJoules, "kepler_pod_cpu_joules_total"),
	names(kepler, nodeGPUJoules, "kepler_node_gpu_joules_total"),
	names(kepler, podGPUJoules, "kepler_pod_gpu_joules_total"),

	names(codecarbon, codecarbonKWh, "codecarbon_energy_consumed_total", "codecarbon_energy_total"),
	names(codecarbon, codecarbonCPU, "codecarbon_cpu_power"),
	names(codecarbon, codecarbonGPU, "codecarbon_gpu_power"),
	names(codecarbon, codecarbonRAM, "codecarbon_ram_power"),
)

func names(source string, q quantity, all ...string) []metric {
	metrics := make([]metric, len(all))
	for i, name := range all {
		metrics[i] = metric{name: name, source: source, quantity: q}
	}
	return metrics
}

// isCounter says whether a quantity only ever rises until what counts it begins anew.
func (q quantity) isCounter() bool {
	switch q {
	case gpuWatts, gpuUtilization, gpuMemoryMiB, gpuMemoryBytes, gpuEngine, codecarbonCPU, codecarbonGPU, codecarbonRAM:
		return false
	}
	return true
}

// isMeter says whether a quantity counts energy of a device.
func (q quantity) isMeter() bool {
	return q.isCounter() && q.most() > 0 && q != podJoules && q != podGPUJoules
}

// most is how fast a quantity may rise a second. A GPU draws 1.4 kW at most today, a
// host with sixteen of them under 30 kW; a faster counter is one that fell to a fault,
// such as Kepler's 1e14 J on virtual machines (kepler#897). 0: no bound.
func (q quantity) most() float64 {
	const gpu, node = 3_000, 60_000 // W
	switch q {
	case gpuMillijoules:
		return gpu * 1e3
	case gpuJoules, nodeGPUJoules, podGPUJoules:
		return gpu
	case nodeActiveJoules, nodeIdleJoules, podJoules:
		return node
	case codecarbonKWh:
		return node / 3.6e6
	}
	return 0
}

// readable are the groups of sources that a mapping can choose.
const (
	readGPU        = "gpu"
	readServers    = "servers"
	readKepler     = "kepler"
	readCodeCarbon = "codecarbon"
)

func (m metric) group() string {
	switch m.quantity {
	case requestCount, inputTokens, outputTokens, latencyBucket:
		return readServers
	}
	switch m.source {
	case kepler:
		return readKepler
	case codecarbon:
		return readCodeCarbon
	}
	return readGPU
}

// sourceRank orders sources that tell of the same server or GPU: the lowest counts.
// Triton's vLLM backend reports a request as Triton's and as vLLM's.
func sourceRank(source string) int {
	return slices.Index([]string{dcgm, vllm, sglang, tgi, triton, kepler, codecarbon}, source)
}
