package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestShares(t *testing.T) {
	kg := func(value float64) *kpi.KilogramsCO2e { return ptr(kpi.KilogramsCO2e(value)) }
	tests := []struct {
		name    string
		amounts []*kpi.KilogramsCO2e
		want    []*float64
	}{
		{"by amount", []*kpi.KilogramsCO2e{kg(1), kg(0), kg(3)}, []*float64{ptr(0.25), ptr(0.0), ptr(0.75)}},
		{"all of it", []*kpi.KilogramsCO2e{kg(8)}, []*float64{ptr(1.0)}},
		{"a whole of nothing has no parts", []*kpi.KilogramsCO2e{kg(0), kg(0)}, []*float64{nil, nil}},
		{"one unknown leaves all unknown", []*kpi.KilogramsCO2e{kg(1), nil}, []*float64{nil, nil}},
		{"an amount below zero is no part", []*kpi.KilogramsCO2e{kg(1), kg(-1)}, []*float64{nil, nil}},
		{"an endless amount is no part", []*kpi.KilogramsCO2e{kg(1), kg(math.Inf(1))}, []*float64{nil, nil}},
		{"none", nil, []*float64{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.Shares(test.amounts))
		})
	}
}

func TestSharesSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Float64Range(0, math.MaxFloat64), 1, 40).Draw(t, "amounts")
		pointers, whole := make([]*float64, len(amounts)), 0.0
		for i := range amounts {
			pointers[i] = &amounts[i]
			whole += amounts[i]
		}
		sum := 0.0
		for _, share := range kpi.Shares(pointers) {
			if share == nil {
				require.Zero(t, whole, "shares are refused only where there is nothing to share")
				return
			}
			require.GreaterOrEqual(t, *share, 0.0)
			require.LessOrEqual(t, *share, 1.0)
			sum += *share
		}
		require.InDelta(t, 1, sum, 1e-12)
	})
}

func TestMeasuredShare(t *testing.T) {
	assert.Equal(t, ptr(0.75), kpi.MeasuredShare(kpi.Measures{ITEnergy: 8, MeasuredEnergy: 6}))
	assert.Equal(t, ptr(0.0), kpi.MeasuredShare(kpi.Measures{ITEnergy: 8}))
	assert.Nil(t, kpi.MeasuredShare(kpi.Measures{}), "of no energy nothing is measured or estimated")
}
