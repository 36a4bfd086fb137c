package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestLogarithmicMean(t *testing.T) {
	tests := []struct {
		name       string
		a, b, want float64
	}{
		{"equal", 7, 7, 7},
		{"e and 1", math.E, 1, math.E - 1},
		{"either way round", 1, math.E, math.E - 1},
		{"nearly equal", 1 + 1e-12, 1, 1 + 0.5e-12},
		{"nothing before", 5, 0, 0},
		{"nothing after", 0, 5, 0},
		{"nothing at all", 0, 0, 0},
		{"further apart than a quotient can hold", 1e300, 1e-300, 1e300 / (600 * math.Ln10)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.InEpsilon(t, test.want+1, kpi.LogarithmicMean(test.a, test.b)+1, 1e-14)
		})
	}
	for _, amount := range []float64{-1, math.NaN(), math.Inf(1)} {
		assert.True(t, math.IsNaN(kpi.LogarithmicMean(amount, 1)), "%g has no mean", amount)
		assert.True(t, math.IsNaN(kpi.LogarithmicMean(1, amount)), "%g has no mean", amount)
	}
}

func TestLogarithmicMeanLiesBetweenTheGeometricAndTheArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(1e-6, 1e6).Draw(t, "a"), rapid.Float64Range(1e-6, 1e6).Draw(t, "b")
		mean := kpi.LogarithmicMean(a, b)
		require.GreaterOrEqual(t, mean, math.Sqrt(a)*math.Sqrt(b)*(1-1e-12))
		require.LessOrEqual(t, mean, (a+b)/2*(1+1e-12))
		require.InEpsilon(t, mean, kpi.LogarithmicMean(b, a), 1e-12)
	})
}

// heunBrockway is the worked example of Heun and Brockway (2019), supplement S3,
// doi.org/10.1016/j.apenergy.2019.01.255, as their package LMDIR publishes it
// after Ang (2005): two subcategories of three factors in 1971 to 1974, and the
// effects of each year (github.com/MatthewHeun/LMDIR, tests/testthat/test_lmdi.R).
var heunBrockway = struct {
	factors [4][2][]float64
	effects [3][2][]float64
}{
	factors: [4][2][]float64{
		{{1, 10, 2}, {4, 5, 3}}, {{4, 5, 3}, {5, 6, 4}}, {{8, 2, 4}, {5, 7, 5}}, {{10, 1, 5}, {6, 8, 6}},
	},
	effects: [3][2][]float64{
		{{50.47438029, -25.23719014, 14.76280986}, {19.31568569, 15.78206435, 24.90224996}},
		{{42.96021467, -56.79031473, 17.83010006}, {0, 22.47128816, 32.52871184}},
		{{12.6549815, -39.30996299, 12.6549815}, {41.35566084, 30.28867832, 41.35566084}},
	},
}

func TestFactorEffectsReproduceAPublishedExample(t *testing.T) {
	for year, byCategory := range heunBrockway.effects {
		for category, want := range byCategory {
			got := kpi.FactorEffects(heunBrockway.factors[year][category], heunBrockway.factors[year+1][category])
			require.InDeltaSlice(t, want, got, 5e-8, "year %d, subcategory %d", 1971+year, category+1)
		}
	}
}

// The limits of Ang, Zhang and Choi (1998), Energy 23:489–495, table 2, on the
// same example with one factor set to zero (LMDIR's tests of Z_byname).
func TestFactorEffectsAtZero(t *testing.T) {
	tests := []struct {
		name          string
		before, after []float64
		want          []float64
	}{
		{"a factor enters", []float64{0, 10, 2}, []float64{4, 5, 3}, []float64{60, 0, 0}},
		{"a factor leaves", []float64{4, 5, 3}, []float64{5, 6, 0}, []float64{0, 0, -60}},
		{"zero in both periods", []float64{0, 10, 2}, []float64{0, 5, 3}, []float64{0, 0, 0}},
		{"one leaves as another enters", []float64{0, 10, 2}, []float64{4, 0, 3}, []float64{0, 0, 0}},
		{"two enter together", []float64{0, 0, 2}, []float64{4, 5, 3}, nil},
		{"below zero", []float64{-1, 10, 2}, []float64{4, 5, 3}, nil},
		{"not a number", []float64{1, 10, 2}, []float64{4, math.NaN(), 3}, nil},
		{"infinite", []float64{1, 10, 2}, []float64{4, math.Inf(1), 3}, nil},
		{"too large to hold", []float64{1, 10, 2}, []float64{1e200, 1e200, 3}, nil},
		{"effects too large to hold", []float64{0.875}, []float64{math.MaxFloat64}, nil},
		{"other factors", []float64{1, 2}, []float64{4, 5, 3}, nil},
		{"no change", []float64{2, 3}, []float64{2, 3}, []float64{0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.FactorEffects(test.before, test.after))
		})
	}
}

func TestZeroIsTheLimitOfSmallValues(t *testing.T) {
	// Ang and Liu (2007): with δ in the zero's place the effects converge to the
	// limits, slowly, as 1 / ln δ.
	limits := kpi.FactorEffects([]float64{0, 10, 2}, []float64{4, 5, 3})
	distance := func(delta float64) float64 {
		effects, far := kpi.FactorEffects([]float64{delta, 10, 2}, []float64{4, 5, 3}), 0.0
		for k := range effects {
			far = max(far, math.Abs(effects[k]-limits[k]))
		}
		return far
	}
	assert.Less(t, distance(1e-20), distance(1e-10))
	assert.Less(t, distance(1e-200), distance(1e-20)/5)
	assert.Less(t, distance(1e-300), 0.1)
}

func TestFactorEffectsAddUpAndReverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "factors")
		factors := rapid.SliceOfN(rapid.Float64Range(1e-5, 1e5), n, n)
		before, after := factors.Draw(t, "before"), factors.Draw(t, "after")
		kept := rapid.IntRange(0, n-1).Draw(t, "a factor that stays")
		after[kept] = before[kept]
		effects, reversed := kpi.FactorEffects(before, after), kpi.FactorEffects(after, before)
		require.NotNil(t, effects)
		sum, from, to := 0.0, 1.0, 1.0
		for k := range n {
			sum, from, to = sum+effects[k], from*before[k], to*after[k]
			require.InDelta(t, -effects[k], reversed[k], 1e-9*math.Abs(effects[k]), "time reversed")
		}
		require.InDelta(t, to-from, sum, 1e-9*max(from, to))
		require.Zero(t, effects[kept], "a factor that stays has no effect")
	})
}

func TestFactorEffectsAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(anyFloat(), 0, 4).Draw(t, "before")
		after := rapid.SliceOfN(anyFloat(), 0, 4).Draw(t, "after")
		for _, effect := range kpi.FactorEffects(before, after) {
			require.False(t, math.IsNaN(effect) || math.IsInf(effect, 0), "the effect is %g", effect)
		}
	})
}
