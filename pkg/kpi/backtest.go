package kpi

import (
	"math"
	"slices"
)

const (
	// leastHistory is how many observations a back-test takes at least.
	leastHistory = 10
	leastOrigins = 4
	mostOrigins  = 30 // more would cost time and tell little: neighbours err alike
)

// backTest tries models out on the later part of a history.
type backTest struct {
	observations []*float64
	season       int
	first        int   // the first origin: what lies before it is trained on
	origins      []int // how many steps are known
	horizon      int
}

// newBackTest trains on half of the history, and on one and a half seasons at
// least. It is nil where that leaves too little.
func newBackTest(observations []*float64, season, horizon int) *backTest {
	length := len(observations)
	first := max(length/2, season+(season+1)/2, leastHistory-leastOrigins)
	if observed(observations) < leastHistory || length-first < leastOrigins || observed(observations[:first]) < 2 {
		return nil
	}
	stride := (length - first + mostOrigins - 1) / mostOrigins
	if season > 1 && stride%season == 0 {
		stride++ // else every origin were the same day of the week
	}
	test := &backTest{observations: observations, season: season, first: first, horizon: min(horizon, length-first)}
	for origin := first; origin < length; origin += stride {
		test.origins = append(test.origins, origin)
	}
	return test
}

// forecastErrors are the errors of a model, actual − forecast, by step ahead from 0.
type forecastErrors struct {
	byStep   [][]float64
	absolute float64 // their sum, without sign
	count    int
}

func (e *forecastErrors) mean() float64 { return e.absolute / float64(max(1, e.count)) }

// run forecasts from every origin; nil where the model cannot be fitted.
func (t *backTest) run(model forecastModel) *forecastErrors {
	state := model.start(t.observations[:t.first])
	if state == nil {
		return nil
	}
	errors := &forecastErrors{byStep: make([][]float64, t.horizon)}
	known := 0
	for _, origin := range t.origins {
		for ; known < origin; known++ {
			state.Observe(t.observations[known])
		}
		for step := range min(t.horizon, len(t.observations)-origin) {
			if actual := t.observations[origin+step]; actual != nil {
				miss := *actual - state.Ahead(step+1)
				errors.byStep[step] = append(errors.byStep[step], miss)
				errors.absolute, errors.count = errors.absolute+math.Abs(miss), errors.count+1
			}
		}
	}
	return errors
}

// best returns the model with the least mean error, and the errors of the naive
// forecast: the seasonal one where there is a season.
func (t *backTest) best(models []forecastModel) (best forecastModel, errors, naive *forecastErrors) {
	for _, model := range models {
		tried := t.run(model)
		if tried == nil {
			continue
		}
		if !model.fitted {
			naive = tried
		}
		if errors == nil || tried.mean() < errors.mean() {
			best, errors = model, tried
		}
	}
	return best, errors, naive
}

func (t *backTest) mase(errors *forecastErrors) *float64 {
	return scaledError(errors.absolute, errors.count, t.observations[:t.first], t.season)
}

// naiveErrors are those of the naive forecast one step ahead, for a history too
// short for a back-test.
func naiveErrors(observations []*float64, horizon int) *forecastErrors {
	errors := &forecastErrors{byStep: make([][]float64, min(1, horizon))}
	var last *float64
	for _, observation := range observations {
		if observation != nil && last != nil {
			errors.byStep[0] = append(errors.byStep[0], *observation-*last)
		}
		if observation != nil {
			last = observation
		}
	}
	return errors
}

// intervals lays the errors around the forecasts. Each side has its own quantile,
// because what comes in bursts, such as training, exceeds a forecast by far more
// than it falls short of it; the forecast itself is always inside.
func (e *forecastErrors) intervals(state *Smoothing, options ForecastOptions) []PredictionInterval {
	reach := e.reach()
	if reach == 0 {
		return nil
	}
	intervals := []PredictionInterval{{Level: 0.8}, {Level: 0.95}}
	below, above := make([]float64, len(intervals)), make([]float64, len(intervals))
	var pooled []float64
	for step := range options.Horizon {
		beyond := 1.0
		if step < reach {
			pooled = e.around(step, pooled[:0])
			slices.Sort(pooled)
		} else {
			beyond = math.Sqrt(float64(step+1) / float64(reach))
		}
		point := state.Ahead(step + 1)
		for i := range intervals {
			interval := &intervals[i]
			least, most := conformalBounds(pooled, interval.Level)
			below[i], above[i] = min(below[i], least), max(above[i], most)
			interval.Lower = append(interval.Lower, options.bound(point+below[i]*beyond))
			interval.Upper = append(interval.Upper, options.bound(point+above[i]*beyond))
		}
	}
	return intervals
}

// reach is how many steps ahead have enough errors to go by: ten, or half of what
// the first step has where it has few.
func (e *forecastErrors) reach() int {
	if len(e.byStep) == 0 || len(e.byStep[0]) == 0 {
		return 0
	}
	enough := max(1, min(10, len(e.byStep[0])/2))
	for step, errors := range e.byStep {
		if len(errors) < enough {
			return step
		}
	}
	return len(e.byStep)
}

// around adds the errors of a step and of up to three steps before it and one
// more after it, so that one odd observation does not make an interval alone and
// the width does not jump from step to step.
func (e *forecastErrors) around(step int, pooled []float64) []float64 {
	side := min(3, step)
	for _, errors := range e.byStep[step-side : min(step+side+2, len(e.byStep))] {
		pooled = append(pooled, errors...)
	}
	return pooled
}

// conformalBounds are the errors between which a new one lies with a probability:
// of n known ones those from which ⌊(n + 1)·(1 − level)/2⌋ lie to the outside, or
// the extremes where there are too few.
func conformalBounds(sorted []float64, level float64) (least, most float64) {
	outside := int(float64(len(sorted)+1)*(1-level)/2 + 1e-9) // 1 − 0.8 is a hair under 0.2
	index := max(0, outside-1)
	return sorted[index], sorted[len(sorted)-1-index]
}
