package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// explainFlags are what an explanation is asked with.
type explainFlags struct {
	queryFlags
	field string
	rows  int
}

func explainCommand(c console) *cobra.Command {
	var flags explainFlags
	var names []string
	for _, t := range query.Types() {
		names = append(names, t.Name)
	}
	command := &cobra.Command{
		Use:   "explain TYPE --from T --to T",
		Short: "Print the way from a number to its formula, its factors and its rows",
		Long: "Asks what wattctl query asks, and prints the way an auditor goes: the answer, the formula of each field, the factor\n" +
			"version with every figure that priced energy in the period and where it is from, and the rows beneath. Narrow it to\n" +
			"one number with --field and --filter. TYPE is one of: " + strings.Join(names, ", ") + ".",
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("explain takes one type, not %d; the types are: %s", len(arguments), strings.Join(names, ", "))
			}
			return nil
		},
		ValidArgs: names,
		RunE:      func(cmd *cobra.Command, arguments []string) error { return c.explain(cmd, arguments[0], flags) },
	}
	flags.register(command)
	command.Flags().StringVar(&flags.field, "field", "", "explain this field alone, such as cost_usd")
	command.Flags().IntVar(&flags.rows, "rows", 10, "how many of the rows to print, the largest first")
	return command
}

func (c console) explain(cmd *cobra.Command, name string, flags explainFlags) error {
	if flags.rows < 1 || flags.rows > 100_000 {
		return usage("--rows %d: it must be between 1 and 100000", flags.rows)
	}
	filters, err := flags.parsedFilters()
	if err != nil {
		return err
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	frames, err := c.answers(cmd.Context(), pool, name, flags.queryFlags)
	if err != nil {
		return err
	}
	explanation, err := query.Explain(frames[0])
	if err != nil {
		return err
	}
	if err := c.explainAnswer(frames, explanation, flags); err != nil {
		return err
	}
	e := evidence{c, warehouse.NewReader(pool), explanation, filters, flags.rows}
	for _, kind := range query.FindType(name).Evidence() {
		if err := e.print(cmd.Context(), kind); err != nil {
			return err
		}
	}
	if sql := strings.TrimSpace(frames[0].Meta.ExecutedQueryString); sql != "" {
		c.heading("The statement that ran (its @parameters are the period, the groups and the filters above)")
		c.answer("%s", sql)
	}
	return nil
}

// heading begins a section.
func (c console) heading(title string) {
	c.answer("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// explainAnswer prints what was answered, of when, and the formula of each field.
func (c console) explainAnswer(frames data.Frames, e query.Explanation, flags explainFlags) error {
	if flags.field != "" {
		var names []string
		for _, f := range e.Formulas {
			names = append(names, f.Field)
		}
		if !slices.Contains(names, flags.field) {
			return usage("--field %q: the answer has the number fields %s", flags.field, strings.Join(names, ", "))
		}
		e.Formulas = slices.DeleteFunc(e.Formulas, func(f query.FieldFormula) bool { return f.Field != flags.field })
		frames = onlyField(frames, flags.field)
	}
	c.heading("The answer")
	if err := writeTable(c.out, frames); err != nil {
		return err
	}
	c.answer("Period: %s, from %s up to %s", e.Span.From.Location(), clock(e.Span.From), clock(e.Span.To))
	if e.Previous != nil {
		c.answer("Compared with: %s up to %s", clock(e.Previous.From), clock(e.Previous.To))
	}
	if !e.Freshness.IsZero() {
		c.answer("Newest event in the warehouse: %s", clock(e.Freshness))
	}
	if e.MeasuredShare != nil {
		c.answer("Measured, not estimated: %.1f %% of the energy", *e.MeasuredShare*100)
	}
	c.heading("The formulas")
	shown := newTable("Field", "Name", "Unit", "Formula")
	shown.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: 90, WidthMaxEnforcer: text.WrapSoft}})
	for _, f := range e.Formulas {
		shown.AppendRow(table.Row{f.Field, f.Label, readableUnit(f.Unit), f.Formula})
	}
	c.answer("%s", shown.Render())
	return nil
}

// onlyField keeps the texts and times of each frame, which name its rows, and one
// number.
func onlyField(frames data.Frames, name string) data.Frames {
	var kept data.Frames
	for _, frame := range frames {
		narrowed := data.NewFrame(frame.Name)
		for _, field := range frame.Fields {
			if field.Name == name || !field.Type().Numeric() {
				narrowed.Fields = append(narrowed.Fields, field)
			}
		}
		kept = append(kept, narrowed)
	}
	return kept
}

// readableUnit turns Grafana's name of a unit into the unit.
func readableUnit(unit string) string {
	names := map[string]string{"kwatth": "kWh", "currencyUSD": "USD", "short": "", "none": "", "percentunit": "1 = 100 %"}
	if name, known := names[unit]; known {
		return name
	}
	return strings.TrimSpace(strings.TrimPrefix(unit, "suffix:"))
}

func clock(t time.Time) string { return t.Format("2006-01-02 15:04 -07:00") }

func newTable(header ...any) table.Writer {
	shown := table.NewWriter()
	shown.SetStyle(table.StyleLight)
	shown.Style().Format.Header = text.FormatDefault
	shown.AppendHeader(table.Row(header))
	return shown
}

// parsedFilters are the filters as the warehouse takes them.
func (f queryFlags) parsedFilters() (kpi.Filters, error) {
	filters := kpi.Filters{}
	for _, filter := range f.filters {
		name, member, _ := strings.Cut(filter, "=")
		dimension, err := kpi.ParseDimension(name, kpi.FilterDimensions())
		if err != nil {
			return nil, usage("--filter %q: %s", filter, err)
		}
		filters[dimension] = append(filters[dimension], member)
	}
	return filters, nil
}
