package kpi

// EnergyToSolution is the energy of a unit of completed work in kWh:
//
//	energy / completed units
//
// For training the unit is a completed run; for serving it is a thousand requests,
// see EnergyPer1kRequests. Source: the guide's Efficiency Trend. Refused without a
// completed unit.
func EnergyToSolution(energy KilowattHours, completed int) *KilowattHours {
	return (*KilowattHours)(quotient(energy, float64(completed)))
}

// EnergyPerAccuracyPoint is the energy a training took for each point of the
// accuracy it reached, in kWh:
//
//	energy / (accuracy · 100)
//
// Accuracy is 0..1. Source: WattScore's own, after the guide's scatter of accuracy
// against energy cost. Refused without energy or accuracy.
func EnergyPerAccuracyPoint(energy *KilowattHours, accuracy *float64) *KilowattHours {
	if energy == nil || accuracy == nil {
		return nil
	}
	return (*KilowattHours)(quotient(*energy, *accuracy*100))
}

// TrainingCarbonPer1kRequests spreads the emissions of a feature's training over
// the requests its model has served, in grams of CO2e per 1,000 requests:
//
//	carbon · 1000 / requests · 1000
//
// Source: the guide's carbon cost of a new product feature. Refused without
// carbon or requests.
func TrainingCarbonPer1kRequests(carbon *KilogramsCO2e, requests int64) *float64 {
	if carbon == nil {
		return nil
	}
	kilograms := quotient(*carbon, float64(requests))
	if kilograms == nil {
		return nil
	}
	return finite(*kilograms * 1e6)
}
