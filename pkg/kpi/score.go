package kpi

import "math"

// EnergyScore rates the energy of requests against the reference intensity of
// each model's task class, from 0 (endless energy) to 100 (none):
//
//	100 · E_ref / (E_ref + E)
//
// E is Measures.ScoredEnergy and E_ref is Measures.ReferenceEnergy, both in kWh
// of IT energy and both over the same requests. 50 is at the reference; half the
// reference energy scores 66.7, twice of it 33.3.
//
// It aggregates without mix distortion. The score of several groups together is
// the mean of their scores weighted by E_ref + E, so it lies between the lowest
// and the highest of them, and however groups are cut or joined the whole scores
// the same. A month with more image generation and less chat keeps its score
// where each of them keeps its own, while its plain kWh per request jumps: every
// request brings its own reference along.
//
// Source: WattScore's own definition, over the reference intensities that the
// warehouse names. It is not an AI Energy Score certification. Refused without
// reference energy (no requests, or no model with a task class that has a
// reference) and for energy below zero.
func EnergyScore(m Measures) *float64 {
	energy, reference := float64(m.ScoredEnergy), float64(m.ReferenceEnergy)
	if !(reference > 0) || !(energy >= 0) || math.IsInf(energy, 1) || math.IsInf(reference, 1) {
		return nil
	}
	// The same fraction, in a form whose overflow ends at the right limit.
	return finite(100 / (1 + energy/reference))
}

// energyAtScore is the energy in kWh at which the same requests would have the
// score, EnergyScore solved for E:
//
//	E_ref · (100 − score) / score
func energyAtScore(score float64, reference KilowattHours) KilowattHours {
	return reference * KilowattHours((100-score)/score)
}
