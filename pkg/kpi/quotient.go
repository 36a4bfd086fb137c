package kpi

import "math"

// quotient divides, and refuses what has no answer: a denominator that is not
// above zero, and a result that no number can hold.
func quotient[N, D ~float64](numerator N, denominator D) *float64 {
	if !(denominator > 0) || math.IsInf(float64(denominator), 1) {
		return nil
	}
	return finite(float64(numerator) / float64(denominator))
}

// finite returns the value, or nil for NaN and the infinities, so that neither
// leaves this package.
func finite[T ~float64](value T) *T {
	if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
		return nil
	}
	return &value
}
