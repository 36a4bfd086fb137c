package kpi

import "math"

// ParetoCandidate is a model among those that do the same task and are measured
// by the same accuracy metric.
type ParetoCandidate struct {
	Accuracy *float64 // higher is better
	Energy   *float64 // kWh per 1,000 requests; lower is better
}

func (c ParetoCandidate) known() bool {
	return c.Accuracy != nil && c.Energy != nil && !math.IsNaN(*c.Accuracy) && !math.IsNaN(*c.Energy)
}

// dominates reports whether the candidate is at least as good in both and better
// in one.
func (c ParetoCandidate) dominates(other ParetoCandidate) bool {
	return *c.Accuracy >= *other.Accuracy && *c.Energy <= *other.Energy &&
		(*c.Accuracy > *other.Accuracy || *c.Energy < *other.Energy)
}

// ParetoStanding is where a candidate stands.
type ParetoStanding struct {
	// OnFront: no other is at least as accurate for at most the energy and better
	// in one of them. Two that are equal are both on it.
	OnFront bool
	// Better is the index of the one that dominates it at the least energy; -1 for
	// one on the front.
	Better int
}

// ParetoFront places each candidate against the others, as the guide's scatter of
// accuracy against energy cost asks. A candidate whose accuracy or energy is not
// known has no standing (nil). Only candidates of one task and one accuracy metric
// compare.
func ParetoFront(candidates []ParetoCandidate) []*ParetoStanding {
	standings := make([]*ParetoStanding, len(candidates))
	for i, candidate := range candidates {
		if !candidate.known() {
			continue
		}
		standing := ParetoStanding{OnFront: true, Better: -1}
		for j, other := range candidates {
			if !other.known() || !other.dominates(candidate) {
				continue
			}
			standing.OnFront = false
			if standing.Better < 0 || *other.Energy < *candidates[standing.Better].Energy {
				standing.Better = j
			}
		}
		standings[i] = &standing
	}
	return standings
}
