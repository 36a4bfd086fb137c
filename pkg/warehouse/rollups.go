package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RefreshRollups adds what has been committed since the last call to the
// roll-ups and returns the number of facts. Answers are exact without it; they
// are faster after it. It does nothing, and returns 0, while somebody else refreshes,
// makes a month or maintains the facts' table (ANALYZE, an index). In a warehouse that
// was restored on another server it also takes the restored roll-ups over.
func (s *Store) RefreshRollups(ctx context.Context) (int64, error) {
	var facts *int64
	if err := s.pool.QueryRow(ctx, "SELECT wattscore.refresh_rollups()").Scan(&facts); err != nil {
		return 0, fmt.Errorf("refreshing the roll-ups: %w", err)
	}
	if facts == nil { // somebody else has the lock
		return 0, nil
	}
	return *facts, nil
}

// RebuildRollups makes the roll-ups again from the facts and returns their
// number. The roll-ups of facts that were dropped stay as they are. It needs the
// owner's login.
func (s *Store) RebuildRollups(ctx context.Context) (int64, error) {
	var facts int64
	if err := s.pool.QueryRow(ctx, "SELECT wattscore.rebuild_rollups()").Scan(&facts); err != nil {
		return 0, fmt.Errorf("rebuilding the roll-ups: %w", err)
	}
	return facts, nil
}

// PrepareMonths makes the partitions of the facts from now to some months ahead,
// so that no writer waits for one, and returns how many were new.
func (s *Store) PrepareMonths(ctx context.Context, now time.Time, ahead int) (int, error) {
	var made int
	if err := s.pool.QueryRow(ctx, "SELECT wattscore.ensure_partitions($1, $2)", now, now.AddDate(0, ahead, 0)).Scan(&made); err != nil {
		return 0, fmt.Errorf("making the partitions ahead: %w", err)
	}
	return made, nil
}

// DropFacts drops the monthly tables of facts and GPU samples that end by a time
// and returns their names. Their roll-ups stay, and so do answers by the hour;
// what is gone is the evidence of single events. A month that is not wholly
// rolled up stays. It needs the owner's login.
func (s *Store) DropFacts(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := s.pool.Query(ctx, "SELECT wattscore.drop_facts_before($1)", before)
	if err != nil {
		return nil, fmt.Errorf("dropping old facts: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("dropping old facts: %w", err)
	}
	return tables, nil
}

// RollupDifference is a bucket of a roll-up that does not equal its facts.
type RollupDifference struct {
	Rollup                                     string // its table, such as rollup_site_day
	Bucket                                     time.Time
	Model, Project, Region, Endpoint, Workload string
	// Excess is the roll-up less the facts of each measure that differs, in the
	// roll-up's own units; of a latency roll-up, the requests of each bin.
	Excess map[string]float64
}

const verifyRollupsSQL = `
SELECT v.rollup, v.bucket, coalesce(m.name, ''), coalesce(p.name, ''), coalesce(r.code, ''), coalesce(e.name, ''), coalesce(w.code, ''), v.excess
FROM wattscore.verify_rollups() v
LEFT JOIN wattscore.model m USING (model_id)
LEFT JOIN wattscore.project p USING (project_id)
LEFT JOIN wattscore.region r USING (region_id)
LEFT JOIN wattscore.endpoint e USING (endpoint_id)
LEFT JOIN wattscore.workload w USING (workload_id)
ORDER BY v.rollup, v.bucket, 3, 4, 5, 6, 7`

// VerifyRollups compares every roll-up with the facts that are still there, to
// the last bit and in one snapshot, and lists what differs: nothing, if all is
// well. It reads every fact.
func (r *Reader) VerifyRollups(ctx context.Context) ([]RollupDifference, error) {
	rows, err := r.pool.Query(ctx, verifyRollupsSQL)
	if err != nil {
		return nil, fmt.Errorf("verifying the roll-ups: %w", err)
	}
	differences, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RollupDifference])
	if err != nil {
		return nil, fmt.Errorf("verifying the roll-ups: %w", err)
	}
	return differences, nil
}

// isRestored says whether facts were refused because the warehouse was restored
// on another server.
func isRestored(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "55000"
}
