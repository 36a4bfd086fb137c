package warehouse

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store writes to the warehouse. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	members memberKeys
	// repeats says that the last batch had facts that were there already, as when a
	// file is imported again.
	repeats atomic.Bool
}

// OpenStore returns a Store that writes through pool, whose login is a member of
// wattscore_writer or wattscore_owner. The caller closes the pool.
func OpenStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Rejection is an event that was not stored, by its place in the batch.
type Rejection struct {
	Index  int
	Reason error
}

// EventResult says what became of each event of a batch.
type EventResult struct {
	Stored    int
	Unchanged int // were there already
	Rejected  []Rejection
}

//go:embed statements/stage_facts.sql
var stageFactsSQL string

//go:embed statements/insert_facts.sql
var insertFactsSQL string

// WriteEvents stores a batch in one transaction, after models, projects, endpoints
// and months that are new. Events that are there already stay as they are; an event
// that cannot be stored (see Event.Validate, or a region nobody knows, or a month
// whose facts were dropped) is rejected with its reason and the others go in. Events
// that somebody deleted or moved to another time stay out: see the view event to
// bring one back.
func (s *Store) WriteEvents(ctx context.Context, events []Event, now time.Time) (EventResult, error) {
	return s.writeEvents(ctx, events, now, nil, nil)
}

// inTransaction is what is done in the transaction of something else.
type inTransaction func(context.Context, pgx.Tx) error

// writeEvents is WriteEvents with something else in the same transaction, before and
// after the events, where these are not nil: all hold, or none.
func (s *Store) writeEvents(ctx context.Context, events []Event, now time.Time, before, after inTransaction) (EventResult, error) {
	var result EventResult
	if err := s.members.learn(ctx, s.pool, events, false); err != nil {
		return result, err
	}
	factsFrom, err := s.factsFrom(ctx)
	if err != nil {
		return result, err
	}
	accepted := events // nearly always all of them
	rows := make([]factRow, 0, len(events))
	first, last := now, now
	for i := range events {
		event := &events[i]
		err := event.Validate(now)
		if err == nil {
			err = s.members.unplaced(event)
		}
		if err == nil && event.Time.Before(factsFrom) {
			err = fmt.Errorf("the facts before %s were dropped, and nobody could tell a new one from one that is counted already", factsFrom.UTC().Format(time.DateOnly))
		}
		if err != nil {
			if len(result.Rejected) == 0 {
				accepted = slices.Clone(events[:i])
			}
			result.Rejected = append(result.Rejected, Rejection{Index: i, Reason: err})
			continue
		}
		if len(result.Rejected) > 0 {
			accepted = append(accepted, *event)
		}
		for _, row := range event.factRows() {
			first, last = earlier(first, row.ts), later(last, row.ts)
			rows = append(rows, row)
		}
	}
	transaction := func(work inTransaction) error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			for _, step := range []inTransaction{before, work, after} {
				if step == nil {
					continue
				}
				if err := step(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if len(accepted) == 0 {
		if before == nil && after == nil {
			return result, nil
		}
		return result, transaction(nil)
	}
	// In one order everywhere, so that two writers of the same facts cannot deadlock.
	slices.SortFunc(rows, func(a, b factRow) int {
		return cmp.Or(a.ts.Compare(b.ts), bytes.Compare(a.event.ID[:], b.event.ID[:]))
	})
	write := func() error {
		if err := s.members.learn(ctx, s.pool, accepted, true); err != nil {
			return err
		}
		// In a transaction of its own: a new month locks readers out while it is made.
		if _, err := s.pool.Exec(ctx, "SELECT wattscore.ensure_partitions($1, $2)", first, last); err != nil {
			return err
		}
		return transaction(func(ctx context.Context, tx pgx.Tx) (err error) {
			result.Stored, err = s.writeFacts(ctx, tx, rows, first, last)
			return err
		})
	}
	err = write()
	if isRestored(err) {
		if _, err = s.RefreshRollups(ctx); err == nil {
			err = write()
		}
	}
	if isMissingMember(err) { // somebody deleted one whose key was known
		s.members.forget()
		err = write()
	}
	if err != nil {
		return EventResult{}, fmt.Errorf("storing %d events: %w", len(accepted), err)
	}
	result.Unchanged = len(accepted) - result.Stored
	return result, nil
}

// writeFacts returns how many events, not rows, were new. Facts that are all new go
// straight into their table, which is fastest; where one is there already, or some
// of their time were taken out, they are staged and told apart, and so is the next
// batch.
func (s *Store) writeFacts(ctx context.Context, tx pgx.Tx, rows []factRow, first, last time.Time) (int, error) {
	var removals bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM wattscore.fact_removal WHERE ts BETWEEN $1 AND $2)", first, last).Scan(&removals)
	if err != nil {
		return 0, err
	}
	if !removals && !s.repeats.Load() {
		err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
			return s.copyFacts(ctx, savepoint, pgx.Identifier{"wattscore", "inference_energy_fact"}, rows, false)
		})
		if err == nil {
			return eventsIn(rows), nil
		}
		if !isRepeated(err) {
			return 0, err
		}
	}
	if _, err := tx.Exec(ctx, stageFactsSQL); err != nil {
		return 0, err
	}
	if err := s.copyFacts(ctx, tx, pgx.Identifier{"staged_fact"}, rows, true); err != nil {
		return 0, err
	}
	var stored int
	err = tx.QueryRow(ctx, insertFactsSQL).Scan(&stored)
	s.repeats.Store(stored < eventsIn(rows))
	return stored, err
}

// factsFrom is the time before which the facts were dropped, zero if none were.
func (s *Store) factsFrom(ctx context.Context) (time.Time, error) {
	var from *time.Time
	if err := s.pool.QueryRow(ctx, "SELECT facts_from FROM wattscore.rollup_state").Scan(&from); err != nil {
		return time.Time{}, fmt.Errorf("reading since when the facts are kept: %w", err)
	}
	if from == nil {
		return time.Time{}, nil
	}
	return *from, nil
}

// copyFacts writes rows to the facts, or to where they are staged.
func (s *Store) copyFacts(ctx context.Context, tx pgx.Tx, table pgx.Identifier, rows []factRow, staged bool) error {
	columns := []string{"event_id", "ts", "slice", "model_id", "project_id", "region_id", "endpoint_id", "workload_id", "measured",
		"requests", "input_tokens", "output_tokens", "it_energy_nwh", "cost_nusd", "carbon_location_ug", "carbon_market_ug",
		"latency_us", "gpu_microhours", "gpu_memory_microhours", "run_id", "source"}
	if staged {
		columns = append(columns, "first")
	}
	_, err := tx.CopyFrom(ctx, table, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		e := r.event
		keys := s.members.of(e)
		var latency *int64
		if e.Latency != nil { // of each of the row's requests, so that every one has it
			us := e.Latency.Microseconds()
			latency = &us
		}
		var run *string
		if e.RunID != "" {
			run = &e.RunID
		}
		values := []any{[16]byte(e.ID), r.ts, r.slice, keys[0], keys[1], keys[2], keys[3], int16(keys[4]), e.Measured,
			r.requests, r.inputTokens, r.outputTokens, r.itEnergy, r.cost, r.carbonLocation, r.carbonMarket, latency,
			r.gpuMicrohours, r.gpuMemoryMicrohours, run, e.Source}
		if staged {
			values = append(values, r.first)
		}
		return values, nil
	}))
	return err
}

// eventsIn counts the events of rows: an event's first row stands for it.
func eventsIn(rows []factRow) int {
	events := 0
	for i := range rows {
		if rows[i].first {
			events++
		}
	}
	return events
}

// isRepeated says whether a fact is there already, or twice in a batch.
func isRepeated(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "23505"
}

// isMissingMember says whether a fact names a member that is not there.
func isMissingMember(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "23503"
}

func orElse(name, fallback string) string {
	if name == "" {
		return fallback
	}
	return name
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
