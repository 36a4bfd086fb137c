package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed statements/inspect.sql
var inspectSQL string

// MostFactsWaiting is how far Condition counts the facts that are not rolled up
// yet: more would take long to count, and an answer long to read.
const MostFactsWaiting = 100_000

// Condition is the state of a warehouse as its login sees it.
type Condition struct {
	ServerVersion string
	SchemaVersion int64 // 0: the schema is not there; all below is empty unless it is the program's own
	// MayWrite says that the login can change the warehouse, which answering
	// dashboards never needs.
	MayWrite bool
	User     string
	// NewestEvent is zero in an empty warehouse.
	NewestEvent  time.Time
	RolledUpAt   time.Time
	FactsWaiting int64 // not rolled up yet, counted up to MostFactsWaiting
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
	err = r.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM wattscore.schema_migration WHERE is_applied").Scan(&c.SchemaVersion)
	if err != nil {
		return c, fmt.Errorf("reading the schema's version: %w", err)
	}
	if c.SchemaVersion != SchemaVersion() {
		return c, nil // what is in it is not known to this program
	}
	err = r.pool.QueryRow(ctx, inspectSQL, pgx.NamedArgs{"most_facts": MostFactsWaiting}).Scan(&c.MayWrite, &newest, &c.RolledUpAt, &c.FactsWaiting, &c.Restored, &factsFrom)
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
