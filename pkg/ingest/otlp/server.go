package otlp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
)

// The defaults of Options.
const (
	DefaultGRPC    = "127.0.0.1:4317"
	DefaultHTTP    = "127.0.0.1:4318"
	DefaultListen  = "127.0.0.1:9465"
	DefaultLargest = 4 << 20
	DefaultAtOnce  = 16
	defaultGrace   = 15 * time.Second
)

// Options say what a server receives and how.
type Options struct {
	Warehouse Warehouse
	Mapping   Mapping
	Benchmark Benchmark // may be nil

	GRPC, HTTP string // addresses; empty: none
	// Listen is the address of /metrics and /healthz; empty: none.
	Listen string

	TLS    *tls.Config // nil: none
	Tokens Tokens

	Largest int // bytes of a request, unpacked; 0: DefaultLargest
	// AtOnce is how many requests are in memory at once; the next is told to try again.
	// With Largest it bounds the memory. 0: DefaultAtOnce.
	AtOnce int

	// Grace is how long the server may take to answer what it has begun when it is
	// stopped. 0: 15 s.
	Grace time.Duration
	// Tell takes what a person should know, a sentence at a time; nil: nobody listens.
	Tell func(format string, arguments ...any)
	// Now is the host's clock; nil: time.Now.
	Now func() time.Time
}

// Server receives telemetry. Make it with New and run it once.
type Server struct {
	options  Options
	receiver *receiver
	writer   *writer
	grpc     *grpc.Server
	stopping atomic.Bool

	grpcListener, httpListener, ownListener net.Listener
}

// New opens the addresses. The caller runs the server, which closes them.
func New(options Options) (*Server, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{options: options}
	for _, l := range []struct {
		of, address string
		listener    *net.Listener
	}{{"OTLP/gRPC", options.GRPC, &s.grpcListener}, {"OTLP/HTTP", options.HTTP, &s.httpListener}, {"metrics", options.Listen, &s.ownListener}} {
		if l.address == "" {
			continue
		}
		if *l.listener, err = net.Listen("tcp", l.address); err != nil {
			// Not wrapped: the database's errors of the network are of the same type.
			return nil, errors.Join(fmt.Errorf("the address for %s: %s", l.of, err), s.closeListeners())
		}
	}
	around := &environment{warehouse: options.Warehouse, now: options.Now}
	s.receiver = &receiver{mapping: options.Mapping, around: around, slots: make(chan struct{}, options.AtOnce), queue: make(chan *submission, options.AtOnce)}
	s.receiver.metrics = newMetrics(func() float64 { return float64(len(s.receiver.slots)) }, func() float64 { return float64(len(s.receiver.queue)) })
	s.writer = &writer{
		queue: s.receiver.queue, warehouse: options.Warehouse, mapping: options.Mapping, around: around, metrics: s.receiver.metrics,
		estimator: estimator{settings: options.Mapping.file.Energy, benchmark: options.Benchmark}, tell: options.Tell, now: options.Now, told: map[string]bool{},
	}
	s.grpc = newGRPC(s.receiver, options.TLS, options.Tokens, options.Largest)
	return s, nil
}

func (o Options) complete() (Options, error) {
	if o.Largest == 0 {
		o.Largest = DefaultLargest
	}
	if o.AtOnce == 0 {
		o.AtOnce = DefaultAtOnce
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
	case o.Warehouse == nil:
		return o, errors.New("a receiver needs a warehouse")
	case len(o.Mapping.file.Operations) == 0:
		return o, errors.New("the mapping was not made with ParseMapping")
	case o.GRPC == "" && o.HTTP == "":
		return o, errors.New("neither an address for OTLP/gRPC nor one for OTLP/HTTP is given, so nothing could be received")
	case o.Largest < 64<<10:
		return o, fmt.Errorf("a request of %d bytes at most is too small: give 64 KiB or more", o.Largest)
	case o.AtOnce < 1 || o.AtOnce > 4096:
		return o, fmt.Errorf("%d requests at once is not between 1 and 4096", o.AtOnce)
	}
	return o, nil
}

func (s *Server) closeListeners() (err error) {
	for _, l := range []net.Listener{s.grpcListener, s.httpListener, s.ownListener} {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

// Addresses are where the server listens, nil where it does not.
func (s *Server) Addresses() (grpc, http, own net.Addr) {
	of := func(l net.Listener) net.Addr {
		if l == nil {
			return nil
		}
		return l.Addr()
	}
	return of(s.grpcListener), of(s.httpListener), of(s.ownListener)
}

// Run receives until ctx ends, then answers what it has begun, writes what waits and
// closes the addresses. It returns nil when it was stopped as it is meant to be.
func (s *Server) Run(ctx context.Context) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.writer.run()
	}()
	own, ownErr := s.runOwn()
	group, ctx := errgroup.WithContext(ctx)
	if s.grpcListener != nil {
		group.Go(func() error { return s.runGRPC(ctx) })
	}
	if s.httpListener != nil {
		group.Go(func() error { return s.runHTTP(ctx) })
	}
	group.Go(func() error {
		select {
		case err := <-ownErr:
			return err
		case <-ctx.Done():
			s.stopping.Store(true)
			return nil
		}
	})
	err := group.Wait()
	s.receiver.close()
	<-written
	return errors.Join(err, own.Close())
}

func (s *Server) runGRPC(ctx context.Context) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		hard := time.AfterFunc(s.options.Grace, s.grpc.Stop)
		defer hard.Stop()
		s.grpc.GracefulStop()
	})
	if err := s.grpc.Serve(s.grpcListener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		stop()
		return fmt.Errorf("receiving OTLP/gRPC on %s: %w", s.grpcListener.Addr(), err)
	}
	<-stopped
	return nil
}

func (s *Server) runHTTP(ctx context.Context) error {
	web := &http.Server{
		Handler: httpHandler(s.receiver, s.options.Tokens, s.options.Largest), TLSConfig: s.options.TLS, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: requestTimeout, WriteTimeout: 2 * requestTimeout, IdleTimeout: 2 * time.Minute,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
		defer cancel()
		err := web.Shutdown(grace)
		if err != nil { // a request that does not end
			err = web.Close()
		}
		stopped <- err
	})
	serve := func() error { return web.Serve(s.httpListener) }
	if s.options.TLS != nil {
		serve = func() error { return web.ServeTLS(s.httpListener, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("receiving OTLP/HTTP on %s: %w", s.httpListener.Addr(), err)
	}
	return <-stopped
}

// runOwn answers /metrics and /healthz until it is closed, past the end of all else.
func (s *Server) runOwn() (*http.Server, <-chan error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.receiver.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.health)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	if s.ownListener != nil {
		go func() {
			if err := web.Serve(s.ownListener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("answering on %s: %w", s.ownListener.Addr(), err)
			}
		}()
	}
	return web, failed
}

// health answers whether the server receives. A warehouse that is away is no reason to
// start it anew: senders keep what they have.
func (s *Server) health(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if s.stopping.Load() {
		response.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(response, "stopping")
		return
	}
	ctx, cancel := context.WithTimeout(request.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.options.Warehouse.Regions(ctx); err != nil {
		fmt.Fprintf(response, "ok; the warehouse is away (%s), senders are told to try again\n", sentence(err))
		return
	}
	fmt.Fprintf(response, "ok; %d requests in memory\n", len(s.receiver.slots))
}
