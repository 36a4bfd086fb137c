package kpi

import "math"

// MASE is the mean absolute scaled error of forecasts, a number without unit:
//
//	mean |error| / mean |y(t) − y(t−m)|
//
// The scale is the in-sample error of the seasonal naive forecast, over the
// training observations; a season m of 1 or less is the plain naive forecast. A
// scale over one step is hard to beat many steps ahead, so a MASE above 1 is no
// disgrace there. Steps without an observation, nil, are left out.
//
// Source: Hyndman & Koehler, Another look at measures of forecast accuracy,
// International Journal of Forecasting 22 (2006) 679–688. Refused without errors,
// and where the training observations never change.
func MASE(errors []float64, training []*float64, season int) *float64 {
	var sum float64
	for _, miss := range errors {
		sum += math.Abs(miss)
	}
	return scaledError(sum, len(errors), training, season)
}

func scaledError(absoluteErrors float64, count int, training []*float64, season int) *float64 {
	var scale, pairs float64
	for i := max(1, season); i < len(training); i++ {
		if before, now := training[i-max(1, season)], training[i]; before != nil && now != nil {
			scale, pairs = scale+math.Abs(*now-*before), pairs+1
		}
	}
	mean, unit := quotient(absoluteErrors, float64(count)), quotient(scale, pairs)
	if mean == nil || unit == nil {
		return nil
	}
	return quotient(*mean, *unit)
}
