package kpi

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStateTakesScope3OutOfBothBases(t *testing.T) {
	parts := []ProviderPart{
		{"us", ProviderCarbonLocation, ScopeTotal, ChargeNone, false, 500}, {"us", ProviderCarbonMarket, ScopeTotal, ChargeNone, false, 210},
		{"us", ProviderCarbon, Scope1, ChargeNone, false, 0.5}, {"us", ProviderCarbonLocation, Scope2, ChargeNone, false, 420},
		{"us", ProviderCarbonMarket, Scope2, ChargeNone, false, 130}, {"us", ProviderCarbon, Scope3, ChargeNone, false, 79.5},
		{"eu", ProviderCarbonLocation, ScopeTotal, ChargeNone, false, 7}, // not told apart
	}
	for _, test := range []struct {
		quantity    ProviderQuantity
		operational bool
		value, us   float64
	}{
		{ProviderCarbonLocation, true, 427.5, 420.5}, {ProviderCarbonLocation, false, 507, 500},
		{ProviderCarbonMarket, true, 130.5, 130.5}, {ProviderCarbonMarket, false, 210, 210},
	} {
		s := State(test.quantity, parts, test.operational)
		require.NotNil(t, s.Value)
		assert.InDelta(t, test.value, *s.Value, 1e-9, "%+v", test)
		assert.InDelta(t, test.us, s.Regions["us"], 1e-9, "%+v", test)
		assert.Equal(t, 79.5, *s.Scope3)
		assert.Nil(t, s.Idle)
	}
	basis := []ProviderPart{{"us", ProviderCarbonLocation, ScopeTotal, ChargeNone, false, 10}, {"us", ProviderCarbonLocation, Scope3, ChargeNone, false, 4},
		{"us", ProviderCarbonMarket, Scope3, ChargeNone, false, 3}}
	assert.Equal(t, 6.0, *State(ProviderCarbonLocation, basis, true).Value, "the other basis' scope 3 is not this one's")
	assert.Nil(t, State(ProviderCarbonMarket, basis, true).Value, "scopes without a total are no total")
	assert.Nil(t, State(ProviderCarbon, nil, true).Value)
}

func TestStateCountsWhatTheUseCost(t *testing.T) {
	parts := []ProviderPart{
		{"us", ProviderCost, ScopeTotal, ChargeUsage, false, 80}, {"us", ProviderCost, ScopeTotal, ChargeUsage, true, 12.5},
		{"", ProviderCost, ScopeTotal, ChargePurchase, false, 0}, {"us", ProviderCost, ScopeTotal, ChargeAdjustment, false, -1.5},
		{"", ProviderCost, ScopeTotal, ChargeTax, false, 9.25}, {"", ProviderCost, ScopeTotal, ChargeCredit, false, -5},
	}
	s := State(ProviderCost, parts, true)
	assert.Equal(t, 91.0, *s.Value)
	assert.Equal(t, 12.5, *s.Idle)
	assert.Equal(t, 9.25, *s.Tax)
	assert.Equal(t, -5.0, *s.Credits)
	assert.Nil(t, State(ProviderCost, parts[4:], true).Value, "a tax alone is no cost of use")
}

func TestOurFigureIsOnTheProvidersBasis(t *testing.T) {
	m := Measures{FacilityEnergy: new(KilowattHours(1)), CarbonLocation: new(KilogramsCO2e(2)), CarbonMarket: new(KilogramsCO2e(3)), Cost: new(USD(4))}
	for quantity, want := range map[ProviderQuantity]float64{ProviderEnergy: 1, ProviderCarbonLocation: 2, ProviderCarbon: 2, ProviderCarbonMarket: 3, ProviderCost: 4} {
		assert.Equal(t, want, *OurFigure(quantity, m), quantity)
		assert.Nil(t, OurFigure(quantity, Measures{}), quantity)
	}
	assert.Nil(t, OurFigure("joy", m))
}

func TestDifferencesAreRefusedWithoutBothSides(t *testing.T) {
	assert.Equal(t, -4.0, *Difference(new(6.0), new(10.0)))
	assert.Equal(t, -0.4, *DifferenceShare(new(6.0), new(10.0)))
	for _, pair := range [][2]*float64{{nil, new(1.0)}, {new(1.0), nil}, {nil, nil}, {new(math.Inf(1)), new(1.0)}} {
		assert.Nil(t, Difference(pair[0], pair[1]))
		assert.Nil(t, DifferenceShare(pair[0], pair[1]))
	}
	for _, provider := range []float64{0, -5} {
		assert.Equal(t, 1-provider, *Difference(new(1.0), &provider))
		assert.Nil(t, DifferenceShare(new(1.0), &provider), "a part of nothing, or of a credit")
	}
}

func TestCoveredShare(t *testing.T) {
	seen := func(region string) bool { return region == "us" }
	assert.Equal(t, 0.75, *CoveredShare(map[string]float64{"us": 3, "eu": 1}, seen))
	assert.Equal(t, 0.75, *CoveredShare(map[string]float64{"us": 3, "eu": -1}, seen), "a credit elsewhere is not covered either")
	assert.Equal(t, 0.0, *CoveredShare(map[string]float64{"eu": 1}, seen))
	assert.Nil(t, CoveredShare(map[string]float64{"us": 0}, seen))
	assert.Nil(t, CoveredShare(nil, seen))
}
