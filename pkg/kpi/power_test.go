package kpi

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPowerPerHour(t *testing.T) {
	pue, price, grid := 1.2, 0.1, 400.0
	cost, carbon := PowerCostPerHour(700, &pue, &price), PowerCarbonPerHour(700, &pue, &grid)
	require.NotNil(t, cost)
	require.NotNil(t, carbon)
	assert.InDelta(t, 0.084, *cost, 1e-12, "0.7 kW × 1.2 × 0.10 USD")
	assert.InDelta(t, 336, *carbon, 1e-9, "0.7 kW × 1.2 × 400 g")
	assert.Nil(t, PowerCostPerHour(700, nil, &price), "no PUE is known")
	assert.Nil(t, PowerCarbonPerHour(700, &pue, nil), "no intensity is known")
	assert.Nil(t, PowerCostPerHour(-1, &pue, &price), "no device draws less than nothing")
	assert.Nil(t, PowerCostPerHour(math.NaN(), &pue, &price))
	assert.Nil(t, PowerCarbonPerHour(math.Inf(1), &pue, &grid))
}
