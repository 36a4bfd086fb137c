package gpu

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// SamplerOptions are the pace and patience of a sampler. The zero value is usable.
type SamplerOptions struct {
	// Interval is the time from one reading of a device to the next; 1 s if zero.
	Interval time.Duration
	// Rescan is how often the devices are listed anew; 10 s if zero.
	Rescan time.Duration
	// Patience is how long the driver may take before what it was asked about
	// counts as lost; 5 s if zero.
	Patience time.Duration
	// Host names this machine in snapshots; the system's name if empty.
	Host string
}

func (o SamplerOptions) orDefaults() SamplerOptions {
	orElse := func(value *time.Duration, otherwise time.Duration) {
		if *value <= 0 {
			*value = otherwise
		}
	}
	orElse(&o.Interval, time.Second)
	orElse(&o.Rescan, 10*time.Second)
	orElse(&o.Patience, 5*time.Second)
	if o.Host == "" {
		o.Host = thisHost()
	}
	return o
}

// StartSampler reads all devices at a steady pace until ctx ends, each device in a
// goroutine of its own: one that hangs in its driver holds up nothing else. What a
// driver call leaves hanging at the end goes when the driver lets it.
func StartSampler(ctx context.Context, open Open, options SamplerOptions) *Feed {
	options = options.orDefaults()
	now := time.Now()
	feed := newFeed(options.Host, now)
	s := &sampler{
		SamplerOptions: options, ctx: ctx, open: open, feed: feed, since: now,
		events: make(chan func(time.Time)), devices: map[string]*device{}, retry: newRetry(),
	}
	go s.run()
	return feed
}

// sampler is one loop that owns everything here. What talks to the driver runs
// beside it and hands what it learned back as an event.
type sampler struct {
	SamplerOptions
	ctx    context.Context
	open   Open
	feed   *Feed
	since  time.Time
	events chan func(now time.Time)
	// calls are the goroutines that may be in the driver.
	calls sync.WaitGroup

	reader    Reader    // nil until the driver could be opened
	calling   time.Time // since when the driver is being opened or listed; zero if it is not
	opening   bool      // the call is one that opens
	nextOpen  time.Time // when to open; zero if there is no need
	nextList  time.Time
	retry     *backoff.ExponentialBackOff
	problem   string // why there is no reader, or nothing to read
	inventory Inventory
	devices   map[string]*device

	published bool // since the last tick
	spoken    bool // at all
}

func (s *sampler) run() {
	defer close(s.feed.done)
	ticker := time.NewTicker(s.Interval)
	defer ticker.Stop()
	s.nextOpen = s.since
	s.tick(s.since)
	for {
		select {
		case now := <-ticker.C:
			s.tick(now)
		case event := <-s.events:
			event(time.Now())
		case <-s.ctx.Done():
			s.end()
			return
		}
	}
}

// beside does something that may take long, and then the event it returns on the loop.
func (s *sampler) beside(something func() func(now time.Time)) {
	s.calls.Go(func() {
		event := something()
		select {
		case s.events <- event:
		case <-s.ctx.Done():
		}
	})
}

// tick begins a round.
func (s *sampler) tick(now time.Time) {
	s.loseHung(now)
	if !s.published && s.spoken {
		s.publish(now) // somebody held up the last round
	}
	s.published = false
	switch {
	case !s.calling.IsZero():
	case !s.nextOpen.IsZero() && !now.Before(s.nextOpen) && s.quiet():
		s.openDriver(now)
	case s.reader != nil && !now.Before(s.nextList):
		s.list(now)
	}
	s.readAll(now)
}

// quiet tells that nothing is asking the driver, so that it may be closed. A device
// that hangs in it puts that off: closing a driver under a call ends the process.
func (s *sampler) quiet() bool {
	for _, d := range s.devices {
		if !d.asked.IsZero() {
			return false
		}
	}
	return true
}

// openDriver closes the driver, if it is open, opens it anew and lists the devices.
func (s *sampler) openDriver(now time.Time) {
	old := s.reader
	s.reader, s.calling, s.opening, s.nextOpen = nil, now, true, time.Time{}
	s.beside(func() func(time.Time) {
		var inventory Inventory
		if old != nil {
			_ = old.Close() // there is nothing to be done about a driver that will not be closed
		}
		reader, err := s.open()
		if err == nil {
			if inventory, err = reader.Inventory(); err != nil {
				_ = reader.Close() // the listing's error says more
			}
		}
		if err == nil && s.ctx.Err() != nil {
			_ = reader.Close() // nobody waits for it any more
		}
		return func(now time.Time) {
			s.calling, s.opening = time.Time{}, false
			if err != nil {
				s.failed(err, now)
				s.loseAll(err.Error())
				s.publish(now)
				return
			}
			s.reader = reader
			s.listed(inventory, now)
			s.readAll(now)
		}
	})
}

// list looks for devices that came or went.
func (s *sampler) list(now time.Time) {
	reader := s.reader
	s.calling = now
	s.beside(func() func(time.Time) {
		inventory, err := reader.Inventory()
		return func(now time.Time) {
			s.calling = time.Time{}
			if err != nil {
				s.failed(err, now)
				return
			}
			s.listed(inventory, now)
		}
	})
}

// failed has the driver opened anew after a while.
func (s *sampler) failed(err error, now time.Time) {
	s.problem = err.Error()
	s.reopen(now)
}

func (s *sampler) reopen(now time.Time) {
	if s.nextOpen.IsZero() {
		s.nextOpen = now.Add(s.retry.NextBackOff())
	}
}

// listed takes over what devices there are.
func (s *sampler) listed(inventory Inventory, now time.Time) {
	s.inventory, s.problem, s.nextList = inventory, "", now.Add(s.Rescan)
	switch {
	case len(inventory.Devices) > 0:
	case len(inventory.Notices) > 0:
		s.problem = "no GPU can be read: " + strings.Join(inventory.Notices, "; ")
	default:
		s.problem = fmt.Sprintf("the NVIDIA driver %s runs and sees no GPU: is there one in this machine, and is it given to this container?", inventory.DriverVersion)
	}
	present := map[string]bool{}
	for _, identity := range inventory.Devices {
		present[identity.UUID] = true
		if d, ok := s.devices[identity.UUID]; ok {
			d.reading.Identity = identity
		} else {
			s.devices[identity.UUID] = s.newDevice(identity, now)
		}
	}
	for uuid, d := range s.devices {
		switch {
		case present[uuid]:
		case d.reading.Parent != "": // the GPU was divided another way
			close(d.work)
			delete(s.devices, uuid)
		default:
			d.lose("the driver no longer lists it")
			s.reopen(now)
		}
	}
	if len(s.devices) == 0 {
		s.reopen(now)
		s.publish(now)
	}
}

// readAll asks every device that is not being asked already.
func (s *sampler) readAll(now time.Time) {
	if s.reader == nil {
		return
	}
	for _, d := range s.devices {
		if d.asked.IsZero() {
			d.asked = now
			d.work <- s.reader
		}
	}
}

// answered takes a device's reading.
func (s *sampler) answered(d *device, reading Reading, err error, now time.Time) {
	d.asked = time.Time{}
	if err != nil {
		d.lose(err.Error())
		s.reopen(now)
	} else {
		d.take(reading, now)
	}
	lost := false
	for _, other := range s.devices {
		if !other.asked.IsZero() && other.reading.Lost == "" {
			return // the round is not over
		}
		lost = lost || other.reading.Lost != ""
	}
	if !lost && s.problem == "" {
		s.retry.Reset()
		s.nextOpen = time.Time{}
	}
	s.publish(now)
}

// loseHung marks what the driver has not answered about.
func (s *sampler) loseHung(now time.Time) {
	if !s.calling.IsZero() && now.Sub(s.calling) >= s.Patience {
		s.problem = fmt.Sprintf("the NVIDIA driver has not answered since %s; nvidia-smi on this machine would hang too", s.calling.UTC().Format(time.RFC3339))
		if s.opening {
			s.loseAll(s.problem)
		}
		s.spoken = true
	}
	for _, d := range s.devices {
		if !d.asked.IsZero() && now.Sub(d.asked) >= s.Patience {
			d.lose(fmt.Sprintf("the NVIDIA driver has not answered about it since %s", d.asked.UTC().Format(time.RFC3339)))
			s.spoken = true
		}
	}
}

func (s *sampler) loseAll(why string) {
	for _, d := range s.devices {
		d.lose(why)
	}
}

// publish makes a snapshot of what is known now.
func (s *sampler) publish(now time.Time) {
	s.published, s.spoken = true, true
	s.feed.publish(Snapshot{
		Host: s.Host, Time: now, Since: s.since, DriverVersion: s.inventory.DriverVersion,
		Devices: readings(s.devices), Problem: s.problem, Notices: s.inventory.Notices,
	})
}

// end closes the driver when the last call has come back from it, and does not
// wait longer than its patience for one that hangs.
func (s *sampler) end() {
	for _, d := range s.devices {
		close(d.work)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.calls.Wait()
		if s.reader != nil {
			_ = s.reader.Close() // the sampler is done with it either way
		}
	}()
	select {
	case <-closed:
	case <-time.After(s.Patience):
	}
}
