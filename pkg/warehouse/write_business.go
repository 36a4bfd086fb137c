package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// BusinessMetric is a figure of the business in a month.
type BusinessMetric struct {
	Month        time.Time // its first day; the time of day does not count
	Metric       string    // one of BusinessMetrics, or the company's own: small letters, digits and _
	BusinessUnit string    // empty: the whole company
	Value        float64   // USD for revenue and arr, a count for transactions and active_users
	Source       string
}

// BusinessMetrics lists the metrics that answers are computed with: revenue and annual
// recurring revenue in USD, transactions and active users as counts.
func BusinessMetrics() []string { return []string{"revenue", "arr", "transactions", "active_users"} }

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// CostBudget is what may be spent on a day.
type CostBudget struct {
	Day          time.Time
	BusinessUnit string // empty: the whole company
	USD          float64
	Source       string
}

// CarbonBudget is what may be emitted in a week, location-based.
type CarbonBudget struct {
	Week         time.Time // its Monday (ISO 8601)
	BusinessUnit string    // empty: the whole company
	Kilograms    float64   // CO2e
	Source       string
}

//go:embed statements/upsert_business_metrics.sql
var upsertBusinessMetricsSQL string

//go:embed statements/upsert_cost_budgets.sql
var upsertCostBudgetsSQL string

//go:embed statements/upsert_carbon_budgets.sql
var upsertCarbonBudgetsSQL string

// WriteBusinessMetrics stores figures of the business; a figure of the same
// month, metric and business unit is replaced.
func (s *Store) WriteBusinessMetrics(ctx context.Context, metrics []BusinessMetric) (WriteResult, error) {
	accepted, result := screen(metrics, func(m BusinessMetric) string {
		return keyOf(m.Month.Format("2006-01"), m.Metric, m.BusinessUnit)
	}, BusinessMetric.check)
	err := s.writeBusiness(ctx, &result, accepted, upsertBusinessMetricsSQL, pgx.NamedArgs{
		"month":         column(metrics, accepted, func(m BusinessMetric) time.Time { return m.Month }),
		"metric":        column(metrics, accepted, func(m BusinessMetric) string { return m.Metric }),
		"business_unit": column(metrics, accepted, func(m BusinessMetric) string { return m.BusinessUnit }),
		"value":         column(metrics, accepted, func(m BusinessMetric) float64 { return m.Value }),
		"source":        column(metrics, accepted, func(m BusinessMetric) string { return m.Source }),
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d business metrics: %w", len(accepted), err)
	}
	return result, nil
}

func (m BusinessMetric) check() error {
	switch {
	case !metricName.MatchString(m.Metric):
		return fmt.Errorf("%q is no name of a metric: it is one of %s, or small letters, digits and _", m.Metric, strings.Join(BusinessMetrics(), ", "))
	case m.Month.Day() != 1:
		return fmt.Errorf("month %s does not begin on the first", m.Month.Format(time.DateOnly))
	case m.Source == "":
		return errNoSource
	}
	return errors.Join(checkDay("month", m.Month, EarliestEvent), checkAmount(m.Metric, &m.Value, 0), checkText(m.BusinessUnit, m.Source))
}

// WriteCostBudgets stores budgets in USD; a budget of the same day and business
// unit is replaced.
func (s *Store) WriteCostBudgets(ctx context.Context, budgets []CostBudget) (WriteResult, error) {
	accepted, result := screen(budgets, func(b CostBudget) string {
		return keyOf(b.Day.Format(time.DateOnly), b.BusinessUnit)
	}, CostBudget.check)
	err := s.writeBusiness(ctx, &result, accepted, upsertCostBudgetsSQL, pgx.NamedArgs{
		"day":           column(budgets, accepted, func(b CostBudget) time.Time { return b.Day }),
		"business_unit": column(budgets, accepted, func(b CostBudget) string { return b.BusinessUnit }),
		"usd":           column(budgets, accepted, func(b CostBudget) float64 { return b.USD }),
		"source":        column(budgets, accepted, func(b CostBudget) string { return b.Source }),
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d cost budgets: %w", len(accepted), err)
	}
	return result, nil
}

func (b CostBudget) check() error {
	if b.Source == "" {
		return errNoSource
	}
	return errors.Join(checkDay("day", b.Day, EarliestEvent), checkAmount("budget", &b.USD, 0), checkText(b.BusinessUnit, b.Source))
}

// WriteCarbonBudgets stores budgets in kg CO2e; a budget of the same week and
// business unit is replaced.
func (s *Store) WriteCarbonBudgets(ctx context.Context, budgets []CarbonBudget) (WriteResult, error) {
	accepted, result := screen(budgets, func(b CarbonBudget) string {
		return keyOf(b.Week.Format(time.DateOnly), b.BusinessUnit)
	}, CarbonBudget.check)
	err := s.writeBusiness(ctx, &result, accepted, upsertCarbonBudgetsSQL, pgx.NamedArgs{
		"week":          column(budgets, accepted, func(b CarbonBudget) time.Time { return b.Week }),
		"business_unit": column(budgets, accepted, func(b CarbonBudget) string { return b.BusinessUnit }),
		"kg":            column(budgets, accepted, func(b CarbonBudget) float64 { return b.Kilograms }),
		"source":        column(budgets, accepted, func(b CarbonBudget) string { return b.Source }),
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d carbon budgets: %w", len(accepted), err)
	}
	return result, nil
}

func (b CarbonBudget) check() error {
	switch {
	case b.Week.Weekday() != time.Monday:
		return fmt.Errorf("week %s does not begin on a Monday", b.Week.Format(time.DateOnly))
	case b.Source == "":
		return errNoSource
	}
	return errors.Join(checkDay("week", b.Week, EarliestEvent), checkAmount("budget", &b.Kilograms, 0), checkText(b.BusinessUnit, b.Source))
}

func (s *Store) writeBusiness(ctx context.Context, result *WriteResult, accepted []int, statement string, arguments pgx.NamedArgs) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return result.store(ctx, tx, statement, arguments, accepted)
	})
}
