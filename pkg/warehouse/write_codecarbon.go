package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

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

// RunStep moves a run on from what the caller knew of it, nil for nothing.
type RunStep struct {
	Known *CountedRun
	CountedRun
}

// ErrRunMoved says that another import counted records of the same runs meanwhile:
// import the file again, which counts what is still new.
var ErrRunMoved = errors.New("another import has counted records of the same runs meanwhile: nothing counts twice, and importing the file again finishes the rest")

var (
	//go:embed statements/codecarbon_runs.sql
	codeCarbonRunsSQL string
	//go:embed statements/upsert_codecarbon_runs.sql
	upsertCodeCarbonRunsSQL string
)

// CodeCarbonRuns returns what there is of runs; one that is not in it is new.
func (s *Store) CodeCarbonRuns(ctx context.Context, keys []RunKey) (map[RunKey]KnownRun, error) {
	runs := make(map[RunKey]KnownRun, len(keys))
	if len(keys) == 0 {
		return runs, nil
	}
	ids, projects := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		ids[i], projects[i] = key.RunID, key.Project
	}
	rows, err := s.pool.Query(ctx, codeCarbonRunsSQL, pgx.NamedArgs{
		"run_id": ids, "project": projects, "task_source": SourceCodeCarbonTask, "unallocated": kpi.Unallocated,
	})
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

// WriteCodeCarbon stores events as WriteEvents does, and with them how far their runs
// are counted: both, or neither. The error is ErrRunMoved where somebody else counted
// records of one of the runs since the caller read it.
func (s *Store) WriteCodeCarbon(ctx context.Context, events []Event, runs map[RunKey]RunStep, now time.Time) (EventResult, error) {
	if len(runs) == 0 {
		return s.WriteEvents(ctx, events, now)
	}
	arguments := runArguments(runs)
	return s.writeEvents(ctx, events, now, func(ctx context.Context, tx pgx.Tx) error {
		var moved int
		if err := tx.QueryRow(ctx, upsertCodeCarbonRunsSQL, arguments).Scan(&moved); err != nil {
			return err
		}
		if moved < len(runs) {
			return ErrRunMoved
		}
		return nil
	})
}

func runArguments(runs map[RunKey]RunStep) pgx.NamedArgs {
	keys := make([]RunKey, 0, len(runs))
	all := make([]int, 0, len(runs))
	for key := range runs {
		all = append(all, len(keys))
		keys = append(keys, key)
	}
	step := func(key RunKey) RunStep { return runs[key] }
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
		"known_until": column(keys, all, func(k RunKey) *time.Time {
			if known := step(k).Known; known != nil {
				return &known.Until
			}
			return nil
		}),
		"known_nwh": column(keys, all, func(k RunKey) *int64 {
			if known := step(k).Known; known != nil {
				energy := int64(known.ITEnergy)
				return &energy
			}
			return nil
		}),
	}
}
