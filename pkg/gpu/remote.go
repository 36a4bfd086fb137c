package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The paths under which a Handler answers.
const (
	pathSnapshot  = "/v1/snapshot"
	pathSnapshots = "/v1/snapshots"
)

// Handler serves a Watcher's snapshots: the newest one at /v1/snapshot, and each as a
// line of JSON at /v1/snapshots.
func Handler(watcher Watcher) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathSnapshot, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(watcher.Snapshot()) // whoever asked has left
	})
	mux.HandleFunc("GET "+pathSnapshots, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_ = WriteLines(r.Context(), flushing{w, http.NewResponseController(w)}, watcher) // as above
	})
	return mux
}

// flushing sends each line when it is written.
type flushing struct {
	io.Writer
	controller *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err == nil {
		err = f.controller.Flush()
	}
	return n, err
}

// Remote is a Watcher over an agent on another machine.
type Remote struct {
	follower
	address string
	client  *http.Client
	stop    context.CancelFunc
	done    chan struct{}
}

// IsAddress says whether a text can be an agent's address.
func IsAddress(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

// Follow follows the agent at an address such as http://gpu-node-1:9464, and connects
// again whenever it is gone. The error is that the address is none. Close ends it.
func Follow(address string) (*Remote, error) {
	if !IsAddress(address) {
		return nil, fmt.Errorf("%q is not an agent's address: it looks like http://gpu-node-1:9464", address)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Remote{address: strings.TrimSuffix(address, "/"), client: &http.Client{}, stop: stop, done: make(chan struct{})}
	r.send(Snapshot{Time: time.Now(), Devices: []Reading{}, Problem: "Connecting to the agent at " + r.address + "."})
	go func() {
		defer close(r.done)
		defer r.client.CloseIdleConnections()
		r.run(ctx, r.once)
	}()
	return r, nil
}

// Close leaves the agent and waits until it is left.
func (r *Remote) Close() error {
	r.stop()
	<-r.done
	return nil
}

func (r *Remote) once(ctx context.Context, receive func(Snapshot)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.address+pathSnapshots, nil)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("the agent does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent at %s answers %s: is it a wattctl collect?", r.address, response.Status)
	}
	if err := readLines(response.Body, receive); err != nil {
		return fmt.Errorf("the agent at %s: %w", r.address, err)
	}
	return fmt.Errorf("the agent at %s ended", r.address)
}
