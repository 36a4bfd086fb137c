package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// collector takes snapshots, and puts an entry on the disk at the end of each interval.
type collector struct {
	watcher gpu.Watcher
	spool   *spool
	metrics *metrics
	now     func() time.Time
	tell    func(format string, arguments ...any)
	added   func() // a record is on the disk

	mu      sync.Mutex
	ledger  *ledger
	failing bool
	// notBefore is when to try the disk again after it took nothing.
	notBefore time.Time
	problem   string // the snapshots' last
}

// run collects until ctx ends.
func (c *collector) run(ctx context.Context) error {
	for snapshot := range c.watcher.Watch(ctx) {
		c.take(snapshot)
	}
	if ctx.Err() == nil {
		return errors.New("the GPU reader ended by itself")
	}
	return nil
}

// take takes a snapshot in and cuts the interval when it is over. What the disk does
// not take is no loss: the interval goes on.
func (c *collector) take(snapshot gpu.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics.snapshots.Inc()
	c.metrics.lastSnapshot.Set(float64(snapshot.Time.Unix()))
	if snapshot.Problem != c.problem {
		if c.problem = snapshot.Problem; c.problem != "" {
			c.tell("No new GPU readings: %s", c.problem)
		} else {
			c.tell("GPU readings come again.")
		}
	}
	if c.ledger.observe(snapshot) && !c.now().Before(c.notBefore) {
		c.cut(false)
	}
}

// finish ends every interval and minute with the newest snapshot.
func (c *collector) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if snapshot := c.watcher.Snapshot(); snapshot.Time.After(c.ledger.snapshot.Time) {
		c.ledger.observe(snapshot)
	}
	return c.cut(true)
}

func (c *collector) cut(closing bool) error {
	cut := c.ledger.cut(closing)
	if len(cut.baselines) == 0 && len(cut.entry.Devices) == 0 && len(cut.entry.Facts) == 0 {
		return nil
	}
	payload, err := json.Marshal(cut.entry)
	if err == nil {
		err = c.spool.append(payload)
	}
	if err != nil {
		c.metrics.unspooled.Inc()
		c.notBefore = c.now().Add(c.ledger.every)
		if !c.failing {
			c.tell("An interval could not be kept: %v. It goes into the next one; no energy is lost.", err)
		}
		c.failing = true
		return fmt.Errorf("keeping the last interval: %w", err)
	}
	if c.failing {
		c.tell("Intervals are kept again.")
	}
	c.failing, c.notBefore = false, time.Time{}
	c.ledger.commit(cut)
	c.metrics.intervals.Add(float64(len(cut.entry.Samples)))
	c.metrics.clockSteps.Add(float64(cut.stepped))
	for uuid, energy := range cut.energy {
		c.metrics.energy.WithLabelValues(uuid).Add(float64(energy) / 1e3)
		c.metrics.gaps.WithLabelValues(uuid).Add(float64(cut.gaps[uuid]))
	}
	c.added()
	return nil
}

// newest is when the newest snapshot was taken, by its own clock.
func (c *collector) newest() (at time.Time, problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledger.snapshot.Time, c.problem
}
