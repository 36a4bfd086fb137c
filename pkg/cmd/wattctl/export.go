package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/export"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// exportFlags are what an export is asked with.
type exportFlags struct{ from, to, format, output string }

func exportCommand(c console) *cobra.Command {
	var commands []*cobra.Command
	for _, table := range warehouse.ExportTables() {
		commands = append(commands, c.exportTableCommand(table))
	}
	command := group("export", "Take events, models, projects and more out, as Parquet or CSV", commands...)
	command.Long = "Takes a table out of the warehouse into a file that other warehouses load, in kWh, kg CO2e, ms and USD. All rows are\n" +
		"of one snapshot. The file appears when it is complete. How Snowflake, BigQuery and others load it: docs/warehouses.md."
	return command
}

func (c console) exportTableCommand(table warehouse.ExportTable) *cobra.Command {
	var flags exportFlags
	names := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		names[i] = column.Name
	}
	command := &cobra.Command{
		Use:   table.Name + " --output FILE",
		Short: "Take the " + table.Title + " out",
		Long:  "Takes the " + table.Title + " out, with the columns\n  " + strings.Join(names, ", "),
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.export(cmd, table, flags) },
	}
	f := command.Flags()
	f.StringVar(&flags.output, "output", "", "the file to write")
	f.StringVar(&flags.format, "format", string(export.Parquet), "write it as parquet or csv")
	if table.Timed {
		f.StringVar(&flags.from, "from", "", "when the events begin: 2026-01-01, a time, or now-7d (default: with the first)")
		f.StringVar(&flags.to, "to", "", "when they end, which is not in it (default: with the newest)")
	}
	if err := command.MarkFlagRequired("output"); err != nil {
		panic(err) // the flag is defined above
	}
	return command
}

func (c console) export(cmd *cobra.Command, table warehouse.ExportTable, flags exportFlags) error {
	format := export.Format(flags.format)
	if !slices.Contains(export.Formats(), format) {
		return usage("--format %q: it must be parquet or csv", flags.format)
	}
	if (flags.from == "") != (flags.to == "") {
		return usage("--from and --to go together: give both, or neither for all events")
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	reader := warehouse.NewReader(pool)
	var span kpi.Span
	if table.Timed {
		if span, err = exportSpan(cmd.Context(), reader, flags); err != nil {
			return err
		}
	}
	days, end := func(int64) {}, func() {}
	if table.Timed {
		shown := c.showProgress(table.Name+", days", warehouse.ExportDays(span), false)
		days, end = shown.set, shown.end
	}
	rows, err := export.ToFile(cmd.Context(), reader, table, span, format, flags.output, days)
	end()
	if err != nil {
		return err
	}
	c.answer("wrote %d %s to %s", rows, table.Title, flags.output)
	return nil
}

// exportSpan is the stretch of time that was asked for, else one with every event in it.
func exportSpan(ctx context.Context, reader *warehouse.Reader, flags exportFlags) (kpi.Span, error) {
	if flags.from == "" {
		return reader.ExportExtent(ctx)
	}
	calendar, err := reader.Calendar(ctx)
	if err != nil {
		return kpi.Span{}, err
	}
	now := time.Now()
	from, err := parseTime(flags.from, calendar.Location, now)
	if err != nil {
		return kpi.Span{}, &usageError{fmt.Errorf("--from: %w", err)}
	}
	to, err := parseTime(flags.to, calendar.Location, now)
	if err != nil {
		return kpi.Span{}, &usageError{fmt.Errorf("--to: %w", err)}
	}
	if !from.Before(to) {
		return kpi.Span{}, usage("--from %s is not before --to %s", flags.from, flags.to)
	}
	return kpi.Span{From: from, To: to}, nil
}
