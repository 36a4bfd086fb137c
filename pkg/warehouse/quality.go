package warehouse

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/sources.sql
	sourcesSQL string
	//go:embed statements/references.sql
	referencesSQL string
)

// SourcesSQL is the statement that Sources sends.
func SourcesSQL() string { return sourcesSQL }

// ReferencesSQL is the statement that References sends.
func ReferencesSQL() string { return referencesSQL }

// SourceExtent is what a source has sent of a span.
type SourceExtent struct {
	Source         string
	Events         int64 // an event longer than an hour counts once
	ITEnergy       kpi.KilowattHours
	MeasuredEnergy kpi.KilowattHours // the part that was measured
	Newest         time.Time
}

// Sources lists the sources of a span's events, the most energy first. It reads the
// facts, at 50 million a year about a million for a week.
func (r *Reader) Sources(ctx context.Context, span kpi.Span) ([]SourceExtent, error) {
	return collect[SourceExtent](ctx, r, "the sources", sourcesSQL, pgx.NamedArgs{"from_time": span.From, "to_time": span.To})
}

// ReferenceIntensity is the energy that a task class's requests are scored against.
type ReferenceIntensity struct {
	TaskClass     string
	EnergyPer1k   kpi.KilowattHours // IT energy of 1,000 requests
	ValidFrom     time.Time         // a day of the company's calendar
	Source        string
	SourceYear    int
	Boundary      string
	ScoresAgainst int // models of the class
}

// References lists the reference intensities that hold on a day, by task class.
func (r *Reader) References(ctx context.Context, day time.Time) ([]ReferenceIntensity, error) {
	return collect[ReferenceIntensity](ctx, r, "the reference intensities", referencesSQL, pgx.NamedArgs{"on_day": day})
}
