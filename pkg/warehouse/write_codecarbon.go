package warehouse

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// The sources of what CodeCarbon wrote. A task's energy is in its run's total too, so
// the two are told apart.
const (
	SourceCodeCarbon     = "codecarbon"
	SourceCodeCarbonTask = "codecarbon task"
)

// RunKey names a run of CodeCarbon.
type RunKey struct{ RunID, Project string }

// CountedRun is how far a run of CodeCarbon is counted. Its amounts are whole units of
// the facts, so that the increments add up to the run's last total exactly.
type CountedRun struct {
	StartedAt time.Time // the earliest that a record says
	ClockAt   time.Time // the start by the newest record: its end less its duration
	Until     time.Time // the end of the newest record
	Duration  time.Duration
	ITEnergy  kpi.NanowattHours
	Carbon    *int64 // µg CO2e, location-based
	// TasksEnergy and TasksCarbon (µg) were taken off the run's total, because its
	// tasks had been counted.
	TasksEnergy kpi.NanowattHours
	TasksCarbon int64
}

// KnownRun is what the warehouse has of a run.
type KnownRun struct {
	Counted *CountedRun // nil where no record of the run itself was counted
	// TasksEnergy and TasksCarbon (µg) are what is counted as tasks of the run.
	TasksEnergy kpi.NanowattHours
	TasksCarbon int64
}

// RunStep is what a batch does to a run: from what the caller knew of it, to how far it
// is counted then, nil where records of its tasks alone are counted.
type RunStep struct {
	Known   KnownRun
	Counted *CountedRun
}

// ErrRunMoved says that another import counted records of the same runs meanwhile:
// import the file again, which counts what is still new.
var ErrRunMoved = errors.New("another import has counted records of the same runs meanwhile: nothing counts twice, and importing the file again finishes the rest")

var (
	//go:embed statements/codecarbon_runs.sql
	codeCarbonRunsSQL string
	//go:embed statements/upsert_codecarbon_runs.sql
	upsertCodeCarbonRunsSQL string
	//go:embed statements/lock_codecarbon_runs.sql
	lockCodeCarbonRunsSQL string
	//go:embed statements/stored_events.sql
	storedEventsSQL string
)

// CodeCarbonRuns returns what there is of runs; one that is not in it is new.
func (s *Store) CodeCarbonRuns(ctx context.Context, keys []RunKey) (map[RunKey]KnownRun, error) {
	return codeCarbonRuns(ctx, s.pool, keys)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, statement string, arguments ...any) (pgx.Rows, error)
}

func codeCarbonRuns(ctx context.Context, from querier, keys []RunKey) (map[RunKey]KnownRun, error) {
	runs := make(map[RunKey]KnownRun, len(keys))
	if len(keys) == 0 {
		return runs, nil
	}
	arguments := keyArguments(keys)
	arguments["task_source"], arguments["unallocated"] = SourceCodeCarbonTask, kpi.Unallocated
	rows, err := from.Query(ctx, codeCarbonRunsSQL, arguments)
	if err == nil {
		var key RunKey
		var counted bool
		var run CountedRun
		var known KnownRun
		var microseconds int64
		_, err = pgx.ForEachRow(rows, []any{&key.RunID, &key.Project, &counted, &run.StartedAt, &run.ClockAt, &run.Until, &microseconds,
			&run.ITEnergy, &run.Carbon, &run.TasksEnergy, &run.TasksCarbon, &known.TasksEnergy, &known.TasksCarbon}, func() error {
			known.Counted = nil
			if counted {
				copied := run
				copied.Duration = time.Duration(microseconds) * time.Microsecond
				known.Counted = &copied
			}
			runs[key] = known
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading how far %d runs are counted: %w", len(keys), err)
	}
	return runs, nil
}

func keyArguments(keys []RunKey) pgx.NamedArgs {
	ids, projects := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		ids[i], projects[i] = key.RunID, key.Project
	}
	return pgx.NamedArgs{"run_id": ids, "project": projects}
}

// StoredEvents returns which of some events are among the facts.
func (s *Store) StoredEvents(ctx context.Context, events []Event) (map[uuid.UUID]bool, error) {
	stored := map[uuid.UUID]bool{}
	if len(events) == 0 {
		return stored, nil
	}
	ids := make([]uuid.UUID, len(events))
	first, last := events[0].Time, events[0].Time
	for i, event := range events {
		ids[i], first, last = event.ID, earlier(first, event.Time), later(last, event.Time)
	}
	// A fact's time is in whole microseconds.
	rows, err := s.pool.Query(ctx, storedEventsSQL, pgx.NamedArgs{"ids": ids, "first": first.Add(-time.Millisecond), "last": last.Add(time.Millisecond)})
	if err == nil {
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
			stored[id] = true
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading which of %d events are stored: %w", len(events), err)
	}
	return stored, nil
}

// WriteCodeCarbon stores events as WriteEvents does, and with them how far their runs
// are counted: both, or neither. runs are all that the events are of, whether of the run
// itself or of its tasks. The error is ErrRunMoved where somebody else counted records of
// one of the runs since the caller read it; others who count them wait until this is done.
func (s *Store) WriteCodeCarbon(ctx context.Context, events []Event, runs map[RunKey]RunStep, now time.Time) (EventResult, error) {
	if len(runs) == 0 {
		return s.WriteEvents(ctx, events, now)
	}
	keys := slices.SortedFunc(maps.Keys(runs), func(a, b RunKey) int {
		return cmp.Or(strings.Compare(a.RunID, b.RunID), strings.Compare(a.Project, b.Project))
	})
	moving := slices.DeleteFunc(slices.Clone(keys), func(key RunKey) bool { return runs[key].Counted == nil })
	hold := func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockCodeCarbonRunsSQL, keyArguments(keys)); err != nil {
			return fmt.Errorf("waiting for others who count %d runs: %w", len(keys), err)
		}
		known, err := codeCarbonRuns(ctx, tx, keys)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if !known[key].same(runs[key].Known) {
				return ErrRunMoved
			}
		}
		return nil
	}
	move := func(ctx context.Context, tx pgx.Tx) error {
		if len(moving) == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, upsertCodeCarbonRunsSQL, runArguments(moving, runs))
		return err
	}
	return s.writeEvents(ctx, events, now, hold, move)
}

// same says whether nothing was counted of the run between two readings of it.
func (k KnownRun) same(other KnownRun) bool {
	if k.TasksEnergy != other.TasksEnergy || k.TasksCarbon != other.TasksCarbon || (k.Counted == nil) != (other.Counted == nil) {
		return false
	}
	return k.Counted == nil || k.Counted.Until.Equal(other.Counted.Until) && k.Counted.ITEnergy == other.Counted.ITEnergy
}

func runArguments(keys []RunKey, runs map[RunKey]RunStep) pgx.NamedArgs {
	all := make([]int, len(keys))
	for i := range keys {
		all[i] = i
	}
	step := func(key RunKey) *CountedRun { return runs[key].Counted }
	return pgx.NamedArgs{
		"run_id":          column(keys, all, func(k RunKey) string { return k.RunID }),
		"project":         column(keys, all, func(k RunKey) string { return k.Project }),
		"started_at":      column(keys, all, func(k RunKey) time.Time { return step(k).StartedAt }),
		"clock_at":        column(keys, all, func(k RunKey) time.Time { return step(k).ClockAt }),
		"counted_until":   column(keys, all, func(k RunKey) time.Time { return step(k).Until }),
		"duration_us":     column(keys, all, func(k RunKey) int64 { return step(k).Duration.Microseconds() }),
		"it_energy_nwh":   column(keys, all, func(k RunKey) int64 { return int64(step(k).ITEnergy) }),
		"carbon_ug":       column(keys, all, func(k RunKey) *int64 { return step(k).Carbon }),
		"tasks_nwh":       column(keys, all, func(k RunKey) int64 { return int64(step(k).TasksEnergy) }),
		"tasks_carbon_ug": column(keys, all, func(k RunKey) int64 { return step(k).TasksCarbon }),
	}
}
