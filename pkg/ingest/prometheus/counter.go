package prometheus

import (
	"math"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// sample is a value of a series at a time, in Unix ms.
type sample struct {
	at    int64
	value float64
}

// blank is from where on a value is none: DCGM writes 2^63 − 14 and its like where it
// has no reading.
const blank = 1 << 62

// apart is the time from one sample to a later one.
func apart(before, after sample) time.Duration {
	return time.Duration(after.at-before.at) * time.Millisecond
}

// valid says whether a sample can be one. A counter and a measure are never negative.
func (s sample) valid() bool {
	return !math.IsNaN(s.value) && s.value >= 0 && s.value < blank
}

// invalid says why a sample cannot be one.
func (s sample) invalid() string {
	switch {
	case math.IsNaN(s.value):
		return "it is no number"
	case s.value < 0:
		return "it is negative"
	}
	return "it is a blank value (2^62 or more)"
}

// step is what a counter did from one sample to the next.
type step struct {
	from, to float64 // of the meter: to − from was counted
	kind     stepKind
}

type stepKind int

const (
	stepOn     stepKind = iota // it went on
	stepReset                  // it began anew: from is 0
	stepBack                   // it fell to what it cannot have counted anew: ignored
	stepBeyond                 // it rose faster than what it counts can: not counted
)

// slack is how far apart a scrape and the reading it got may be.
const slack = 5 * time.Second

// next is the step from one sample to a later one of a counter that rises by no more
// than most a second (0: no bound). A counter that is lower than before began anew, and
// has counted since what it says; where it cannot have, another scraper or replica had
// an older reading, and the sample is no news.
func next(before, after sample, most float64) step {
	bound := most * (apart(before, after) + slack).Seconds()
	switch {
	case after.value >= before.value:
		if most > 0 && after.value-before.value > bound {
			return step{before.value, after.value, stepBeyond}
		}
		return step{before.value, after.value, stepOn}
	case most > 0 && after.value > bound:
		return step{before.value, before.value, stepBack}
	}
	return step{0, after.value, stepReset}
}

// energy is what the step counted, of a meter in a unit. Steps that follow each other
// add up to the meter, to the last nWh; only a meter that a fault has set to where an
// integer of nWh ends, 9 GWh, is read by its differences.
func (s step) energy(q quantity) kpi.NanowattHours {
	joules := 1.0
	switch q {
	case gpuMillijoules:
		joules = 1e-3
	case codecarbonKWh:
		joules = 3.6e6
	}
	const largest = 3e13 // J
	switch {
	case s.to*joules > largest:
		return kpi.NanowattHoursBetweenJoules(0, min((s.to-s.from)*joules, largest))
	case q == gpuMillijoules:
		return kpi.NanowattHoursBetween(int64(s.from), int64(s.to))
	}
	return kpi.NanowattHoursBetweenJoules(s.from*joules, s.to*joules)
}

// longestMeasure is how long a measure holds after a sample; what lies between samples
// further apart is not known.
const longestMeasure = 5 * time.Minute

// integral is what a measure adds up to from one sample to the next, by the trapezoid
// rule, in its unit × seconds; ok is false over a gap.
func integral(before, after sample) (sum float64, lasted time.Duration, ok bool) {
	lasted = apart(before, after)
	if lasted > longestMeasure || lasted <= 0 {
		return 0, lasted, false
	}
	return (before.value + after.value) / 2 * lasted.Seconds(), lasted, true
}
