package gpu

import "time"

// continuity joins what several samplers of the same devices added up, one after
// another: when a reader process or an agent starts again, its energy starts at
// nothing, and what follows it must not.
type continuity struct {
	since   time.Time // when the first began to count
	current time.Time // the Since of the one that counts now
	devices map[string]*carried
}

// carried is a device's energy up to now.
type carried struct {
	total   *int64
	counter *int64
	gaps    int
	// What the current sampler says is behind by these.
	behind, gapsBehind int64
	current            time.Time
}

func newContinuity() *continuity { return &continuity{devices: map[string]*carried{}} }

// join makes the snapshot's energies go on from those before it.
func (c *continuity) join(s Snapshot) Snapshot {
	if c.since.IsZero() {
		c.since = s.Since
	}
	c.current = s.Since
	s.Since = c.since
	for i := range s.Devices {
		r := &s.Devices[i]
		d, known := c.devices[r.UUID]
		if !known {
			d = &carried{current: c.current}
			c.devices[r.UUID] = d
		}
		d.join(r, c.current)
	}
	return s
}

func (d *carried) join(r *Reading, sampler time.Time) {
	if r.EnergyMillijoules == nil { // the new sampler knows nothing of it yet
		r.EnergyMillijoules, r.Gaps = d.total, d.gaps
		return
	}
	if !d.current.Equal(sampler) {
		d.takeOver(r)
		d.current = sampler
	}
	total := *r.EnergyMillijoules + d.behind
	if d.total != nil {
		total = max(total, *d.total) // it only ever grows
	}
	r.EnergyMillijoules, r.Gaps = &total, r.Gaps+int(d.gapsBehind)
	d.total, d.gaps = &total, r.Gaps
	if r.EnergyCounterMillijoules != nil {
		d.counter = r.EnergyCounterMillijoules
	}
}

// takeOver finds what was used between two samplers: by the device's counter, which
// goes on, or nothing and a gap where it has none or begins anew.
func (d *carried) takeOver(r *Reading) {
	between, gaps := int64(0), 0
	switch now := r.EnergyCounterMillijoules; {
	case d.total == nil: // it was never counted
	case d.counter == nil || now == nil:
		gaps = 1
	case *now < *d.counter:
		between, gaps = max(0, *now-*r.EnergyMillijoules), 1
	default:
		between = max(0, *now-*d.counter-*r.EnergyMillijoules)
	}
	before := int64(0)
	if d.total != nil {
		before = *d.total
	}
	d.behind, d.gapsBehind = before+between, int64(d.gaps+gaps)
}
