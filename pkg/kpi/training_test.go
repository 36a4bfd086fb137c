package kpi_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestEnergyToSolution(t *testing.T) {
	assert.Equal(t, ptr(kpi.KilowattHours(23)), kpi.EnergyToSolution(46, 2))
	assert.Equal(t, new(kpi.KilowattHours), kpi.EnergyToSolution(0, 2), "completed without energy is a zero")
	assert.Nil(t, kpi.EnergyToSolution(46, 0), "nothing was completed")
	assert.Nil(t, kpi.EnergyToSolution(kpi.KilowattHours(math.NaN()), 1))
}

func TestEnergyPerAccuracyPoint(t *testing.T) {
	energy := ptr(kpi.KilowattHours(46))
	for _, test := range []struct {
		name               string
		energy             *kpi.KilowattHours
		accuracy, previous *float64
		point, gained      *kpi.KilowattHours
	}{
		{"two points gained", energy, ptr(0.92), ptr(0.90), ptr(kpi.KilowattHours(0.5)), ptr(kpi.KilowattHours(23))},
		{"the first run of its model", energy, ptr(0.92), nil, ptr(kpi.KilowattHours(0.5)), nil},
		{"as good as before", energy, ptr(0.92), ptr(0.92), ptr(kpi.KilowattHours(0.5)), nil},
		{"worse than before", energy, ptr(0.92), ptr(0.93), ptr(kpi.KilowattHours(0.5)), nil},
		{"no accuracy", energy, nil, ptr(0.9), nil, nil},
		{"an accuracy of 0", energy, ptr(0.0), ptr(0.0), nil, nil},
		{"no energy", nil, ptr(0.92), ptr(0.90), nil, nil},
		{"no number", energy, ptr(math.NaN()), ptr(0.90), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertClose(t, test.point, kpi.EnergyPerAccuracyPoint(test.energy, test.accuracy))
			assertClose(t, test.gained, kpi.EnergyPerAccuracyPointGained(test.energy, test.accuracy, test.previous))
		})
	}
}

// A point gained costs at least what a point costs: the gain is a part of the accuracy.
func TestAPointGainedIsNeverCheaperThanAPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		energy := kpi.KilowattHours(rapid.Float64Range(0, 1e6).Draw(t, "energy"))
		accuracy, previous := rapid.Float64Range(0.01, 1).Draw(t, "accuracy"), rapid.Float64Range(0, 1).Draw(t, "previous")
		point := kpi.EnergyPerAccuracyPoint(&energy, &accuracy)
		gained := kpi.EnergyPerAccuracyPointGained(&energy, &accuracy, &previous)
		assert.NotNil(t, point)
		assert.Equal(t, accuracy > previous, gained != nil, "there is one exactly where the run is better")
		if gained != nil {
			assert.GreaterOrEqual(t, float64(*gained)*(1+1e-12), float64(*point))
		}
	})
}

func TestGPUHours(t *testing.T) {
	hours := func(n int) *time.Duration { return ptr(time.Duration(n) * time.Hour) }
	for _, test := range []struct {
		name     string
		recorded *float64
		gpus     *int
		duration *time.Duration
		want     *float64
	}{
		{"recorded", ptr(36.0), ptr(8), hours(5), ptr(36.0)},
		{"recorded of a run that goes on", ptr(36.0), nil, nil, ptr(36.0)},
		{"none recorded", ptr(0.0), ptr(8), hours(5), ptr(40.0)},
		{"no events", nil, ptr(8), hours(5), ptr(40.0)},
		{"still running", ptr(0.0), ptr(8), nil, nil},
		{"GPUs not known", ptr(0.0), nil, hours(5), nil},
		{"an end before the start", nil, ptr(8), hours(-5), nil},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, kpi.GPUHours(test.recorded, test.gpus, test.duration)) })
	}
}

func TestTrainingCarbonPer1kRequests(t *testing.T) {
	carbon := kpi.KilogramsCO2e(3)
	assert.Equal(t, ptr(1.5), kpi.TrainingCarbonPer1kRequests(&carbon, 2_000_000), "3 kg over two million requests")
	assert.Equal(t, new(float64), kpi.TrainingCarbonPer1kRequests(new(kpi.KilogramsCO2e), 1))
	assert.Nil(t, kpi.TrainingCarbonPer1kRequests(&carbon, 0))
	assert.Nil(t, kpi.TrainingCarbonPer1kRequests(nil, 1))
}
