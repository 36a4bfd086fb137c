package gpu

import (
	"math"
	"time"
)

const (
	// believable is how far above its power limit a device's energy may lie: limits
	// are averages of a second.
	believable = 1.2
	// slack is what a counter and a clock may be apart.
	slack = time.Second
	// longestStep is the longest time over which two readings of power say what was
	// drawn between them.
	longestStep = 30 * time.Second
)

// meter adds up the energy of one device, in whole millijoules and what is less than
// one. Its total only ever grows.
type meter struct {
	last      Reading // the newest reading with power or energy
	begun     bool
	total     int64
	remainder float64 // of a millijoule
	gaps      int
}

// add takes the next reading and fills in its energy, method and gaps.
func (m *meter) add(r *Reading) {
	counted, measured := r.EnergyCounterMillijoules != nil, r.PowerWatts != nil
	if counted || measured {
		if m.begun {
			m.advance(r)
		}
		m.last, m.begun = *r, true
	}
	if !m.begun {
		return // a MIG instance, or a device that tells nothing
	}
	total := m.total
	r.EnergyMillijoules, r.Gaps = &total, m.gaps
	r.EnergyMethod = MethodIntegrated
	if m.last.EnergyCounterMillijoules != nil {
		r.EnergyMethod = MethodCounter
	}
}

func (m *meter) advance(r *Reading) {
	elapsed := r.Time.Sub(m.last.Time)
	now, before := r.EnergyCounterMillijoules, m.last.EnergyCounterMillijoules
	switch {
	case now != nil && before != nil && *now >= *before:
		if drawn := *now - *before; m.believes(drawn, elapsed, r) {
			m.total += drawn
			return
		}
		m.gaps++
		m.integrate(r, elapsed)
	case now != nil && before != nil:
		// The driver was loaded anew: what the counter has now was drawn since, and
		// what was drawn before nobody knows.
		m.gaps++
		if m.believes(*now, elapsed, r) {
			m.total += *now
		}
	default: // no counter, or one that came or went
		m.integrate(r, elapsed)
	}
}

// believes says whether a device can have drawn so much in a time.
func (m *meter) believes(millijoules int64, elapsed time.Duration, r *Reading) bool {
	if r.PowerLimit == nil {
		return true
	}
	most := *r.PowerLimit * believable * (max(elapsed, 0) + slack).Seconds() * 1000
	return float64(millijoules) <= most
}

// integrate adds the trapezoid of the two readings' power.
func (m *meter) integrate(r *Reading, elapsed time.Duration) {
	if r.PowerWatts == nil || m.last.PowerWatts == nil || elapsed <= 0 || elapsed > longestStep {
		m.gaps++
		return
	}
	m.remainder += (*r.PowerWatts + *m.last.PowerWatts) / 2 * elapsed.Seconds() * 1000
	whole := math.Floor(m.remainder)
	m.total += int64(whole)
	m.remainder -= whole
}

// lost counts the gap that a device leaves which does not answer.
func (m *meter) lost() { m.gaps++ }
