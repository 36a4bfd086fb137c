package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestCostPerTransaction(t *testing.T) {
	tests := []struct {
		name         string
		cost         *kpi.USD
		transactions float64
		want         *kpi.USD
	}{
		{"1,000 kWh at 0.12 $/kWh over 400,000 transactions", ptr[kpi.USD](1000 * 0.12), 400_000, ptr[kpi.USD](0.0003)},
		{"free", ptr[kpi.USD](0), 5, ptr[kpi.USD](0)},
		{"a credit", ptr[kpi.USD](-10), 5, ptr[kpi.USD](-2)},
		{"no cost known", nil, 5, nil},
		{"no transactions", ptr[kpi.USD](10), 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.CostPerTransaction(test.cost, test.transactions))
		})
	}
}

func TestCostBasis(t *testing.T) {
	m := kpi.Measures{
		EnergyCost: ptr[kpi.USD](3), Cost: ptr[kpi.USD](30),
		ServingEnergyCost: ptr[kpi.USD](1), ServingCost: ptr[kpi.USD](10),
	}
	assert.Equal(t, m.EnergyCost, kpi.CostBasisEnergy.Cost(m))
	assert.Equal(t, m.Cost, kpi.CostBasisFull.Cost(m))
	assert.Equal(t, m.ServingEnergyCost, kpi.CostBasisEnergy.ServingCost(m))
	assert.Equal(t, m.ServingCost, kpi.CostBasisFull.ServingCost(m))
	assert.Nil(t, kpi.CostBasis("list price").Cost(m))
	assert.Nil(t, kpi.CostBasisFull.Cost(kpi.Measures{}), "a cost nobody knows is not 0")
}

func TestCostPerTransactionIsANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := kpi.USD(anyFloat().Draw(t, "cost"))
		requireNumber(t, "the cost per transaction", kpi.CostPerTransaction(&cost, anyFloat().Draw(t, "transactions")))
	})
}
