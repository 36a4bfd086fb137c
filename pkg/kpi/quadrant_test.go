package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestQuadrant(t *testing.T) {
	moved := kpi.QuadrantThresholds{Criticality: 80, Score: 30}
	tests := []struct {
		name               string
		thresholds         kpi.QuadrantThresholds
		criticality, score *float64
		want               string
	}{
		{"critical and inefficient", kpi.DefaultQuadrantThresholds, ptr(90.0), ptr(20.0), "Immediate Action Required"},
		{"critical and efficient", kpi.DefaultQuadrantThresholds, ptr(90.0), ptr(80.0), "Showcase Success"},
		{"neither", kpi.DefaultQuadrantThresholds, ptr(10.0), ptr(20.0), "Optimise or Retire"},
		{"efficient, not critical", kpi.DefaultQuadrantThresholds, ptr(10.0), ptr(80.0), "Maintain"},
		{"on both lines", kpi.DefaultQuadrantThresholds, ptr(50.0), ptr(50.0), "Showcase Success"},
		{"on the line of criticality", kpi.DefaultQuadrantThresholds, ptr(50.0), ptr(49.9), "Immediate Action Required"},
		{"lines moved: not critical any more", moved, ptr(70.0), ptr(20.0), "Optimise or Retire"},
		{"lines moved: efficient already", moved, ptr(90.0), ptr(35.0), "Showcase Success"},
		{"no criticality", kpi.DefaultQuadrantThresholds, nil, ptr(35.0), ""},
		{"no score", kpi.DefaultQuadrantThresholds, ptr(90.0), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.thresholds.Quadrant(test.criticality, test.score)
			if test.want == "" {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.Equal(t, test.want, string(*got))
		})
	}
}

func TestPotentialSaving(t *testing.T) {
	m := func(energy, reference, serving kpi.KilowattHours, cost *kpi.USD) kpi.Measures {
		return kpi.Measures{ScoredEnergy: energy, ReferenceEnergy: reference, ServingEnergy: serving, ServingEnergyCost: cost}
	}
	tests := []struct {
		name      string
		measures  kpi.Measures
		threshold float64
		want      *float64
	}{
		// At score 25 the energy is three times the reference; at 50 it is the reference.
		{"from 25 to 50 two thirds of the energy go", m(300, 100, 300, ptr[kpi.USD](60)), 50, ptr(40.0)},
		{"from 50 to 80 three quarters go", m(100, 100, 100, ptr[kpi.USD](20)), 80, ptr(15.0)},
		{"work without a reference saves nothing", m(300, 100, 600, ptr[kpi.USD](120)), 50, ptr(40.0)},
		{"to 100 all of it", m(100, 100, 100, ptr[kpi.USD](20)), 100, ptr(20.0)},
		{"there already", m(50, 100, 50, ptr[kpi.USD](20)), 50, ptr(0.0)},
		{"exactly there", m(100, 100, 100, ptr[kpi.USD](20)), 50, ptr(0.0)},
		{"everybody has reached 0", m(1e6, 1, 1e6, ptr[kpi.USD](20)), 0, ptr(0.0)},
		{"no cost", m(300, 100, 300, nil), 50, nil},
		{"no score", m(300, 0, 300, ptr[kpi.USD](60)), 50, nil},
		{"no such threshold", m(300, 100, 300, ptr[kpi.USD](60)), 101, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := kpi.PotentialSaving(test.measures, test.threshold)
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, *test.want, float64(*got), 1e-9)
		})
	}
}

func TestPotentialSavingReachesTheThreshold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reference := rapid.Float64Range(1e-3, 1e6).Draw(t, "reference")
		m := scored(kpi.KilowattHours(reference*rapid.Float64Range(0, 1e3).Draw(t, "energy over reference")), kpi.KilowattHours(reference))
		m.ServingEnergy = m.ScoredEnergy
		const usdPerKilowattHour = 0.25
		m.ServingEnergyCost = ptr(kpi.USD(float64(m.ServingEnergy) * usdPerKilowattHour))
		threshold := rapid.Float64Range(1, 99).Draw(t, "threshold")

		saving := kpi.PotentialSaving(m, threshold)

		require.NotNil(t, saving)
		require.GreaterOrEqual(t, *saving, kpi.USD(0))
		require.LessOrEqual(t, *saving, *m.ServingEnergyCost)
		after := m
		after.ScoredEnergy = max(0, after.ScoredEnergy-kpi.KilowattHours(float64(*saving)/usdPerKilowattHour))
		require.GreaterOrEqual(t, *kpi.EnergyScore(after), threshold-1e-6, "with the saved energy gone the score is the threshold")
		if *saving > 0 {
			require.InDelta(t, threshold, *kpi.EnergyScore(after), 1e-3)
		}
	})
}

func TestPotentialSavingIsANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		energy := func(name string) kpi.KilowattHours { return kpi.KilowattHours(anyFloat().Draw(t, name)) }
		m := kpi.Measures{ScoredEnergy: energy("energy"), ReferenceEnergy: energy("reference"), ServingEnergy: energy("serving"),
			ServingEnergyCost: ptr(kpi.USD(anyFloat().Draw(t, "cost")))}
		requireNumber(t, "the saving", kpi.PotentialSaving(m, anyFloat().Draw(t, "threshold")))
	})
}
