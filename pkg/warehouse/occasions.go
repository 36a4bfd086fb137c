package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/model_releases.sql
	modelReleasesSQL string
	//go:embed statements/restatements.sql
	restatementsSQL string
)

// ModelRelease is the day a model went into production.
type ModelRelease struct {
	Model     string
	Provider  string
	TaskClass string
	// Named is false where nobody named the day, and it is that of the model's
	// first request.
	Named bool
	Time  time.Time
}

// ModelReleases lists the models released in a span, by time. The filter on
// models applies.
func (r *Reader) ModelReleases(ctx context.Context, span kpi.Span, filters kpi.Filters) ([]ModelRelease, error) {
	args := filterArguments(filters)
	args["from_time"], args["to_time"], args["reserved"] = span.From, span.To, []string{kpi.Idle, kpi.Unallocated}
	statement := modelReleasesSQL
	scoped, err := r.isScoped(ctx)
	if err != nil {
		return nil, err
	}
	if scoped {
		statement = strings.ReplaceAll(statement, "wattscore.rollup_model_", "wattscore.rollup_")
	}
	return collect[ModelRelease](ctx, r, "the model releases", statement, args)
}

// Restatement is a change of the factors in force: from then on every answer that
// names no version is computed with another.
type Restatement struct {
	Time            time.Time
	FromVersion     int // 0: none was in force
	FromVersionName string
	ToVersion       int
	ToVersionName   string
}

// RestatementsSQL is the statement that Restatements sends.
func RestatementsSQL() string { return restatementsSQL }

// Restatements lists the restatements in a span, by time.
func (r *Reader) Restatements(ctx context.Context, span kpi.Span) ([]Restatement, error) {
	return collect[Restatement](ctx, r, "the restatements", restatementsSQL,
		pgx.NamedArgs{"from_time": span.From, "to_time": span.To})
}

func collect[T any](ctx context.Context, r *Reader, what, sql string, args pgx.NamedArgs) ([]T, error) {
	rows, err := r.pool.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	occasions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return occasions, nil
}
