package kpi_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func footprint(kwh kpi.KilowattHours, usd kpi.USD, kg kpi.KilogramsCO2e) kpi.Footprint {
	return kpi.Footprint{FacilityEnergy: &kwh, EnergyCost: &usd, Carbon: &kg}
}

// amounts are the three numbers of a footprint; NaN stands for unknown.
func amounts(f kpi.Footprint) [3]float64 {
	known := [3]float64{math.NaN(), math.NaN(), math.NaN()}
	if f.FacilityEnergy != nil {
		known[0] = float64(*f.FacilityEnergy)
	}
	if f.EnergyCost != nil {
		known[1] = float64(*f.EnergyCost)
	}
	if f.Carbon != nil {
		known[2] = float64(*f.Carbon)
	}
	return known
}

func assertFootprint(t require.TestingT, want, got kpi.Footprint) {
	for i, name := range []string{"facility energy", "energy cost", "carbon"} {
		w, g := amounts(want)[i], amounts(got)[i]
		if math.IsNaN(w) {
			assert.True(t, math.IsNaN(g), "%s is refused, not %g", name, g)
			continue
		}
		assert.InDelta(t, w, g, 1e-9*max(1, math.Abs(w)), name)
	}
}

func TestWhatIfChanges(t *testing.T) {
	day := footprint(1000, 100, 400)
	for _, test := range []struct {
		name string
		got  kpi.Footprint
		want kpi.Footprint
	}{
		{"15 % more efficient is 15 % less energy", day.ReducedBy(15), footprint(850, 85, 340)},
		{"more than all is refused", day.ReducedBy(100), kpi.Footprint{}},
		{"less than nothing is refused", day.ReducedBy(-1), kpi.Footprint{}},
		{"no number is refused", day.ReducedBy(math.NaN()), kpi.Footprint{}},
		{"half the intensity", day.AtIntensity(ptr(0.06), ptr(0.03)), footprint(500, 50, 200)},
		{"an intensity that is not known", day.AtIntensity(ptr(0.06), nil), kpi.Footprint{}},
		{"own intensity of zero", day.AtIntensity(ptr(0.0), ptr(0.03)), kpi.Footprint{}},
		{"PUE 1.25 to 1", day.AtPUE(800, 1), footprint(800, 80, 320)},
		{"PUE under 1 is refused", day.AtPUE(800, 0.99), kpi.Footprint{}},
		{"a PUE for no energy", kpi.NoFootprint().AtPUE(0, 1.1), kpi.NoFootprint()},
		{"energy without facility energy", kpi.Footprint{}.AtPUE(800, 1.1), kpi.Footprint{}},
		{"energy in a region", region(1.1, 0.1, 500).Footprint(1000), footprint(1100, 110, 550)},
		{"a region without a price", kpi.RegionFactors{PUE: ptr(1.1), GridLocation: ptr(500.0)}.Footprint(1000),
			kpi.Footprint{FacilityEnergy: ptr(kpi.KilowattHours(1100)), Carbon: ptr(kpi.KilogramsCO2e(550))}},
		{"a region without a PUE", kpi.RegionFactors{ElectricityPrice: ptr(0.1)}.Footprint(1000), kpi.Footprint{}},
		{"a sum with an unknown part", day.Plus(kpi.Footprint{FacilityEnergy: ptr(kpi.KilowattHours(1))}),
			kpi.Footprint{FacilityEnergy: ptr(kpi.KilowattHours(1001))}},
		{"more than a number can hold", day.Times(math.MaxFloat64), kpi.Footprint{}},
	} {
		t.Run(test.name, func(t *testing.T) { assertFootprint(t, test.want, test.got) })
	}
}

func region(pue, price, grid float64) kpi.RegionFactors {
	return kpi.RegionFactors{PUE: &pue, ElectricityPrice: &price, GridLocation: &grid}
}

func TestAverageFactorsWeighByTime(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	days := func(from, to int) kpi.Span {
		return kpi.Span{From: start.AddDate(0, 0, from), To: start.AddDate(0, 0, to)}
	}
	stretch := func(from, to int, f kpi.RegionFactors) kpi.FactorStretch {
		return kpi.FactorStretch{Span: days(from, to), RegionFactors: f}
	}
	unpriced := kpi.RegionFactors{PUE: ptr(1.4), GridLocation: ptr(100.0)}
	average := kpi.AverageFactors([]kpi.FactorStretch{stretch(0, 30, region(1.2, 0.1, 500)), stretch(30, 40, unpriced)}, days(0, 40))
	require.NotNil(t, average.PUE)
	assert.InDelta(t, 1.25, *average.PUE, 1e-12, "(30 · 1.2 + 10 · 1.4) / 40")
	assert.InDelta(t, 400, *average.GridLocation, 1e-9)
	assert.Nil(t, average.ElectricityPrice, "no price for ten of the days")
	assert.Equal(t, kpi.RegionFactors{}, kpi.AverageFactors([]kpi.FactorStretch{stretch(5, 40, region(1.2, 0.1, 500))}, days(0, 40)), "nothing for five days")
	assert.Equal(t, kpi.RegionFactors{}, kpi.AverageFactors(nil, days(0, 40)))
	assert.Equal(t, kpi.RegionFactors{}, kpi.AverageFactors(nil, days(0, 0)), "an empty span has no average")
}

func TestAnnualise(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		days, factor float64
	}{{365, 1}, {73, 5}, {0.5, 730}, {730, 0.5}} {
		got := kpi.Annualise(kpi.Span{From: start, To: start.Add(time.Duration(test.days * 24 * float64(time.Hour)))})
		require.NotNil(t, got)
		assert.InDelta(t, test.days, got.Days, 1e-9)
		assert.InDelta(t, test.factor, got.Factor, 1e-9)
	}
	assert.Nil(t, kpi.Annualise(kpi.Span{From: start, To: start}))
	assert.Nil(t, kpi.Annualise(kpi.Span{From: start, To: start.Add(-time.Hour)}), "a period that ends before it begins")
	var nothing *kpi.Annualisation
	assert.Equal(t, kpi.Footprint{}, nothing.Footprint(footprint(1, 1, 1)))
}

func drawFootprint(t *rapid.T) kpi.Footprint {
	amount := func(name string) float64 { return rapid.Float64Range(0, 1e12).Draw(t, name) }
	return footprint(kpi.KilowattHours(amount("kWh")), kpi.USD(amount("USD")), kpi.KilogramsCO2e(amount("kg")))
}

// changeOf draws any of the changes, good or bad for the footprint.
func changeOf(t *rapid.T, before kpi.Footprint) kpi.Footprint {
	factor := func(name string) *float64 { return ptr(rapid.Float64Range(1e-3, 1e3).Draw(t, name)) }
	switch rapid.SampledFrom([]string{"efficiency", "intensity", "PUE", "region"}).Draw(t, "change") {
	case "efficiency":
		return before.ReducedBy(rapid.Float64Range(0, 99.999).Draw(t, "percent"))
	case "intensity":
		return before.AtIntensity(factor("own"), factor("other"))
	case "PUE":
		energy := kpi.KilowattHours(rapid.Float64Range(0, 1e12).Draw(t, "IT energy"))
		return before.AtPUE(energy, rapid.Float64Range(1, 3).Draw(t, "PUE"))
	default:
		to := kpi.RegionFactors{PUE: ptr(rapid.Float64Range(1, 3).Draw(t, "PUE")), ElectricityPrice: factor("price"), GridLocation: factor("grid")}
		return to.Footprint(kpi.KilowattHours(rapid.Float64Range(0, 1e12).Draw(t, "IT energy")))
	}
}

func TestSavingIsBeforeLessAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := drawFootprint(t)
		after := changeOf(t, before)
		saving := before.Minus(after)
		for i := range 3 {
			b, a, s := amounts(before)[i], amounts(after)[i], amounts(saving)[i]
			if math.IsNaN(a) {
				require.True(t, math.IsNaN(s), "without an after there is no saving")
				continue
			}
			require.False(t, math.IsInf(a, 0) || math.IsInf(s, 0))
			require.Equal(t, b-a, s)
			require.InDelta(t, b, a+s, 4e-16*max(b, a), "nothing is lost beyond the last bit")
		}
	})
}

func TestEfficiencyOfNothingSavesNothingAndMoreSavesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := drawFootprint(t)
		require.Equal(t, [3]float64{}, amounts(before.Minus(before.ReducedBy(0))))
		less := rapid.Float64Range(0, 99).Draw(t, "less")
		more := rapid.Float64Range(less, 99).Draw(t, "more")
		for i := range 3 {
			require.LessOrEqual(t, amounts(before.Minus(before.ReducedBy(less)))[i], amounts(before.Minus(before.ReducedBy(more)))[i])
		}
	})
}

func TestAMoveToTheSameRegionSavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		energy := kpi.KilowattHours(rapid.Float64Range(0, 1e9).Draw(t, "IT energy"))
		here := region(rapid.Float64Range(1, 3).Draw(t, "PUE"), rapid.Float64Range(0, 1).Draw(t, "price"), rapid.Float64Range(0, 1000).Draw(t, "grid"))
		there := region(rapid.Float64Range(1, 3).Draw(t, "PUE there"), rapid.Float64Range(0, 1).Draw(t, "price there"), rapid.Float64Range(0, 1000).Draw(t, "grid there"))
		require.Equal(t, [3]float64{}, amounts(here.Footprint(energy).Minus(here.Footprint(energy))))
		out, back := amounts(here.Footprint(energy).Minus(there.Footprint(energy))), amounts(there.Footprint(energy).Minus(here.Footprint(energy)))
		for i := range 3 {
			require.Equal(t, out[i], -back[i], "a move there and back saves nothing")
		}
	})
}
