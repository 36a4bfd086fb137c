package kpi

import "slices"

// CostAvoided is what a model's serving energy would have cost more in a step at
// its baseline intensity, in USD; below zero where the model got worse:
//
//	(baseline − actual) · requests · PUE · tariff
//
// Intensities are kWh of IT energy per 1,000 requests, and requests are in
// thousands. PUE · tariff is what a kWh of IT energy did cost in this step,
// serving energy cost / serving energy, so that a change of tariff or region is
// not taken for one of efficiency. Source: WattScore's own definition. Refused
// without a baseline, requests, energy or a price.
func CostAvoided(baseline *float64, m Measures) *USD {
	if baseline == nil || m.ServingRequests <= 0 || m.ServingEnergyCost == nil {
		return nil
	}
	before := *baseline * float64(m.ServingRequests) / 1000
	price := quotient(*m.ServingEnergyCost, m.ServingEnergy)
	if price == nil {
		return nil
	}
	return finite(USD((before - float64(m.ServingEnergy)) * *price))
}

// ModelUsage is what a model used in a step.
type ModelUsage struct {
	Model string
	Measures
}

// CumulativeCostAvoided adds CostAvoided up over the models and the steps, which
// are in order. A model without a baseline counts nothing and is listed in
// without, by name. The sum is nil from the step on where a model with a baseline
// has energy without a price, because a sum that leaves some of it out would be a
// wrong one; and everywhere where no model has a baseline.
func CumulativeCostAvoided(steps [][]ModelUsage, baselines map[string]float64) (cumulative []*USD, without []string) {
	cumulative = make([]*USD, len(steps))
	var total USD
	known := true
	for i, usages := range steps {
		for _, usage := range usages {
			if usage.ServingRequests <= 0 {
				continue
			}
			baseline, ok := baselines[usage.Model]
			if !ok {
				without = append(without, usage.Model)
				continue
			}
			if usage.ServingEnergyCost == nil {
				known = false
			} else if avoided := CostAvoided(&baseline, usage.Measures); avoided != nil {
				total += *avoided
			}
		}
		if known && len(baselines) > 0 {
			cumulative[i] = finite(total)
		}
	}
	slices.Sort(without)
	return cumulative, slices.Compact(without)
}
