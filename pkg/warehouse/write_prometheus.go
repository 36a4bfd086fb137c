package warehouse

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed statements/prometheus_windows.sql
	prometheusWindowsSQL string
	//go:embed statements/upsert_prometheus_window.sql
	upsertPrometheusWindowSQL string
	//go:embed statements/delete_prometheus_events.sql
	deletePrometheusEventsSQL string
	//go:embed statements/collected_gpus.sql
	collectedGPUsSQL string
)

// PrometheusWindow is a window of time whose facts came from a Prometheus.
type PrometheusWindow struct {
	Start, End time.Time
	Revision   int    // how often its facts were replaced
	Content    []byte // hash of its facts
}

// PrometheusWindows lists the windows of a source that touch [start, end).
func (s *Store) PrometheusWindows(ctx context.Context, source string, start, end time.Time) ([]PrometheusWindow, error) {
	rows, err := s.pool.Query(ctx, prometheusWindowsSQL, pgx.NamedArgs{"source": source, "started_at": start, "ended_at": end})
	if err != nil {
		return nil, fmt.Errorf("reading the windows of %s: %w", source, err)
	}
	windows, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PrometheusWindow])
	if err != nil {
		return nil, fmt.Errorf("reading the windows of %s: %w", source, err)
	}
	return windows, nil
}

// LastPrometheusWindow is where the last window of a source ends, zero where it has none.
func (s *Store) LastPrometheusWindow(ctx context.Context, source string) (time.Time, error) {
	var end *time.Time
	if err := s.pool.QueryRow(ctx, "SELECT max(ended_at) FROM wattscore.prometheus_window WHERE source = $1", source).Scan(&end); err != nil {
		return time.Time{}, fmt.Errorf("reading the last window of %s: %w", source, err)
	}
	if end == nil {
		return time.Time{}, nil
	}
	return *end, nil
}

// ErrWindowMoved says that somebody else wrote the window meanwhile: look at it anew.
var ErrWindowMoved = errors.New("another pull has written the window meanwhile")

// WritePrometheusWindow stores the facts of a window as WriteEvents does, and notes the
// window in the same transaction. The window is new, or is the next revision of one that
// is there: then the facts it had are taken out, and stay beside the others for audit.
func (s *Store) WritePrometheusWindow(ctx context.Context, source string, window PrometheusWindow, events []Event, now time.Time) (EventResult, error) {
	return s.writeEvents(ctx, events, now, nil, func(ctx context.Context, tx pgx.Tx) error {
		// One writer of a source at a time, so that windows cannot come to overlap.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 22))", source); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, prometheusWindowsSQL, pgx.NamedArgs{"source": source, "started_at": window.Start, "ended_at": window.End})
		if err != nil {
			return err
		}
		there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PrometheusWindow])
		if err != nil {
			return err
		}
		for _, other := range there {
			if !other.Start.Equal(window.Start) || !other.End.Equal(window.End) {
				return ErrWindowMoved
			}
		}
		if window.Revision > 0 {
			if err := removeEvents(ctx, tx, source, window, events); err != nil {
				return err
			}
		}
		var noted int
		err = tx.QueryRow(ctx, upsertPrometheusWindowSQL, pgx.NamedArgs{"source": source, "started_at": window.Start, "ended_at": window.End,
			"revision": window.Revision, "content": window.Content}).Scan(&noted)
		if err == nil && noted != 1 {
			err = ErrWindowMoved
		}
		return err
	})
}

// removeEvents takes out the facts that a source has in a window, but those that were
// written just now.
func removeEvents(ctx context.Context, tx pgx.Tx, source string, window PrometheusWindow, written []Event) error {
	ids := make([][16]byte, len(written))
	for i := range written {
		ids[i] = written[i].ID
	}
	_, err := tx.Exec(ctx, deletePrometheusEventsSQL, pgx.NamedArgs{"source": source, "started_at": window.Start, "ended_at": window.End, "written": ids})
	if err != nil {
		return fmt.Errorf("taking out what the window had: %w", err)
	}
	return nil
}

// Same says whether a window holds the same facts.
func (w PrometheusWindow) Same(content []byte) bool { return bytes.Equal(w.Content, content) }

// CollectedGPU is a GPU whose energy is in facts of wattctl collect.
type CollectedGPU struct {
	UUID        string
	Since, Last time.Time
}

// CollectedGPUs lists the GPUs whose counters are collected on their hosts.
func (s *Store) CollectedGPUs(ctx context.Context) ([]CollectedGPU, error) {
	rows, err := s.pool.Query(ctx, collectedGPUsSQL)
	if err != nil {
		return nil, fmt.Errorf("reading the collected GPUs: %w", err)
	}
	gpus, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CollectedGPU])
	if err != nil {
		return nil, fmt.Errorf("reading the collected GPUs: %w", err)
	}
	return gpus, nil
}
