package kpi

// ParetoCandidate is a model among those that do the same task and are measured
// by the same accuracy metric.
type ParetoCandidate struct {
	Accuracy *float64 // higher is better
	Energy   *float64 // kWh per 1,000 requests; lower is better
}

func (c ParetoCandidate) known() bool {
	return c.Accuracy != nil && c.Energy != nil && finite(*c.Accuracy) != nil && finite(*c.Energy) != nil
}

// dominates reports whether the candidate is at least as good in both and better
// in one.
func (c ParetoCandidate) dominates(other ParetoCandidate) bool {
	return *c.Accuracy >= *other.Accuracy && *c.Energy <= *other.Energy &&
		(*c.Accuracy > *other.Accuracy || *c.Energy < *other.Energy)
}

// cheaperThan orders those that dominate a candidate. Without the second key the
// one named could be dominated itself.
func (c ParetoCandidate) cheaperThan(other ParetoCandidate) bool {
	if *c.Energy != *other.Energy {
		return *c.Energy < *other.Energy
	}
	return *c.Accuracy > *other.Accuracy
}

// ParetoStanding is where a candidate stands.
type ParetoStanding struct {
	// OnFront: no other is at least as accurate for at most the energy and better
	// in one of them. Two that are equal are both on it.
	OnFront bool
	// Better is the index of the one that dominates it at the least energy, of those
	// the most accurate, and so itself on the front; -1 for one on the front.
	Better int
}

// ParetoFront places each candidate against the others. Only candidates of one task
// and one accuracy metric compare; a single one is on the front, against nobody.
// The standings do not depend on the order of the candidates. Source: the guide's
// scatter of model accuracy against energy cost. Refused, with nil, for a candidate
// whose accuracy or energy is not known or not finite: it beats nobody either.
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
			if standing.Better < 0 || other.cheaperThan(candidates[standing.Better]) {
				standing.Better = j
			}
		}
		standings[i] = &standing
	}
	return standings
}
