package kpi_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// weekly is a series with a trend, a week and noise.
func weekly(n int, seed uint64) []*float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	values := make([]float64, n)
	for i := range values {
		values[i] = 100 + 0.05*float64(i) + 20*math.Sin(2*math.Pi*float64(i)/7) + 4*random.NormFloat64()
	}
	return series(values)
}

func TestForecastOfPublishedSeries(t *testing.T) {
	// R's ETS(A,Ad,A) forecasts 76.08, 51.62, 63.96 and 68.28 (see
	// TestSmoothingGivesThePublishedForecasts); it searches the initial states too.
	forecast := kpi.NewForecast(series(austourists), kpi.ForecastOptions{Horizon: 4, Season: 4, Least: ptr(0.0)})
	require.NotNil(t, forecast)
	assert.Equal(t, "damped Holt-Winters, season 4", forecast.Model)
	for i, published := range []float64{76.07768073, 51.61741109, 63.96457729, 68.27886241} {
		assert.InEpsilon(t, published, forecast.Points[i], 0.02, "%d steps ahead", i+1)
	}
	assert.Equal(t, 17, forecast.Origins, "every second quarter of the later half")
	assert.Less(t, *forecast.MASE, *forecast.NaiveMASE, "it beats last year's number")
	assert.Empty(t, forecast.Fallback)
}

func TestForecastTakesTheModelThatTheSeriesCallsFor(t *testing.T) {
	forecast := kpi.NewForecast(weekly(200, 1), kpi.ForecastOptions{Horizon: 28, Season: 7})
	assert.Contains(t, forecast.Model, "Holt-Winters")
	require.NotNil(t, forecast.Parameters)
	peak, trough := 0.0, math.Inf(1)
	for _, point := range forecast.Points[:7] {
		peak, trough = max(peak, point), min(trough, point)
	}
	assert.InDelta(t, 39, peak-trough, 5, "the week goes up and down by 2 · 20 · sin(3·2π/7)")

	random, walk := rand.New(rand.NewPCG(7, 7)), make([]float64, 200)
	for i := 1; i < len(walk); i++ {
		walk[i] = walk[i-1] + random.NormFloat64()
	}
	forecast = kpi.NewForecast(series(walk), kpi.ForecastOptions{Horizon: 5})
	assert.InDelta(t, walk[199], forecast.Points[0], 0.5, "of a random walk nothing is known but where it is")
}

func TestForecastWithLittleHistory(t *testing.T) {
	tests := []struct {
		name    string
		history []*float64
		season  int
		model   string
		says    string
	}{
		{"one observation", weekly(1, 1), 7, "naive", "only 1 steps of history: at least 10"},
		{"a week", weekly(9, 1), 7, "naive", "only 9 steps of history: at least 10"},
		{"many steps, few observations", append(make([]*float64, 60), append(weekly(3, 1), append(make([]*float64, 30), weekly(3, 2)...)...)...), 7, "naive", "only 6 steps"},
		{"no two seasons", weekly(40, 1), 52, "", "two full seasons, 104 steps"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			forecast := kpi.NewForecast(test.history, kpi.ForecastOptions{Horizon: 10, Season: test.season})
			require.NotNil(t, forecast)
			assert.Contains(t, forecast.Fallback, test.says)
			assert.NotContains(t, forecast.Model, "season", "a season that was not seen twice is not modelled")
			if test.model != "" {
				assert.Equal(t, test.model, forecast.Model)
				assert.Nil(t, forecast.MASE)
				assert.Zero(t, forecast.Origins)
				assert.Equal(t, *test.history[len(test.history)-1], forecast.Points[9], "the last value is carried forward")
			}
		})
	}
	assert.Empty(t, kpi.NewForecast(weekly(1, 1), kpi.ForecastOptions{Horizon: 3}).Intervals, "one observation shows no error")
}

func TestForecastRefuses(t *testing.T) {
	assert.Nil(t, kpi.NewForecast(nil, kpi.ForecastOptions{Horizon: 3}))
	assert.Nil(t, kpi.NewForecast(make([]*float64, 20), kpi.ForecastOptions{Horizon: 3}), "gaps are no observations")
	assert.Nil(t, kpi.NewForecast(weekly(20, 1), kpi.ForecastOptions{}), "no step ahead")
}

func TestForecastOfWhatNeverChanges(t *testing.T) {
	constant := make([]float64, 60)
	for i := range constant {
		constant[i] = 42
	}
	forecast := kpi.NewForecast(series(constant), kpi.ForecastOptions{Horizon: 3, Season: 7})
	assert.Equal(t, "naive", forecast.Model, "of equals the simplest")
	assert.Equal(t, []float64{42, 42, 42}, forecast.Points)
	assert.Nil(t, forecast.MASE, "there is no scale")
	for _, interval := range forecast.Intervals {
		assert.Equal(t, []float64{42, 42, 42}, interval.Lower)
		assert.Equal(t, []float64{42, 42, 42}, interval.Upper)
	}
}

func TestForecastBridgesGaps(t *testing.T) {
	whole, gappy := weekly(210, 3), weekly(210, 3)
	for i := range gappy {
		if i%10 == 4 || (i > 100 && i < 110) {
			gappy[i] = nil
		}
	}
	options := kpi.ForecastOptions{Horizon: 14, Season: 7}
	expected, got := kpi.NewForecast(whole, options), kpi.NewForecast(gappy, options)
	assert.Contains(t, got.Model, "season 7", "the days of the week stay where they are")
	for i := range expected.Points {
		assert.InDelta(t, expected.Points[i], got.Points[i], 8, "%d steps ahead, of a week that goes from 80 to 120", i+1)
	}
}

func TestIntervalsHoldWhatTheyPromise(t *testing.T) {
	const seen, horizon = 250, 30
	inside := map[float64]float64{}
	var all float64
	for seed := range uint64(60) {
		values := weekly(seen+horizon, seed+100)
		forecast := kpi.NewForecast(values[:seen], kpi.ForecastOptions{Horizon: horizon, Season: 7})
		for i, actual := range values[seen:] {
			all++
			for _, interval := range forecast.Intervals {
				if *actual >= interval.Lower[i] && *actual <= interval.Upper[i] {
					inside[interval.Level]++
				}
			}
		}
	}
	assert.InDelta(t, 0.80, inside[0.80]/all, 0.08)
	assert.InDelta(t, 0.95, inside[0.95]/all, 0.04)
}

func TestForecastAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *float64 {
			if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
				return nil
			}
			return ptr(rapid.Float64Range(0, 1e6).Draw(t, "observation"))
		}), 1, 80).Draw(t, "history")
		options := kpi.ForecastOptions{Horizon: rapid.IntRange(1, 60).Draw(t, "horizon"), Season: rapid.SampledFrom([]int{0, 1, 4, 7, 12}).Draw(t, "season")}
		bounded := rapid.Bool().Draw(t, "bounded")
		if bounded {
			options.Least, options.Most = ptr(0.0), ptr(1e6)
		}
		forecast := kpi.NewForecast(history, options)
		if forecast == nil {
			for _, observation := range history {
				require.Nil(t, observation, "an observation can be forecast from")
			}
			return
		}
		require.Equal(t, forecast, kpi.NewForecast(history, options), "the same history, the same forecast")
		require.Len(t, forecast.Points, options.Horizon)
		require.NotEmpty(t, forecast.Model)
		if forecast.MASE != nil {
			require.LessOrEqual(t, *forecast.MASE, *forecast.NaiveMASE+1e-12, "the naive forecast is a candidate")
		}
		for i, point := range forecast.Points {
			require.False(t, math.IsNaN(point) || math.IsInf(point, 0))
			if bounded {
				require.True(t, point >= 0 && point <= 1e6)
			}
			inner, outer := [2]float64{point, point}, [2]float64{}
			for _, interval := range forecast.Intervals {
				outer = [2]float64{interval.Lower[i], interval.Upper[i]}
				require.True(t, outer[0] <= inner[0] && inner[1] <= outer[1], "each interval lies in the wider one, and the forecast in all")
				if bounded {
					require.True(t, outer[0] >= 0 && outer[1] <= 1e6)
				} else if i > 0 {
					require.GreaterOrEqual(t, outer[1]-point, interval.Upper[i-1]-forecast.Points[i-1]-1e-6, "further ahead nothing is surer")
					require.GreaterOrEqual(t, point-outer[0], forecast.Points[i-1]-interval.Lower[i-1]-1e-6)
				}
				inner = outer
			}
		}
	})
}
