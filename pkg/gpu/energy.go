package gpu

import (
	"math"
	"time"
)

// meter adds up what a device used, exactly, in whole millijoules.
//
// The device's counter is better than its power: it sees all of the time, where
// power is sampled during a quarter of it on A100 and H100 (arXiv 2312.02741).
type meter struct {
	pause time.Duration // longer than this between two readings, nobody knows the power

	total   int64
	known   bool // something has been counted from
	gaps    int
	gapOpen bool // the gap that was counted lasts until the next reading
	method  Method

	counter    *int64
	counterAt  time.Time // when the counter was last read
	movedAfter time.Time // the counter's last move was after this
	limit      float64   // watts; 0 means unknown

	power   *int64 // milliwatts at the last reading
	powerAt time.Time
	rest    int64 // of the integration: milliwatts × 2 ns short of a millijoule
}

// counterStep is the longest that a counter stands still while the device works.
const counterStep = time.Second

// overshoot is how far above its limit a device's mean power may be.
const overshoot = 1.2

// The integration's products stay within an int64 up to these.
const (
	longestPause = 3 * time.Minute
	mostWatts    = 20_000
)

// add takes the device's next reading.
func (m *meter) add(r Reading) {
	limit := m.limit
	m.limit = 0
	if r.PowerLimit != nil && r.PowerScope != ScopeModule { // a module draws more than its GPU's limit
		m.limit = *r.PowerLimit
		limit = max(limit, m.limit)
	}
	if m.counter == nil {
		m.integrate(r)
	}
	if r.EnergyCounterMillijoules != nil {
		m.count(r, limit)
	}
	m.gapOpen = false
}

// count follows the counter.
func (m *meter) count(r Reading, limit float64) {
	now := *r.EnergyCounterMillijoules
	before := m.counterAt
	if m.counter == nil {
		m.counter, m.counterAt, m.movedAfter = &now, r.Time, r.Time.Add(-counterStep)
		m.method, m.known, m.power = MethodCounter, true, nil
		return
	}
	change := now - *m.counter
	// The counter moves in steps: what it moves by now was used since it moved last.
	since := m.movedAfter
	if change < 0 { // the driver was reloaded; what was used before that, nobody knows
		change, since = now, before
		m.gap()
	}
	if limit > 0 && float64(change) > overshoot*limit*1000*r.Time.Sub(since).Seconds() {
		change = 0
		m.gap()
	}
	if now != *m.counter {
		m.movedAfter = before
	}
	m.total += change
	m.counter, m.counterAt = &now, r.Time
}

// integrate takes the mean of two powers over the time between them.
func (m *meter) integrate(r Reading) {
	if r.PowerWatts == nil || math.IsNaN(*r.PowerWatts) || *r.PowerWatts < 0 || *r.PowerWatts > mostWatts {
		return
	}
	power := int64(math.Round(*r.PowerWatts * 1000))
	if m.power != nil {
		if elapsed := r.Time.Sub(m.powerAt); elapsed > 0 && elapsed <= min(m.pause, longestPause) {
			m.rest += (*m.power + power) * elapsed.Nanoseconds()
			m.total += m.rest / 2e9
			m.rest %= 2e9
		} else {
			m.gap()
		}
	}
	m.power, m.powerAt, m.method, m.known = &power, r.Time, MethodIntegrated, true
}

// gap counts a time over which energy may be missing, once until the next reading.
func (m *meter) gap() {
	m.power = nil
	if !m.known || m.gapOpen {
		return
	}
	m.gaps++
	m.gapOpen = true
}

// write puts what was added up into a reading.
func (m *meter) write(r *Reading) {
	r.Gaps = m.gaps
	if m.known {
		total := m.total
		r.EnergyMillijoules, r.EnergyMethod = &total, m.method
	}
}
