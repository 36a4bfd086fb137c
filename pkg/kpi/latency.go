package kpi

import (
	"math"
	"slices"
)

// latencyGrowth is the ratio of one bin's upper bound to the one before it.
const latencyGrowth = 1.01 / 0.99

// LatencyError is the relative error of a latency quantile: a stated one is within
// this part of the true one.
const LatencyError = 0.01

// latencyBinZero is the bin of latencies of zero.
const latencyBinZero = -1

// LatencyHistogram counts requests by their latency in bins that grow by a constant
// ratio g = 1.01/0.99: bin k holds (g^(k−1), g^k] microseconds and bin −1 holds
// zero. Histograms add up bin by bin, so hours make days without loss. The zero value
// is empty. Source: DDSketch, Masson, Rim and Lee, VLDB 2019.
type LatencyHistogram struct {
	first    int     // the bin of requests[0]
	requests []int64 // of this bin and those after it
}

// LatencyBin is the bin of a latency in milliseconds.
func LatencyBin(milliseconds float64) int {
	microseconds := milliseconds * 1000
	if !(microseconds > 0) {
		return latencyBinZero
	}
	return int(math.Ceil(math.Log(microseconds) / math.Log(latencyGrowth)))
}

// Add counts requests in bins; a bin may come more than once, and what was taken away
// counts negative.
func (h *LatencyHistogram) Add(bins []int, requests []int64) {
	if len(bins) == 0 {
		return
	}
	h.reach(slices.Min(bins), slices.Max(bins))
	for i, bin := range bins {
		h.requests[bin-h.first] += requests[i]
	}
}

// Merge counts the requests of another histogram.
func (h *LatencyHistogram) Merge(other LatencyHistogram) {
	if len(other.requests) == 0 {
		return
	}
	h.reach(other.first, other.first+len(other.requests)-1)
	for i, requests := range other.requests {
		h.requests[other.first-h.first+i] += requests
	}
}

// reach makes room for the bins from low to high.
func (h *LatencyHistogram) reach(low, high int) {
	if len(h.requests) > 0 {
		low, high = min(low, h.first), max(high, h.first+len(h.requests)-1)
		if low == h.first && high == h.first+len(h.requests)-1 {
			return
		}
	}
	requests := make([]int64, high-low+1)
	if len(h.requests) > 0 {
		copy(requests[h.first-low:], h.requests)
	}
	h.first, h.requests = low, requests
}

// Empty says whether no bin holds requests.
func (h LatencyHistogram) Empty() bool {
	return !slices.ContainsFunc(h.requests, func(requests int64) bool { return requests != 0 })
}

// Count is how many requests the histogram holds.
func (h LatencyHistogram) Count() int64 {
	var count int64
	for _, requests := range h.requests {
		count += requests
	}
	return count
}

// Quantile is the latency in milliseconds that a part q of the requests, 0 to 1,
// stays within: the value of rank ⌊q·(n−1)⌋, up to LatencyError of itself. Its bin
// k is reported as 2·g^k/(g+1), from which no value of the bin is further. Refused
// without requests and for q outside 0..1.
func (h LatencyHistogram) Quantile(q float64) *float64 {
	count := h.Count()
	if count <= 0 || !(q >= 0 && q <= 1) {
		return nil
	}
	rank := int64(q * float64(count-1))
	var seen int64
	for i, requests := range h.requests {
		if seen += requests; seen > rank {
			bin := h.first + i
			if bin == latencyBinZero {
				return finite(0.0)
			}
			return finite(2 * math.Pow(latencyGrowth, float64(bin)) / (latencyGrowth + 1) / 1000)
		}
	}
	return nil
}

// BucketLatency is the latency that stands for the requests of a bucket (lower, upper]
// of a histogram that was counted elsewhere:
//
//	√(lower · upper)
//
// It is off by a factor of at most √(upper/lower), the least that any one value of the
// bucket can promise. A bucket without a lower bound, the first, gives half its upper
// one; one without an upper bound, +Inf, gives its lower one, which is too little.
func BucketLatency(lower, upper float64) float64 {
	switch {
	case math.IsInf(upper, 1):
		return max(0, lower)
	case !(lower > 0):
		return max(0, upper/2)
	}
	return math.Sqrt(lower * upper)
}

// BreachRate is the part of requests that were slower than their model's latency
// objective, 0 to 1:
//
//	requests over the objective / requests with an objective
//
// Source: the guide's User Experience & Cost Trade-off. Refused without requests
// that have an objective.
func BreachRate(breaches, requests int64) *float64 {
	return quotient(float64(breaches), float64(requests))
}
