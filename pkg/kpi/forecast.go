package kpi

import "fmt"

// ForecastOptions say what a forecast is of.
type ForecastOptions struct {
	Horizon int // steps ahead
	// Season is how many steps a season has, such as 7 days; 1 or less is none.
	Season int
	// Least and Most bound what the quantity can be; nil is no bound.
	Least, Most *float64
}

// Forecast is what comes next in a series, and how far it can be trusted.
type Forecast struct {
	Points []float64 // by step ahead
	// Intervals are the prediction intervals, from the narrowest; none where there
	// is no error to learn them from.
	Intervals []PredictionInterval
	Model     string // such as "damped Holt-Winters, season 7"
	// Parameters are those fitted to the whole history; nil for the naive models.
	Parameters *SmoothingParameters
	// MASE is the model's in the back-test and NaiveMASE that of the naive forecast
	// (the seasonal one where there is a season) over the same steps; nil without a
	// back-test and where the history never changes.
	MASE, NaiveMASE *float64
	Origins         int // from which the back-test forecast
	// Fallback says why a simpler model was taken than the step asks for; empty
	// where it was not.
	Fallback string
}

// PredictionInterval is where the quantity will lie with a probability.
type PredictionInterval struct {
	Level        float64   // 0 to 1
	Lower, Upper []float64 // by step ahead
}

// forecastModel is a candidate. start is nil where it cannot be fitted.
type forecastModel struct {
	name   string
	fitted bool
	start  func(training []*float64) *Smoothing // before the first observation
}

// forecastModels lists the candidates from the simplest, which wins a tie.
func forecastModels(season int) []forecastModel {
	smoothing := func(name string, form smoothingForm) forecastModel {
		return forecastModel{name: name, fitted: true, start: func(training []*float64) *Smoothing { return fitSmoothing(training, form) }}
	}
	models := []forecastModel{{name: "naive", start: startNaive}}
	if season > 1 {
		models = append(models, forecastModel{name: fmt.Sprintf("seasonal naive, season %d", season),
			start: func(training []*float64) *Smoothing { return startSeasonalNaive(training, season) }})
	}
	models = append(models, smoothing("simple exponential smoothing", smoothingForm{}), smoothing("damped Holt", smoothingForm{trend: true}))
	if season > 1 {
		models = append(models,
			smoothing(fmt.Sprintf("Holt-Winters without trend, season %d", season), smoothingForm{season: season}),
			smoothing(fmt.Sprintf("damped Holt-Winters, season %d", season), smoothingForm{trend: true, season: season}))
	}
	return models
}

// startNaive repeats the last observation: its level is learnt at once.
func startNaive(training []*float64) *Smoothing {
	mean := meanOf(training, 0, len(training))
	if mean == nil {
		return nil
	}
	return NewSmoothing(SmoothingParameters{Alpha: 1, Phi: 1}, *mean, 0, nil)
}

// startSeasonalNaive repeats the last season: each of its parts is learnt at once.
func startSeasonalNaive(training []*float64, season int) *Smoothing {
	mean := meanOf(training, 0, len(training))
	if mean == nil {
		return nil
	}
	return NewSmoothing(SmoothingParameters{Gamma: 1, Phi: 1}, *mean, 0, make([]float64, season))
}

// NewForecast forecasts a series at even steps, oldest first. A nil is a step
// without an observation, a gap, which is not a zero.
//
// The model is the one with the least mean absolute error in a back-test with a
// rolling origin: the naive forecast, the seasonal naive one, and exponential
// smoothing without and with a damped trend and a season. Each is fitted to the
// older part of the history, by least squared one-step errors, and then forecasts
// the rest from one origin after another, up to the horizon, learning what came
// but keeping its parameters. The chosen one is fitted anew to everything.
//
// Prediction intervals at 80 and 95 % are empirical: at each step ahead as wide to
// either side as the back-test's errors were (split conformal prediction), never
// narrower than at the step before. Beyond the steps that the back-test reaches
// they widen with the square root of the step, as those of a random walk do.
//
// With too little history for a back-test the last observation is carried
// forward. Sources: Hyndman & Athanasopoulos, Forecasting: principles and
// practice, 3rd edition, chapters 5 and 8; Tashman, International Journal of
// Forecasting 16 (2000) 437–450, for the rolling origin with fixed parameters; Lei
// et al., Journal of the American Statistical Association 113 (2018) 1094–1111.
//
// Refused without an observation or a horizon.
func NewForecast(observations []*float64, options ForecastOptions) *Forecast {
	for len(observations) > 0 && observations[0] == nil {
		observations = observations[1:]
	}
	if len(observations) == 0 || options.Horizon < 1 {
		return nil
	}
	forecast := &Forecast{}
	season := options.Season
	if season > 1 && len(observations) < 2*season {
		forecast.Fallback = fmt.Sprintf("There are only %d steps of history: two full seasons, %d steps, are needed to model a season, so there is none in the forecast.",
			len(observations), 2*season)
		season = 0
	}
	test := newBackTest(observations, season, options.Horizon)
	var model forecastModel
	var errors *forecastErrors
	if test == nil {
		forecast.Fallback = fmt.Sprintf("There are only %d steps of history: at least %d are needed to try models out, so the last value is carried forward.",
			observed(observations), leastHistory)
		model, errors = forecastModels(0)[0], naiveErrors(observations, options.Horizon)
	} else {
		var naive *forecastErrors
		model, errors, naive = test.best(forecastModels(season))
		forecast.Origins = len(test.origins)
		forecast.MASE, forecast.NaiveMASE = test.mase(errors), test.mase(naive)
	}
	state := model.start(observations)
	if model.fitted {
		parameters := state.SmoothingParameters
		forecast.Parameters = &parameters
	}
	forecast.Model = model.name
	for _, observation := range observations {
		state.Observe(observation)
	}
	for step := 1; step <= options.Horizon; step++ {
		forecast.Points = append(forecast.Points, options.bound(state.Ahead(step)))
	}
	forecast.Intervals = errors.intervals(state, options)
	return forecast
}

// bound keeps a value where the quantity can be.
func (o ForecastOptions) bound(value float64) float64 {
	if o.Least != nil {
		value = max(value, *o.Least)
	}
	if o.Most != nil {
		value = min(value, *o.Most)
	}
	return value
}

func observed(observations []*float64) int {
	count := 0
	for _, observation := range observations {
		if observation != nil {
			count++
		}
	}
	return count
}
