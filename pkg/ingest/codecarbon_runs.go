package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// codeCarbonRuns knows the last good reading of each run in a file.
//
// A tracker writes its totals since its start, once when it stops and once more
// with every flush before that. Counting each record whole would count the
// beginning of the run as often as it was flushed. A record is a further reading
// of the same run when it has the run's id and its clock agrees: the time since
// the run's last reading is as long as its duration has grown, to the second.
// What counts then is the increment, from the last reading's time on.
//
// A run id that is empty (CodeCarbon 2.4 wrote such) is taken as one run of its
// project as long as the clock agrees. A file without the column, as CodeCarbon 1
// wrote, has one record a run.
//
// One reading is held for each run of the file.
type codeCarbonRuns struct {
	options  CodeCarbonOptions
	last     map[string]codeCarbonReading
	training map[string]*warehouse.TrainingRun // by run id
}

// clockTolerance is how far a run's start may move between two readings: times
// are written in whole seconds, a moment after the duration was taken.
const clockTolerance = 2 * time.Second

func newCodeCarbonRuns(options CodeCarbonOptions) *codeCarbonRuns {
	return &codeCarbonRuns{options: options, last: map[string]codeCarbonReading{}, training: map[string]*warehouse.TrainingRun{}}
}

// codeCarbonIncrement is what a reading adds to what was counted of its run.
type codeCarbonIncrement struct {
	start, end time.Time
	itEnergy   kpi.KilowattHours
	carbon     *kpi.KilogramsCO2e
	gpuHours   float64
}

func (r *codeCarbonRuns) increment(now codeCarbonReading) (codeCarbonIncrement, error) {
	whole := codeCarbonIncrement{start: now.start, end: now.end, itEnergy: now.itEnergy, carbon: now.carbon,
		gpuHours: float64(now.gpuCount) * now.duration.Hours()}
	last, seen := r.last[now.key()]
	if !seen || !now.hasRunID || now.task || now.start.Sub(last.start).Abs() > clockTolerance {
		return whole, nil
	}
	if now.duration < last.duration || now.end.Before(last.end) {
		return whole, fmt.Errorf("it is an earlier reading of the run whose later one, in line %d, has counted it already", last.line)
	}
	if now.itEnergy < last.itEnergy {
		return whole, fmt.Errorf("the energy of its run has fallen since line %d, though a run's records hold the totals since its start", last.line)
	}
	further := codeCarbonIncrement{start: last.end, end: now.end, itEnergy: now.itEnergy - last.itEnergy,
		gpuHours: float64(now.gpuCount) * (now.duration - last.duration).Hours()}
	if now.carbon != nil && last.carbon != nil && *now.carbon >= *last.carbon {
		carbon := *now.carbon - *last.carbon
		further.carbon = &carbon
	}
	return further, nil
}

// remember notes a reading that was good: later ones are counted from it.
func (r *codeCarbonRuns) remember(reading codeCarbonReading) {
	r.last[reading.key()] = reading
	training := []kpi.Workload{kpi.WorkloadTraining, kpi.WorkloadFineTuning}
	if reading.runID == "" || !slices.Contains(training, r.options.Workload) {
		return
	}
	run := r.training[reading.runID]
	if run == nil {
		run = &warehouse.TrainingRun{ID: reading.runID, Model: r.options.Model, Project: reading.project, StartedAt: reading.start, EndedAt: &reading.end,
			GPUModel: reading.gpuModel}
		r.training[reading.runID] = run
	}
	if reading.start.Before(run.StartedAt) && reading.start.Sub(run.StartedAt).Abs() > clockTolerance {
		run.StartedAt = reading.start
	}
	if reading.end.After(*run.EndedAt) {
		run.EndedAt = &reading.end
	}
	if count := int(reading.gpuCount); count > 0 {
		run.GPUCount = &count
	}
}

// upsert stores what the file says of its training runs.
func (r *codeCarbonRuns) upsert(ctx context.Context, store *warehouse.Store) error {
	runs := make([]warehouse.TrainingRun, 0, len(r.training))
	for _, run := range r.training {
		runs = append(runs, *run)
	}
	slices.SortFunc(runs, func(a, b warehouse.TrainingRun) int { return strings.Compare(a.ID, b.ID) })
	for batch := range slices.Chunk(runs, batchEvents) {
		result, err := store.UpsertTrainingRuns(ctx, batch)
		if err != nil {
			return err
		}
		if len(result.Rejected) > 0 {
			return fmt.Errorf("training run %s: %w", batch[result.Rejected[0].Index].ID, result.Rejected[0].Reason)
		}
	}
	return nil
}

func (r codeCarbonReading) key() string { return joined(r.runID, []string{r.project}) }
