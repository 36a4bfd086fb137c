package query

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Source is where query types read from; warehouse.Reader is one.
type Source interface {
	Calendar(ctx context.Context) (kpi.Calendar, error)
	// Scope is the business units that answers are limited to; nil: they are not.
	Scope(ctx context.Context) ([]string, error)
	Usage(ctx context.Context, requests ...warehouse.UsageRequest) ([][]warehouse.UsageRow, warehouse.Provenance, error)
	UsageAnd(ctx context.Context, also []warehouse.And, requests ...warehouse.UsageRequest) ([][]warehouse.UsageRow, warehouse.Provenance, error)
	UsedDays(ctx context.Context, span kpi.Span) (kpi.Span, error)
	Models(ctx context.Context) ([]warehouse.PortfolioModel, error)
	Hardware(ctx context.Context, until time.Time, filters kpi.Filters) ([]warehouse.Asset, error)
	Accelerators(ctx context.Context) ([]warehouse.Accelerator, error)
	Factors(ctx context.Context, version int, span kpi.Span) ([]warehouse.FactorPeriod, error)
	BusinessMetrics(ctx context.Context, span kpi.Span) ([]warehouse.MonthlyMetric, error)
	CostBudgets(ctx context.Context, span kpi.Span) ([]warehouse.Budget[kpi.USD], error)
	CarbonBudgets(ctx context.Context, span kpi.Span) ([]warehouse.Budget[kpi.KilogramsCO2e], error)
	Latency(ctx context.Context, request warehouse.LatencyRequest) ([]warehouse.LatencyRow, string, error)
	TrainingRuns(ctx context.Context, span kpi.Span, filters kpi.Filters, version int) ([]warehouse.RunUsage, error)
	ModelReleases(ctx context.Context, span kpi.Span, filters kpi.Filters) ([]warehouse.ModelRelease, error)
	Restatements(ctx context.Context, span kpi.Span) ([]warehouse.Restatement, error)
	GPUFleet(ctx context.Context, since time.Time) ([]warehouse.FleetGPU, error)
	Sources(ctx context.Context, span kpi.Span) ([]warehouse.SourceExtent, error)
	References(ctx context.Context, day time.Time) ([]warehouse.ReferenceIntensity, error)
	AuditFactors(ctx context.Context, version int, span kpi.Span, filters kpi.Filters) ([]warehouse.AuditedFactor, error)
	ProviderFigures(ctx context.Context, request warehouse.ProviderRequest) ([]warehouse.StatedFigure, error)
	ProviderReach(ctx context.Context, request warehouse.ProviderRequest) ([]warehouse.ProviderReach, error)
	GPUHours(ctx context.Context, hours []time.Time, since time.Time) ([]warehouse.GPUHours, string, error)
	GPUPast(ctx context.Context, uuids []string, span kpi.Span) ([]warehouse.GPUSample, error)
}

// Type is a kind of question the data source answers.
type Type struct {
	Name        string // as in the query, for example energyScore
	Label       string
	Description string
	// GroupBy lists the dimensions it may be grouped by; OneGroup allows one only.
	GroupBy        []kpi.Dimension
	DefaultGroupBy []kpi.Dimension
	OneGroup       bool
	Formats        []Format
	// RestsOn names the rows that an answer is computed from; empty is events.
	RestsOn []Evidence
	// Metrics are the number columns it offers as time series and for alerting,
	// the most telling first.
	Metrics []string

	// Streams says that a panel can follow the answer live.
	Streams bool

	// ofTheMoment says that the second of asking matters, not only its hour.
	ofTheMoment bool
	// live says that the answer changes though nothing is committed.
	live bool

	answer func(ctx context.Context, source Source, request Request) (data.Frames, error)
}

// Evidence is a kind of row that answers are computed from.
type Evidence string

// The evidence an auditor can read.
const (
	EvidenceEvents   Evidence = "events"   // wattscore.event, with the factors that price them
	EvidenceHardware Evidence = "hardware" // the hardware inventory
	EvidenceBusiness Evidence = "business" // business metrics and budgets
	EvidenceProvider Evidence = "provider" // what cloud providers and bills say
)

// Evidence returns what the type rests on.
func (t *Type) Evidence() []Evidence {
	if len(t.RestsOn) == 0 {
		return []Evidence{EvidenceEvents}
	}
	return t.RestsOn
}

// FindType returns the query type of a name, nil if there is none.
func FindType(name string) *Type { return findType(name) }

// Answer runs the request against a source. Its error is a BadRequestError, one
// of package warehouse, or a fault of ours.
func (request Request) Answer(ctx context.Context, source Source) (data.Frames, error) {
	scope, err := source.Scope(ctx)
	if err != nil {
		return nil, err
	}
	if scope != nil {
		request = request.within(scope)
	}
	frames, err := request.Type.answer(ctx, source, request)
	if err != nil {
		return nil, err
	}
	sayScope(frames, scope)
	for _, frame := range frames {
		if err := finish(frame, request); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// Types lists the query types in the order the editor offers them.
func Types() []*Type {
	return []*Type{
		&energyScore, &carbonAttribution, &efficiencyQuadrant, &hardwareLifecycle,
		&efficiencyTrend, &businessKPIs, &costMeter, &budgetVariance, &keyDrivers, &whatIf,
		&modelComparison, &trainingRuns, &latencyCost, &gpuLive,
		&dataQuality, &reconciliation, &annotations,
	}
}

func findType(name string) *Type {
	types := Types()
	index := slices.IndexFunc(types, func(t *Type) bool { return t.Name == name })
	if index < 0 {
		return nil
	}
	return types[index]
}

func typeNames() []string {
	var names []string
	for _, t := range Types() {
		names = append(names, t.Name)
	}
	return names
}
