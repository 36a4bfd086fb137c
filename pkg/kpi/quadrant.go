package kpi

import "math"

// Quadrant is where a model stands between business criticality and energy
// efficiency. Its value is its label.
type Quadrant string

// The quadrants. The first two are the guide's; the others complete them.
const (
	QuadrantImmediateAction  Quadrant = "Immediate Action Required" // critical, inefficient
	QuadrantShowcase         Quadrant = "Showcase Success"          // critical, efficient
	QuadrantOptimiseOrRetire Quadrant = "Optimise or Retire"        // not critical, inefficient
	QuadrantMaintain         Quadrant = "Maintain"                  // not critical, efficient
)

// QuadrantThresholds are the two lines that part the quadrants. A model on a
// line is on its upper side.
type QuadrantThresholds struct {
	Criticality float64 // 0..100, business criticality as the company rates it
	Score       float64 // 0..100, Energy Score
}

// DefaultQuadrantThresholds cuts both scales in the middle: 50 is the Energy
// Score at the reference intensity.
var DefaultQuadrantThresholds = QuadrantThresholds{Criticality: 50, Score: 50}

// Quadrant places a model by its criticality and Energy Score, both 0..100.
// Refused, with nil, where either is unknown.
func (t QuadrantThresholds) Quadrant(criticality, score *float64) *Quadrant {
	if criticality == nil || score == nil || math.IsNaN(*criticality) || math.IsNaN(*score) {
		return nil
	}
	critical, efficient := *criticality >= t.Criticality, *score >= t.Score
	quadrant := QuadrantOptimiseOrRetire
	switch {
	case critical && efficient:
		quadrant = QuadrantShowcase
	case critical:
		quadrant = QuadrantImmediateAction
	case efficient:
		quadrant = QuadrantMaintain
	}
	return &quadrant
}

// PotentialSaving is the part of a period's energy cost in USD that would not
// have been spent, had the same requests reached the score T. The score is T at
//
//	E_T = E_ref · (100 − T) / T
//
// so the saving, 0 where the score is T already, is
//
//	energy cost · (E − E_T) / energy
//
// with E and E_ref as in EnergyScore; cost and energy are those of the work that
// answers requests, which is E and what has no reference. It is the energy cost
// and not the billed one, because a rented GPU's bill does not fall with its
// power draw.
//
// Source: EnergyScore solved for E. Refused without an energy cost, without a
// score, and for a threshold outside 0..100.
func PotentialSaving(m Measures, scoreThreshold float64) *USD {
	score := EnergyScore(m)
	if m.ServingEnergyCost == nil || score == nil || !(scoreThreshold >= 0 && scoreThreshold <= 100) {
		return nil
	}
	if *score >= scoreThreshold {
		return new(USD)
	}
	saved := m.ScoredEnergy - energyAtScore(scoreThreshold, m.ReferenceEnergy)
	part := quotient(max(0, saved), m.ServingEnergy) // rounding can leave less than nothing
	if part == nil {
		return nil
	}
	return finite(*m.ServingEnergyCost * USD(*part))
}
