package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestChargeback(t *testing.T) {
	tests := []struct {
		name      string
		emissions *kpi.KilogramsCO2e
		price     float64
		want      *kpi.USD
	}{
		{"12.5 t at 80 $/t", ptr[kpi.KilogramsCO2e](12_500), 80, ptr[kpi.USD](1000)},
		{"no emissions are charged nothing", ptr[kpi.KilogramsCO2e](0), 80, ptr[kpi.USD](0)},
		{"no price is no charge of 0", ptr[kpi.KilogramsCO2e](12_500), 0, nil},
		{"a price below zero", ptr[kpi.KilogramsCO2e](12_500), -1, nil},
		{"emissions unknown", nil, 80, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.Chargeback(test.emissions, test.price))
		})
	}
}

func TestSoftwareCarbonIntensity(t *testing.T) {
	// 10 kWh at 400 g/kWh and 1 kg embodied over 50 units: (4,000 g + 1,000 g) / 50.
	m := kpi.Measures{CarbonLocation: ptr[kpi.KilogramsCO2e](4), CarbonMarket: ptr[kpi.KilogramsCO2e](0)}
	got := kpi.SoftwareCarbonIntensity(m, 1, 50)
	require.NotNil(t, got)
	assert.InDelta(t, 100, *got, 1e-9, "location-based, whatever the supply contract says")

	assert.Nil(t, kpi.SoftwareCarbonIntensity(m, 1, 0), "without functional units")
	assert.Nil(t, kpi.SoftwareCarbonIntensity(m, -1, 50), "with embodied carbon below zero")
	assert.Nil(t, kpi.SoftwareCarbonIntensity(kpi.Measures{CarbonMarket: ptr[kpi.KilogramsCO2e](4)}, 1, 50),
		"market-based carbon is no substitute")
}

func TestCarbonFiguresAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		emissions := kpi.KilogramsCO2e(anyFloat().Draw(t, "emissions"))
		requireNumber(t, "the chargeback", kpi.Chargeback(&emissions, anyFloat().Draw(t, "price")))
		requireNumber(t, "the SCI", kpi.SoftwareCarbonIntensity(kpi.Measures{CarbonLocation: &emissions},
			kpi.KilogramsCO2e(anyFloat().Draw(t, "embodied")), anyFloat().Draw(t, "units")))
	})
}
