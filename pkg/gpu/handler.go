package gpu

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// repeat is how often a stream says the newest again when there is nothing newer,
// so that the other end can tell a quiet agent from a dead one.
const repeat = 10 * time.Second

// patience is how long a receiver may take for one snapshot.
const patience = 10 * time.Second

// Handler serves a watcher's snapshots to [Remote]:
//
//	GET /v1/snapshot   the newest, as JSON
//	GET /v1/snapshots  the newest and each new one, a line of JSON each, without end
//
// A stream ends when its request's context does, so a server that shuts down cancels its base context.
func Handler(watcher Watcher) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/snapshot", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(watcher.Snapshot()) // whoever asked is gone
	})
	mux.HandleFunc("GET /v1/snapshots", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no") // nginx would hold lines back
		stream(r.Context(), w, watcher)
	})
	return mux
}

func stream(ctx context.Context, w http.ResponseWriter, watcher Watcher) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	control := http.NewResponseController(w)
	lines := json.NewEncoder(w)
	say := func(snapshot Snapshot) bool {
		_ = control.SetWriteDeadline(time.Now().Add(patience)) // not every server can
		return lines.Encode(snapshot) == nil && control.Flush() == nil
	}
	newer := watcher.Watch(ctx)
	again := time.NewTicker(repeat)
	defer again.Stop()
	if !say(watcher.Snapshot()) {
		return
	}
	for {
		select {
		case snapshot, open := <-newer:
			if !open || !say(snapshot) {
				return
			}
			again.Reset(repeat)
		case <-again.C:
			if !say(watcher.Snapshot()) {
				return
			}
		}
	}
}
