package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// server answers on the agent's address: /metrics, /healthz and, where there is a
// handler, the snapshots.
type server struct {
	listener  net.Listener
	metrics   *metrics
	collector *collector
	snapshots http.Handler
	every     time.Duration
	now       func() time.Time
}

// staleAfter is how many intervals may pass without a snapshot before the agent says
// that it is not well.
const staleAfter = 6

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.health)
	if s.snapshots != nil {
		mux.Handle("/", s.snapshots)
	}
	return mux
}

// health answers whether readings come. A warehouse that is away is no reason to start
// the agent anew: what it collects is on the disk.
func (s *server) health(response http.ResponseWriter, _ *http.Request) {
	response.Header().Set("Content-Type", "text/plain; charset=utf-8")
	newest, problem := s.collector.newest()
	switch age := s.now().Sub(newest); {
	case newest.IsZero():
		response.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(response, "no GPU reading yet:", problem)
	case age > staleAfter*s.every:
		response.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(response, "the newest GPU reading is %s old: %s\n", age.Round(time.Second), problem)
	default:
		records, size := s.collector.spool.waiting()
		fmt.Fprintf(response, "ok; %d records (%d KiB) wait for the warehouse\n", records, size>>10)
	}
}

// run answers until ctx ends.
func (s *server) run(ctx context.Context) error {
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err := web.Shutdown(grace)
		if err != nil { // a stream that does not end
			err = web.Close()
		}
		stopped <- err
	})
	if err := web.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("answering on %s: %w", s.listener.Addr(), err)
	}
	return <-stopped
}
