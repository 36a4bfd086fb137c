package gpu

import (
	"context"
	"sync"
)

// broadcast keeps the newest snapshot and sends each to whoever watches. Its zero
// value has no snapshot yet.
type broadcast struct {
	mutex    sync.Mutex
	newest   Snapshot
	watchers map[chan Snapshot]struct{}
	over     bool
}

// Snapshot implements Source.
func (b *broadcast) Snapshot() Snapshot {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.newest
}

// Watch implements Watcher.
func (b *broadcast) Watch(ctx context.Context) <-chan Snapshot {
	watcher := make(chan Snapshot, 1)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.over {
		close(watcher)
		return watcher
	}
	if b.watchers == nil {
		b.watchers = map[chan Snapshot]struct{}{}
	}
	b.watchers[watcher] = struct{}{}
	context.AfterFunc(ctx, func() {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		if _, open := b.watchers[watcher]; open {
			delete(b.watchers, watcher)
			close(watcher)
		}
	})
	return watcher
}

// send replaces what a slow watcher has not taken yet.
func (b *broadcast) send(snapshot Snapshot) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.newest = snapshot
	for watcher := range b.watchers {
		select {
		case <-watcher:
		default:
		}
		watcher <- snapshot // only send fills it, and it is empty now
	}
}

// end closes every watcher's channel.
func (b *broadcast) end() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.over = true
	for watcher := range b.watchers {
		delete(b.watchers, watcher)
		close(watcher)
	}
}
