package gpu

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// machine is a host with invented GPUs, and a driver that does what a test says.
type machine struct {
	mu      sync.Mutex
	gpus    []*invented
	notices []string
	openErr error
	listErr error
	opened  int
	closed  int
	inUse   int    // calls in the driver
	abused  string // how the sampler broke a Reader's rules, if it did
}

// invented is a GPU: how it is, and what its driver does about it.
type invented struct {
	Identity
	power, limit *float64
	counter      *int64
	scope        Scope
	err          error
	hang         chan struct{} // while it is not nil, reading waits until it is closed
	reading      bool
}

func newMachine(gpus ...*invented) *machine { return &machine{gpus: gpus} }

func gpuNumber(index int) *invented {
	return &invented{Identity: Identity{UUID: fmt.Sprintf("GPU-%d", index), Index: index, Name: "NVIDIA Test"},
		power: new(300.0), limit: new(700.0), counter: new(int64(1_000_000)), scope: ScopeGPU}
}

// set changes the machine between readings.
func (m *machine) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *machine) open() (Reader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened++
	if m.openErr != nil {
		m.closed++ // there is nothing to close
		return nil, m.openErr
	}
	return &fakeReader{machine: m}, nil
}

type fakeReader struct {
	machine *machine
	closed  bool
}

func (r *fakeReader) enter() (leave func()) {
	r.machine.inUse++
	if r.closed {
		r.machine.abused = "a closed reader was used"
	}
	return func() { r.machine.inUse-- }
}

func (r *fakeReader) Inventory() (Inventory, error) {
	r.machine.mu.Lock()
	defer r.machine.mu.Unlock()
	defer r.enter()()
	inventory := Inventory{DriverVersion: "580.65.06", Notices: r.machine.notices}
	for _, g := range r.machine.gpus {
		inventory.Devices = append(inventory.Devices, g.Identity)
	}
	return inventory, r.machine.listErr
}

func (r *fakeReader) Read(uuid string) (Reading, error) {
	r.machine.mu.Lock()
	defer r.machine.mu.Unlock()
	defer r.enter()()
	for _, g := range r.machine.gpus {
		if g.UUID != uuid {
			continue
		}
		if g.reading {
			r.machine.abused = "a device was read twice at once"
		}
		g.reading = true
		defer func() { g.reading = false }()
		for g.hang != nil {
			hang := g.hang
			r.machine.mu.Unlock()
			<-hang
			r.machine.mu.Lock()
			if g.hang == hang {
				g.hang = nil
			}
		}
		reading := Reading{Time: time.Now(), PowerWatts: g.power, PowerLimit: g.limit, PowerScope: g.scope, EnergyCounterMillijoules: g.counter}
		return reading, g.err
	}
	return Reading{}, errors.New("no such device")
}

func (r *fakeReader) Close() error {
	r.machine.mu.Lock()
	defer r.machine.mu.Unlock()
	if r.machine.inUse > 0 {
		r.machine.abused = "the reader was closed under a call"
	}
	r.closed = true
	r.machine.closed++
	return nil
}
