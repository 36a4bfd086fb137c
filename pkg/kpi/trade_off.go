package kpi

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// leastPairs is how many hours a correlation needs: with fewer, one hour decides.
const leastPairs = 10

// SpearmanCorrelation is how two quantities move together, −1 to 1: Pearson's
// correlation of their ranks, ties taking the mean of their ranks. Pairs with an
// unknown value are left out; it returns how many counted. Source: Spearman, The
// Proof and Measurement of Association between Two Things, 1904. Refused under ten
// pairs and where one of the two never changes.
func SpearmanCorrelation(x, y []*float64) (*float64, int) {
	var xs, ys []float64
	for i := range min(len(x), len(y)) {
		if x[i] != nil && y[i] != nil && !math.IsNaN(*x[i]) && !math.IsNaN(*y[i]) {
			xs, ys = append(xs, *x[i]), append(ys, *y[i])
		}
	}
	if len(xs) < leastPairs {
		return nil, len(xs)
	}
	return finite(stat.Correlation(ranks(xs), ranks(ys), nil)), len(xs)
}

// ranks are the places of the values in order, from 1; equal values share the mean
// of their places.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	ranked := make([]float64, len(values))
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && values[order[last+1]] == values[order[first]] {
			last++
		}
		for i := first; i <= last; i++ {
			ranked[order[i]] = float64(first+last)/2 + 1
		}
		first = last + 1
	}
	return ranked
}

// SpikeScore is the robust z from which a value is a spike.
const SpikeScore = 3.5

// Spikes tells the values far above the usual from the others:
//
//	0.6745 · (x − median) / MAD > 3.5
//
// MAD is the median absolute deviation from the median. Where more than half of
// the values are equal it is zero, and the mean absolute deviation takes its place:
//
//	(x − median) / (1.2533 · MeanAD) > 3.5
//
// An unknown value is no spike. Source: Iglewicz and Hoaglin, How to Detect and
// Handle Outliers, 1993.
func Spikes(values []*float64) []bool {
	spikes := make([]bool, len(values))
	var known []float64
	for _, value := range values {
		if value != nil && !math.IsNaN(*value) {
			known = append(known, *value)
		}
	}
	if len(known) == 0 {
		return spikes
	}
	middle, scale := robustSpread(known)
	if scale == 0 {
		deviations := make([]float64, len(known))
		for i, value := range known {
			deviations[i] = math.Abs(value - middle)
		}
		scale = 1.2533 * stat.Mean(deviations, nil)
	}
	for i, value := range values {
		spikes[i] = value != nil && scale > 0 && (*value-middle)/scale > SpikeScore
	}
	return spikes
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// BreachFrom is the part of an hour's requests over their objective from which the
// hour is a breach: at 5 % the 95th percentile is over it.
const BreachFrom = 0.05

// TradeOff is how latency and energy cost go together over hours.
type TradeOff struct {
	// Correlation is Spearman's ρ of breach rate and cost, see SpearmanCorrelation;
	// Hours is how many it is over.
	Correlation *float64
	Hours       int
	// Spike marks the hours whose cost is a spike; Spikes counts them, and
	// SpikesWithBreach those in which at least BreachFrom of the requests were over
	// their objective.
	Spike            []bool
	Spikes           int
	SpikesWithBreach int
}

// NewTradeOff joins the hourly rate of breaches of the latency objectives with the
// hourly energy cost per 1,000 requests. Source: the guide's User Experience & Cost
// Trade-off, "correlate latency SLOs with energy cost spikes".
func NewTradeOff(breachRates, costs []*float64) TradeOff {
	t := TradeOff{Spike: Spikes(costs)}
	t.Correlation, t.Hours = SpearmanCorrelation(breachRates, costs)
	for i, spike := range t.Spike {
		if !spike {
			continue
		}
		t.Spikes++
		if breachRates[i] != nil && *breachRates[i] >= BreachFrom {
			t.SpikesWithBreach++
		}
	}
	return t
}
