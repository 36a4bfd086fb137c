package kpi

import "math"

// PaybackMonths is how many months it takes until what was put in has come back:
//
//	investment / (annual saving / 12)
//
// It is the simple payback: undiscounted, at an even pace. For carbon the
// investment is what making the hardware emitted and the saving is operational
// carbon, both in kgCO2e. Refused without a saving above zero, and for an
// investment below zero.
func PaybackMonths[T ~float64](investment, annualSaving T) *float64 {
	if !(investment >= 0) {
		return nil
	}
	years := quotient(investment, annualSaving)
	if years == nil {
		return nil
	}
	return finite(*years * 12)
}

// NetPresentValue is what a row of yearly cash flows is worth today in USD:
//
//	Σ flow_t / (1 + rate)^t, t = 0, 1, 2 …
//
// The first flow is today's, an investment below zero; the others are at the end
// of each year. The rate is per year, 0.08 for 8 %. Source: numpy-financial's npv,
// which has the same convention. Refused without flows and for a rate of −100 % or
// less.
func NetPresentValue(rate float64, flows ...USD) *USD {
	if len(flows) == 0 || !(rate > -1) || math.IsInf(rate, 1) {
		return nil
	}
	var value USD
	for t := len(flows) - 1; t >= 0; t-- {
		value = value/USD(1+rate) + flows[t]
	}
	return finite(value)
}

// longestLifetime in years is as far as an even saving is a plan.
const longestLifetime = 100

// EvenFlows are the cash flows of an investment that saves the same every year of
// its lifetime:
//
//	−investment, saving, saving, …
//
// A part of a year at the end saves that part. The hardware is worth nothing
// afterwards. Refused for a lifetime that is not above zero or over 100 years.
func EvenFlows(investment, annualSaving USD, years float64) []USD {
	if !(years > 0 && years <= longestLifetime) {
		return nil
	}
	flows := []USD{-investment}
	for left := years; left > 0; left-- {
		flows = append(flows, annualSaving*USD(min(1, left)))
	}
	return flows
}
