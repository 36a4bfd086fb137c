package otlp

import (
	"context"
	"sync"
	"time"
)

// environment reads what the warehouse says of regions, models and hosts, now and then.
type environment struct {
	warehouse Warehouse
	now       func() time.Time

	mu   sync.Mutex
	last *surroundings
}

// surroundingsFor is how long what was read holds.
const surroundingsFor = 30 * time.Second

// read returns what the warehouse says. While it is away what it said last holds; the
// error is that it has said nothing yet.
func (e *environment) read(ctx context.Context) (*surroundings, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && e.now().Sub(e.last.readAt) < surroundingsFor {
		return e.last, nil
	}
	read, err := readSurroundings(ctx, e.warehouse, e.now())
	switch {
	case err == nil:
		e.last = read
	case e.last == nil:
		return nil, err
	default:
		e.last.readAt = e.now() // not asked again at once: each asker would wait
	}
	return e.last, nil
}

func readSurroundings(ctx context.Context, from Warehouse, now time.Time) (*surroundings, error) {
	s := &surroundings{regions: map[string]bool{}, readAt: now}
	regions, err := from.Regions(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range regions {
		s.regions[r.Code] = true
	}
	if s.classes, err = from.TaskClasses(ctx); err != nil {
		return nil, err
	}
	if s.references, err = from.ReferenceIntensities(ctx); err != nil {
		return nil, err
	}
	if s.hosts, err = from.CollectedHosts(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
