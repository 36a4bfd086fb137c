package warehouse

import (
	"context"
	_ "embed"
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
func (r *Reader) BusinessMetrics(ctx context.Context, span kpi.Span) (metrics []MonthlyMetric, err error) {
	err = r.read(ctx, andByDay(&metrics, businessMetricsSQL, span, func(row pgx.CollectableRow, zone *time.Location) (m MonthlyMetric, err error) {
		err = row.Scan(&m.Month, &m.Metric, &m.BusinessUnit, &m.Value)
		m.Month = midnight(m.Month, zone)
		return m, err
	}))
	return metrics, err
}

// Budget is what may be spent or emitted in a day or a week.
type Budget[T ~float64] struct {
	// Start is when the day or the week begins on the company's calendar.
	Start        time.Time
	BusinessUnit string // empty: the whole company
	Amount       T
}

// CostBudgets lists the budgets of the days in a span, by day and business unit.
func (r *Reader) CostBudgets(ctx context.Context, span kpi.Span) (budgets []Budget[kpi.USD], err error) {
	err = r.read(ctx, AndCostBudgets(span, &budgets))
	return budgets, err
}

// AndCostBudgets reads what CostBudgets does.
func AndCostBudgets(span kpi.Span, budgets *[]Budget[kpi.USD]) And {
	return andByDay(budgets, costBudgetsSQL, span, scanBudget[kpi.USD])
}

// CarbonBudgets lists the budgets of the weeks that begin in a span, by week and
// business unit. Weeks begin on Monday.
func (r *Reader) CarbonBudgets(ctx context.Context, span kpi.Span) (budgets []Budget[kpi.KilogramsCO2e], err error) {
	err = r.read(ctx, AndCarbonBudgets(span, &budgets))
	return budgets, err
}

// AndCarbonBudgets reads what CarbonBudgets does.
func AndCarbonBudgets(span kpi.Span, budgets *[]Budget[kpi.KilogramsCO2e]) And {
	return andByDay(budgets, carbonBudgetsSQL, span, scanBudget[kpi.KilogramsCO2e])
}

func scanBudget[T ~float64](row pgx.CollectableRow, zone *time.Location) (b Budget[T], err error) {
	err = row.Scan(&b.Start, &b.BusinessUnit, &b.Amount)
	b.Start = midnight(b.Start, zone)
	return b, err
}

// andByDay reads rows dated by a day of the company's calendar: those whose day
// begins in the span.
func andByDay[T any](into *[]T, sql string, span kpi.Span, scan func(pgx.CollectableRow, *time.Location) (T, error)) And {
	return And{
		what: "business figures", statement: sql,
		args: func(calendar kpi.Calendar) pgx.NamedArgs {
			return pgx.NamedArgs{
				"first_day": date(startAtOrAfter(calendar, span.From, kpi.IntervalDay)),
				"end_day":   date(startAtOrAfter(calendar, span.To, kpi.IntervalDay)),
			}
		},
		collect: func(rows pgx.Rows, calendar kpi.Calendar) (err error) {
			*into, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return scan(row, calendar.Location) })
			return err
		},
	}
}

func date(t time.Time) string { return t.Format(time.DateOnly) }

// midnight is when the date of t begins in a zone.
func midnight(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.Date()
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone) // never in a gap, as midnight can be
	return kpi.Calendar{Location: zone}.Start(noon, kpi.IntervalDay)
}
