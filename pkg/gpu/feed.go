package gpu

import (
	"context"
	"os"
	"sync"
	"time"
)

// Feed is a running Watcher. It works until the context it was started with ends.
type Feed struct {
	done chan struct{}

	mu       sync.Mutex
	newest   Snapshot
	begun    bool // newest was published
	watchers map[chan Snapshot]struct{}
}

func newFeed(host string, began time.Time) *Feed {
	return &Feed{
		done:     make(chan struct{}),
		newest:   Snapshot{Host: host, Time: began, Since: began, Problem: "no reading yet: the reader has only just begun"},
		watchers: map[chan Snapshot]struct{}{},
	}
}

// Done is closed when the feed has ended after its context.
func (f *Feed) Done() <-chan struct{} { return f.done }

// Snapshot is the newest there is.
func (f *Feed) Snapshot() Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest
}

// Watch implements [Watcher].
func (f *Feed) Watch(ctx context.Context) <-chan Snapshot {
	watcher := make(chan Snapshot, 1)
	f.mu.Lock()
	f.watchers[watcher] = struct{}{}
	if f.begun {
		watcher <- f.newest
	}
	f.mu.Unlock()
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, watcher)
		close(watcher)
	})
	return watcher
}

// publish makes a snapshot the newest. It never waits for a watcher.
func (f *Feed) publish(snapshot Snapshot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest, f.begun = snapshot, true
	for watcher := range f.watchers {
		select {
		case <-watcher: // the one nobody took is old now
		default:
		}
		watcher <- snapshot // only publish sends, so there is room
	}
}

// fail says why there is nothing newer. The readings stay, as old as they are.
func (f *Feed) fail(problem string) {
	snapshot := f.Snapshot()
	snapshot.Problem = problem
	f.publish(snapshot)
}

// thisHost is the machine's name, or empty where it has none.
func thisHost() string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host
}
