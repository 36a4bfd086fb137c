package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/audit_events.sql
	auditEventsSQL string
	//go:embed statements/audit_factors.sql
	auditFactorsSQL string
	//go:embed statements/extent.sql
	extentSQL string
)

// AuditedEvent is a fact as the view wattscore.event shows it, priced by the
// factors in force.
type AuditedEvent struct {
	ID                               string
	Slice                            int // of an event longer than an hour, from 0
	Time                             time.Time
	Model, Project, Region, Endpoint string
	Workload, RunID                  string
	Requests, OutputTokens           int64
	ITEnergy                         kpi.KilowattHours
	FacilityEnergy                   *kpi.KilowattHours
	Cost                             *kpi.USD
	CarbonLocation                   *kpi.KilogramsCO2e
	Quality, Source                  string
}

// Audit is the evidence behind an answer.
type Audit struct {
	Events   []AuditedEvent    // the largest, up to the limit
	All      int64             // how many there are
	ITEnergy kpi.KilowattHours // of all of them
}

// AuditEvents lists the events of a span, the largest first, up to a limit. It
// reads the facts themselves and so takes long on a large warehouse; where old
// facts were dropped it finds fewer than the roll-ups hold.
func (r *Reader) AuditEvents(ctx context.Context, span kpi.Span, filters kpi.Filters, limit int) (Audit, error) {
	args := filterArguments(filters)
	args["from_time"], args["to_time"], args["row_limit"] = span.From, span.To, limit
	rows, err := r.pool.Query(ctx, auditEventsSQL, args)
	if err != nil {
		return Audit{}, fmt.Errorf("reading the events behind the answer: %w", err)
	}
	var audit Audit
	audit.Events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e AuditedEvent, err error) {
		err = row.Scan(&e.ID, &e.Slice, &e.Time, &e.Model, &e.Project, &e.Region, &e.Endpoint, &e.Workload, &e.RunID,
			&e.Requests, &e.OutputTokens, &e.ITEnergy, &e.FacilityEnergy, &e.Cost, &e.CarbonLocation, &e.Quality, &e.Source,
			&audit.All, &audit.ITEnergy)
		return e, err
	})
	if err != nil {
		return Audit{}, fmt.Errorf("reading the events behind the answer: %w", err)
	}
	return audit, nil
}

// AuditedFactor is a figure that priced energy, with where it is from.
type AuditedFactor struct {
	Region     string
	Owner      string // the region whose figure it is: the region itself, or its country
	Quantity   FactorQuantity
	ValidFrom  time.Time // a day of the company's calendar
	Value      float64   // in the quantity's unit
	Source     string
	SourceYear int
	Method     string
	Boundary   string
}

// AuditFactorsSQL is the statement that AuditFactors sends last.
func AuditFactorsSQL() string { return auditFactorsSQL }

// AuditFactors lists the figures of a factor version that hold where and when
// energy was used in a span, by region, quantity and day; version 0 is the one in
// force.
func (r *Reader) AuditFactors(ctx context.Context, version int, span kpi.Span, filters kpi.Filters) ([]AuditedFactor, error) {
	answers, _, err := r.Usage(ctx, UsageRequest{Periods: []kpi.Span{span}, GroupBy: []kpi.Dimension{kpi.DimensionRegion}, Filters: filters})
	if err != nil {
		return nil, err
	}
	regions := []string{}
	for _, row := range answers[0] {
		regions = append(regions, row.Members[0])
	}
	return collect[AuditedFactor](ctx, r, "the factors behind the answer", auditFactorsSQL, pgx.NamedArgs{
		"used_regions": regions, "from_time": span.From, "to_time": span.To, "factor_version": versionArgument(version),
	})
}

// Extent is the time from the first event's day to the newest event; an empty
// span where there is none.
func (r *Reader) Extent(ctx context.Context) (kpi.Span, error) {
	var first, last *time.Time
	if err := r.pool.QueryRow(ctx, extentSQL).Scan(&first, &last); err != nil {
		return kpi.Span{}, fmt.Errorf("reading from when to when there are events: %w", err)
	}
	if first == nil || last == nil {
		return kpi.Span{}, nil
	}
	return kpi.Span{From: *first, To: last.Add(time.Nanosecond)}, nil
}
