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
	//go:embed statements/business_metrics.sql
	businessMetricsSQL string
	//go:embed statements/cost_budgets.sql
	costBudgetsSQL string
	//go:embed statements/carbon_budgets.sql
	carbonBudgetsSQL string
)

// MonthlyMetric is a figure that the business side reported for a month.
type MonthlyMetric struct {
	// Month is when the month begins on the company's calendar.
	Month        time.Time
	Metric       string // revenue, arr, transactions or active_users
	BusinessUnit string // empty: the whole company
	Value        float64
}

// BusinessMetrics lists the figures of the months that begin in a span, by month,
// metric and business unit.
func (r *Reader) BusinessMetrics(ctx context.Context, span kpi.Span) ([]MonthlyMetric, error) {
	return collectByDay(ctx, r, businessMetricsSQL, span, func(row pgx.CollectableRow, zone *time.Location) (m MonthlyMetric, err error) {
		err = row.Scan(&m.Month, &m.Metric, &m.BusinessUnit, &m.Value)
		m.Month = midnight(m.Month, zone)
		return m, err
	})
}

// Budget is what may be spent or emitted in a day or a week.
type Budget[T ~float64] struct {
	// Start is when the day or the week begins on the company's calendar.
	Start        time.Time
	BusinessUnit string // empty: the whole company
	Amount       T
}

// CostBudgets lists the budgets of the days in a span, by day and business unit.
func (r *Reader) CostBudgets(ctx context.Context, span kpi.Span) ([]Budget[kpi.USD], error) {
	return collectByDay(ctx, r, costBudgetsSQL, span, scanBudget[kpi.USD])
}

// CarbonBudgets lists the budgets of the weeks that begin in a span, by week and
// business unit. Weeks begin on Monday.
func (r *Reader) CarbonBudgets(ctx context.Context, span kpi.Span) ([]Budget[kpi.KilogramsCO2e], error) {
	return collectByDay(ctx, r, carbonBudgetsSQL, span, scanBudget[kpi.KilogramsCO2e])
}

func scanBudget[T ~float64](row pgx.CollectableRow, zone *time.Location) (b Budget[T], err error) {
	err = row.Scan(&b.Start, &b.BusinessUnit, &b.Amount)
	b.Start = midnight(b.Start, zone)
	return b, err
}

// collectByDay reads rows dated by a day of the company's calendar: those whose
// day begins in the span.
func collectByDay[T any](ctx context.Context, r *Reader, sql string, span kpi.Span, scan func(pgx.CollectableRow, *time.Location) (T, error)) ([]T, error) {
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return nil, err
	}
	zone := calendar.Location
	rows, err := r.pool.Query(ctx, sql, pgx.NamedArgs{
		"first_day": date(startAtOrAfter(calendar, span.From, kpi.IntervalDay)),
		"end_day":   date(startAtOrAfter(calendar, span.To, kpi.IntervalDay)),
	})
	if err != nil {
		return nil, fmt.Errorf("reading business figures: %w", err)
	}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return scan(row, zone) })
	if err != nil {
		return nil, fmt.Errorf("reading business figures: %w", err)
	}
	return read, nil
}

func date(t time.Time) string { return t.Format(time.DateOnly) }

// midnight is when the date of t begins in a zone.
func midnight(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.Date()
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone) // never in a gap, as midnight can be
	return kpi.Calendar{Location: zone}.Start(noon, kpi.IntervalDay)
}
