package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Reader answers from the warehouse. Its login needs no more than
// wattscore_reader, or wattscore_scoped. It is safe for concurrent use.
type Reader struct {
	pool     *readPool
	mu       sync.Mutex
	calendar *kpi.Calendar // as last seen; every answer checks it
}

// NewReader returns a Reader on pool, which the caller closes.
func NewReader(pool *pgxpool.Pool) *Reader { return &Reader{pool: &readPool{Pool: pool}} }

// FactorVersion names one set of factors.
type FactorVersion struct {
	ID        int
	Name      string
	CreatedAt time.Time
	InForce   bool
}

// Provenance says what an answer rests on.
type Provenance struct {
	// FactorVersion is what priced the answer; its ID is 0 where none is in force.
	FactorVersion FactorVersion
	// NewestEvent is the time of the newest event in the warehouse, zero if none.
	NewestEvent time.Time
	Calendar    kpi.Calendar
	// SQL is the statement that ran.
	SQL string
}

// ErrNoSuchFactorVersion is what a query gets that asks for a factor version
// nobody made.
var ErrNoSuchFactorVersion = errors.New("there is no such factor version; the resource /factor-versions lists them")

//go:embed statements/provenance.sql
var provenanceSQL string

// Calendar returns the company's calendar.
func (r *Reader) Calendar(ctx context.Context) (kpi.Calendar, error) {
	r.mu.Lock()
	known := r.calendar
	r.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	provenance, err := scanProvenance(r.pool.QueryRow(ctx, provenanceSQL, pgx.NamedArgs{"factor_version": nil}))
	if err != nil {
		return kpi.Calendar{}, err
	}
	r.remember(provenance.Calendar)
	return provenance.Calendar, nil
}

func (r *Reader) remember(calendar kpi.Calendar) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calendar = &calendar
}

func scanProvenance(row pgx.Row) (Provenance, error) {
	var (
		p           Provenance
		versionID   *int
		versionName *string
		zone        string
		month       int
		newest      *time.Time
	)
	if err := row.Scan(&versionID, &versionName, &zone, &month, &newest); err != nil {
		return p, fmt.Errorf("reading the calendar and the factor version: %w", err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return p, fmt.Errorf("the warehouse's time zone: %w", err)
	}
	p.Calendar = kpi.Calendar{Location: location, FiscalYearStartMonth: time.Month(month)}
	if versionID != nil {
		p.FactorVersion = FactorVersion{ID: *versionID, Name: *versionName}
	}
	if newest != nil {
		p.NewestEvent = *newest
	}
	return p, nil
}

// State names the state of the database that a statement sees now. It is the same
// as long as nothing is committed: a transaction that writes has an id, which is
// either running or over in PostgreSQL's snapshot. A standby's snapshot does not list
// them, so there it is how far the log has been replayed.
func (r *Reader) State(ctx context.Context) (string, error) {
	var state string
	err := r.pool.QueryRow(ctx, "SELECT concat_ws(' ', pg_current_snapshot(), pg_postmaster_start_time(), pg_last_wal_replay_lsn())").Scan(&state)
	if err != nil {
		return "", fmt.Errorf("looking for what was committed: %w", err)
	}
	return state, nil
}

// FactorVersions lists all factor versions, newest first.
func (r *Reader) FactorVersions(ctx context.Context) ([]FactorVersion, error) {
	rows, err := r.pool.Query(ctx, "SELECT version_id, name, created_at, in_force FROM wattscore.factor_version ORDER BY version_id DESC")
	if err != nil {
		return nil, fmt.Errorf("reading the factor versions: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FactorVersion])
	if err != nil {
		return nil, fmt.Errorf("reading the factor versions: %w", err)
	}
	return versions, nil
}

//go:embed statements/dimension_members.sql
var dimensionMembersSQL string

// DimensionMembers lists the members of a dimension by name. Filters on business
// unit, team and project narrow the dimensions of the project.
func (r *Reader) DimensionMembers(ctx context.Context, dimension kpi.Dimension, filters kpi.Filters) ([]string, error) {
	args := filterArguments(filters)
	args["dimension"] = string(dimension)
	rows, err := r.pool.Query(ctx, dimensionMembersSQL, args)
	if err != nil {
		return nil, fmt.Errorf("listing the members of %s: %w", dimension, err)
	}
	members, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("listing the members of %s: %w", dimension, err)
	}
	return members, nil
}

// filterArguments turns filters into named arguments; no restriction is NULL.
func filterArguments(filters kpi.Filters) pgx.NamedArgs {
	args := pgx.NamedArgs{}
	for dimension, name := range map[kpi.Dimension]string{
		kpi.DimensionBusinessUnit: "business_units", kpi.DimensionTeam: "teams", kpi.DimensionProject: "projects",
		kpi.DimensionModel: "models", kpi.DimensionRegion: "regions", kpi.DimensionWorkload: "workloads",
		kpi.DimensionEndpoint: "endpoints",
	} {
		args[name] = nil
		if members := filters[dimension]; len(members) > 0 {
			args[name] = members
		}
	}
	return args
}
