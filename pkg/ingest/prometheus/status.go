package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
)

// DefaultListen is where a pull that follows tells of itself.
const DefaultListen = "127.0.0.1:9466"

// Status is what a pull that follows says of itself.
type Status struct {
	registry             *client.Registry
	pulls                *client.CounterVec
	stored, rejected     client.Counter
	lastPull, lastWindow client.Gauge
	mu                   sync.Mutex
	failing              string
	upTo                 time.Time
}

// NewStatus makes one.
func NewStatus() *Status {
	const namespace, subsystem = "wattscore", "prometheus"
	counter := func(name, help string) client.Counter {
		return client.NewCounter(client.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	gauge := func(name, help string) client.Gauge {
		return client.NewGauge(client.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	s := &Status{
		registry:   client.NewRegistry(),
		pulls:      client.NewCounterVec(client.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "pulls_total", Help: "Looks for windows that are over, by how they ended."}, []string{"outcome"}),
		stored:     counter("facts_stored_total", "Facts that are new in the warehouse."),
		rejected:   counter("series_rejected_total", "Series that did not count in a window."),
		lastPull:   gauge("last_pull_timestamp_seconds", "When a pull last ended well."),
		lastWindow: gauge("last_window_end_timestamp_seconds", "Where the last window ends that was looked at."),
	}
	s.registry.MustRegister(s.pulls, s.stored, s.rejected, s.lastPull, s.lastWindow, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"done", "failed"} {
		s.pulls.WithLabelValues(outcome)
	}
	return s
}

// Done notes a pull that ended well. upTo is where its last window ends, zero without one.
func (s *Status) Done(report ingest.Report, upTo, now time.Time) {
	s.pulls.WithLabelValues("done").Inc()
	s.stored.Add(float64(report.Stored))
	s.rejected.Add(float64(report.Rejected))
	s.lastPull.Set(float64(now.Unix()))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = ""
	if !upTo.IsZero() {
		s.upTo = upTo
		s.lastWindow.Set(float64(upTo.Unix()))
	}
}

// Failed notes a pull that did not.
func (s *Status) Failed(why string) {
	s.pulls.WithLabelValues("failed").Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = why
}

// Handler answers /metrics and /healthz. It is well while Prometheus or the warehouse is
// away too: starting anew would not help.
func (s *Status) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case s.failing != "":
			fmt.Fprintln(w, "ok, and trying again:", s.failing)
		case s.upTo.IsZero():
			fmt.Fprintln(w, "ok; no window is over yet")
		default:
			fmt.Fprintln(w, "ok; up to", s.upTo.UTC().Format(time.RFC3339))
		}
	})
	return mux
}

// Serve answers on an address until ctx ends. An empty address answers nowhere.
func (s *Status) Serve(ctx context.Context, address string) (where net.Addr, failed <-chan error, err error) {
	if address == "" {
		return nil, nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("the address for /metrics: %w", err)
	}
	web := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() { _ = web.Close() }) // nothing of it is worth waiting for
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			ended <- fmt.Errorf("answering on %s: %w", listener.Addr(), err)
		}
	}()
	return listener.Addr(), ended, nil
}
