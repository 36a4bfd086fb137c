package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/latency.sql
var latencySQL string

//go:embed statements/latency_days.sql
var latencyDaysSQL string

// LatencyRequest asks for the latencies of each group in each step.
type LatencyRequest struct {
	Span    kpi.Span      // its ends lie on full hours, or on midnights where ByDay
	ByDay   bool          // the steps are days of the company's zone, else hours
	GroupBy kpi.Dimension // empty: all is one group
	Filters kpi.Filters
	// BreachesOnly lets rows go without their histogram, which may be faster.
	BreachesOnly bool
}

// LatencyRow holds the latencies of one group in one step.
type LatencyRow struct {
	Start     time.Time
	Member    string               // empty where all is one group
	Histogram kpi.LatencyHistogram // may be empty where BreachesOnly
	// Judged counts the requests whose model has a latency objective, Breaches those
	// of them that were slower.
	Judged, Breaches int64
	// Objective in milliseconds; nil where the group has several or none.
	Objective *float64
}

// Latency lists the latencies by step and group, with the statement that ran; a
// group without requests that reported one has no row.
func (r *Reader) Latency(ctx context.Context, request LatencyRequest) ([]LatencyRow, string, error) {
	args := filterArguments(request.Filters)
	args["from_time"], args["to_time"] = request.Span.From, request.Span.To
	scoped, err := r.isScoped(ctx)
	if err != nil {
		return nil, "", err
	}
	statement, err := latencyStatement(request, scoped)
	if err != nil {
		return nil, "", err
	}
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return nil, "", err
	}
	rows, err := r.pool.Query(ctx, statement, args)
	if err != nil {
		return nil, "", fmt.Errorf("reading the latencies: %w", err)
	}
	latencies, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (LatencyRow, error) {
		var l LatencyRow
		var bins []int
		var counts []int64
		if err := row.Scan(&l.Start, &l.Member, &bins, &counts, &l.Judged, &l.Breaches, &l.Objective); err != nil {
			return l, err
		}
		if request.ByDay { // a day with two midnights carries the second
			l.Start = calendar.Start(l.Start, kpi.IntervalDay)
		}
		l.Histogram.Add(bins, counts)
		return l, nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("reading the latencies: %w", err)
	}
	latencies = slices.DeleteFunc(latencies, func(l LatencyRow) bool { return l.Histogram.Empty() && l.Judged == 0 }) // or all were removed
	return latencies, statement, nil
}

// latencyStatement is latency_days.sql where a request needs no more and projects need
// not be told apart, else
// latency.sql with the roll-up, steps and conditions of the request. All text is
// ours; what a person names is an argument.
func latencyStatement(request LatencyRequest, projectsApart bool) (string, error) {
	var groupBy []kpi.Dimension
	key, member, join := "NULL::int", "''", ""
	if request.GroupBy != "" {
		expression, alias, err := memberOf(request.GroupBy)
		if err != nil {
			return "", err
		}
		groupBy = []kpi.Dimension{request.GroupBy}
		key, member, join = memberTables[alias].key, expression, memberJoin(alias, "c.key")
	}
	needed := keysNeeded(groupBy, request.Filters)
	if request.ByDay && len(needed) == 0 && !projectsApart {
		if request.BreachesOnly {
			return strings.ReplaceAll(latencyDaysSQL, "/* if binned */ true", "false"), nil
		}
		return latencyDaysSQL, nil
	}
	const local = "date_trunc('day', bucket, (SELECT time_zone FROM wattscore.calendar_setting))"
	rollup, step, tailStep := "wattscore.rollup_latency_hour", "bucket", "bucket"
	byModel := family{"rollup_latency_model_day", []string{"model_id"}}
	switch {
	case request.ByDay && byModel.has(needed) && !projectsApart:
		rollup, tailStep = "wattscore."+byModel.name, local // its buckets are days already
	case request.ByDay:
		step, tailStep = local, local
	}
	return strings.NewReplacer(
		"/* step */", step, "/* step of tail */", tailStep, "/* key */", key, "/* rollup */", rollup, " /* filter */", filterConditions(request.Filters),
		"/* member */", member, " /* join */", join,
	).Replace(latencySQL), nil
}
