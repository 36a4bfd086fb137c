package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// ptr returns a pointer to a value.
func ptr[T any](value T) *T { return &value }

// requireNumber fails where a result is NaN or infinite; nil is a right answer.
func requireNumber[N ~float64](t require.TestingT, what string, value *N) {
	if value != nil {
		require.Falsef(t, math.IsNaN(float64(*value)) || math.IsInf(float64(*value), 0), "%s is %v, which is no number", what, *value)
	}
}

// anyFloat draws every float there is: subnormal, huge, infinite and NaN.
func anyFloat() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN()}),
	)
}

func TestEnergyPer1kRequests(t *testing.T) {
	// BLOOM's deployment took 914 kWh for 230,768 requests, 3.96 Wh each (Luccioni,
	// Viguier, Ligozat: Estimating the Carbon Footprint of BLOOM, JMLR 2023; the
	// quotient as de Vries states it, Joule 2023).
	bloom := kpi.EnergyPer1kRequests(914, 230_768)
	require.NotNil(t, bloom)
	assert.InDelta(t, 3.96, *bloom, 0.005, "1 kWh per 1,000 requests is 1 Wh per request")

	assert.Equal(t, ptr(0.5), kpi.EnergyPer1kRequests(2, 4000))
	assert.Equal(t, ptr(0.0), kpi.EnergyPer1kRequests(0, 10), "requests that took no energy have an intensity")
	assert.Nil(t, kpi.EnergyPer1kRequests(5, 0), "energy without requests has none")
	assert.Nil(t, kpi.EnergyPer1kRequests(0, 0))
	assert.Nil(t, kpi.EnergyPer1kRequests(5, -1))
}

func TestEnergyPer1MTokens(t *testing.T) {
	m := kpi.Measures{
		ServingInputTokens: 6_000_000, ServingOutputTokens: 2_000_000, ServingEnergy: 4,
		InputTokens: 9e9, OutputTokens: 9e9, // training's tokens are another unit of activity
	}
	tests := []struct {
		tokens kpi.Tokens
		want   *float64
	}{
		{kpi.TokensOutput, ptr(2.0)},
		{kpi.TokensInput, ptr(4.0 / 6)},
		{kpi.TokensTotal, ptr(0.5)},
		{"words", nil},
	}
	for _, test := range tests {
		t.Run(string(test.tokens), func(t *testing.T) {
			got := kpi.EnergyPer1MTokens(m.ServingEnergy, test.tokens.Count(m))
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, *test.want, *got, 1e-12)
		})
	}
	assert.Nil(t, kpi.EnergyPer1MTokens(1, 0))
}

func TestIntensitiesAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		energy, count := kpi.KilowattHours(anyFloat().Draw(t, "energy")), rapid.Int64().Draw(t, "count")
		requireNumber(t, "the intensity of requests", kpi.EnergyPer1kRequests(energy, count))
		requireNumber(t, "the intensity of tokens", kpi.EnergyPer1MTokens(energy, count))
	})
}
