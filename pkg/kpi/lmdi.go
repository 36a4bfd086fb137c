package kpi

import "math"

// LogarithmicMean returns the logarithmic mean of two amounts:
//
//	L(a, b) = (a − b) / (ln a − ln b),  L(a, a) = a,  L(0, b) = L(a, 0) = 0
//
// It lies between the geometric and the arithmetic mean. Source: Ang (2005), "The
// LMDI approach to decomposition analysis: a practical guide", Energy Policy
// 33:867–871. It is NaN for what has no mean: an amount below zero, or not a number.
func LogarithmicMean(a, b float64) float64 {
	switch {
	case !(a >= 0) || !(b >= 0) || math.IsInf(a, 1) || math.IsInf(b, 1):
		return math.NaN()
	case a == 0 || b == 0:
		return 0
	case a == b:
		return a
	}
	if relative := (a - b) / b; math.Abs(relative) < 0.5 {
		// Where a and b are close, their logarithms would cancel.
		return b * (relative / math.Log1p(relative))
	}
	return (a - b) / logRatio(a, b)
}

// logRatio is ln(a/b) also where the quotient is too large or too small to hold.
func logRatio(a, b float64) float64 {
	if ratio := a / b; ratio > 1e-300 && ratio < 1e300 {
		return math.Log(ratio)
	}
	return math.Log(a) - math.Log(b)
}

// FactorEffects says how much each factor of a product contributed to its change
// from before to after, in the unit of the product (additive LMDI-I):
//
//	ΔV_k = L(V_after, V_before) · ln(x_k,after / x_k,before),  V = Π x_k
//
// The effects add up to the change without a residual, and change their sign when
// the two periods change places. Effects of several products may be added up.
//
// Where the product is zero in one period because one factor is, that factor has
// the whole effect and the others none: the analytical limit as the zero is
// approached (Ang, Zhang and Choi 1998, Energy 23:489–495, table 2; Ang and Liu
// 2007, Energy Policy 35:238–246). A product that is zero in both has no effects.
//
// Refused, with nil: where several factors are zero in one period and the product
// is not in the other, for the limit depends on which comes first; for factors
// below zero or not finite, or with effects that no number can hold; for two lists
// of different lengths.
func FactorEffects(before, after []float64) []float64 {
	from, to := product(before), product(after)
	if len(before) != len(after) || math.IsNaN(from) || math.IsNaN(to) {
		return nil
	}
	effects := make([]float64, len(before))
	switch {
	case from == 0 && to == 0:
		return effects
	case from == 0 || to == 0:
		vanished := before
		if to == 0 {
			vanished = after
		}
		only, zeros := 0, 0
		for k, factor := range vanished {
			if factor == 0 {
				only, zeros = k, zeros+1
			}
		}
		if zeros != 1 { // none: the product is too small to hold
			return nil
		}
		effects[only] = to - from
		return effects
	}
	weight := LogarithmicMean(to, from)
	for k := range effects {
		effects[k] = weight * logRatio(after[k], before[k])
		if finite(effects[k]) == nil {
			return nil
		}
	}
	return effects
}

// product multiplies factors; NaN where one is below zero or the product is not
// finite.
func product(factors []float64) float64 {
	result := 1.0
	for _, factor := range factors {
		if !(factor >= 0) {
			return math.NaN()
		}
		result *= factor
	}
	if math.IsInf(result, 1) {
		return math.NaN()
	}
	return result
}
