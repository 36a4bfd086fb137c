package kpi

// SmoothingParameters are the weights of additive exponential smoothing in its
// error-correction form. All lie between 0 and 1.
type SmoothingParameters struct {
	Alpha float64 // of an error in the level
	Beta  float64 // of an error in the trend: α·β* of the component form
	Gamma float64 // of an error in the season
	Phi   float64 // what is left of the trend after a step; 1 is undamped
}

// Smoothing is additive exponential smoothing with a damped trend and a season,
// up to an observation. Without trend (0, with β = 0) and season (none) it is
// simple exponential smoothing, with a trend Holt's method, with both that of
// Holt and Winters.
//
// With the forecast ŷ(t) = l + φ·b + s(t−m) and the error e = y − ŷ, a step does
//
//	l ← l + φ·b + α·e    b ← φ·b + β·e    s(t) ← s(t−m) + γ·e
//
// Source: Hyndman & Athanasopoulos, Forecasting: principles and practice, 3rd
// edition, sections 8.3 to 8.5, ETS(A,Ad,A).
type Smoothing struct {
	SmoothingParameters
	level, trend float64
	season       []float64 // by step of the season; next is of the coming step
	next         int
	damping      []float64 // φ + φ² + … + φ^h at h, as far as was asked
}

// NewSmoothing starts before the first observation. The season begins with the
// part of the first observation's step; it is empty where there is none.
func NewSmoothing(parameters SmoothingParameters, level, trend float64, season []float64) *Smoothing {
	return &Smoothing{SmoothingParameters: parameters, level: level, trend: trend,
		season: append([]float64(nil), season...), damping: []float64{0}}
}

// Observe takes the next observation. A step without one, nil, goes by as if the
// forecast had come true: nothing is invented and nothing is learnt.
func (s *Smoothing) Observe(observation *float64) {
	var miss float64
	if observation != nil {
		miss = *observation - s.Ahead(1)
	}
	s.correct(miss)
}

// correct moves on by a step whose observation missed the forecast by so much.
func (s *Smoothing) correct(miss float64) {
	carried := s.Phi * s.trend
	s.level += carried + s.Alpha*miss
	s.trend = carried + s.Beta*miss
	if len(s.season) > 0 {
		s.season[s.next] += s.Gamma * miss
		if s.next++; s.next == len(s.season) {
			s.next = 0
		}
	}
}

// Ahead is the forecast of a step ahead, 1 for the coming one:
//
//	l + (φ + φ² + … + φ^h)·b + s(t+h−m·k)
func (s *Smoothing) Ahead(step int) float64 {
	for h := len(s.damping); h <= step; h++ {
		s.damping = append(s.damping, s.Phi*(1+s.damping[h-1]))
	}
	forecast := s.level + s.damping[step]*s.trend
	if len(s.season) > 0 {
		forecast += s.season[(s.next+step-1)%len(s.season)]
	}
	return forecast
}
