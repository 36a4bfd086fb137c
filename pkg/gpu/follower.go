package gpu

import (
	"cmp"
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// follower takes snapshots from somewhere else, again and again as that comes and
// goes, and keeps adding energy up over the breaks.
type follower struct {
	broadcast
	meters map[string]*followed
}

// followed is the energy of a device over the lives of whoever reads it.
type followed struct {
	last  *int64 // what the reader had added up
	total int64
	meter meter
}

// run calls attempt, which sends snapshots with receive for as long as it goes well,
// until ctx ends. Between two attempts it waits longer and longer.
func (f *follower) run(ctx context.Context, attempt func(ctx context.Context, receive func(Snapshot)) error) {
	defer f.end()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = time.Second, time.Minute
	for ctx.Err() == nil {
		err := attempt(ctx, func(snapshot Snapshot) {
			pause.Reset()
			f.receive(snapshot)
		})
		if ctx.Err() != nil {
			return
		}
		f.broken(err)
		select {
		case <-ctx.Done():
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// receive passes a snapshot on, with energy that only grows though its reader began
// anew.
func (f *follower) receive(snapshot Snapshot) {
	if f.meters == nil {
		f.meters = map[string]*followed{}
	}
	for i := range snapshot.Devices {
		device := &snapshot.Devices[i]
		of := f.meters[device.UUID]
		if of == nil {
			of = &followed{}
			f.meters[device.UUID] = of
		}
		of.add(device)
	}
	f.send(snapshot)
}

func (of *followed) add(r *Reading) {
	if r.EnergyMethod == MethodCounter && r.EnergyCounterMillijoules != nil {
		if r.Lost == "" { // the device's own counter went on while nobody read it
			of.meter.add(r)
			of.total, of.last = *r.EnergyMillijoules, nil
			return
		}
	} else if r.EnergyMillijoules != nil {
		now := *r.EnergyMillijoules
		switch {
		case of.last == nil:
			of.total += now
		case now >= *of.last:
			of.total += now - *of.last
		default: // the reader began anew
			of.total += now
			of.meter.lost()
		}
		of.last = &now
	}
	if r.EnergyMillijoules != nil {
		total := of.total
		r.EnergyMillijoules = &total
		r.Gaps = max(r.Gaps, of.meter.gaps)
	}
}

// broken says in the snapshot why there is no newer one. Its devices are the last
// known, with the time they were read at.
func (f *follower) broken(err error) {
	last := f.Snapshot()
	if last.Time.IsZero() {
		last.Devices, last.Time = []Reading{}, time.Now()
	}
	problem := "the readings ended"
	if err != nil {
		problem = err.Error()
	}
	last.Problem = cmp.Or(problem, last.Problem)
	f.send(last)
}
