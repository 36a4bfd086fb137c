package kpi

import (
	"math"

	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

// smoothingForm says which parts a Smoothing has.
type smoothingForm struct {
	trend  bool
	season int // steps, 0 without
}

// The bounds of the damping, those of R's forecast::ets: with less the trend is
// gone at once, with more it cannot be told from an undamped one.
const leastPhi, mostPhi = 0.8, 0.98

// fitSmoothing finds the parameters with the least squared one-step error by
// Nelder and Mead's method, from a fixed start, so that the same observations
// always give the same answer. It returns the smoothing before the first
// observation; nil with fewer than two of them.
func fitSmoothing(observations []*float64, form smoothingForm) *Smoothing {
	level, trend, season, ok := initialStates(observations, form)
	if !ok {
		return nil
	}
	scale := spread(observations)
	if scale == 0 { // all are alike, and every parameter fits them
		return NewSmoothing(form.parameters([]float64{0, 0, 0, 0}), level, 0, season)
	}
	trial := NewSmoothing(SmoothingParameters{}, level, trend, season)
	trial.Ahead(1)
	problem := optimize.Problem{Func: func(x []float64) float64 {
		trial.SmoothingParameters, trial.level, trial.trend, trial.next = form.parameters(x), level, trend, 0
		copy(trial.season, season)
		trial.damping[1] = trial.Phi
		return trial.squaredErrors(observations) / scale
	}}
	start := make([]float64, form.count())
	result, err := optimize.Minimize(problem, start, &optimize.Settings{
		Converger:       &optimize.FunctionConverge{Relative: 1e-5, Absolute: 1e-12, Iterations: 12},
		FuncEvaluations: 240,
	}, &optimize.NelderMead{SimplexSize: 1})
	if result == nil || (err != nil && result.X == nil) {
		return NewSmoothing(form.parameters(start), level, trend, season)
	}
	return NewSmoothing(form.parameters(result.X), level, trend, season)
}

// squaredErrors runs through the observations and sums the squares of what the
// one-step forecasts missed.
func (s *Smoothing) squaredErrors(observations []*float64) float64 {
	var sum float64
	for _, observation := range observations {
		if observation == nil {
			s.correct(0)
			continue
		}
		miss := *observation - s.level - s.Phi*s.trend
		if len(s.season) > 0 {
			miss -= s.season[s.next]
		}
		sum += miss * miss
		s.correct(miss)
	}
	return sum
}

func (f smoothingForm) count() int {
	count := 1
	if f.trend {
		count += 2
	}
	if f.season > 0 {
		count++
	}
	return count
}

// parameters maps any numbers into the parameters' region, 0 < β < α < 1 and
// 0 < γ < 1 − α (the usual one of ETS(A,Ad,A)), so that the search needs no bounds.
// Zeros are a mild start: α 0.3.
func (f smoothingForm) parameters(x []float64) SmoothingParameters {
	p := SmoothingParameters{Alpha: logistic(x[0], 0.3), Phi: 1}
	i := 1
	if f.trend {
		p.Beta = p.Alpha * logistic(x[1], 0.1)
		p.Phi = leastPhi + (mostPhi-leastPhi)*logistic(x[2], 0.5)
		i = 3
	}
	if f.season > 0 {
		p.Gamma = (1 - p.Alpha) * logistic(x[i], 0.1)
	}
	return p
}

// logistic maps a number into 0 to 1, and 0 to the middle.
func logistic(x, middle float64) float64 {
	return 1 / (1 + math.Exp(-x)*(1-middle)/middle)
}

// initialStates are the level, trend and season before the first observation. The
// trend is the difference of the means of the first two seasons, else the slope
// of the first ten observations; the season is the mean deviation from that line
// over the first two seasons. Source: Hyndman & Athanasopoulos, Forecasting:
// principles and practice, 1st edition, section 7.4, which takes one season.
func initialStates(observations []*float64, form smoothingForm) (level, trend float64, season []float64, ok bool) {
	span := 10
	if form.season > 0 {
		span = 2 * form.season
	}
	var at, values []float64
	for i, observation := range observations[:min(span, len(observations))] {
		if observation != nil {
			at, values = append(at, float64(i+1)), append(values, *observation)
		}
	}
	if len(values) < 2 {
		return 0, 0, nil, false
	}
	if form.season > 0 {
		first, second := meanOf(observations, 0, form.season), meanOf(observations, form.season, span)
		if first != nil && second != nil && form.trend && len(observations) >= span {
			trend = (*second - *first) / float64(form.season)
		}
	} else if form.trend {
		_, trend = stat.LinearRegression(at, values, nil, false)
	}
	level = stat.Mean(values, nil) - trend*stat.Mean(at, nil)
	if form.season == 0 {
		return level, trend, nil, true
	}
	season, counts := make([]float64, form.season), make([]float64, form.season)
	for i, value := range values {
		place := int(at[i]-1) % form.season
		season[place] += value - level - trend*at[i]
		counts[place]++
	}
	var sum float64
	for place := range season {
		if counts[place] > 0 {
			season[place] /= counts[place]
		}
		sum += season[place]
	}
	// What the season has in common is level.
	common := sum / float64(form.season)
	for place := range season {
		season[place] -= common
	}
	return level + common, trend, season, true
}

// meanOf is the mean of the observations of some steps; nil without any.
func meanOf(observations []*float64, from, to int) *float64 {
	var sum, count float64
	for i := from; i < min(to, len(observations)); i++ {
		if observations[i] != nil {
			sum, count = sum+*observations[i], count+1
		}
	}
	return quotient(sum, count)
}

// spread is the sum of the squared deviations from the mean.
func spread(observations []*float64) float64 {
	mean := meanOf(observations, 0, len(observations))
	if mean == nil {
		return 0
	}
	var sum float64
	for _, observation := range observations {
		if observation != nil {
			sum += (*observation - *mean) * (*observation - *mean)
		}
	}
	return sum
}
