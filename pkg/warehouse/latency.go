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

//go:embed statements/latency.sql
var latencySQL string

// LatencyRequest asks for the latencies of each group in each step.
type LatencyRequest struct {
	Span    kpi.Span      // its ends lie on full hours, or on midnights where ByDay
	ByDay   bool          // the steps are days of the company's zone, else hours
	GroupBy kpi.Dimension // empty: all is one group
	Filters kpi.Filters
}

// LatencyRow holds the latencies of one group in one step.
type LatencyRow struct {
	Start     time.Time
	Member    string // empty where all is one group
	Histogram kpi.LatencyHistogram
	// Judged counts the requests whose model has a latency objective, Breaches those
	// of them that were slower.
	Judged, Breaches int64
	// Objective in milliseconds; nil where the group has several or none.
	Objective *float64
}

// Latency lists the latencies by step and group; a group without requests that
// reported one has no row.
func (r *Reader) Latency(ctx context.Context, request LatencyRequest) ([]LatencyRow, error) {
	args := filterArguments(request.Filters)
	args["from_time"], args["to_time"] = request.Span.From, request.Span.To
	statement, err := latencyStatement(request)
	if err != nil {
		return nil, err
	}
	rows, err := r.pool.Query(ctx, statement, args)
	if err != nil {
		return nil, fmt.Errorf("reading the latencies: %w", err)
	}
	latencies, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (LatencyRow, error) {
		l := LatencyRow{Histogram: kpi.LatencyHistogram{}}
		var bins []int32
		var counts []int64
		if err := row.Scan(&l.Start, &l.Member, &bins, &counts, &l.Judged, &l.Breaches, &l.Objective); err != nil {
			return l, err
		}
		for i, bin := range bins {
			l.Histogram.Add(int(bin), counts[i])
		}
		return l, nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the latencies: %w", err)
	}
	return latencies, nil
}

// latencyStatement is latency.sql with the roll-up, steps and conditions of a
// request. All text is ours; what a person names is an argument.
func latencyStatement(request LatencyRequest) (string, error) {
	key, member, join := "NULL::int", "''", ""
	if request.GroupBy != "" {
		expression, ok := memberExpressions[request.GroupBy]
		if !ok {
			return "", fmt.Errorf("latencies cannot be grouped by %q", request.GroupBy)
		}
		table, _, _ := strings.Cut(expression, ".")
		key, join = keyColumns[table], strings.Replace(memberJoins[table], "b."+keyColumns[table], "c.key", 1)
		if table == "m" {
			join = " LEFT JOIN wattscore.model m ON m.model_id = c.key"
		}
		if table == "w" {
			join = " LEFT JOIN wattscore.workload w ON w.workload_id = c.key"
		}
		member = "coalesce(" + expression + `, '__none__') COLLATE "C"`
	}
	rollup, step, tailStep := "wattscore.rollup_latency_hour", "bucket", "bucket"
	if request.ByDay {
		tailStep = "date_trunc('day', bucket, (SELECT time_zone FROM wattscore.calendar_setting))"
		if familyFor(UsageRequest{GroupBy: groupOrNone(request.GroupBy), Filters: request.Filters, Omit: MeasureScore}).name != "rollup" &&
			!restricts(request.Filters, kpi.DimensionRegion, kpi.DimensionWorkload) && key != "region_id" && key != "workload_id" {
			rollup = "wattscore.rollup_latency_model_day" // whose buckets are days
		} else {
			step = tailStep
		}
	}
	return strings.NewReplacer(
		"/* step */", step, "/* step of tail */", tailStep, "/* key */", key, "/* rollup */", rollup, " /* filter */", filterConditions(request.Filters),
		"/* member */", member, " /* join */", join,
	).Replace(latencySQL), nil
}

func groupOrNone(dimension kpi.Dimension) []kpi.Dimension {
	if dimension == "" {
		return nil
	}
	return []kpi.Dimension{dimension}
}

// restricts says whether filters name members of any of the dimensions.
func restricts(filters kpi.Filters, dimensions ...kpi.Dimension) bool {
	for _, dimension := range dimensions {
		if len(filters[dimension]) > 0 {
			return true
		}
	}
	return false
}

// LatencySQL is the statement behind Latency, for an answer's metadata.
func LatencySQL() string { return latencySQL }
