package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// rediscover is how often a Sampler looks for devices that are new or back.
	rediscover = 10 * time.Second
	// sendEvery is the least time between two snapshots: devices may be read more often,
	// for the sake of their energy, but nobody looks more often.
	sendEvery = time.Second
	// silentAfter is how many intervals a device may not answer before it is lost.
	silentAfter = 10
)

// Sampler reads each device in a goroutine of its own at a steady pace, so that one
// whose driver hangs holds up no other, and keeps the latest readings.
type Sampler struct {
	reader   Reader
	interval time.Duration
	host     string
	broadcast

	mu      sync.Mutex
	devices map[string]*sampled // by UUID
	problem string
}

// sampled is a device that a Sampler follows.
type sampled struct {
	identity Identity
	reading  Reading
	known    bool // there has been a reading
	meter    meter
}

// NewSampler makes a Sampler that reads every interval. It closes the reader when it
// ends.
func NewSampler(reader Reader, interval time.Duration) *Sampler {
	host, _ := os.Hostname() // empty where the system does not tell
	return &Sampler{reader: reader, interval: interval, host: host, devices: map[string]*sampled{}}
}

// Run samples until ctx ends. A device whose driver hangs is left behind: nothing can
// call it back.
func (s *Sampler) Run(ctx context.Context) error {
	looking := make(chan struct{}, 1) // at most one look at a time
	look := func() {
		select {
		case looking <- struct{}{}:
			go func() {
				defer func() { <-looking }()
				s.discover(ctx)
			}()
		default:
		}
	}
	look()
	every, again := time.NewTicker(max(s.interval, sendEvery)), time.NewTicker(rediscover)
	defer every.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			s.end()
			return s.reader.Close()
		case <-every.C:
			s.send(s.assemble(time.Now()))
		case <-again.C:
			look()
		}
	}
}

// discover begins to follow devices that are new.
func (s *Sampler) discover(ctx context.Context) {
	found, err := s.reader.Identify()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.problem = err.Error()
		return
	case len(found) == 0:
		s.problem = "The driver is there and knows no GPU."
	default:
		s.problem = ""
	}
	for _, identity := range found {
		if s.devices[identity.UUID] == nil {
			s.devices[identity.UUID] = &sampled{identity: identity}
			go s.follow(ctx, identity)
		}
	}
}

// follow reads one device until ctx ends.
func (s *Sampler) follow(ctx context.Context, device Identity) {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		reading, err := s.reader.Read(device)
		s.keep(device, reading, err)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (s *Sampler) keep(device Identity, reading Reading, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.devices[device.UUID]
	if err != nil {
		if of.reading.Lost == "" {
			of.meter.lost()
		}
		of.reading.Identity, of.reading.Lost = device, lossOf(err)
		return
	}
	reading.Identity = device
	of.meter.add(&reading)
	of.reading, of.known = reading, true
}

func lossOf(err error) string {
	if errors.Is(err, ErrLost) {
		return ErrLost.Error()
	}
	return err.Error()
}

// assemble puts the latest readings together.
func (s *Sampler) assemble(now time.Time) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := Snapshot{Host: s.host, Time: now, DriverVersion: s.reader.DriverVersion(), Problem: s.problem, Devices: []Reading{}}
	for _, device := range s.devices {
		reading := device.reading
		if !device.known && reading.Lost == "" {
			continue // the first reading is under way
		}
		if silent := now.Sub(reading.Time); reading.Lost == "" && silent > silentAfter*s.interval && silent > time.Second {
			reading.Lost = fmt.Sprintf("the driver has not answered for %s", silent.Round(time.Second))
		}
		snapshot.Devices = append(snapshot.Devices, reading)
	}
	slices.SortFunc(snapshot.Devices, func(a, b Reading) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.UUID, b.UUID)) })
	return snapshot
}
