package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"
)

//go:embed statements/inspect.sql
var inspectSQL string

// Condition is the state of a warehouse as its login sees it.
type Condition struct {
	ServerVersion string
	SchemaVersion int64 // 0: the schema is not there
	// MayWrite says that the login can change the warehouse, which answering
	// dashboards never needs.
	MayWrite bool
	User     string
	// NewestEvent is zero in an empty warehouse.
	NewestEvent  time.Time
	RolledUpAt   time.Time
	FactsWaiting int64 // not rolled up yet, counted up to 100,000
	// Restored says that the warehouse came from another server's dump and takes no
	// facts until the next refresh of its roll-ups. Its answers are right.
	Restored bool
	ScaleOut ScaleOut
	// FactsFrom is since when the facts themselves are kept; zero: none was dropped.
	FactsFrom time.Time
}

// Inspect looks at the warehouse for a health check.
func (r *Reader) Inspect(ctx context.Context) (Condition, error) {
	var c Condition
	var installed bool
	err := r.pool.QueryRow(ctx, `SELECT current_setting('server_version'), current_user,
		to_regclass('wattscore.schema_migration') IS NOT NULL AND has_schema_privilege('wattscore', 'USAGE')`).
		Scan(&c.ServerVersion, &c.User, &installed)
	if err != nil {
		return c, fmt.Errorf("connecting to the database: %w", err)
	}
	if !installed {
		return c, nil
	}
	var newest, factsFrom *time.Time
	err = r.pool.QueryRow(ctx, inspectSQL).Scan(&c.SchemaVersion, &c.MayWrite, &newest, &c.RolledUpAt, &c.FactsWaiting, &c.Restored, &factsFrom)
	if err != nil {
		return c, fmt.Errorf("inspecting the warehouse: %w", err)
	}
	if c.ScaleOut, err = r.ProbeScaleOut(ctx); err != nil {
		return c, err
	}
	if newest != nil {
		c.NewestEvent = *newest
	}
	if factsFrom != nil {
		c.FactsFrom = *factsFrom
	}
	return c, nil
}
