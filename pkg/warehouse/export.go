package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// ColumnType is what the values of an exported column are, as Export gives them.
type ColumnType int

// The types of columns. A value is nil where it is null.
const (
	ColumnText    ColumnType = iota // string
	ColumnInteger                   // int64
	ColumnDecimal                   // int64, to be divided by 10^Scale
	ColumnDouble                    // float64
	ColumnTime                      // time.Time, in whole microseconds
	ColumnDay                       // time.Time, midnight in UTC
	ColumnBoolean                   // bool
)

// ExportColumn is a column of an exported table.
type ExportColumn struct {
	Name     string
	Type     ColumnType
	Scale    int  // of a decimal: how many digits are behind the point
	Required bool // never null
}

// ExportTable is a table that can be taken out whole.
type ExportTable struct {
	Name    string
	Title   string // what its rows are, for people
	Columns []ExportColumn
	// Timed says that it is of a stretch of time, and comes in the order of time.
	Timed bool
	sql   string
}

var (
	//go:embed statements/export_events.sql
	exportEventsSQL string
	//go:embed statements/export_extent.sql
	exportExtentSQL string
	//go:embed statements/export_models.sql
	exportModelsSQL string
	//go:embed statements/export_projects.sql
	exportProjectsSQL string
	//go:embed statements/export_regions.sql
	exportRegionsSQL string
	//go:embed statements/export_training_runs.sql
	exportTrainingRunsSQL string
	//go:embed statements/export_factors.sql
	exportFactorsSQL string
	//go:embed statements/export_business.sql
	exportBusinessSQL string
)

// ExportTables lists the tables that can be taken out. Events have the columns of the
// view wattscore.event, in its units, and say of cost and carbon whether they were
// derived by the factors in force.
func ExportTables() []ExportTable {
	text := func(name string) ExportColumn { return ExportColumn{Name: name} }
	key := func(name string) ExportColumn { return ExportColumn{Name: name, Required: true} }
	double := func(name string) ExportColumn { return ExportColumn{Name: name, Type: ColumnDouble} }
	integer := func(name string) ExportColumn { return ExportColumn{Name: name, Type: ColumnInteger} }
	count := func(name string) ExportColumn {
		return ExportColumn{Name: name, Type: ColumnInteger, Required: true}
	}
	decimal := func(name string, scale int) ExportColumn {
		return ExportColumn{Name: name, Type: ColumnDecimal, Scale: scale}
	}
	amount := func(name string, scale int) ExportColumn {
		return ExportColumn{Name: name, Type: ColumnDecimal, Scale: scale, Required: true}
	}
	flag := func(name string) ExportColumn {
		return ExportColumn{Name: name, Type: ColumnBoolean, Required: true}
	}
	day := func(name string) ExportColumn { return ExportColumn{Name: name, Type: ColumnDay} }
	return []ExportTable{
		{Name: "events", Title: "events", Timed: true, sql: exportEventsSQL, Columns: []ExportColumn{
			key("event_id"), {Name: "ts", Type: ColumnTime, Required: true}, count("slice"), key("model"), key("project"), text("team"), text("business_unit"),
			key("region"), text("endpoint"), key("workload"), text("run_id"), count("requests"), count("input_tokens"), count("output_tokens"),
			decimal("latency_ms", 3), amount("it_energy_kwh", 12), decimal("facility_energy_kwh", 12), amount("gpu_memory_hours", 6), amount("gpu_hours", 6),
			decimal("cost_usd", 9), flag("cost_derived"), decimal("carbon_location_kg", 9), flag("carbon_location_derived"),
			decimal("carbon_market_kg", 9), flag("carbon_market_derived"), key("source"), key("quality"),
		}},
		{Name: "models", Title: "models", sql: exportModelsSQL, Columns: []ExportColumn{
			key("name"), text("provider"), text("family"), text("task_class"), double("parameters_billion"), double("accuracy"), text("accuracy_metric"),
			integer("business_criticality"), key("stage"), double("latency_slo_ms"), day("released_on"),
		}},
		{Name: "projects", Title: "projects", sql: exportProjectsSQL, Columns: []ExportColumn{
			key("name"), text("team"), text("business_unit"), text("product_line"), text("cost_centre"), text("owner"),
		}},
		{Name: "regions", Title: "regions", sql: exportRegionsSQL, Columns: []ExportColumn{key("code"), text("cloud"), key("location"), text("country_code")}},
		{Name: "training-runs", Title: "training runs", sql: exportTrainingRunsSQL, Columns: []ExportColumn{
			key("run_id"), text("model"), text("project"), text("feature"), {Name: "started_at", Type: ColumnTime, Required: true},
			{Name: "ended_at", Type: ColumnTime}, integer("gpu_count"), text("gpu_model"), double("accuracy"), text("accuracy_metric"),
		}},
		{Name: "factors", Title: "factors in force", sql: exportFactorsSQL, Columns: []ExportColumn{
			key("region"), key("quantity"), day("valid_from"), double("value"), key("source"), count("source_year"), key("method"), key("boundary"),
		}},
		{Name: "business", Title: "business figures", sql: exportBusinessSQL, Columns: []ExportColumn{day("month"), key("metric"), double("value"), text("business_unit"), key("source")}},
	}
}

// ExportExtent is a span that has every event in it; an empty one where there is none.
func (r *Reader) ExportExtent(ctx context.Context) (kpi.Span, error) {
	var first, last *time.Time
	if err := r.pool.QueryRow(ctx, exportExtentSQL).Scan(&first, &last); err != nil {
		return kpi.Span{}, fmt.Errorf("reading from when to when there are events: %w", err)
	}
	if first == nil || last == nil {
		return kpi.Span{}, nil
	}
	return kpi.Span{From: *first, To: *last}, nil
}

const exportStep = 24 * time.Hour

// ExportDays is how many days of UTC a span touches.
func ExportDays(span kpi.Span) int64 {
	if !span.From.Before(span.To) {
		return 0
	}
	first, last := span.From.UTC().Truncate(exportStep), span.To.UTC().Add(-time.Nanosecond).Truncate(exportStep)
	return int64(last.Sub(first)/exportStep) + 1
}

// Export gives every row of a table to take, values in the order of the columns, which
// hold until take returns. All rows are of one snapshot. A table that is timed is read
// a day (of UTC) of the span at a time, so that neither side holds more. shown is told
// how many days are done.
func (r *Reader) Export(ctx context.Context, table ExportTable, span kpi.Span, shown func(days int64), take func(values []any) error) error {
	units, err := r.Scope(ctx)
	if err != nil {
		return err
	}
	seen := func(statement string) string {
		if units == nil {
			return statement
		}
		return seenViews.Replace(statement)
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, r.pool.Pool, snapshot, func(tx pgx.Tx) error {
		// Every row comes out in order: workers would only wait for each other.
		if _, err := tx.Exec(ctx, "SET LOCAL max_parallel_workers_per_gather = 0"); err != nil {
			return err
		}
		if !table.Timed {
			return exportRows(ctx, tx, table, seen(table.sql), pgx.NamedArgs{}, take)
		}
		for from, done := span.From, int64(1); from.Before(span.To); done++ {
			to := earlier(from.UTC().Truncate(exportStep).Add(exportStep), span.To)
			if err := exportRows(ctx, tx, table, seen(table.sql), pgx.NamedArgs{"from_time": from, "to_time": to}, take); err != nil {
				return err
			}
			shown(done)
			from = to
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("exporting %s: %w", table.Name, err)
	}
	return nil
}

func exportRows(ctx context.Context, tx pgx.Tx, table ExportTable, statement string, args pgx.NamedArgs, take func([]any) error) error {
	rows, err := tx.Query(ctx, statement, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		if len(values) != len(table.Columns) {
			return fmt.Errorf("the statement gives %d columns and %d are described", len(values), len(table.Columns))
		}
		if err := take(values); err != nil {
			return err
		}
	}
	return rows.Err()
}
