package kpi

import "math"

// latencyGrowth is the ratio of one bin's upper bound to the one before it.
const latencyGrowth = 1.01 / 0.99

// LatencyError is the relative error of a latency quantile: a stated one is within
// this part of the true one.
const LatencyError = 0.01

// latencyBinZero is the bin of latencies of zero.
const latencyBinZero = -1

// LatencyHistogram counts requests by their latency in bins that grow by a constant
// ratio g = 1.01/0.99: bin k holds (g^(k−1), g^k] microseconds and bin −1 holds
// zero. Histograms add up bin by bin, so hours make days without loss. Source:
// DDSketch, Masson, Rim and Lee, VLDB 2019.
type LatencyHistogram map[int]int64

// LatencyBin is the bin of a latency in milliseconds.
func LatencyBin(milliseconds float64) int {
	microseconds := milliseconds * 1000
	if !(microseconds > 0) {
		return latencyBinZero
	}
	return int(math.Ceil(math.Log(microseconds) / math.Log(latencyGrowth)))
}

// Add counts requests in a bin.
func (h LatencyHistogram) Add(bin int, requests int64) { h[bin] += requests }

// Count is how many requests the histogram holds.
func (h LatencyHistogram) Count() int64 {
	var count int64
	for _, requests := range h {
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
	low, high := h.bounds()
	var seen int64
	for bin := low; bin <= high; bin++ {
		if seen += h[bin]; seen > rank {
			if bin == latencyBinZero {
				return finite(0.0)
			}
			return finite(2 * math.Pow(latencyGrowth, float64(bin)) / (latencyGrowth + 1) / 1000)
		}
	}
	return nil
}

func (h LatencyHistogram) bounds() (low, high int) {
	low, high = math.MaxInt, math.MinInt
	for bin := range h {
		low, high = min(low, bin), max(high, bin)
	}
	return low, high
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
