package kpi

import "math"

// ProviderPart is a part of a provider's figure in a region, in the quantity's unit: kg
// CO2e, kWh or USD.
type ProviderPart struct {
	Region   string
	Quantity ProviderQuantity
	Scope    Scope
	Charge   Charge
	Idle     bool
	Value    float64
}

// Statement is what a provider's parts come to in one quantity, and what it has inside
// or leaves out, each in the quantity's unit; nil where the provider does not say.
type Statement struct {
	Value   *float64
	Regions map[string]float64 // the value by region
	Scope3  *float64           // inside the value or left out, as asked
	Idle    *float64           // part of the value: paid for and not used
	Tax     *float64           // left out
	Credits *float64           // left out, below zero
}

// State adds up a provider's parts in a quantity:
//
//	carbon  total, or operational: total − scope 3
//	cost    usage + purchases + adjustments, at effective cost
//	energy  total
//
// Ours is operational, so the operational part is what compares. Where a provider does
// not tell its scopes apart, that is its total. Scope 3 without a basis is in both
// bases' totals (GHG Protocol: scope 3 has no location or market), so it is taken out of
// either. Without a part in the quantity there is no value.
func State(quantity ProviderQuantity, parts []ProviderPart, operational bool) Statement {
	s := Statement{Regions: map[string]float64{}}
	for _, p := range parts {
		switch {
		case p.Quantity != quantity || p.Scope != ScopeTotal:
		case p.Charge == ChargeTax:
			s.Tax = plus(s.Tax, p.Value)
		case p.Charge == ChargeCredit:
			s.Credits = plus(s.Credits, p.Value)
		default:
			s.Value = plus(s.Value, p.Value)
			s.Regions[p.Region] += p.Value
			if quantity == ProviderCost {
				s.Idle = plus(s.Idle, 0)
				if p.Idle {
					s.Idle = plus(s.Idle, p.Value)
				}
			}
		}
	}
	if s.Value == nil || quantity == ProviderCost || quantity == ProviderEnergy {
		return s
	}
	for _, p := range parts {
		if p.Scope != Scope3 || p.Quantity != quantity && p.Quantity != ProviderCarbon {
			continue
		}
		s.Scope3 = plus(s.Scope3, p.Value)
		if operational {
			s.Value = plus(s.Value, -p.Value)
			s.Regions[p.Region] -= p.Value
		}
	}
	s.Value = finite(*s.Value)
	return s
}

func plus(sum *float64, value float64) *float64 {
	if sum != nil {
		value += *sum
	}
	return &value
}

// OurFigure is ours of what a provider states: carbon on the same basis (a figure
// without a stated basis is held against the location-based one), facility energy, or
// cost. Nil where a factor is missing.
func OurFigure(quantity ProviderQuantity, m Measures) *float64 {
	switch quantity {
	case ProviderCarbonMarket:
		return (*float64)(m.CarbonMarket)
	case ProviderCarbon, ProviderCarbonLocation:
		return (*float64)(m.CarbonLocation)
	case ProviderEnergy:
		return (*float64)(m.FacilityEnergy)
	case ProviderCost:
		return (*float64)(m.Cost)
	}
	return nil
}

// Difference is how far ours is from a provider's figure, in the unit of both:
//
//	ours − provider's
//
// Below zero we see less. Refused without either.
func Difference(ours, providers *float64) *float64 { return Variance(ours, providers) }

// DifferenceShare is the difference as a part of the provider's figure:
//
//	(ours − provider's) / provider's
//
// Refused without either, and where the provider's is not above zero.
func DifferenceShare(ours, providers *float64) *float64 { return VarianceShare(ours, providers) }

// CoveredShare is the part of a provider's figure in regions where we have events:
//
//	Σ |value| of regions with events / Σ |value| of all
//
// 0 to 1. What it leaves open we do not see at all. Refused where all is zero.
func CoveredShare(regions map[string]float64, seen func(region string) bool) *float64 {
	covered, all := 0.0, 0.0
	for region, value := range regions {
		all += math.Abs(value)
		if seen(region) {
			covered += math.Abs(value)
		}
	}
	return quotient(covered, all)
}
