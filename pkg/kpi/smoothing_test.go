package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// austourists is the quarterly number of international tourist nights in Australia,
// in millions, 1999 to 2015; from R's package fpp2.
var austourists = []float64{
	30.05251, 19.14850, 25.31769, 27.59144, 32.07646, 23.48796, 28.47594, 35.12375, 36.83848, 25.00702, 30.72223, 28.69376,
	36.64099, 23.82461, 29.31168, 31.77031, 35.17788, 19.77524, 29.60175, 34.53884, 41.27360, 26.65586, 28.27986, 35.19115,
	42.20566, 24.64917, 32.66734, 37.25735, 45.24246, 29.35048, 36.34421, 41.78208, 49.27660, 31.27540, 37.85063, 38.83704,
	51.23690, 31.83855, 41.32342, 42.79900, 55.70836, 33.40714, 42.31664, 45.15712, 59.57608, 34.83733, 44.84168, 46.97125,
	60.01903, 38.37118, 46.97586, 50.73380, 61.64687, 39.29957, 52.67121, 54.33232, 66.83436, 40.87119, 51.82854, 57.49191,
	65.25147, 43.06121, 54.76076, 59.83447, 73.25703, 47.69662, 61.09777, 66.05576,
}

// oil is the yearly oil production of Saudi Arabia in millions of tonnes, 1965 to
// 2013; from R's package fpp2.
var oil = []float64{
	111.0091346, 130.8284341, 141.2870879, 154.2277747, 162.7408654, 192.1664835, 240.7997253, 304.2173901, 384.0045673, 429.6621566,
	359.3169299, 437.2518544, 468.4007898, 424.4353365, 487.9794299, 509.8284478, 506.3472527, 340.1842374, 240.2589210, 219.0327876,
	172.0746632, 252.5900922, 221.0710774, 276.5187735, 271.1479517, 342.6186004, 428.3558357, 442.3945533, 432.7851482, 437.2497186,
	437.2091599, 445.3640981, 453.1950104, 454.4096410, 422.3789058, 456.0371217, 440.3866047, 425.1943725, 486.2051735, 500.4290861,
	521.2759092, 508.9476170, 488.8888577, 509.8705750, 456.7229124, 473.8166029, 525.9508706, 549.8338076, 542.3404698,
}

func series(values []float64) []*float64 {
	observations := make([]*float64, len(values))
	for i, value := range values {
		observations[i] = &value
	}
	return observations
}

// The parameters, states, fitted values and forecasts that R's forecast::ets gives
// for these series, as recorded in the tests of statsmodels
// (statsmodels/tsa/tests/results/fit_ets_results_seasonal.json and
// fit_ets_results_nonseasonal.json), and by ses() in Hyndman & Athanasopoulos,
// Forecasting: principles and practice, 2nd edition, section 7.1.
func TestSmoothingGivesThePublishedForecasts(t *testing.T) {
	tests := []struct {
		name         string
		observations []float64
		parameters   kpi.SmoothingParameters
		level, trend float64
		season       []float64
		fitted       map[int]float64
		forecast     []float64
		within       float64
	}{
		{
			name: "damped Holt-Winters: ETS(A,Ad,A) of austourists", observations: austourists,
			parameters: kpi.SmoothingParameters{Alpha: 0.35445427, Beta: 0.03200749, Gamma: 0.39993387, Phi: 0.97999997},
			level:      24.01278357, trend: 0.97770147, season: []float64{5.34956637, -6.61171798, -0.50735902, 1.76951063},
			fitted: map[int]float64{0: 30.32049735, 1: 19.19480328, 2: 26.19326277, 3: 29.0246223, 4: 32.79209104, 34: 38.58558756,
				65: 47.44035488, 66: 59.12135394, 67: 64.16460104},
			forecast: []float64{76.07768073, 51.61741109, 63.96457729, 68.27886241}, within: 2e-5,
		},
		{
			name: "damped Holt: ETS(A,Ad,N) of oil", observations: oil,
			parameters: kpi.SmoothingParameters{Alpha: 0.99989969, Beta: 0.11886985, Phi: 0.80000197},
			level:      36.46466837, trend: 34.72584983,
			fitted:   map[int]float64{0: 64.24541648, 1: 137.67614474, 17: 511.65996595, 47: 530.21500671, 48: 555.11309075},
			forecast: []float64{545.35213563, 547.76044926, 549.68710489, 551.22843318}, within: 1e-5,
		},
		{
			name: "Holt: ETS(A,A,N) of oil", observations: oil,
			parameters: kpi.SmoothingParameters{Alpha: 0.99770564, Beta: 0.0001001, Phi: 1},
			level:      21.3150686, trend: 11.71213626,
			fitted:   map[int]float64{0: 33.02720486, 1: 122.55015822, 48: 561.51438238},
			forecast: []float64{554.09126495, 565.79806815, 577.50487134, 589.21167453}, within: 1e-4,
		},
		{
			name: "simple exponential smoothing: ses() of oil from 1996", observations: oil[31:],
			parameters: kpi.SmoothingParameters{Alpha: 0.8339, Phi: 1}, level: 446.5868,
			fitted:   map[int]float64{0: 446.5868},
			forecast: []float64{542.6806, 542.6806, 542.6806, 542.6806, 542.6806}, within: 1e-3, // α is published with four digits
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			smoothing := kpi.NewSmoothing(test.parameters, test.level, test.trend, test.season)
			for i, observation := range series(test.observations) {
				if want, ok := test.fitted[i]; ok {
					assert.InDelta(t, want, smoothing.Ahead(1), test.within, "fitted value %d", i)
				}
				smoothing.Observe(observation)
			}
			for i, want := range test.forecast {
				assert.InDelta(t, want, smoothing.Ahead(i+1), test.within, "%d steps ahead", i+1)
			}
		})
	}
}

func TestAGapChangesNothingThatIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.Float64Range(0, 1)
		alpha := unit.Draw(t, "alpha")
		parameters := kpi.SmoothingParameters{Alpha: alpha, Beta: alpha * unit.Draw(t, "beta"),
			Gamma: (1 - alpha) * unit.Draw(t, "gamma"), Phi: rapid.Float64Range(0.8, 1).Draw(t, "phi")}
		season := rapid.SliceOfN(rapid.Float64Range(-10, 10), 0, 7).Draw(t, "season")
		whole := kpi.NewSmoothing(parameters, 50, rapid.Float64Range(-1, 1).Draw(t, "trend"), season)
		for _, value := range rapid.SliceOfN(rapid.Float64Range(0, 100), 0, 20).Draw(t, "observations") {
			whole.Observe(&value)
		}
		gap := rapid.IntRange(1, 10).Draw(t, "gap")
		var expected []float64
		for step := range 10 {
			expected = append(expected, whole.Ahead(gap+step+1))
		}
		for range gap {
			whole.Observe(nil)
		}
		for step, want := range expected {
			require.InDelta(t, want, whole.Ahead(step+1), 1e-9, "the forecast goes on as if the gap had not been looked at")
		}
	})
}

func TestSmoothingKeepsItsOwnSeason(t *testing.T) {
	season := []float64{1, 2}
	smoothing := kpi.NewSmoothing(kpi.SmoothingParameters{Gamma: 1, Phi: 1}, 0, 0, season)
	smoothing.Observe(ptr(9.0))
	assert.Equal(t, []float64{1, 2}, season, "the caller's slice is the caller's")
	assert.Equal(t, 9.0, smoothing.Ahead(2))
}
