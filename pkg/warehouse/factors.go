package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/factors.sql
var factorsSQL string

// FactorPeriod holds the factors of a region for a stretch of time in which none
// of them changes. A pointer is nil where no figure is known.
type FactorPeriod struct {
	Region           string // its code, such as us-central1
	Location         string // its place, such as Iowa
	From, To         time.Time
	PUE              *float64
	ElectricityPrice *float64 // USD per kWh
	GridLocation     *float64 // g CO2e per kWh, the grid's average
	GridMarket       *float64 // g CO2e per kWh, by the supply contracts, else GridLocation
}

// Factors lists the factors of every region that hold in a span, by region and
// time, cut to the span. Version 0 is the one in force; of a version that does
// not exist there are none.
func (r *Reader) Factors(ctx context.Context, version int, span kpi.Span) ([]FactorPeriod, error) {
	rows, err := r.pool.Query(ctx, factorsSQL, pgx.NamedArgs{
		"from_time": span.From, "to_time": span.To, "factor_version": versionArgument(version),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the factors: %w", err)
	}
	factors, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FactorPeriod])
	if err != nil {
		return nil, fmt.Errorf("reading the factors: %w", err)
	}
	return factors, nil
}
