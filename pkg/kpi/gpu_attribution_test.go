package kpi_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestNanowattHoursBetween(t *testing.T) {
	assert.Equal(t, kpi.NanowattHours(277), kpi.NanowattHoursBetween(0, 1))
	assert.Equal(t, kpi.NanowattHours(278), kpi.NanowattHoursBetween(1, 2))
	assert.Equal(t, kpi.NanowattHours(2500), kpi.NanowattHoursBetween(9, 18))
	assert.Equal(t, kpi.NanowattHours(1e12), kpi.NanowattHoursBetween(0, 3_600_000_000), "3.6 MJ are a kWh")
	assert.Equal(t, kpi.KilowattHours(1), kpi.NanowattHours(1e12).KilowattHours())
}

func TestEnergyOfIntervalsAddsUpToTheMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOf(rapid.Int64Range(0, 1e12)).Draw(t, "millijoules of each interval")
		begin := rapid.Int64Range(0, 1e15).Draw(t, "the meter at first")
		reading, sum := begin, kpi.NanowattHours(0)
		for _, step := range steps {
			sum += kpi.NanowattHoursBetween(reading, reading+step)
			reading += step
		}
		require.Equal(t, kpi.NanowattHoursBetween(begin, reading), sum)
		exact := new(big.Int).Div(new(big.Int).Mul(big.NewInt(reading), big.NewInt(2500)), big.NewInt(9))
		require.Equal(t, exact.Int64(), int64(kpi.NanowattHoursBetween(0, reading)), "rounded down from 2500/9 nWh to the millijoule")
	})
}

func TestKilowattHoursKeepEachNanowattHour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		energy := rapid.Int64Range(0, 2e15).Draw(t, "nWh")
		require.Equal(t, energy, int64(math.Round(float64(kpi.NanowattHours(energy).KilowattHours())*1e12)), "as the warehouse stores it")
	})
}

func TestAttributeGPU(t *testing.T) {
	u := func(share float64) kpi.GPUProcess { return kpi.GPUProcess{Utilization: &share} }
	m := func(bytes float64) kpi.GPUProcess { return kpi.GPUProcess{MemoryBytes: &bytes} }
	type parts = []kpi.NanowattHours
	tests := []struct {
		name        string
		energy      kpi.NanowattHours
		processes   []kpi.GPUProcess
		utilization *float64
		want        kpi.GPUAttribution
	}{
		{"by utilisation, the rest is idle", 1000, []kpi.GPUProcess{u(0.5), u(0.25)}, ptr(0.9), kpi.GPUAttribution{parts{500, 250}, 250, 0, true}},
		{"more than all of it", 900, []kpi.GPUProcess{u(1), u(0.5)}, nil, kpi.GPUAttribution{parts{600, 300}, 0, 0, true}},
		{"resident and idle", 10, []kpi.GPUProcess{u(0)}, ptr(0.0), kpi.GPUAttribution{parts{0}, 10, 0, true}},
		{"the largest remainder gets what is left", 10, []kpi.GPUProcess{u(0.25), u(0.5)}, nil, kpi.GPUAttribution{parts{3, 5}, 2, 0, true}},
		{"by memory where utilisation is not told", 1000, []kpi.GPUProcess{m(30), m(10)}, ptr(0.8), kpi.GPUAttribution{parts{600, 200}, 200, 0, false}},
		{"one untold makes all an estimate", 1000, []kpi.GPUProcess{u(0.5), m(10)}, ptr(0.8), kpi.GPUAttribution{parts{400, 400}, 200, 0, false}},
		{"by memory alone", 1000, []kpi.GPUProcess{m(30), m(10)}, nil, kpi.GPUAttribution{parts{750, 250}, 0, 0, false}},
		{"memory held by none", 1000, []kpi.GPUProcess{m(0), m(0)}, nil, kpi.GPUAttribution{parts{500, 500}, 0, 0, false}},
		{"work of nobody that can be seen", 1000, nil, ptr(0.25), kpi.GPUAttribution{parts{}, 750, 250, true}},
		{"nothing is known", 1000, nil, nil, kpi.GPUAttribution{parts{}, 0, 1000, false}},
		{"no number is no utilisation", 1000, []kpi.GPUProcess{u(math.NaN()), u(0.5)}, nil, kpi.GPUAttribution{parts{0, 500}, 500, 0, true}},
		{"nothing to divide", 0, []kpi.GPUProcess{u(0.5)}, nil, kpi.GPUAttribution{parts{0}, 0, 0, true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.AttributeGPU(test.energy, test.processes, test.utilization))
		})
	}
}

func TestAttributionAddsUpToTheEnergy(t *testing.T) {
	share := rapid.OneOf(rapid.Just((*float64)(nil)), rapid.Ptr(rapid.Float64Range(0, 1), false))
	amount := rapid.OneOf(rapid.Just((*float64)(nil)), rapid.Ptr(rapid.Float64Range(0, 1e12), false))
	process := rapid.Custom(func(t *rapid.T) kpi.GPUProcess {
		return kpi.GPUProcess{Utilization: share.Draw(t, "utilisation"), MemoryBytes: amount.Draw(t, "memory")}
	})
	rapid.Check(t, func(t *rapid.T) {
		energy := kpi.NanowattHours(rapid.Int64Range(0, 1<<62).Draw(t, "energy"))
		processes := rapid.SliceOfN(process, 0, 12).Draw(t, "processes")
		attribution := kpi.AttributeGPU(energy, processes, share.Draw(t, "the GPU's utilisation"))
		sum := attribution.Idle + attribution.Unknown
		for _, part := range attribution.Processes {
			require.GreaterOrEqual(t, part, kpi.NanowattHours(0))
			sum += part
		}
		require.Equal(t, energy, sum)
		if len(processes) > 0 {
			require.Zero(t, attribution.Unknown)
		}
		if attribution.Measured {
			busy := 0.0
			for _, process := range processes {
				busy += *process.Utilization
			}
			for i, process := range processes {
				want := float64(energy) * *process.Utilization / max(busy, 1)
				require.InDelta(t, want, float64(attribution.Processes[i]), 2+float64(energy)*float64(len(processes)+1)*1e-9, "by its utilisation")
			}
		}
	})
}

func TestShareByTokens(t *testing.T) {
	assert.Equal(t, []kpi.NanowattHours{75, 0, 25}, kpi.ShareByTokens(100, []int64{300, 0, 100}))
	assert.Equal(t, []kpi.NanowattHours{34, 33, 33}, kpi.ShareByTokens(100, []int64{1, 1, 1}))
	assert.Nil(t, kpi.ShareByTokens(100, []int64{0, 0}), "nothing to go by")
	assert.Nil(t, kpi.ShareByTokens(100, nil))
	assert.Nil(t, kpi.ShareByTokens(100, []int64{5, -1}))
	rapid.Check(t, func(t *rapid.T) {
		energy := kpi.NanowattHours(rapid.Int64Range(0, math.MaxInt64).Draw(t, "energy"))
		tokens := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 20).Draw(t, "tokens")
		shares := kpi.ShareByTokens(energy, tokens)
		if shares == nil {
			return
		}
		sum := kpi.NanowattHours(0)
		for i, part := range shares {
			require.GreaterOrEqual(t, part, kpi.NanowattHours(0))
			if tokens[i] == 0 {
				require.Zero(t, part)
			}
			sum += part
		}
		require.Equal(t, energy, sum)
	})
}

func TestStepsOfAMeterInJoulesAddUpToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := rapid.SliceOfN(rapid.Float64Range(0, 3e7), 2, 50).Draw(t, "steps")
		at, sum := readings[0], kpi.NanowattHours(0)
		for _, step := range readings[1:] {
			sum += kpi.NanowattHoursBetweenJoules(at, at+step)
			at += step
		}
		assert.Equal(t, kpi.NanowattHoursBetweenJoules(readings[0], at), sum)
	})
	assert.Equal(t, kpi.NanowattHours(1e12), kpi.NanowattHoursBetweenJoules(0, 3.6e6), "3.6 MJ are a kWh")
}
