package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/report"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// reportFlags are what a report is asked with.
type reportFlags struct {
	period, format, output string
	filters                []string
}

// reportWriters are the formats of a report, by name.
var reportWriters = map[string]func(*report.Report, io.Writer) error{
	"html": (*report.Report).WriteHTML, "md": (*report.Report).WriteMarkdown, "csv": (*report.Report).WriteCSV,
}

func reportCommand(c console) *cobra.Command {
	var flags reportFlags
	command := &cobra.Command{
		Use:   "report --period PERIOD",
		Short: "Write the executive report of a month, a quarter or a year",
		Long: "Writes the executive report: one page for people (html, which prints on two sheets), Markdown, or CSV.\n" +
			"PERIOD is a fiscal quarter (2026-Q3), a month (2026-09), a fiscal year (2026, named after the calendar year it ends in),\n" +
			"last-quarter or last-month. The fiscal year is the warehouse's: wattctl db calendar.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.report(cmd, flags) },
	}
	f := command.Flags()
	f.StringVar(&flags.period, "period", "", "what to report: 2026-Q3, 2026-09, 2026, last-quarter or last-month")
	f.StringVar(&flags.format, "format", "html", "write it as html, md or csv")
	f.StringVar(&flags.output, "output", "", "the file to write (default: the answer goes to the terminal)")
	f.StringArrayVar(&flags.filters, "filter", nil, "DIMENSION=MEMBER; may be repeated")
	if err := command.MarkFlagRequired("period"); err != nil {
		panic(err) // the flag is defined above
	}
	return command
}

func (c console) report(cmd *cobra.Command, flags reportFlags) error {
	write, known := reportWriters[flags.format]
	if !known {
		return usage("--format %q: it must be html, md or csv", flags.format)
	}
	asked := queryFlags{filters: flags.filters}
	if _, err := asked.body("kpi"); err != nil {
		return err // before a connection is made
	}
	filters, err := asked.parsedFilters()
	if err != nil {
		return err
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	reader := warehouse.NewReader(pool)
	calendar, err := reader.Calendar(cmd.Context())
	if err != nil {
		return err
	}
	now := time.Now()
	period, err := report.ParsePeriod(flags.period, calendar, now)
	if err != nil {
		return &usageError{fmt.Errorf("--period: %w", err)}
	}
	log.DefaultLogger = log.NewNullLogger() // the answer says what went wrong
	instance := plugin.NewInstanceOn(pool, query.Company{})
	made, err := report.Make(cmd.Context(), askAll(instance), report.Options{Period: period, Calendar: calendar, Filters: filters, Now: now})
	if err != nil {
		return err
	}
	if made.FactorVersion != 0 {
		if made.FactorSources, err = factorSources(cmd.Context(), reader, made, filters); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	if err := write(made, &page); err != nil {
		return fmt.Errorf("writing the report as %s: %w", flags.format, err)
	}
	if flags.output == "" {
		_, err := page.WriteTo(c.out)
		return err
	}
	if err := os.WriteFile(flags.output, page.Bytes(), 0o644); err != nil { //nolint:gosec // a report is to be read
		return fmt.Errorf("--output: %w", err)
	}
	c.tell("%s (%s to %s) is in %s.", period.Name, period.From.Format(time.DateOnly), period.To.Add(-time.Nanosecond).Format(time.DateOnly), flags.output)
	return nil
}

// askAll answers queries side by side, as a dashboard's panels are.
func askAll(instance *plugin.Instance) report.Ask {
	return func(ctx context.Context, queries []backend.DataQuery) (map[string]data.Frames, error) {
		response, err := instance.QueryData(ctx, &backend.QueryDataRequest{Queries: queries})
		if err != nil {
			return nil, err
		}
		frames := map[string]data.Frames{}
		for _, q := range queries {
			answer := response.Responses[q.RefID]
			if answer.Error != nil && answer.Status == backend.StatusBadRequest {
				return nil, &usageError{answer.Error}
			}
			if answer.Error != nil {
				return nil, fmt.Errorf("%s: %w", q.QueryType, answer.Error)
			}
			frames[q.RefID] = answer.Frames
		}
		return frames, nil
	}
}

// factorSources lists where the figures that priced the energy are from, once each.
func factorSources(ctx context.Context, reader *warehouse.Reader, made *report.Report, filters kpi.Filters) ([]report.FactorSource, error) {
	figures, err := reader.AuditFactors(ctx, made.FactorVersion, made.Elapsed, filters)
	if err != nil {
		return nil, err
	}
	type origin struct{ quantity, source string }
	years := map[origin][]int{}
	for _, f := range figures {
		from := origin{factorNames[f.Quantity], f.Source}
		if !slices.Contains(years[from], f.SourceYear) {
			years[from] = append(years[from], f.SourceYear)
		}
	}
	var sources []report.FactorSource
	for _, from := range slices.SortedFunc(maps.Keys(years), func(a, b origin) int {
		return strings.Compare(a.quantity+"\x00"+a.source, b.quantity+"\x00"+b.source)
	}) {
		slices.Sort(years[from])
		var listed []string
		for _, year := range years[from] {
			listed = append(listed, strconv.Itoa(year))
		}
		sources = append(sources, report.FactorSource{Quantity: from.quantity, Source: from.source, Years: strings.Join(listed, ", ")})
	}
	return sources, nil
}

var factorNames = map[warehouse.FactorQuantity]string{
	warehouse.FactorGridLocation: "Grid carbon intensity", warehouse.FactorGridMarket: "Carbon intensity of supply contracts",
	warehouse.FactorPUE: "PUE", warehouse.FactorElectricityPrice: "Electricity price",
}
