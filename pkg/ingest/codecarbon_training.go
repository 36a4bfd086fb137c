package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// remember notes what a reading says of its training run.
func (r *codeCarbonRuns) remember(reading codeCarbonReading) {
	training := []kpi.Workload{kpi.WorkloadTraining, kpi.WorkloadFineTuning}
	if reading.runID == "" || !slices.Contains(training, r.options.Workload) {
		return
	}
	start, end := reading.start, reading.end
	if counted := r.last(reading.key()); counted != nil { // of all that was ever imported of it
		start, end = earlier(start, counted.StartedAt), later(end, counted.Until)
	}
	run := r.training[reading.runID]
	if run == nil {
		run = &warehouse.TrainingRun{ID: reading.runID, Model: r.options.Model, Project: reading.project, StartedAt: start, EndedAt: &end,
			GPUModel: reading.gpuModel}
		r.training[reading.runID] = run
	}
	if start.Before(run.StartedAt.Add(-clockTolerance)) {
		run.StartedAt = start
	}
	if end.After(*run.EndedAt) {
		run.EndedAt = &end
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
