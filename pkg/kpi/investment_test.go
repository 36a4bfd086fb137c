package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestPaybackMonths(t *testing.T) {
	for _, test := range []struct {
		name               string
		investment, saving kpi.USD
		want               *float64
	}{
		// Wikipedia, "Payback period": "a $1000 investment made at the start of year 1
		// which returned $500 at the end of year 1 and year 2 respectively would have a
		// two-year payback period".
		{"the published example", 1000, 500, ptr(24.0)},
		{"nothing invested", 0, 500, ptr(0.0)},
		{"nothing saved", 1000, 0, nil},
		{"more spent than before", 1000, -500, nil},
		{"an investment below zero", -1, 500, nil},
		{"a saving too small for a number", math.MaxFloat64, 1e-300, nil},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, kpi.PaybackMonths(test.investment, test.saving)) })
	}
	// 164 kg to make an H100 (NVIDIA's product carbon footprint) against 328 kg a
	// year saved.
	assert.Equal(t, ptr(6.0), kpi.PaybackMonths(kpi.KilogramsCO2e(164), kpi.KilogramsCO2e(328)))
}

func TestNetPresentValue(t *testing.T) {
	// numpy-financial, documentation of npv: "rate, cashflows = 0.08, [-40_000, 5_000,
	// 8_000, 12_000, 30_000]; npf.npv(rate, cashflows).round(5)" is 3065.22267.
	value := kpi.NetPresentValue(0.08, -40_000, 5_000, 8_000, 12_000, 30_000)
	require.NotNil(t, value)
	assert.InDelta(t, 3065.22267, float64(*value), 5e-6)

	assert.Equal(t, ptr(kpi.USD(100)), kpi.NetPresentValue(0, -300, 100, 100, 200), "at no interest it is the plain sum")
	assert.Nil(t, kpi.NetPresentValue(0.08), "no flows, as of a lifetime that is refused")
	assert.Nil(t, kpi.NetPresentValue(-1, -300, 100))
	assert.Nil(t, kpi.NetPresentValue(math.NaN(), -300, 100))
	assert.Nil(t, kpi.NetPresentValue(math.Inf(1), -300, 100))
	assert.Nil(t, kpi.NetPresentValue(0.08, kpi.USD(math.Inf(-1))))
}

func TestEvenFlows(t *testing.T) {
	assert.Equal(t, []kpi.USD{-1000, 400, 400, 400}, kpi.EvenFlows(1000, 400, 3))
	assert.Equal(t, []kpi.USD{-1000, 400, 400, 200}, kpi.EvenFlows(1000, 400, 2.5), "half a year saves half")
	assert.Equal(t, []kpi.USD{-1000, 100}, kpi.EvenFlows(1000, 400, 0.25))
	for _, years := range []float64{0, -1, 101, math.NaN(), math.Inf(1)} {
		assert.Nil(t, kpi.EvenFlows(1000, 400, years), "%g years", years)
	}
}

func TestNetPresentValueFallsWithTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		investment := kpi.USD(rapid.Float64Range(0, 1e7).Draw(t, "investment"))
		saving := kpi.USD(rapid.Float64Range(1, 1e7).Draw(t, "saving"))
		flows := kpi.EvenFlows(investment, saving, rapid.Float64Range(0.5, 50).Draw(t, "years"))
		low := rapid.Float64Range(0, 1).Draw(t, "low rate")
		high := rapid.Float64Range(low+0.001, 2).Draw(t, "high rate")
		at := func(rate float64) float64 { return float64(*kpi.NetPresentValue(rate, flows...)) }
		require.Greater(t, at(low), at(high))
		require.GreaterOrEqual(t, at(high), -float64(investment), "never worse than the money thrown away")
	})
}
