package kpi

import "math"

// ChangeMeasure is what a change is decomposed of. Its values are those of the
// query option measure.
type ChangeMeasure string

// The measures.
const (
	ChangeOfEnergy ChangeMeasure = "energy" // facility energy in kWh, PUE included
	ChangeOfCost   ChangeMeasure = "cost"   // energy cost in USD
	ChangeOfCarbon ChangeMeasure = "carbon" // location-based emissions in kgCO2e
)

// of returns the measure's amount; nil where a factor is missing.
func (c ChangeMeasure) of(m Measures) *float64 {
	switch c {
	case ChangeOfEnergy:
		return (*float64)(m.FacilityEnergy)
	case ChangeOfCost:
		return (*float64)(m.EnergyCost)
	case ChangeOfCarbon:
		return (*float64)(m.CarbonLocation)
	}
	return nil
}

// Driver is a cause of a change.
type Driver string

// The drivers, in the order of the identity.
const (
	DriverVolume    Driver = "volume"    // how much was done
	DriverMix       Driver = "mix"       // which model, in which region, for which project did it
	DriverIntensity Driver = "intensity" // IT energy per unit of activity
	DriverPUE       Driver = "pue"
	DriverTariff    Driver = "tariff" // cost only: USD per kWh of facility energy
	DriverGrid      Driver = "grid"   // carbon only: kgCO2e per kWh of facility energy
	// DriverIdle is idle energy and energy that no rule gives to a project: it
	// has no activity, so only its whole change is known.
	DriverIdle Driver = "idle"
	// DriverUncounted is work whose source counts neither requests nor GPU hours.
	DriverUncounted Driver = "uncounted"
	// DriverUnpriced is an amount that is known though a factor of it is not, such
	// as measured emissions without a PUE.
	DriverUnpriced Driver = "unpriced"
)

// Activity is what an amount of work is counted in; it is empty where a driver is
// of all work alike.
type Activity string

// The units of activity. Work in different units is decomposed apart.
const (
	ActivityRequests Activity = "requests"  // the work that answers requests
	ActivityGPUHours Activity = "GPU hours" // training, fine-tuning and evaluation
	ActivityJobs     Activity = "jobs"      // the same, where a source reports no GPU hours
)

// ChangeSegment is work of one kind in the two periods that are compared: of one
// model in one region for one project. A group that segments are reported by must
// be the same for all of a segment, so that the drivers' totals do not depend on
// it. The zero Measures are those of a period without usage.
type ChangeSegment struct {
	Model, Region, Project string
	Workload               Workload
	Group                  string
	Before, After          Measures
}

func (s ChangeSegment) idle() bool {
	return s.Workload == WorkloadIdle || reserved(s.Model) || reserved(s.Project)
}

func reserved(member string) bool { return member == Idle || member == Unallocated }

// activity returns the unit of a segment's activity and how much of it there was.
func (s ChangeSegment) activity() (unit Activity, before, after float64) {
	switch s.Workload {
	case WorkloadInference, WorkloadBatch, WorkloadEmbedding:
		return ActivityRequests, float64(s.Before.Requests), float64(s.After.Requests)
	}
	for _, m := range []Measures{s.Before, s.After} {
		if m.ITEnergy > 0 && m.GPUHours <= 0 {
			return ActivityJobs, float64(s.Before.Events), float64(s.After.Events)
		}
	}
	return ActivityGPUHours, s.Before.GPUHours, s.After.GPUHours
}

// DriverEffect is what a driver contributed to the change, in the measure's unit.
type DriverEffect struct {
	Driver   Driver
	Activity Activity // empty for PUE, tariff, grid and what has no activity
	Group    string   // empty in the totals
	Effect   float64
	// FactorChange is the relative change of the driver's factor, weighted as the
	// effect is: −0.12 is 12 % less energy per request. Nil where there was nothing
	// to compare with.
	FactorChange *float64
}

// ChangeDecomposition says why a total changed. Both lists of effects have the
// greatest first and add up to After − Before.
type ChangeDecomposition struct {
	Before, After float64
	// Totals are by driver. Volume is the growth of all activity together, mix
	// what shifted between segments. They do not depend on the groups.
	Totals []DriverEffect
	// ByGroup are by driver and group. Here volume is the growth of the group's own
	// activity and mix what shifted within it: what shifts between groups is one
	// group's volume, because a group whose own work did not change has grown
	// nothing. Volume and mix together are the same in both lists.
	ByGroup []DriverEffect
	// Entered and Left are the segments with usage in one period only.
	Entered, Left []ChangeSegment
}

// Change is After − Before.
func (d ChangeDecomposition) Change() float64 { return d.After - d.Before }

// Residual is what the effects leave unexplained: rounding.
func (d ChangeDecomposition) Residual() float64 {
	explained := 0.0
	for _, e := range d.Totals {
		explained += e.Effect
	}
	return d.Change() - explained
}

// DecomposeChange finds the key drivers of a measure's change by additive LMDI-I,
// see FactorEffects, over the identity
//
//	energy = Σ activity · share · IT energy / activity · PUE
//	cost   = energy · tariff,  carbon = energy · grid intensity
//
// with the shares of each segment in all activity of its unit. A segment that
// enters or leaves is an effect of the mix; where it is the first or the last of
// its group or of all work, of the volume. A period's energy without activity has
// no factors: idle and unallocated energy, and work nobody counted, are drivers of
// their own. Source: Ang (2005), Energy Policy 33:867–871.
//
// Refused, with nil, where a segment's amount is not known in one of the periods.
func DecomposeChange(segments []ChangeSegment, measure ChangeMeasure) *ChangeDecomposition {
	d := &ChangeDecomposition{}
	totals, groups := effectSums{}, effectSums{}
	var counted []countedSegment
	for _, segment := range segments {
		before, after := amountOf(segment.Before, measure), amountOf(segment.After, measure)
		if before == nil || after == nil {
			return nil
		}
		d.Before, d.After = d.Before+*before, d.After+*after
		switch {
		case !used(segment.Before) && used(segment.After):
			d.Entered = append(d.Entered, segment)
		case used(segment.Before) && !used(segment.After):
			d.Left = append(d.Left, segment)
		}
		whole := func(driver Driver, effect float64) {
			totals.add(effectKey{driver: driver}, effect)
			groups.add(effectKey{driver: driver, group: segment.Group}, effect)
		}
		if segment.idle() {
			whole(DriverIdle, *after-*before)
			continue
		}
		c := countedSegment{group: segment.Group}
		unit, activityBefore, activityAfter := segment.activity()
		c.unit = unit
		var reason [2]Driver
		c.before, reason[0] = chainOf(segment.Before, *before, activityBefore, measure)
		c.after, reason[1] = chainOf(segment.After, *after, activityAfter, measure)
		if reason[0] == DriverUnpriced || reason[1] == DriverUnpriced {
			whole(DriverUnpriced, *after-*before)
			continue
		}
		if reason[0] == DriverUncounted {
			whole(DriverUncounted, -*before)
		}
		if reason[1] == DriverUncounted {
			whole(DriverUncounted, *after)
		}
		counted = append(counted, c)
	}
	if !decomposeCounted(counted, measure, totals, groups) {
		return nil
	}
	if finite(d.Before) == nil || finite(d.After) == nil {
		return nil
	}
	scale := max(d.Before, d.After)
	d.Totals, d.ByGroup = totals.list(scale), groups.list(scale)
	return d
}

// amountOf is the measure's amount; what was not used is none, priced or not.
func amountOf(m Measures, measure ChangeMeasure) *float64 {
	amount := measure.of(m)
	switch {
	case amount == nil && !used(m):
		return new(float64)
	case amount == nil || !(*amount >= 0):
		return nil
	}
	return amount
}

// used is false for a period without usage. The later part of a run that crosses
// into a period is usage though it counts no event there.
func used(m Measures) bool { return m.Events > 0 || m.ITEnergy > 0 }

// chain holds the running products of the identity within a segment: activity, IT
// energy, facility energy and, for cost and carbon, the amount. The first factor is
// activity, each other one the quotient of neighbours.
type chain []float64

// chainOf reads a period's chain. It says why where there is none: then the amount
// is a driver of its own, and the period counts as one without usage.
func chainOf(m Measures, amount, activity float64, measure ChangeMeasure) (chain, Driver) {
	absent := make(chain, len(measure.drivers()))
	if amount == 0 && m.ITEnergy == 0 && activity == 0 {
		return absent, ""
	}
	if m.FacilityEnergy == nil {
		return absent, DriverUnpriced
	}
	c := chain{activity, float64(m.ITEnergy), float64(*m.FacilityEnergy), amount}[:len(absent)]
	for k := 1; k < len(c); k++ {
		if c[k] > 0 && !(c[k-1] > 0) {
			if k == 1 {
				return absent, DriverUncounted
			}
			return absent, DriverUnpriced // such as emissions without energy
		}
	}
	return c, ""
}

// drivers lists the drivers of the measure's identity after the shares: a driver
// for each element of a chain, the first of which stands for volume and mix.
func (c ChangeMeasure) drivers() []Driver {
	drivers := []Driver{DriverVolume, DriverIntensity, DriverPUE}
	switch c {
	case ChangeOfCost:
		return append(drivers, DriverTariff)
	case ChangeOfCarbon:
		return append(drivers, DriverGrid)
	}
	return drivers
}

type countedSegment struct {
	group         string
	unit          Activity
	before, after chain
}

// decomposeCounted adds the effects of the segments that have activity. It is
// false where one has no decomposition.
func decomposeCounted(segments []countedSegment, measure ChangeMeasure, totals, groups effectSums) bool {
	type place struct {
		unit  Activity
		group string
	}
	type activities struct{ before, after float64 }
	all, own := map[Activity]activities{}, map[place]activities{}
	for _, s := range segments {
		a, o := all[s.unit], own[place{s.unit, s.group}]
		all[s.unit] = activities{a.before + s.before[0], a.after + s.after[0]}
		own[place{s.unit, s.group}] = activities{o.before + s.before[0], o.after + s.after[0]}
	}
	for _, s := range segments {
		a, o := all[s.unit], own[place{s.unit, s.group}]
		before, after := comparable(
			append(chain{a.before, o.before}, s.before...),
			append(chain{a.after, o.after}, s.after...))
		effects := FactorEffects(before, after)
		if effects == nil {
			return false
		}
		weight := LogarithmicMean(product(after), product(before))
		growth, betweenGroups, withinGroup := effects[0], effects[1], effects[2]
		volume, mix := effectKey{driver: DriverVolume, activity: s.unit}, effectKey{driver: DriverMix, activity: s.unit}
		totals.add(volume, growth)
		totals.add(mix, betweenGroups+withinGroup)
		groups.add(volume.in(s.group), growth+betweenGroups)
		groups.add(mix.in(s.group), withinGroup)
		for k, driver := range measure.drivers()[1:] {
			key := effectKey{driver: driver}
			if driver == DriverIntensity {
				key.activity = s.unit
			}
			totals.addWeighted(key, effects[3+k], weight)
			groups.addWeighted(key.in(s.group), effects[3+k], weight)
		}
	}
	return true
}

// comparable turns the running products of both periods into factors. A factor
// that a period does not have, because what it is per is zero, is taken to be what
// it was in the other: a model that was not used had an intensity all the same.
func comparable(before, after chain) (from, to []float64) {
	from, to = before.factors(), after.factors()
	for k := range from {
		switch {
		case math.IsNaN(from[k]) && math.IsNaN(to[k]):
			from[k], to[k] = 1, 1
		case math.IsNaN(from[k]):
			from[k] = to[k]
		case math.IsNaN(to[k]):
			to[k] = from[k]
		}
	}
	return from, to
}

func (c chain) factors() []float64 {
	factors := make([]float64, len(c))
	for k := range c {
		factors[k] = c[k]
		if k > 0 {
			factors[k] = c[k] / c[k-1] // 0/0 is NaN: chains fall to zero and stay there
		}
	}
	return factors
}
