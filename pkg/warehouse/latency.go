package warehouse

import (
	"context"
	_ "embed"
	"fmt"
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
	args["from_time"], args["to_time"], args["by_day"] = request.Span.From, request.Span.To, request.ByDay
	args["dimension"] = string(request.GroupBy)
	rows, err := r.pool.Query(ctx, latencySQL, args)
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

// LatencySQL is the statement behind Latency, for an answer's metadata.
func LatencySQL() string { return latencySQL }
