package kpi

import (
	"math"
	"time"
)

// BudgetStatus says how spending stands against its budget. Its value is what
// people read.
type BudgetStatus string

// The statuses: green, yellow, red, and nothing to hold spending against.
const (
	BudgetOn    BudgetStatus = "On budget"
	BudgetClose BudgetStatus = "Close to budget"
	BudgetOver  BudgetStatus = "Over budget"
	BudgetNone  BudgetStatus = "No budget"
)

// BudgetStatuses lists the statuses from the best.
func BudgetStatuses() []BudgetStatus {
	return []BudgetStatus{BudgetOn, BudgetClose, BudgetOver, BudgetNone}
}

// StandingOf is the status of what a period comes to against its budget, in one
// unit:
//
//	over:  expected > budget
//	close: expected ≥ warnAt · budget
//
// Expected is the actual of a finished period and the projection of a running
// one. warnAt is a part of the budget, 0 to 1. A budget of zero is a budget.
// Without one, or without anything expected, it is BudgetNone.
func StandingOf[T ~float64](expected, budget *T, warnAt float64) BudgetStatus {
	switch {
	case expected == nil || budget == nil:
		return BudgetNone
	case *expected > *budget:
		return BudgetOver
	case *expected > 0 && float64(*expected) >= warnAt*float64(*budget):
		return BudgetClose
	default:
		return BudgetOn
	}
}

// Variance is how far spending is from its budget, in the unit of both:
//
//	actual − budget
//
// Above zero is overspent. Source: the guide's weekly_carbon_budget_variance.
// Refused without either.
func Variance[T ~float64](actual, budget *T) *T {
	if actual == nil || budget == nil {
		return nil
	}
	return finite(*actual - *budget)
}

// VarianceShare is the variance as a part of the budget:
//
//	(actual − budget) / budget
//
// Refused without either, and for a budget of zero.
func VarianceShare[T ~float64](actual, budget *T) *float64 {
	variance := Variance(actual, budget)
	if variance == nil {
		return nil
	}
	return quotient(*variance, *budget)
}

// Projection is what a running period comes to by its end, in the unit of soFar:
//
//	soFar + mean of rests
//
// Each rest is what a comparable period (the same weekday, week or month before)
// took after the same moment in it, so that a quiet night is not projected from a
// busy morning. Without any, the pace so far goes on: soFar · whole / elapsed. It
// is never below soFar. Source: WattScore's own rule. Refused where neither rests
// nor elapsed time say anything, and for amounts below zero.
func Projection[T ~float64](soFar T, rests []T, elapsed, whole time.Duration) *T {
	if !(soFar >= 0) {
		return nil
	}
	if len(rests) > 0 {
		var sum T
		for _, rest := range rests {
			if !(rest >= 0) {
				return nil
			}
			sum += rest / T(len(rests))
		}
		return finite(soFar + sum)
	}
	if elapsed <= 0 || whole < elapsed {
		return nil
	}
	return finite(soFar * T(math.Max(1, float64(whole)/float64(elapsed))))
}

// BudgetUsed is the part of a budget that is spent:
//
//	actual / budget
//
// Refused without either, and for a budget of zero.
func BudgetUsed[T ~float64](actual, budget *T) *float64 {
	if actual == nil || budget == nil {
		return nil
	}
	return quotient(*actual, *budget)
}
