package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Store writes to the warehouse. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	regions map[string]bool
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

//go:embed statements/ensure_members.sql
var ensureMembersSQL string

// WriteEvents stores a batch in one transaction. Events that are there already
// stay as they are; an event that cannot be stored (see Event.Validate, or a
// region nobody knows) is rejected with its reason and the others go in.
func (s *Store) WriteEvents(ctx context.Context, events []Event, now time.Time) (EventResult, error) {
	var result EventResult
	known, err := s.knownRegions(ctx, events)
	if err != nil {
		return result, err
	}
	accepted := 0
	var rows []factRow
	first, last := now, now
	for i := range events {
		event := &events[i]
		err := event.Validate(now)
		if err == nil && !known[event.Region] {
			err = fmt.Errorf("unknown region %q: import its factors first, or correct the code", event.Region)
		}
		if err == nil && !slices.Contains(kpi.Workloads(), event.Workload) {
			err = fmt.Errorf("unknown workload %q: it must be one of %v", event.Workload, kpi.Workloads())
		}
		if err != nil {
			result.Rejected = append(result.Rejected, Rejection{Index: i, Reason: err})
			continue
		}
		accepted++
		for _, row := range event.factRows() {
			first, last = earlier(first, row.ts), later(last, row.ts)
			rows = append(rows, row)
		}
	}
	if accepted == 0 {
		return result, nil
	}
	write := func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			result.Stored, err = writeFacts(ctx, tx, rows, first, last)
			return err
		})
	}
	err = write()
	if isRestored(err) {
		if _, err = s.RefreshRollups(ctx); err == nil {
			err = write()
		}
	}
	if err != nil {
		return EventResult{}, fmt.Errorf("storing %d events: %w", accepted, err)
	}
	result.Unchanged = accepted - result.Stored
	return result, nil
}

// writeFacts returns how many events, not rows, were new.
func writeFacts(ctx context.Context, tx pgx.Tx, rows []factRow, first, last time.Time) (int, error) {
	if _, err := tx.Exec(ctx, "SELECT wattscore.ensure_partitions($1, $2)", first, last); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, stageFactsSQL); err != nil {
		return 0, err
	}
	columns := []string{"event_id", "ts", "slice", "model", "project", "region", "endpoint", "workload", "measured",
		"requests", "input_tokens", "output_tokens", "it_energy_nwh", "cost_nusd", "carbon_location_ug", "carbon_market_ug",
		"latency_us", "gpu_microhours", "gpu_memory_microhours", "run_id", "source"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"staged_fact"}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		e := r.event
		var latency *int64
		if e.Latency != nil && r.slice == 0 {
			us := e.Latency.Microseconds()
			latency = &us
		}
		var run *string
		if e.RunID != "" {
			run = &e.RunID
		}
		return []any{[16]byte(e.ID), r.ts, r.slice, orElse(e.Model, kpi.Unallocated), orElse(e.Project, kpi.Unallocated), e.Region,
			orElse(e.Endpoint, kpi.None), string(e.Workload), e.Measured, r.requests, r.inputTokens, r.outputTokens, r.itEnergy,
			r.cost, r.carbonLocation, r.carbonMarket, latency, r.gpuMicrohours, r.gpuMemoryMicrohours, run, e.Source}, nil
	}))
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, ensureMembersSQL); err != nil {
		return 0, err
	}
	var stored int
	err = tx.QueryRow(ctx, insertFactsSQL).Scan(&stored)
	return stored, err
}

// knownRegions reads the regions again only when the batch names a new one.
func (s *Store) knownRegions(ctx context.Context, events []Event) (map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.regions != nil && !slices.ContainsFunc(events, func(e Event) bool { return !s.regions[e.Region] }) {
		return s.regions, nil
	}
	rows, err := s.pool.Query(ctx, "SELECT code FROM wattscore.region")
	if err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	regions := make(map[string]bool, len(codes))
	for _, code := range codes {
		regions[code] = true
	}
	s.regions = regions
	return regions, nil
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
