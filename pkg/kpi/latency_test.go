package kpi_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// DDSketch promises a quantile within α of the true one, for any values (Masson,
// Rim and Lee, VLDB 2019, proposition 3); here α is 1 %.
func TestLatencyQuantilesKeepDDSketchsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latencies := rapid.SliceOfN(rapid.Float64Range(0.001, 1e6), 1, 300).Draw(t, "milliseconds")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		histogram := kpi.LatencyHistogram{}
		for _, latency := range latencies {
			histogram.Add([]int{kpi.LatencyBin(latency)}, []int64{1})
		}
		exact := slices.Sorted(slices.Values(latencies))[int(q*float64(len(latencies)-1))]
		got := histogram.Quantile(q)
		require.NotNil(t, got)
		assert.InEpsilon(t, exact, *got, kpi.LatencyError+1e-9)
	})
}

func TestLatencyHistogram(t *testing.T) {
	h := kpi.LatencyHistogram{}
	assert.Nil(t, h.Quantile(0.5), "no requests")
	assert.True(t, h.Empty())
	h.Add([]int{kpi.LatencyBin(0)}, []int64{3})
	assert.Equal(t, ptr(0.0), h.Quantile(1))
	h.Merge(h)
	h.Merge(kpi.LatencyHistogram{})
	h.Add([]int{kpi.LatencyBin(100), kpi.LatencyBin(0)}, []int64{1, -3})
	var other kpi.LatencyHistogram
	other.Add([]int{5, 4, 5}, []int64{1, 0, -1})
	assert.True(t, other.Empty(), "what was there was taken away")
	h.Merge(other)
	assert.Equal(t, int64(4), h.Count())
	assert.Equal(t, ptr(0.0), h.Quantile(0.5))
	assert.InEpsilon(t, 100, *h.Quantile(1), kpi.LatencyError)
	assert.Nil(t, h.Quantile(1.1))
	assert.Equal(t, ptr(0.25), kpi.BreachRate(1, 4))
	assert.Nil(t, kpi.BreachRate(0, 0))
}

func pointers(values ...float64) []*float64 {
	pointed := make([]*float64, len(values))
	for i := range values {
		pointed[i] = &values[i]
	}
	return pointed
}

func TestSpearmanCorrelation(t *testing.T) {
	// The example of Wikipedia, "Spearman's rank correlation coefficient": IQ and
	// hours of television a week, ρ = −29/165.
	iq := pointers(106, 100, 86, 101, 99, 103, 97, 113, 112, 110)
	television := pointers(7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
	rho, n := kpi.SpearmanCorrelation(iq, television)
	require.NotNil(t, rho)
	assert.InDelta(t, -29.0/165, *rho, 1e-12)
	assert.Equal(t, 10, n)

	television[3] = nil
	rho, n = kpi.SpearmanCorrelation(iq, television)
	assert.Nil(t, rho, "nine hours are too few")
	assert.Equal(t, 9, n)
	rho, _ = kpi.SpearmanCorrelation(iq, pointers(1, 1, 1, 1, 1, 1, 1, 1, 1, 1))
	assert.Nil(t, rho, "what never changes goes with nothing")

	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(rapid.Float64Range(-1e6, 1e6), 10, 40, rapid.ID[float64]).Draw(t, "values")
		grown := make([]float64, len(values))
		for i, value := range values {
			grown[i] = math.Atan(value/1e6) * 7 // rises with value
		}
		if len(slices.Compact(slices.Sorted(slices.Values(grown)))) < len(grown) {
			t.Skip("rounding made two equal")
		}
		rho, _ := kpi.SpearmanCorrelation(pointers(values...), pointers(grown...))
		require.NotNil(t, rho)
		assert.InDelta(t, 1, *rho, 1e-9, "ranks see order alone")
	})
}

func TestTradeOff(t *testing.T) {
	costs := pointers(1, 1.1, 0.9, 1, 1.2, 0.8, 1, 1.1, 0.9, 5, 1, 4.5)
	rates := pointers(0, 0.01, 0, 0, 0.02, 0, 0, 0, 0, 0.2, 0, 0.01)
	trade := kpi.NewTradeOff(rates, costs)
	assert.Equal(t, []int{2, 1, 12}, []int{trade.Spikes, trade.SpikesWithBreach, trade.Hours})
	assert.True(t, trade.Spike[9] && trade.Spike[11])
	require.NotNil(t, trade.Correlation)
	assert.Positive(t, *trade.Correlation)

	// By hand: median 1, MAD 0.1, so the robust z of 1.5 is 0.6745 · 0.5 / 0.1 = 3.37, of 1.6 it is 4.05.
	assert.Equal(t, []bool{false, false, false, false, false, false}, kpi.Spikes(pointers(0.9, 0.9, 1, 1.1, 1.1, 1.5))[:6])
	assert.True(t, kpi.Spikes(pointers(0.9, 0.9, 1, 1, 1.1, 1.1, 1.6))[6])
	// More than half are equal: the mean deviation takes the median's place.
	assert.Equal(t, []bool{false, false, false, false, false, false, false, true}, kpi.Spikes(pointers(1, 1, 1, 1, 1, 1, 1, 9)))
	assert.Equal(t, []bool{false, false}, kpi.Spikes(pointers(2, 2)), "all alike")
	assert.Empty(t, kpi.Spikes(nil))
	assert.Equal(t, []bool{false}, kpi.Spikes([]*float64{nil}))
}

func TestABucketStandsAtTheGeometricMeanOfItsBounds(t *testing.T) {
	for _, test := range []struct {
		name               string
		lower, upper, want float64
	}{
		{"no value of the bucket is further than a factor of 2", 2.5, 10, 5},
		{"the first has no lower bound", 0, 0.5, 0.25},
		{"a bound below zero is none", -1, 0.5, 0.25},
		{"the last has no upper bound", 60, math.Inf(1), 60},
	} {
		assert.InDelta(t, test.want, kpi.BucketLatency(test.lower, test.upper), 1e-12, test.name)
	}
}
