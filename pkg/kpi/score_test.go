package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func scored(energy, reference kpi.KilowattHours) kpi.Measures {
	return kpi.Measures{ScoredEnergy: energy, ReferenceEnergy: reference}
}

func TestEnergyScore(t *testing.T) {
	tests := []struct {
		name              string
		energy, reference kpi.KilowattHours
		want              *float64
	}{
		{"at the reference", 7, 7, ptr(50.0)},
		{"half the reference", 1, 2, ptr(200.0 / 3)},
		{"twice the reference", 2, 1, ptr(100.0 / 3)},
		{"no energy at all", 0, 3, ptr(100.0)},
		{"more than a number can hold", 1e308, 1e-308, ptr(0.0)},
		{"neither", 0, 0, nil},
		{"no reference", 3, 0, nil},
		{"energy below zero", -1, 3, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := kpi.EnergyScore(scored(test.energy, test.reference))
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, *test.want, *got, 1e-9)
		})
	}
}

// Reference intensities in kWh per 1,000 requests: medians over the models of the
// ML.ENERGY leaderboard's tasks chat and text to image (ml-energy/leaderboard,
// 2026-02).
const (
	referenceChat  = 0.0613
	referenceImage = 0.8021
)

func TestEnergyScoreIsNotDistortedByTheMix(t *testing.T) {
	// Both models take 20 % more than their reference, in both months. Only the mix
	// changes, from mostly chat to mostly images.
	month := func(chat, image int64) kpi.Measures {
		m := kpi.Measures{ServingRequests: chat + image}
		m.ReferenceEnergy = kpi.KilowattHours(float64(chat)*referenceChat+float64(image)*referenceImage) / 1000
		m.ScoredEnergy = 1.2 * m.ReferenceEnergy
		return m
	}
	january, february := month(900_000, 100_000), month(100_000, 900_000)

	require.InDelta(t, *kpi.EnergyScore(january), *kpi.EnergyScore(february), 1e-9)
	perRequest := func(m kpi.Measures) float64 { return *kpi.EnergyPer1kRequests(m.ScoredEnergy, m.ServingRequests) }
	assert.Greater(t, perRequest(february), 5*perRequest(january), "the plain intensity, by contrast, jumps with the mix")
}

func drawScored(t *rapid.T, name string) kpi.Measures {
	energy := rapid.Float64Range(0, 1e9).Draw(t, name+" energy")
	reference := rapid.Float64Range(1e-6, 1e9).Draw(t, name+" reference")
	return scored(kpi.KilowattHours(energy), kpi.KilowattHours(reference))
}

func together(groups ...kpi.Measures) kpi.Measures {
	var sum kpi.Measures
	for _, m := range groups {
		sum.ScoredEnergy += m.ScoredEnergy
		sum.ReferenceEnergy += m.ReferenceEnergy
	}
	return sum
}

func TestEnergyScoreOfGroupsLiesBetweenTheirs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.Measures { return drawScored(t, "group") }), 1, 12).Draw(t, "groups")
		lowest, highest, weighted, weight := 100.0, 0.0, 0.0, 0.0
		for _, m := range groups {
			score := *kpi.EnergyScore(m)
			lowest, highest = min(lowest, score), max(highest, score)
			w := float64(m.ScoredEnergy + m.ReferenceEnergy)
			weighted, weight = weighted+score*w, weight+w
		}
		whole := *kpi.EnergyScore(together(groups...))
		require.GreaterOrEqual(t, whole, lowest-1e-9)
		require.LessOrEqual(t, whole, highest+1e-9)
		require.InDelta(t, weighted/weight, whole, 1e-6, "the whole is the mean weighted by E_ref + E")
	})
}

func TestEnergyScoreIsTheSameHoweverGroupsAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.Measures { return drawScored(t, "group") }), 2, 12).Draw(t, "groups")
		cut := rapid.IntRange(1, len(groups)-1).Draw(t, "cut")
		require.InDelta(t, *kpi.EnergyScore(together(groups...)),
			*kpi.EnergyScore(together(together(groups[:cut]...), together(groups[cut:]...))), 1e-9)
	})
}

func TestEnergyScoreKeepsWhenEachGroupKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Groups of one score, each with as many requests as it likes.
		ratio := rapid.Float64Range(0, 1e3).Draw(t, "energy over reference")
		references := rapid.SliceOfN(rapid.Float64Range(1e-3, 1e6), 1, 8).Draw(t, "references")
		var whole kpi.Measures
		for _, reference := range references {
			whole = together(whole, scored(kpi.KilowattHours(reference*ratio), kpi.KilowattHours(reference)))
		}
		require.InDelta(t, 100/(1+ratio), *kpi.EnergyScore(whole), 1e-6)
	})
}

func TestEnergyScoreFallsWithEnergyAndStaysInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawScored(t, "workload")
		more := m
		more.ScoredEnergy += kpi.KilowattHours(rapid.Float64Range(0, 1e9).Draw(t, "more"))
		score, lower := *kpi.EnergyScore(m), *kpi.EnergyScore(more)
		require.LessOrEqual(t, lower, score)
		require.GreaterOrEqual(t, lower, 0.0)
		require.LessOrEqual(t, score, 100.0)
	})
}

func TestEnergyScoreIsANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := scored(kpi.KilowattHours(anyFloat().Draw(t, "energy")), kpi.KilowattHours(anyFloat().Draw(t, "reference")))
		score := kpi.EnergyScore(m)
		requireNumber(t, "the score", score)
		if score != nil {
			require.GreaterOrEqual(t, *score, 0.0)
			require.LessOrEqual(t, *score, 100.0)
		}
	})
}
