package kpi

import "math"

// Shares returns the part of the whole that each amount makes up, 0..1:
//
//	amount / Σ amounts
//
// They sum to one, up to rounding. The amounts are in one unit and by one method:
// location- and market-based carbon have no whole in common. Refused, all of
// them, where the whole is not above zero, where an amount is below zero, and
// where one is unknown (nil): the others' shares would be too large.
func Shares[T ~float64](amounts []*T) []*float64 {
	shares := make([]*float64, len(amounts))
	largest := 0.0
	for _, amount := range amounts {
		if amount == nil || !(*amount >= 0) || math.IsInf(float64(*amount), 1) {
			return shares
		}
		largest = max(largest, float64(*amount))
	}
	if largest == 0 {
		return shares
	}
	// By the largest first, so that the sum of large amounts cannot overflow.
	whole := 0.0
	for _, amount := range amounts {
		whole += float64(*amount) / largest
	}
	for i, amount := range amounts {
		shares[i] = quotient(float64(*amount)/largest, whole)
	}
	return shares
}

// MeasuredShare is the part of the IT energy that was metered and not estimated,
// 0..1:
//
//	measured energy / IT energy
//
// Refused without energy.
func MeasuredShare(m Measures) *float64 {
	return quotient(m.MeasuredEnergy, m.ITEnergy)
}
