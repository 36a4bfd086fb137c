package gpu

import (
	"cmp"
	"slices"
	"time"
)

// device is what a sampler knows of one device. The sampler's loop owns it; its
// goroutine has only the channel.
type device struct {
	reading Reading // the last known
	read    bool    // it has answered once
	meter   meter
	asked   time.Time   // since when it is being read; zero if it is not
	work    chan Reader // has room for one, and one is asked for at a time
}

func (s *sampler) newDevice(identity Identity, now time.Time) *device {
	d := &device{
		reading: Reading{Identity: identity, Time: now},
		meter:   meter{pause: max(5*s.Interval, 10*time.Second)},
		work:    make(chan Reader, 1),
	}
	s.calls.Go(func() {
		for reader := range d.work {
			reading, err := reader.Read(identity.UUID)
			select {
			case s.events <- func(now time.Time) { s.answered(d, reading, err, now) }:
			case <-s.ctx.Done():
				return
			}
		}
	})
	return d
}

// take makes a reading the last known.
func (d *device) take(reading Reading, now time.Time) {
	if reading.Time.IsZero() {
		reading.Time = now
	}
	reading.Identity, reading.Lost = d.reading.Identity, ""
	if reading.Parent != "" {
		ownNothing(&reading)
	}
	d.meter.add(reading)
	d.meter.write(&reading)
	d.reading, d.read = reading, true
}

// lose marks the device as not answering; the first reason stands.
func (d *device) lose(why string) {
	if d.reading.Lost != "" {
		return
	}
	d.reading.Lost = why
	d.meter.gap()
	d.meter.write(&d.reading)
}

// ownNothing takes from a MIG instance what is its parent's: counted there, it
// must not be counted again.
func ownNothing(r *Reading) {
	r.PowerWatts, r.PowerLimit, r.EnergyCounterMillijoules, r.PowerScope = nil, nil, nil, ""
	reasons := map[string]string{}
	for measure, why := range r.Unavailable {
		reasons[measure] = why
	}
	for _, measure := range []string{"power_watts", "power_limit_watts", "energy_counter_mj", "energy_mj"} {
		reasons[measure] = "NVML measures none of a MIG instance; its GPU's is that of " + r.Parent
	}
	r.Unavailable = reasons
}

// readings are those of the devices that answered or were lost, GPUs by their
// index, each before its instances.
func readings(devices map[string]*device) []Reading {
	list := make([]Reading, 0, len(devices))
	for _, d := range devices {
		if d.read || d.reading.Lost != "" {
			list = append(list, d.reading)
		}
	}
	gpu := func(r Reading) int {
		if parent, ok := devices[r.Parent]; ok {
			return parent.reading.Index
		}
		return r.Index
	}
	slices.SortFunc(list, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(gpu(a), gpu(b)), cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Index, b.Index), cmp.Compare(a.UUID, b.UUID))
	})
	return list
}
