package kpi

import "time"

// Footprint is what work takes: energy, money and carbon. A pointer is nil where
// the amount is not known. What-ifs subtract one from another, so that
//
//	saving = before − after
//
// for each of the three, below zero where a change makes things worse.
type Footprint struct {
	FacilityEnergy *KilowattHours // PUE included
	// EnergyCost is what the electricity costs. A change of energy moves nothing
	// else: a rented GPU's bill does not fall with its power draw.
	EnergyCost *USD
	Carbon     *KilogramsCO2e // operational, location-based
}

// NoFootprint is that of no work: zero, and known.
func NoFootprint() Footprint {
	return Footprint{FacilityEnergy: new(KilowattHours), EnergyCost: new(USD), Carbon: new(KilogramsCO2e)}
}

// FootprintOf is what a group's work took.
func FootprintOf(m Measures) Footprint {
	return Footprint{FacilityEnergy: m.FacilityEnergy, EnergyCost: m.EnergyCost, Carbon: m.CarbonLocation}
}

// Plus adds two footprints; an amount that one of them does not know is unknown.
func (f Footprint) Plus(g Footprint) Footprint {
	return Footprint{sumOf(f.FacilityEnergy, g.FacilityEnergy, 1), sumOf(f.EnergyCost, g.EnergyCost, 1), sumOf(f.Carbon, g.Carbon, 1)}
}

// Minus is what the first footprint has beyond the second.
func (f Footprint) Minus(g Footprint) Footprint {
	return Footprint{sumOf(f.FacilityEnergy, g.FacilityEnergy, -1), sumOf(f.EnergyCost, g.EnergyCost, -1), sumOf(f.Carbon, g.Carbon, -1)}
}

// Times scales all amounts alike.
func (f Footprint) Times(factor float64) Footprint {
	return Footprint{scaled(f.FacilityEnergy, factor), scaled(f.EnergyCost, factor), scaled(f.Carbon, factor)}
}

func sumOf[T ~float64](a, b *T, sign T) *T {
	if a == nil || b == nil {
		return nil
	}
	return finite(*a + sign**b)
}

func scaled[T ~float64](amount *T, factor float64) *T {
	if amount == nil {
		return nil
	}
	return finite(*amount * T(factor))
}

// ReducedBy is the footprint of the same work when it takes some percent less
// energy, where and when it ran:
//
//	footprint · (1 − percent / 100)
//
// This is what WattScore means by "efficiency +15 %", because it is how leadership
// reads it. Read as work per kWh it would be footprint / 1.15, 13 % less. Source:
// the guide's "if we improve our model's efficiency by 15 %". Refused, all of it,
// for a percentage below 0 or not below 100.
func (f Footprint) ReducedBy(percent float64) Footprint {
	if !(percent >= 0 && percent < 100) {
		return Footprint{}
	}
	return f.Times(1 - percent/100)
}

// AtIntensity is the footprint of the same requests, in the same places and
// hours, served at another energy intensity:
//
//	footprint · other / own
//
// Both are IT energy per request, in one unit: see EnergyPer1kRequests. Refused,
// all of it, where one is unknown or the own one is not above zero.
func (f Footprint) AtIntensity(own, other *float64) Footprint {
	if own == nil || other == nil {
		return Footprint{}
	}
	ratio := quotient(*other, *own)
	if ratio == nil {
		return Footprint{}
	}
	return f.Times(*ratio)
}

// AtPUE is the footprint of the same IT energy in a facility of another PUE:
//
//	footprint · PUE / (facility energy / IT energy)
//
// The old PUE is that of the work itself. Refused, all of it, for a PUE below 1,
// which no facility has, and without facility energy.
func (f Footprint) AtPUE(energy KilowattHours, pue float64) Footprint {
	switch {
	case !(pue >= 1) || f.FacilityEnergy == nil:
		return Footprint{}
	case energy == 0:
		return f
	}
	ratio := quotient(float64(energy)*pue, *f.FacilityEnergy)
	if ratio == nil {
		return Footprint{}
	}
	return f.Times(*ratio)
}

// RegionFactors turn IT energy into a footprint. A pointer is nil where no figure
// is known.
type RegionFactors struct {
	PUE              *float64
	ElectricityPrice *float64 // USD per kWh of facility energy
	GridLocation     *float64 // g CO2e per kWh of facility energy, the grid's average
}

// Footprint is what IT energy takes in the region:
//
//	facility energy = energy · PUE
//	energy cost     = facility energy · price
//	carbon          = facility energy · grid intensity / 1000
//
// Each is unknown where a factor it needs is.
func (r RegionFactors) Footprint(energy KilowattHours) Footprint {
	if r.PUE == nil {
		return Footprint{}
	}
	facility := finite(energy * KilowattHours(*r.PUE))
	f := Footprint{FacilityEnergy: facility}
	if facility != nil && r.ElectricityPrice != nil {
		f.EnergyCost = finite(USD(float64(*facility) * *r.ElectricityPrice))
	}
	if facility != nil && r.GridLocation != nil {
		f.Carbon = finite(KilogramsCO2e(float64(*facility) * *r.GridLocation / 1000))
	}
	return f
}

// FactorStretch is a stretch of time in which a region's factors do not change.
type FactorStretch struct {
	Span
	RegionFactors
}

// AverageFactors are a region's factors over a span, weighted by time: work that
// is not there yet has no energy there to weigh them by. The stretches lie in the
// span and do not overlap. A factor that is unknown for some of the span is
// unknown.
func AverageFactors(stretches []FactorStretch, span Span) RegionFactors {
	average := func(factor func(RegionFactors) *float64) *float64 {
		var covered time.Duration
		var weighted float64
		for _, s := range stretches {
			if value := factor(s.RegionFactors); value != nil {
				covered += s.Duration()
				weighted += *value * float64(s.Duration())
			}
		}
		if covered != span.Duration() {
			return nil
		}
		return quotient(weighted, float64(covered))
	}
	return RegionFactors{
		PUE:              average(func(r RegionFactors) *float64 { return r.PUE }),
		ElectricityPrice: average(func(r RegionFactors) *float64 { return r.ElectricityPrice }),
		GridLocation:     average(func(r RegionFactors) *float64 { return r.GridLocation }),
	}
}
