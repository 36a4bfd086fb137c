package kpi

import "time"

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

// EnergyPerAccuracyPointGained is the marginal energy of training: what a run took
// for each point by which it beat the run before, in kWh:
//
//	energy / ((accuracy − previous accuracy) · 100)
//
// Both accuracies are 0..1, of one model and by one metric. Source: WattScore's
// own, after the guide's Efficiency of R&D Investment; it rises as a model nears
// what it can reach. Refused without energy or either accuracy, and for a run that
// is not better: it gained nothing at any price.
func EnergyPerAccuracyPointGained(energy *KilowattHours, accuracy, previous *float64) *KilowattHours {
	if accuracy == nil || previous == nil {
		return nil
	}
	gained := *accuracy - *previous
	return EnergyPerAccuracyPoint(energy, &gained)
}

// GPUHours is the accelerator time of a run: what its events recorded, else
//
//	GPUs · hours from start to end
//
// Recorded time of 0 is none recorded. Refused where nothing was recorded and the
// number of GPUs or the end is not known.
func GPUHours(recorded *float64, gpus *int, duration *time.Duration) *float64 {
	if recorded != nil && *recorded > 0 {
		return finite(*recorded)
	}
	if gpus == nil || duration == nil || *gpus <= 0 || *duration < 0 {
		return nil
	}
	return finite(float64(*gpus) * duration.Hours())
}

// TrainingCarbonPer1kRequests spreads the emissions of a feature's training over
// the requests its model has served, in grams of CO2e per 1,000 requests:
//
//	carbon kg · 1,000 / (requests / 1,000)
//
// The features of a model share its requests, so their figures add up. The carbon
// cost of the feature itself is Chargeback of the same emissions. Source: the
// guide, "Model training carbon → Carbon cost of a new product feature". Refused
// without carbon or requests.
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
