package collect

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// coarseness is how long an interval may become at each level of thinning; at the last
// level there is no limit but the segment.
var coarseness = [levels + 1]time.Duration{1: time.Minute, 2: 10 * time.Minute, 3: time.Hour, 4: 1 << 62}

// thinEntries merges entries that follow each other into fewer, of longer intervals.
// Energy, GPU hours and gaps add up to what they were; utilisation and power become
// means by time.
func thinEntries(payloads [][]byte, level int) ([]merged, error) {
	var results []merged
	var open *entry
	count := 0
	flush := func() error {
		if open == nil {
			return nil
		}
		payload, err := json.Marshal(open)
		results = append(results, merged{payload, count})
		open, count = nil, 0
		return err
	}
	var began time.Time
	for i, payload := range payloads {
		var next entry
		if err := json.Unmarshal(payload, &next); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		at := next.endsAt()
		if open != nil && (at.Before(began) || at.Sub(began) > coarseness[level]) {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		if open == nil {
			open, began = &entry{}, next.startsAt()
		}
		open.merge(next)
		count++
	}
	return results, flush()
}

func (e *entry) startsAt() (first time.Time) {
	for i, sample := range e.Samples {
		if i == 0 || sample.Start.Before(first) {
			first = sample.Start
		}
	}
	return first
}

func (e *entry) endsAt() (last time.Time) {
	for _, sample := range e.Samples {
		if sample.Time.After(last) {
			last = sample.Time
		}
	}
	return last
}

// merge takes in the entry that follows.
func (e *entry) merge(next entry) {
	for _, device := range next.Devices {
		placed := false
		for i := range e.Devices {
			if e.Devices[i].UUID == device.UUID {
				e.Devices[i], placed = device, true
			}
		}
		if !placed {
			e.Devices = append(e.Devices, device)
		}
	}
	for _, sample := range next.Samples {
		if last := lastOf(e.Samples, sample.UUID); last == nil || !join(last, sample) {
			e.Samples = append(e.Samples, sample)
		}
	}
	for _, f := range next.Facts {
		placed := false
		for i := len(e.Facts) - 1; i >= 0 && !placed; i-- {
			if e.Facts[i].factKey == f.factKey && !f.Start.Before(e.Facts[i].End) {
				e.Facts[i].add(f)
				placed = true
			}
		}
		if !placed {
			e.Facts = append(e.Facts, f)
		}
	}
	e.State = next.State
}

func lastOf(samples []warehouse.GPUSample, uuid string) *warehouse.GPUSample {
	for i := len(samples) - 1; i >= 0; i-- {
		if samples[i].UUID == uuid {
			return &samples[i]
		}
	}
	return nil
}

// join makes one sample of two that follow each other, and reports whether they can be one.
func join(a *warehouse.GPUSample, b warehouse.GPUSample) bool {
	if !b.Start.Equal(a.Time) || a.Region != b.Region || a.Host != b.Host || a.Method != b.Method || (a.Energy == nil) != (b.Energy == nil) {
		return false
	}
	first, second := a.Time.Sub(a.Start).Seconds(), b.Time.Sub(b.Start).Seconds()
	average := func(x, y *float64) *float64 {
		if x == nil || y == nil || first+second <= 0 {
			return y
		}
		mean := (*x*first + *y*second) / (first + second)
		return &mean
	}
	sum := func(x, y *int64) *int64 {
		if x == nil || y == nil {
			return nil
		}
		total := *x + *y
		return &total
	}
	joined := b // what is read at the end of an interval
	joined.Start = a.Start
	joined.Energy, joined.Attributed, joined.Idle = sum(a.Energy, b.Energy), sum(a.Attributed, b.Attributed), sum(a.Idle, b.Idle)
	joined.SplitMeasured = a.SplitMeasured && b.SplitMeasured
	joined.Gaps = a.Gaps + b.Gaps
	joined.PowerWatts, joined.Utilization = average(a.PowerWatts, b.PowerWatts), average(a.Utilization, b.Utilization)
	if joined.Utilization != nil {
		clipped := min(max(*joined.Utilization, 0), 1)
		joined.Utilization = &clipped
	}
	*a = joined
	return true
}
