package collect

import (
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// meter is one GPU's energy as the agent has counted it, kept in the spool.
type meter struct {
	// Total is what all intervals so far add up to, in mJ. Energy in nWh is the
	// difference of two totals: see kpi.NanowattHoursBetween.
	Total    int64     `json:"total_mj"`
	Metered  bool      `json:"metered"`              // it has had an energy reading
	Counter  *int64    `json:"counter_mj,omitempty"` // the device's own, when last cut
	Time     time.Time `json:"time"`                 // the end of the last interval
	Sequence int64     `json:"sequence"`
	// Boot names the run of the host's kernel; with another one every counter began anew.
	Boot string `json:"boot,omitempty"`
}

// baseline is what this process knows beside the meter: the sampler's count as it
// stood when the last interval ended.
type baseline struct {
	sampled *int64 // mJ since the sampler began
	gaps    int
	at      time.Time // with its monotonic reading, where it has one
}

// clampFactor is how far over its limit a board may draw on average, which takes in
// peaks and the counter's own error.
const clampFactor = 1.2

// drawn returns the energy since the last interval in mJ, how many gaps lie in it, and
// whether the reading has energy at all. last is nil after a start, rebooted says that
// the host's kernel is another than the meter's.
//
// While the sampler runs, its count is right: it sees resets of the counter that lie
// between two of our intervals. Across a restart of ours the device's counter goes on,
// so nothing is lost; where it was reset meanwhile, or there is none, what it counts
// since is the least there was.
func (m meter) drawn(r gpu.Reading, last *baseline, rebooted bool) (energy int64, gaps int, ok bool) {
	if r.EnergyMillijoules == nil && r.EnergyCounterMillijoules == nil {
		return 0, 0, false
	}
	counter := r.EnergyCounterMillijoules
	if r.EnergyMethod == gpu.MethodIntegrated {
		counter = nil
	}
	continued := !rebooted && counter != nil && m.Counter != nil && *counter >= *m.Counter
	if last != nil && last.sampled != nil && r.EnergyMillijoules != nil {
		sampled := *r.EnergyMillijoules - *last.sampled
		gaps = r.Gaps - last.gaps
		switch {
		case continued && gaps == 0: // also where the sampler began anew and has passed its old count
			return *counter - *m.Counter, 0, true
		case sampled >= 0 && gaps >= 0:
			return sampled, gaps, true
		case continued:
			return *counter - *m.Counter, max(0, r.Gaps), true
		}
		return *r.EnergyMillijoules, max(0, r.Gaps) + 1, true
	}
	switch {
	case !m.Metered:
		return 0, 0, true // the first reading is where counting begins
	case continued:
		energy = *counter - *m.Counter
		if limit := r.PowerLimit; limit != nil && *limit > 0 {
			most := *limit * clampFactor * 1e3 * r.Time.Sub(m.Time).Seconds()
			if float64(energy) > most && most > 0 {
				return int64(most), 1, true
			}
		}
		return energy, 0, true
	case counter != nil && m.Counter != nil:
		return *counter, 1, true
	case r.EnergyMillijoules != nil:
		return *r.EnergyMillijoules, 1, true
	}
	return 0, 1, true
}

// span returns the interval that a reading ends. It lasts what the monotonic clock
// says where there is one, and ends when the host's clock says. stepped reports that
// the host's clock was set meanwhile.
func (m meter) span(at time.Time, last *baseline, every time.Duration) (start, end time.Time, stepped bool) {
	end = wall(at)
	elapsed := end.Sub(m.Time)
	if last != nil {
		elapsed = at.Sub(last.at)
	}
	off := end.Sub(m.Time) - elapsed
	switch {
	case elapsed <= 0:
		return end.Add(-every), end, true
	case off > toleratedStep || off < -toleratedStep || end.Before(m.Time):
		return end.Add(-elapsed).Truncate(time.Microsecond), end, true
	}
	return m.Time, end, false
}

// toleratedStep is how far the clocks may part over an interval, as when time is
// being corrected gently.
const toleratedStep = time.Second

// wall is a time as the warehouse keeps it.
func wall(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Microsecond) }

func (m meter) after(r gpu.Reading, end time.Time, energy int64) (meter, kpi.NanowattHours) {
	next := meter{Total: m.Total + energy, Metered: true, Counter: r.EnergyCounterMillijoules, Time: end, Sequence: m.Sequence + 1}
	return next, kpi.NanowattHoursBetween(m.Total, next.Total)
}
