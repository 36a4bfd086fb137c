package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestMASE(t *testing.T) {
	training := []*float64{ptr(1.0), ptr(3.0), ptr(2.0), ptr(6.0)} // steps of 2, 1, 4; seasonal steps of 1, 3
	tests := []struct {
		name     string
		errors   []float64
		training []*float64
		season   int
		want     *float64
	}{
		{"as good as the naive forecast in sample", []float64{7.0 / 3, -7.0 / 3}, training, 1, ptr(1.0)},
		{"errors of 1 and -2 over steps of 7/3", []float64{1, -2}, training, 0, ptr(1.5 / (7.0 / 3))},
		{"a season of two steps", []float64{1, -2}, training, 2, ptr(0.75)},
		{"a gap has no step to either side", []float64{1}, []*float64{ptr(1.0), nil, ptr(5.0), ptr(7.0)}, 1, ptr(0.5)},
		{"no error is left", []float64{0, 0}, training, 1, ptr(0.0)},
		{"no forecasts", nil, training, 1, nil},
		{"a history that never changes", []float64{1}, []*float64{ptr(2.0), ptr(2.0), ptr(2.0)}, 1, nil},
		{"a history shorter than the season", []float64{1}, training, 4, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := kpi.MASE(test.errors, test.training, test.season)
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, *test.want, *got, 1e-12)
		})
	}
}

// R's accuracy(ses(oildata)): MAE 22.2587, MASE 0.9256774 on the training set.
// Source: Hyndman & Athanasopoulos, Forecasting: principles and practice, 2nd
// edition, section 7.1.
func TestMASEIsThePublishedOne(t *testing.T) {
	observations := series(oil[31:])
	smoothing := kpi.NewSmoothing(kpi.SmoothingParameters{Alpha: 0.8339, Phi: 1}, 446.5868, 0, nil)
	var errors []float64
	for _, observation := range observations {
		errors = append(errors, *observation-smoothing.Ahead(1))
		smoothing.Observe(observation)
	}
	assert.InDelta(t, 0.9256774, *kpi.MASE(errors, observations, 1), 1e-5)
}
