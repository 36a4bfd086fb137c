package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// By hand, from the guide's formulas.
func TestBusinessKPIs(t *testing.T) {
	carbon, revenue, cost := kpi.KilogramsCO2e(73), kpi.USD(2_000_000), kpi.USD(500)
	assert.Equal(t, ptr(0.5), kpi.CarbonIntensityOfRevenue(&carbon, 26.645, &revenue), "73 kg in 26.6 days are a tonne a year, for two million")
	assert.Nil(t, kpi.CarbonIntensityOfRevenue(nil, 30, &revenue))
	assert.Nil(t, kpi.CarbonIntensityOfRevenue(&carbon, 0, &revenue))
	assert.Nil(t, kpi.CarbonIntensityOfRevenue(&carbon, 30, nil), "no revenue, no intensity")
	assert.Equal(t, ptr(40.0), kpi.InfrastructureEfficiencyRatio(&revenue, 50_000))
	assert.Nil(t, kpi.InfrastructureEfficiencyRatio(&revenue, 0))
	assert.Nil(t, kpi.InfrastructureEfficiencyRatio(nil, 50))

	facility := kpi.KilowattHours(125)
	assert.Equal(t, ptr(1.25), kpi.EffectivePUE(kpi.Measures{ITEnergy: 100, FacilityEnergy: &facility}))
	assert.Nil(t, kpi.EffectivePUE(kpi.Measures{ITEnergy: 100}))
	assert.Equal(t, ptr(0.8), kpi.OperationalSustainabilityScore(ptr(1.25)))
	assert.Nil(t, kpi.OperationalSustainabilityScore(ptr(0.9)), "no facility takes less than its servers")
	assert.Nil(t, kpi.OperationalSustainabilityScore(nil))

	hardware := kpi.USD(10_000)
	assert.Equal(t, ptr(12.0), kpi.CapitalExpenditureROI(ptr(0.6), &hardware, &cost))
	assert.Nil(t, kpi.CapitalExpenditureROI(ptr(1.2), &hardware, &cost), "more than all of it")
	assert.Nil(t, kpi.CapitalExpenditureROI(ptr(0.6), nil, &cost))
	assert.Nil(t, kpi.CapitalExpenditureROI(nil, &hardware, &cost))
	assert.Equal(t, ptr(0.75), kpi.Utilisation(6, 8))
	assert.Nil(t, kpi.Utilisation(6, 0))

	assert.Equal(t, ptr(-0.2), kpi.RelativeChange(ptr(8.0), ptr(10.0)))
	assert.Equal(t, ptr(1.5), kpi.RelativeChange(ptr(1.0), ptr(-2.0)), "from −2 to 1 is a rise")
	assert.Nil(t, kpi.RelativeChange(ptr(1.0), ptr(0.0)))
	assert.Nil(t, kpi.RelativeChange(nil, ptr(1.0)))
	rapid.Check(t, func(t *rapid.T) {
		pue := rapid.Float64Range(1, 10).Draw(t, "pue")
		score := kpi.OperationalSustainabilityScore(&pue)
		assert.True(t, *score > 0 && *score <= 1)
		worse := pue + 0.1
		assert.Less(t, *kpi.OperationalSustainabilityScore(&worse), *score)
	})
}
