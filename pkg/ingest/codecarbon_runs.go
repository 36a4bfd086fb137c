package ingest

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// codeCarbonRuns turns readings of runs into what they add to what is counted.
//
// A tracker writes its totals since it was made, when it stops and with every flush
// before that, and puts the newest over the last where on_csv_write is "update".
// Counting each record whole would count the beginning of a run as often as it was
// written. What counts is the increment over the run's last counted reading, which the
// warehouse remembers with the facts, so that it does not matter which file a reading
// is in, nor when it is imported.
//
// A run is known by its id, which is the tracker's own. Its clock tells nothing by
// itself: a task that starts sets it back, and the total goes on. Where the total falls,
// the clock decides: at the same start something is wrong, at another it is a new run.
//
// A run id that is empty (CodeCarbon 2.4 wrote such) is taken as one run of its
// project as long as the clock agrees, within one file. A file without the column, as
// CodeCarbon 1 wrote, has one record a run.
//
// A task is in the total of its run. A run whose total says so already has counted it;
// a run whose tasks were counted before takes them off.
type codeCarbonRuns struct {
	options  CodeCarbonOptions
	read     map[warehouse.RunKey]warehouse.KnownRun // what the warehouse said, for the readings of a batch
	known    map[warehouse.RunKey]warehouse.KnownRun // the same, with the tasks that the batch has counted since
	stored   map[uuid.UUID]bool                      // the batch's tasks whose energy is in what the warehouse said
	counted  map[warehouse.RunKey]warehouse.CountedRun
	nameless map[string]codeCarbonReading // by project, the last reading of a run without an id
	training map[string]*warehouse.TrainingRun
}

// clockTolerance is how far a run's start may move between two readings: times
// are written in whole seconds, a moment after the duration was taken.
const clockTolerance = 2 * time.Second

// errCounted says that a reading adds nothing: what it says is counted.
var errCounted = errors.New("it is counted already")

func newCodeCarbonRuns(options CodeCarbonOptions) *codeCarbonRuns {
	return &codeCarbonRuns{options: options, nameless: map[string]codeCarbonReading{}, training: map[string]*warehouse.TrainingRun{}}
}

// know begins a batch with what the warehouse has of its runs, and which of its tasks.
func (r *codeCarbonRuns) know(known map[warehouse.RunKey]warehouse.KnownRun, stored map[uuid.UUID]bool) {
	r.read, r.known, r.stored = known, map[warehouse.RunKey]warehouse.KnownRun{}, stored
	r.counted = map[warehouse.RunKey]warehouse.CountedRun{}
	maps.Copy(r.known, known)
}

// steps are how runs of the batch move on.
func (r *codeCarbonRuns) steps(keys []warehouse.RunKey) map[warehouse.RunKey]warehouse.RunStep {
	steps := make(map[warehouse.RunKey]warehouse.RunStep, len(keys))
	for _, key := range keys {
		step := warehouse.RunStep{Known: r.read[key]}
		if counted, moved := r.counted[key]; moved {
			step.Counted = &counted
		}
		steps[key] = step
	}
	return steps
}

// count returns what a reading adds, errCounted where that is nothing, or why the
// reading cannot be.
func (r *codeCarbonRuns) count(now codeCarbonReading) (warehouse.Event, error) {
	event, err := now.event, error(nil)
	switch {
	case now.task && now.runID != "":
		err = r.countTask(now)
	case now.task || !now.hasRunID:
	case now.runID == "":
		event, err = r.countNameless(now)
	default:
		event, err = r.countRun(now)
	}
	if err == nil || errors.Is(err, errCounted) {
		r.remember(now)
	}
	return event, err
}

func (r codeCarbonReading) key() warehouse.RunKey {
	return warehouse.RunKey{RunID: r.runID, Project: r.project}
}

// last is the run's last counted reading, nil where there is none.
func (r *codeCarbonRuns) last(key warehouse.RunKey) *warehouse.CountedRun {
	if counted, inBatch := r.counted[key]; inBatch {
		return &counted
	}
	return r.known[key].Counted
}

func (r *codeCarbonRuns) countTask(now codeCarbonReading) error {
	if run := r.last(now.key()); run != nil && !now.end.After(run.Until.Add(clockTolerance)) {
		return errCounted
	}
	if !r.stored[now.event.ID] {
		known := r.known[now.key()]
		known.TasksEnergy += now.itEnergy
		if now.carbon != nil {
			known.TasksCarbon += *now.carbon
		}
		r.known[now.key()] = known
	}
	return nil
}

func (r *codeCarbonRuns) countRun(now codeCarbonReading) (warehouse.Event, error) {
	key, event := now.key(), now.event
	next := warehouse.CountedRun{StartedAt: now.start, ClockAt: now.start, Until: now.end, Duration: now.duration,
		ITEnergy: now.itEnergy, Carbon: now.carbon, TasksEnergy: r.known[key].TasksEnergy, TasksCarbon: r.known[key].TasksCarbon}
	last := r.last(key)
	if last == nil {
		r.counted[key] = next
		increase(&event, next, warehouse.CountedRun{})
		return event, nil
	}
	clockAgrees := now.start.Sub(last.ClockAt).Abs() <= clockTolerance
	switch {
	case now.end.Before(last.Until), now.end.Equal(last.Until) && now.itEnergy <= last.ITEnergy:
		return event, errCounted
	case now.itEnergy < last.ITEnergy && clockAgrees:
		return event, fmt.Errorf("the energy of its run has fallen from %g kWh, though a run's records hold the totals since its start", last.ITEnergy.KilowattHours())
	case now.itEnergy < last.ITEnergy: // a run of its own under the same id
		r.counted[key] = next
		return event, nil
	}
	if last.StartedAt.Before(next.StartedAt) {
		next.StartedAt = last.StartedAt
	}
	r.counted[key] = next
	event.Time, event.Duration = last.Until, now.end.Sub(last.Until)
	worked := event.Duration // the clock was set anew: no longer than it says
	if clockAgrees {
		worked = max(0, now.duration-last.Duration)
	}
	event.GPUHours = float64(now.gpuCount) * min(worked, now.duration).Hours()
	increase(&event, next, *last)
	event.ID = uuid.NewSHA1(eventNamespace, []byte(joined(event.Source, []string{key.RunID, key.Project,
		last.Until.UTC().Format(time.RFC3339Nano), now.end.UTC().Format(time.RFC3339Nano), fmt.Sprint(last.ITEnergy), fmt.Sprint(now.itEnergy)})))
	return event, nil
}

// increase gives an event what a run grew by, less what its tasks brought meanwhile.
// Facts of tasks whose month was dropped are no longer among them, and stay taken off.
func increase(event *warehouse.Event, next, last warehouse.CountedRun) {
	grown := next.ITEnergy - last.ITEnergy - max(0, next.TasksEnergy-last.TasksEnergy)
	event.ITEnergy = max(0, grown).KilowattHours()
	event.CarbonLocation = nil
	if next.Carbon == nil || last.Carbon == nil && !last.Until.IsZero() {
		return
	}
	carbon := *next.Carbon - max(0, next.TasksCarbon-last.TasksCarbon)
	if last.Carbon != nil {
		carbon -= *last.Carbon
	}
	if carbon >= 0 || grown <= 0 {
		kilograms := kpi.KilogramsCO2e(float64(max(0, carbon)) / microgramsPerKilogram)
		event.CarbonLocation = &kilograms
	}
}

// countNameless counts a run without an id by its clock.
func (r *codeCarbonRuns) countNameless(now codeCarbonReading) (warehouse.Event, error) {
	event := now.event
	last, seen := r.nameless[now.project]
	if !seen || now.start.Sub(last.start).Abs() > clockTolerance {
		r.nameless[now.project] = now
		return event, nil
	}
	if now.duration < last.duration || now.end.Before(last.end) {
		return event, fmt.Errorf("it is an earlier reading of the run whose later one, in line %d, has counted it already", last.line)
	}
	if now.itEnergy < last.itEnergy {
		return event, fmt.Errorf("the energy of its run has fallen since line %d, though a run's records hold the totals since its start", last.line)
	}
	r.nameless[now.project] = now
	event.Time, event.Duration = last.end, now.end.Sub(last.end)
	event.GPUHours = float64(now.gpuCount) * (now.duration - last.duration).Hours()
	increase(&event, warehouse.CountedRun{ITEnergy: now.itEnergy, Carbon: now.carbon},
		warehouse.CountedRun{Until: last.end, ITEnergy: last.itEnergy, Carbon: last.carbon})
	return event, nil
}
