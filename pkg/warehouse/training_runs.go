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
	ID, Model, Project, BusinessUnit string
	Feature                          string // what the run was for; empty: not said
	Region, Workload                 string // empty without events
	StartedAt                        time.Time
	EndedAt                          *time.Time // nil: still running, or not said
	GPUCount                         *int
	GPUModel                         string
	Accuracy                         *float64
	AccuracyMetric                   string
	ITEnergy, MeasuredEnergy         *kpi.KilowattHours
	FacilityEnergy                   *kpi.KilowattHours
	EnergyCost, Cost                 *kpi.USD
	CarbonLocation, CarbonMarket     *kpi.KilogramsCO2e
	GPUHours                         *float64
}

// TrainingRuns lists the runs that overlap a span, the most energy first. Version
// 0 prices them with the factors in force. The filter on endpoints leaves none:
// training has no endpoint.
func (r *Reader) TrainingRuns(ctx context.Context, span kpi.Span, filters kpi.Filters, version int) ([]RunUsage, error) {
	args := filterArguments(filters)
	args["from_time"], args["to_time"], args["factor_version"] = span.From, span.To, versionArgument(version)
	return collect[RunUsage](ctx, r, "the training runs", trainingRunsSQL, args)
}

// TrainingRunsSQL is the statement behind TrainingRuns, for an answer's metadata.
func TrainingRunsSQL() string { return trainingRunsSQL }
