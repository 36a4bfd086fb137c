package kpi

import (
	"math"
	"time"
)

// FacilityReading is what a facility's meters say: either both energies of an interval,
// or the PUE of an interval or, where it ends when it begins, of a moment.
type FacilityReading struct {
	Span
	Facility, IT NanowattHours // 0 and 0 where only the PUE is known
	PUE          float64       // 0 where the energies are known
}

// The bounds of what a day's PUE is worked out from.
const (
	// MeteredPart is the least part of a day that its readings have to cover.
	MeteredPart = 0.75
	// LongestMoment is how long a reading of a moment holds, when no other follows.
	LongestMoment = time.Hour
)

// DayPUE is the metered PUE of a day.
type DayPUE struct {
	// PUE is to six decimals; nil where the readings cover less than MeteredPart.
	PUE *float64
	// ByEnergy says that it is facility energy / IT energy, and not a mean over time.
	ByEnergy bool
	// Covered is the part of the day that has readings, 0 to 1.
	Covered float64
}

// MeteredPUE returns the PUE of a day by its readings, which are in order of time and do
// not overlap:
//
//	Σ facility energy / Σ IT energy, of the readings with energies
//
// where those cover the day, else the mean of all readings, weighted by time. An energy
// is spread evenly over its interval, so that one that reaches over midnight counts in
// parts. A reading of a moment holds until the next, LongestMoment at most. Source:
// ISO/IEC 30134-2, which defines PUE by energies over the same period.
func MeteredPUE(day Span, readings []FacilityReading) DayPUE {
	var facility, it, byEnergy, covered, weighted float64
	for i, reading := range readings {
		span := reading.Span
		if span.Duration() == 0 {
			span.To = span.From.Add(LongestMoment)
			if i+1 < len(readings) && readings[i+1].From.Before(span.To) {
				span.To = readings[i+1].From
			}
		}
		hours := overlapHours(day, span)
		if hours <= 0 {
			continue
		}
		pue := reading.PUE
		if reading.IT > 0 {
			part := hours / span.Duration().Hours()
			facility += float64(reading.Facility) * part
			it += float64(reading.IT) * part
			byEnergy += hours
			pue = float64(reading.Facility) / float64(reading.IT)
		}
		covered += hours
		weighted += pue * hours
	}
	length := day.Duration().Hours()
	if length <= 0 || covered <= 0 {
		return DayPUE{}
	}
	answer := DayPUE{Covered: math.Min(1, covered/length)}
	switch {
	case byEnergy/length >= MeteredPart:
		answer.ByEnergy = true
		answer.PUE = sixDecimals(facility / it)
	case answer.Covered >= MeteredPart:
		answer.PUE = sixDecimals(weighted / covered)
	}
	return answer
}

func overlapHours(a, b Span) float64 {
	from, to := a.From, a.To
	if b.From.After(from) {
		from = b.From
	}
	if b.To.Before(to) {
		to = b.To
	}
	return to.Sub(from).Hours()
}

func sixDecimals(value float64) *float64 {
	rounded := math.Round(value*1e6) / 1e6
	return &rounded
}
