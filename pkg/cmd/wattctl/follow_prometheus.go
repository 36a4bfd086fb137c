package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// followPrometheus pulls each window when it is over, until ctx ends. What fails is told
// once, and tried again.
func (c console) followPrometheus(ctx context.Context, pool *pgxpool.Pool, store *warehouse.Store, client *prometheus.Client, options prometheus.Options, flags prometheusFlags) error {
	away, err := lookAtWarehouse(ctx, pool, store, flags.region)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	status := prometheus.NewStatus()
	address, failed, err := status.Serve(ctx, flags.listen)
	if err != nil {
		return err
	}
	where := "answering nowhere"
	if address != nil {
		where = fmt.Sprintf("answering on http://%s/metrics", address)
	}
	c.tell("Following %s: windows of %s, stored %s after their end, looked for every %s, %d rules, %s.", client.Address(), flags.step, flags.settle, flags.every,
		options.Mapping.Rules(), where)
	if away != nil {
		c.tell("The warehouse is not there yet: %v. Windows wait in Prometheus.", warehouse.Explain(away))
	}
	puller, err := prometheus.New(options)
	if err != nil {
		return &usageError{err}
	}
	f := follower{console: c, pool: pool, store: store, puller: puller, options: options, flags: flags, status: status}
	ticks := time.NewTicker(flags.every)
	defer ticks.Stop()
	for {
		if err := f.once(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			c.tell("Stopped. The next start goes on from the last window that is stored.")
			return nil
		case err := <-failed:
			return err
		case <-ticks.C:
		}
	}
}

// follower is what stays from one look to the next.
type follower struct {
	console console
	pool    *pgxpool.Pool
	store   *warehouse.Store
	puller  *prometheus.Puller
	options prometheus.Options
	flags   prometheusFlags
	status  *prometheus.Status
	failed  string // what was told, so that it is told once
	// upTo is how far was looked, though there may have been nothing.
	upTo time.Time
}

// once looks for windows that are over. Its error is one that will not pass.
func (f *follower) once(ctx context.Context) error {
	err := f.pull(ctx)
	var wrongUsage *usageError
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &wrongUsage):
		return err
	case err == nil:
		if f.failed != "" {
			f.console.tell("It goes on again.")
		}
		f.failed = ""
		return nil
	}
	text := explain(ctx, err)
	f.status.Failed(text)
	if text != f.failed {
		f.console.tell("Nothing was stored: %s. Trying again in %s.", strings.TrimSuffix(text, "."), f.flags.every)
		f.failed = text
	}
	return nil
}

func (f *follower) pull(ctx context.Context) error {
	now := time.Now()
	from, err := f.from(ctx, now)
	if err != nil {
		return err
	}
	windows, _ := f.puller.Windows(from, now)
	if len(windows) == 0 {
		f.status.Done(ingest.Report{}, f.upTo, now)
		return nil
	}
	report, err := f.puller.Pull(ctx, windows[0], windows[len(windows)-1].Add(f.flags.step))
	if err != nil {
		return err
	}
	f.upTo = windows[len(windows)-1].Add(f.flags.step)
	f.status.Done(report, f.upTo, now)
	if report.Stored > 0 || report.Rejected > 0 {
		f.console.tell("%s to %s: read %d, stored %d, unchanged %d, rejected %d.", windows[0].Format(time.RFC3339), windows[len(windows)-1].Add(f.flags.step).Format(time.RFC3339),
			report.Read, report.Stored, report.Unchanged, report.Rejected)
	}
	if report.Stored > 0 {
		for _, note := range report.Notes {
			f.console.tell("%s", note)
		}
		if _, err := f.store.RefreshRollups(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lateFor is how long windows without a sample are looked at again: a remote write may
// catch up with an outage.
const lateFor = 24 * time.Hour

// from is where the last window ends that is stored; without one what the person says,
// else the beginning of the last window that is over.
func (f *follower) from(ctx context.Context, now time.Time) (time.Time, error) {
	last, err := f.store.LastPrometheusWindow(ctx, f.options.Mapping.Source())
	if err != nil {
		return last, err
	}
	if late := f.upTo.Add(-lateFor); !f.upTo.IsZero() && late.After(last) {
		return late, nil
	}
	if !last.IsZero() {
		return last, nil
	}
	if f.flags.from == "" {
		return now.Add(-f.flags.settle - f.flags.step).Truncate(f.flags.step), nil
	}
	calendar, err := warehouse.NewReader(f.pool).Calendar(ctx)
	if err != nil {
		return time.Time{}, err
	}
	from, err := parseTime(f.flags.from, calendar.Location, now)
	if err != nil {
		return from, &usageError{err}
	}
	return from, nil
}
