package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/collect"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const (
	// gpuStep is the length of an interval, an agent's. Steps are counted from 1970 on;
	// the step n ends n intervals after it.
	gpuStep      = collect.DefaultEvery
	stepsPerHour = int64(time.Hour / gpuStep)
	// gpuPast is how far back the demo's GPUs were measured: longer than what an hour of
	// theirs is compared with.
	gpuPast = 15 * 24 * time.Hour
	// gpuRecent is how much of the past is there step by step; before it an hour is one
	// sample. It is longer than what the dashboard shows.
	gpuRecent = 16 * time.Minute
)

// gpuFeed writes what agents on the demo company's GPU hosts would write. The hosts
// are invented, as the company is: no GPU is read. It writes samples and no facts, so
// no total of the company changes.
type gpuFeed struct {
	store   *warehouse.Store
	gpus    []demoGPU
	written map[string]int64 // the last step of each GPU that is stored, by its UUID
	log     io.Writer

	close  func()
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // why the last write failed; to be read when the feed has ended
}

// startGPUs brings the company's GPU hosts up to the moment and goes on from there
// until Stop.
func (c *company) startGPUs(ctx context.Context, now time.Time) (*gpuFeed, error) {
	pool, err := pgxpool.New(ctx, c.dsn())
	if err != nil {
		return nil, fmt.Errorf("open the database for the demo's GPUs: %w", err)
	}
	var f *gpuFeed
	err = c.runner.Do("Measure the company's GPUs, which are made up", func() (err error) {
		if f, err = openGPUs(ctx, pool, now); err == nil {
			err = f.write(ctx, now)
		}
		return err
	})
	if err != nil {
		pool.Close()
		return nil, err
	}
	f.log, f.close = c.runner.Log, pool.Close
	f.run(ctx, time.Tick(gpuStep))
	return f, nil
}

// openGPUs finds the GPUs in the company's inventory and how far their samples reach,
// which an earlier feed may have written.
func openGPUs(ctx context.Context, pool *pgxpool.Pool, now time.Time) (*gpuFeed, error) {
	reader := warehouse.NewReader(pool)
	gpus, err := findGPUs(ctx, reader, now)
	if err != nil {
		return nil, err
	}
	fleet, err := reader.GPUFleet(ctx, now.Add(-gpuPast))
	if err != nil {
		return nil, err
	}
	f := &gpuFeed{store: warehouse.OpenStore(pool), gpus: gpus, written: map[string]int64{}, log: io.Discard, close: func() {}}
	for _, g := range gpus {
		f.written[g.device.UUID] = stepOf(now.Add(-gpuPast).Truncate(time.Hour)) - 1
	}
	for _, g := range fleet {
		if _, ours := f.written[g.UUID]; ours {
			f.written[g.UUID] = stepOf(g.SampledAt)
		}
	}
	return f, nil
}

// run writes at each tick until Stop, or until the context ends.
func (f *gpuFeed) run(ctx context.Context, ticks <-chan time.Time) {
	ctx, f.cancel = context.WithCancel(ctx)
	f.ended = make(chan struct{})
	go func() {
		defer close(f.ended)
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticks:
				err := f.write(ctx, now)
				if ctx.Err() != nil {
					return // told to end: what was cut off is no fault
				}
				if err != nil && f.err == nil {
					fmt.Fprintf(f.log, "The demo's GPUs stand still, and are tried again every %s: %v\n", gpuStep, err)
				}
				f.err = err
			}
		}
	}()
}

// Stop ends the feed. Its error is that the last samples could not be stored.
func (f *gpuFeed) Stop() error {
	f.cancel()
	<-f.ended
	f.close()
	if f.err != nil {
		return fmt.Errorf("the demo's GPUs stood still: %w", f.err)
	}
	return nil
}

// write stores what has been measured of each GPU since the last time, up to now.
func (f *gpuFeed) write(ctx context.Context, now time.Time) error {
	var batch warehouse.GPUBatch
	last := stepOf(now)
	for _, g := range f.gpus {
		g.device.SeenAt = now
		batch.Devices = append(batch.Devices, g.device)
		for _, cut := range cutSteps(f.written[g.device.UUID], last) {
			batch.Samples = append(batch.Samples, g.sample(cut[0], cut[1]))
		}
	}
	result, err := f.store.WriteGPUSamples(ctx, batch)
	if err != nil {
		return err
	}
	for _, r := range append(result.Rejected, result.RejectedDevices...) {
		err = errors.Join(err, r.Reason)
	}
	if err != nil {
		return fmt.Errorf("the warehouse rejected samples: %w", err)
	}
	for _, g := range f.gpus {
		f.written[g.device.UUID] = max(f.written[g.device.UUID], last)
	}
	return nil
}

// stepOf is the last step that had ended at a time.
func stepOf(at time.Time) int64 { return at.UnixNano() / int64(gpuStep) }

// endOf is the end of a step.
func endOf(step int64) time.Time { return time.Unix(0, step*int64(gpuStep)).UTC() }

// cutSteps cuts the steps after one, up to and with another, into intervals, each its
// first and last step: single steps of late, and what lies before by the hour. An
// interval counts in the hour in which it ends, so none reaches into the next.
func cutSteps(after, last int64) [][2]int64 {
	recent := last - int64(gpuRecent/gpuStep)
	var cuts [][2]int64
	for first := after + 1; first <= last; {
		end := first
		if first <= recent {
			end = min(first-first%stepsPerHour+stepsPerHour-1, recent)
		}
		cuts = append(cuts, [2]int64{first, end})
		first = end + 1
	}
	return cuts
}
