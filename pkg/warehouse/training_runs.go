package warehouse

import (
	"context"
	_ "embed"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/training_runs.sql
var trainingRunsSQL string

// RunUsage is a training run and all it took, also before and after the span it
// was asked for. A pointer is nil where nothing is known: energy without events,
// money and carbon where part of the energy has no factor.
type RunUsage struct {
	ID, Model, Project, BusinessUnit string // the last three kpi.None where nothing says them
	Feature                          string // what the run was for; empty: not said
	// Described is false for a run that only its events speak of: it has neither
	// an end nor an accuracy, and began with its first event.
	Described      bool
	StartedAt      time.Time
	EndedAt        *time.Time // nil: still running, or not said
	GPUCount       *int
	GPUModel       string
	Accuracy       *float64
	AccuracyMetric string
	// PreviousAccuracy is that of the completed run before this one, of the same
	// model and by the same metric, however long ago. It is nil for a run that has
	// not ended, and for an evaluation: that measures an accuracy and gains none.
	PreviousAccuracy             *float64
	ITEnergy, MeasuredEnergy     *kpi.KilowattHours
	FacilityEnergy               *kpi.KilowattHours
	EnergyCost, Cost             *kpi.USD
	CarbonLocation, CarbonMarket *kpi.KilogramsCO2e
	GPUHours                     *float64 // as its events say; 0 where they say nothing
}

// Completed reports whether the run is known to have ended by a time.
func (r RunUsage) Completed(by time.Time) bool { return r.EndedAt != nil && !r.EndedAt.After(by) }

// TrainingRuns lists the runs that overlap a span, the most energy first. A run
// counts whole, also over the span's edges: energy to solution is of a whole run,
// so the runs of two adjoining spans can overlap and their sums must not be added.
// Version 0 prices them with the factors in force.
//
// A run belongs to the model and project of its own row, else of its first event.
// Filters on region, workload and endpoint keep a run, whole, that has an event
// there; one without events has none of them.
func (r *Reader) TrainingRuns(ctx context.Context, span kpi.Span, filters kpi.Filters, version int) ([]RunUsage, error) {
	args := filterArguments(filters)
	args["from_time"], args["to_time"], args["factor_version"] = span.From, span.To, versionArgument(version)
	args["training_workloads"] = []kpi.Workload{kpi.WorkloadTraining, kpi.WorkloadFineTuning, kpi.WorkloadEvaluation}
	return collect[RunUsage](ctx, r, "the training runs", trainingRunsSQL, args)
}

// TrainingRunsSQL is the statement behind TrainingRuns, for an answer's metadata.
func TrainingRunsSQL() string { return trainingRunsSQL }
