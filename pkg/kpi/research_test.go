package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// The guide: Efficiency of R&D Investment = (Inference Cost or Accuracy) / # Parameters.
func TestEfficiencyOfResearchInvestment(t *testing.T) {
	for _, test := range []struct {
		name                   string
		cost                   *kpi.USD
		accuracy, billions     *float64
		wantCost, wantAccuracy *float64
	}{
		{"350 USD and 0.8 for 7 billion", ptr(kpi.USD(350)), ptr(0.84), ptr(7.0), ptr(50.0), ptr(0.12)},
		{"less than a billion", ptr(kpi.USD(2)), ptr(0.5), ptr(0.5), ptr(4.0), ptr(1.0)},
		{"nothing was spent", new(kpi.USD), ptr(0.8), ptr(8.0), ptr(0.0), ptr(0.1)},
		{"no cost and no accuracy", nil, nil, ptr(7.0), nil, nil},
		{"the size is not known", ptr(kpi.USD(350)), ptr(0.8), nil, nil, nil},
		{"no parameters", ptr(kpi.USD(350)), ptr(0.8), ptr(0.0), nil, nil},
		{"no number", ptr(kpi.USD(math.NaN())), ptr(math.Inf(1)), ptr(7.0), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertClose(t, test.wantCost, kpi.InferenceCostPerBillionParameters(test.cost, test.billions))
			assertClose(t, test.wantAccuracy, kpi.AccuracyPerBillionParameters(test.accuracy, test.billions))
		})
	}
}

func assertClose[T ~float64](t *testing.T, want, got *T) {
	t.Helper()
	if want == nil || got == nil {
		assert.Equal(t, want, got)
		return
	}
	assert.InEpsilon(t, 1+float64(*want), 1+float64(*got), 1e-12)
}
