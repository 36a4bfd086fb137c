package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// The defaults of Options.
const (
	DefaultEvery      = 10 * time.Second
	DefaultSpoolBytes = 256 << 20
	DefaultListen     = "127.0.0.1:9464"
	defaultGrace      = 15 * time.Second
)

// Options say what an agent works with and how.
type Options struct {
	Watcher   gpu.Watcher
	Warehouse Warehouse
	Processes ProcessReader
	Rules     Rules

	Host   string // as samples name it
	Region string // code of wattscore.region, which prices the energy
	// BootID names the run of the host's kernel, such as the content of
	// /proc/sys/kernel/random/boot_id. It tells a counter that began anew from one that
	// went on; empty where it is not known.
	BootID string

	Every      time.Duration // length of an interval; 0: DefaultEvery
	Spool      string        // directory
	SpoolBytes int64         // its bound; 0: DefaultSpoolBytes

	// Listen is the address of /metrics and /healthz; empty: none. Snapshots, where
	// there is one, answers every other path.
	Listen    string
	Snapshots http.Handler

	// Grace is how long the agent may take to deliver what waits when it is stopped; what
	// it does not deliver stays in the spool. 0: 15 s.
	Grace time.Duration
	// Tell takes what a person should know, a sentence at a time; nil: nobody listens.
	Tell func(format string, arguments ...any)
	// Now is the host's clock; nil: time.Now.
	Now func() time.Time
}

// Agent collects on one host. Make it with New and run it once.
type Agent struct {
	options   Options
	spool     *spool
	listener  net.Listener
	collector *collector
	deliverer *deliverer
	services  []service
}

// service is a part of the agent that runs until its context ends.
type service struct {
	name string
	run  func(ctx context.Context) error
}

// New opens the spool and the address. The caller runs the agent, which closes both.
func New(options Options) (*Agent, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	spool, newest, err := openSpool(options.Spool, options.SpoolBytes, thinEntries)
	if err != nil {
		return nil, err
	}
	a := &Agent{options: options, spool: spool}
	if err := a.assemble(newest); err != nil {
		return nil, errors.Join(err, spool.close())
	}
	return a, nil
}

func (o Options) complete() (Options, error) {
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.SpoolBytes == 0 {
		o.SpoolBytes = DefaultSpoolBytes
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Tell == nil {
		o.Tell = func(string, ...any) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Watcher == nil || o.Warehouse == nil || o.Processes == nil:
		return o, errors.New("an agent needs a watcher, a warehouse and a process reader")
	case o.Host == "":
		return o, errors.New("the host has no name")
	case o.Region == "":
		return o, errors.New("no region is given, so nothing can price the energy")
	case o.Spool == "":
		return o, errors.New("no directory for the spool is given")
	case o.Every < time.Second || o.Every > time.Hour:
		return o, fmt.Errorf("an interval of %s is not between a second and an hour", o.Every)
	case o.SpoolBytes < 64<<10:
		return o, fmt.Errorf("a spool of %d bytes is too small: give 64 KiB or more", o.SpoolBytes)
	}
	return o, nil
}

func (a *Agent) assemble(newest []byte) error {
	var last entry
	if newest != nil {
		if err := json.Unmarshal(newest, &last); err != nil {
			return fmt.Errorf("the newest record of the spool %s cannot be read: %w", a.options.Spool, err)
		}
	}
	o := a.options
	m := newMetrics(a.spool)
	a.deliverer = &deliverer{spool: a.spool, warehouse: o.Warehouse, region: o.Region, now: o.Now, metrics: m, tell: o.Tell,
		more: make(chan struct{}, 1), firstWait: time.Second}
	a.collector = &collector{watcher: o.Watcher, spool: a.spool, metrics: m, now: o.Now, tell: o.Tell, added: a.deliverer.wake,
		ledger: newLedger(o.Host, o.Region, o.BootID, o.Every, o.Rules, o.Processes, last.State)}
	a.services = []service{{"collecting", a.collector.run}, {"delivering", a.deliverer.run}}
	if o.Listen == "" {
		return nil
	}
	var err error
	if a.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return fmt.Errorf("the address for metrics: %w", err)
	}
	web := &server{listener: a.listener, metrics: m, collector: a.collector, snapshots: o.Snapshots, every: o.Every, now: o.Now}
	a.services = append(a.services, service{"answering", web.run})
	return nil
}

// Address is where the agent answers, nil where it does not.
func (a *Agent) Address() net.Addr {
	if a.listener == nil {
		return nil
	}
	return a.listener.Addr()
}

// Waiting is how many records the warehouse does not have yet, and the size of the spool.
func (a *Agent) Waiting() (records int, size int64) { return a.spool.waiting() }

// Run collects until ctx ends, then cuts the last interval, delivers what it can and
// closes the spool. It returns nil when it was stopped as it is meant to be.
func (a *Agent) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.spool.close()) }()
	return errors.Join(a.serve(ctx), a.flush(ctx))
}

// serve runs the services until ctx or one of them ends.
func (a *Agent) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range a.services {
		group.Go(func() error {
			if err := s.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (a *Agent) flush(ctx context.Context) error {
	if err := a.collector.finish(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.options.Grace)
	defer cancel()
	if err := a.deliverer.drain(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
