package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func candidate(accuracy, energy float64) kpi.ParetoCandidate {
	return kpi.ParetoCandidate{Accuracy: &accuracy, Energy: &energy}
}

func TestParetoFront(t *testing.T) {
	small, large, waste, equal := candidate(0.80, 1), candidate(0.90, 4), candidate(0.79, 5), candidate(0.80, 1)
	standings := kpi.ParetoFront([]kpi.ParetoCandidate{small, large, waste, equal, {Energy: ptr(1.0)}, {Accuracy: ptr(1.0)}})
	assert.Equal(t, []*kpi.ParetoStanding{
		{OnFront: true, Better: -1}, {OnFront: true, Better: -1}, {Better: 0}, {OnFront: true, Better: -1}, nil, nil,
	}, standings, "small and large trade off, the waste is beaten by both and small takes the least, equals are both on the front")
}

func TestParetoFrontHoldsForAllCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.ParetoCandidate {
			return candidate(float64(rapid.IntRange(0, 9).Draw(t, "accuracy")), float64(rapid.IntRange(0, 9).Draw(t, "energy")))
		}), 1, 12).Draw(t, "candidates")
		standings := kpi.ParetoFront(candidates)
		front := 0
		for i, standing := range standings {
			require.NotNil(t, standing)
			if standing.OnFront {
				front++
				for j, other := range candidates {
					better := *other.Accuracy >= *candidates[i].Accuracy && *other.Energy <= *candidates[i].Energy &&
						(*other.Accuracy != *candidates[i].Accuracy || *other.Energy != *candidates[i].Energy)
					assert.False(t, better, "%d is on the front and %d is better", i, j)
				}
				continue
			}
			assert.LessOrEqual(t, *candidates[standing.Better].Energy, *candidates[i].Energy)
			assert.GreaterOrEqual(t, *candidates[standing.Better].Accuracy, *candidates[i].Accuracy)
			assert.True(t, standings[standing.Better].OnFront || standings[standing.Better].Better >= 0)
		}
		assert.Positive(t, front, "somebody is on the front")
	})
}

func TestResearchAndTraining(t *testing.T) {
	cost, energy, carbon := kpi.USD(350), kpi.KilowattHours(46), kpi.KilogramsCO2e(3)
	assert.Equal(t, ptr(50.0), kpi.InferenceCostPerBillionParameters(&cost, ptr(7.0)))
	assert.Nil(t, kpi.InferenceCostPerBillionParameters(nil, ptr(7.0)))
	assert.Nil(t, kpi.InferenceCostPerBillionParameters(&cost, nil))
	assert.Equal(t, ptr(0.1), kpi.AccuracyPerBillionParameters(ptr(0.8), ptr(8.0)))
	assert.Nil(t, kpi.AccuracyPerBillionParameters(ptr(0.8), ptr(0.0)))
	assert.Equal(t, ptr(kpi.KilowattHours(23)), kpi.EnergyToSolution(energy, 2))
	assert.Nil(t, kpi.EnergyToSolution(energy, 0), "nothing was completed")
	assert.InDelta(t, 0.5, float64(*kpi.EnergyPerAccuracyPoint(&energy, ptr(0.92))), 1e-12)
	assert.Nil(t, kpi.EnergyPerAccuracyPoint(&energy, nil))
	assert.Nil(t, kpi.EnergyPerAccuracyPoint(nil, ptr(0.9)))
	assert.InDelta(t, 1.5, *kpi.TrainingCarbonPer1kRequests(&carbon, 2_000_000), 1e-12, "3 kg over two million requests")
	assert.Nil(t, kpi.TrainingCarbonPer1kRequests(&carbon, 0))
}
