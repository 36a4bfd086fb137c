package kpi

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Year is the year that hardware lifetimes are counted in: 365 days, 8,760
// hours, as in the SCI specification's example and in Cloud Carbon Footprint.
const Year = 365 * 24 * time.Hour

// Years returns the duration of a number of years. Beyond the 292 years that a
// duration holds it returns the longest one; for what is no number, 0.
func Years(years float64) time.Duration {
	switch nanoseconds := years * float64(Year); {
	case math.IsNaN(nanoseconds):
		return 0
	case nanoseconds >= math.MaxInt64:
		return math.MaxInt64
	case nanoseconds <= math.MinInt64:
		return math.MinInt64
	default:
		return time.Duration(nanoseconds)
	}
}

// Reservation is the use made of a piece of hardware, in the terms of the SCI.
type Reservation struct {
	TotalEmbodied     KilogramsCO2e // TE: what it took to make the hardware
	TimeReserved      time.Duration // TiR
	ExpectedLifespan  time.Duration // EL
	ResourcesReserved float64       // RR, for example 2 of a server's 8 GPUs
	TotalResources    float64       // ToR, in the unit of RR
}

// AmortisedEmbodied is the part of the hardware's embodied carbon that a
// reservation answers for, in kgCO2e:
//
//	M = TE · (TiR / EL) · (RR / ToR)
//
// It is a series of its own beside operational carbon. Source: ISO/IEC
// 21031:2024, github.com/Green-Software-Foundation/sci SPEC.md. Refused without a
// lifespan or resources, for anything below zero, and for more resources than
// there are. Time past the lifespan is the caller's to leave out.
func AmortisedEmbodied(r Reservation) *KilogramsCO2e {
	timeShare := quotient(float64(r.TimeReserved), float64(r.ExpectedLifespan))
	resourceShare := quotient(r.ResourcesReserved, r.TotalResources)
	if timeShare == nil || resourceShare == nil || *timeShare < 0 || *resourceShare < 0 || *resourceShare > 1 || !(r.TotalEmbodied >= 0) {
		return nil
	}
	return finite(r.TotalEmbodied * KilogramsCO2e(*timeShare**resourceShare))
}

// AmortisedIn is the part of the asset's embodied carbon that falls into the
// span, in kgCO2e, by the rule of AmortisedEmbodied with the whole asset reserved
// from its acquisition to the end of its lifetime. The parts of all spans add up
// to the whole, also where the asset was given up early: what was emitted to
// make it was emitted. Refused without an embodied figure, an event or a lifetime.
func (a HardwareAsset) AmortisedIn(span Span) *KilogramsCO2e {
	acquired, ok := a.Life.Acquired()
	if a.Embodied == nil || a.Lifetime <= 0 || !ok {
		return nil
	}
	from, to := acquired, acquired.Add(a.Lifetime)
	if span.From.After(from) {
		from = span.From
	}
	if span.To.Before(to) {
		to = span.To
	}
	return AmortisedEmbodied(Reservation{
		TotalEmbodied: *a.Embodied, TimeReserved: max(0, to.Sub(from)), ExpectedLifespan: a.Lifetime,
		ResourcesReserved: 1, TotalResources: 1,
	})
}

// PurchaseYear is the embodied carbon of the assets acquired in a fiscal year.
type PurchaseYear struct {
	FiscalYear int
	Assets     int
	// Embodied is nil where an asset has no figure: the rest would be too small a
	// sum. WithoutEmbodied counts those.
	Embodied        *KilogramsCO2e
	WithoutEmbodied int
}

// EmbodiedByPurchaseYear books the whole embodied carbon of each asset, in
// kgCO2e, in the fiscal year it was acquired in, the years in order. A corporate
// inventory does so: capital goods are not amortised. It is another view of the
// carbon that AmortisedEmbodied spreads, never added to it. Assets without an
// event are left out.
//
// Source: GHG Protocol, Corporate Value Chain (Scope 3) Standard, category 2.
func EmbodiedByPurchaseYear(assets []HardwareAsset, calendar Calendar) []PurchaseYear {
	byYear := map[int][]HardwareAsset{}
	for _, asset := range assets {
		if acquired, ok := asset.Life.Acquired(); ok {
			year := calendar.FiscalYear(acquired)
			byYear[year] = append(byYear[year], asset)
		}
	}
	years := make([]PurchaseYear, 0, len(byYear))
	for year, bought := range byYear {
		embodied, without := sumEmbodied(bought)
		years = append(years, PurchaseYear{FiscalYear: year, Assets: len(bought), Embodied: embodied, WithoutEmbodied: without})
	}
	slices.SortFunc(years, func(a, b PurchaseYear) int { return cmp.Compare(a.FiscalYear, b.FiscalYear) })
	return years
}

// sumEmbodied adds up embodied carbon; nil where an asset has no figure, with the
// number of those.
func sumEmbodied(assets []HardwareAsset) (sum *KilogramsCO2e, without int) {
	total := KilogramsCO2e(0)
	for _, asset := range assets {
		if asset.Embodied == nil {
			without++
			continue
		}
		total += *asset.Embodied
	}
	if without > 0 {
		return nil, without
	}
	return finite(total), 0
}
