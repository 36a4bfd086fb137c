package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// served is work that answers requests with a PUE of 1.25 and 0.08 USD per kWh:
// 0.10 USD for a kWh of IT energy.
func served(requests int64, energy kpi.KilowattHours) kpi.Measures {
	return kpi.Measures{ServingRequests: requests, ServingEnergy: energy, ServingEnergyCost: ptr(kpi.USD(energy) * 0.1)}
}

func TestCostAvoided(t *testing.T) {
	unpriced := served(1000, 1)
	unpriced.ServingEnergyCost = nil
	tests := []struct {
		name     string
		baseline *float64
		measures kpi.Measures
		want     *kpi.USD
	}{
		// (0.5 − 0.3 kWh per 1k) · 20 thousand · 1.25 · 0.08 USD = 0.40 USD.
		{"better than the baseline", ptr(0.5), served(20_000, 6), ptr(kpi.USD(0.4))},
		{"worse is below zero", ptr(0.2), served(20_000, 6), ptr(kpi.USD(-0.2))},
		{"as before", ptr(0.3), served(20_000, 6), ptr(kpi.USD(0))},
		{"no baseline", nil, served(20_000, 6), nil},
		{"no requests", ptr(0.5), served(0, 6), nil},
		{"no price", ptr(0.5), unpriced, nil},
		{"no energy and so no price of it", ptr(0.5), served(20_000, 0), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := kpi.CostAvoided(test.baseline, test.measures)
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, float64(*test.want), float64(*got), 1e-12)
		})
	}
}

func TestCumulativeCostAvoided(t *testing.T) {
	baselines := map[string]float64{"a": 0.5, "b": 1}
	steps := [][]kpi.ModelUsage{
		{{Model: "a", Measures: served(20_000, 6)}, {Model: "b", Measures: served(1000, 2)}, {Model: "new", Measures: served(1000, 1)}}, // 0.4 − 0.1
		{},
		{{Model: "a", Measures: served(10_000, 4)}, {Model: kpi.Idle, Measures: kpi.Measures{ITEnergy: 7}}, {Model: "new", Measures: served(1, 1)}}, // 0.1
	}
	sums, without := kpi.CumulativeCostAvoided(steps, baselines)
	require.Len(t, sums, 3)
	for i, want := range []float64{0.3, 0.3, 0.4} {
		require.NotNil(t, sums[i])
		assert.InDelta(t, want, float64(*sums[i]), 1e-12, "step %d", i)
	}
	assert.Equal(t, []string{"new"}, without, "named once; idle energy serves no requests and has no baseline to miss")

	sums, without = kpi.CumulativeCostAvoided(steps, nil)
	assert.Equal(t, []*kpi.USD{nil, nil, nil}, sums, "without a baseline nothing is known, which is not zero")
	assert.Equal(t, []string{"a", "b", "new"}, without)

	steps[1] = []kpi.ModelUsage{{Model: "b", Measures: kpi.Measures{ServingRequests: 5, ServingEnergy: 1}}}
	sums, _ = kpi.CumulativeCostAvoided(steps, baselines)
	assert.NotNil(t, sums[0])
	assert.Nil(t, sums[1], "energy without a price")
	assert.Nil(t, sums[2], "and a sum that leaves it out would be wrong from there on")
}

func TestCostAvoidedOfTheWholeIsThatOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		baseline := rapid.Float64Range(0.01, 10).Draw(t, "baseline")
		draw := func(name string) kpi.Measures {
			return served(rapid.Int64Range(1, 1e9).Draw(t, name+" requests"), kpi.KilowattHours(rapid.Float64Range(0.001, 1e6).Draw(t, name+" energy")))
		}
		a, b := draw("a"), draw("b")
		both := kpi.Measures{ServingRequests: a.ServingRequests + b.ServingRequests, ServingEnergy: a.ServingEnergy + b.ServingEnergy,
			ServingEnergyCost: ptr(*a.ServingEnergyCost + *b.ServingEnergyCost)}
		parts := float64(*kpi.CostAvoided(&baseline, a) + *kpi.CostAvoided(&baseline, b))
		require.InDelta(t, parts, float64(*kpi.CostAvoided(&baseline, both)), 1e-9*(1+float64(*both.ServingEnergyCost)+baseline*float64(both.ServingRequests)/1e4))
	})
}
