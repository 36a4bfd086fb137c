package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/gtime"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// queryFlags are what a query is asked with.
type queryFlags struct {
	from, to         string
	groupBy          []string
	filters, options []string
	metric, interval string
	factorVersion    int
	format           string
}

func queryCommand(c console) *cobra.Command {
	var flags queryFlags
	var names []string
	for _, t := range query.Types() {
		names = append(names, t.Name)
	}
	command := &cobra.Command{
		Use:   "query TYPE --from T --to T",
		Short: "Ask what a dashboard asks, through the plugin's own code",
		Long: "Asks what a dashboard asks, through the plugin's own code. TYPE is one of: " + strings.Join(names, ", ") + ".\n" +
			"T is a day (2026-01-31, beginning at the company's midnight), a time (2026-01-31T12:00:00Z), now, or now-30d.\n" +
			"The answer is a table; with --interval a time series; with --metric alone one number for each group.",
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("query takes one type, not %d; the types are: %s", len(arguments), strings.Join(names, ", "))
			}
			return nil
		},
		ValidArgs: names,
		RunE:      func(cmd *cobra.Command, arguments []string) error { return c.query(cmd, arguments[0], flags) },
	}
	flags.register(command)
	command.Flags().StringVar(&flags.format, "format", "table", "write the answer as table, json or csv")
	return command
}

// register defines the flags that ask a question.
func (flags *queryFlags) register(command *cobra.Command) {
	f := command.Flags()
	f.StringVar(&flags.from, "from", "", "when the period begins")
	f.StringVar(&flags.to, "to", "", "when it ends; the end itself is not in it")
	f.StringSliceVar(&flags.groupBy, "group-by", nil, "a dimension to group by, such as model; may be repeated")
	f.StringArrayVar(&flags.filters, "filter", nil, "DIMENSION=MEMBER; may be repeated")
	f.StringArrayVar(&flags.options, "option", nil, "NAME=VALUE of the query type; may be repeated")
	f.StringVar(&flags.metric, "metric", "", "the column to answer with, such as energy_kwh")
	f.StringVar(&flags.interval, "interval", "", "answer a time series by auto, hour, day, week, month, quarter or year")
	f.IntVar(&flags.factorVersion, "factor-version", 0, "compute with this factor version (default: the one in force)")
	for _, required := range []string{"from", "to"} {
		if err := command.MarkFlagRequired(required); err != nil {
			panic(err) // the flag is defined above
		}
	}
}

func (c console) query(cmd *cobra.Command, queryType string, flags queryFlags) error {
	write, known := writers[flags.format]
	if !known {
		return usage("--format %q: it must be table, json or csv", flags.format)
	}
	if _, err := flags.body(queryType); err != nil {
		return err // before a connection is made
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	frames, err := c.answers(cmd.Context(), pool, queryType, flags)
	if err != nil {
		return err
	}
	return write(c.out, frames)
}

// answers asks the plugin's own code and passes its notices on.
func (c console) answers(ctx context.Context, pool *pgxpool.Pool, queryType string, flags queryFlags) (data.Frames, error) {
	body, err := flags.body(queryType)
	if err != nil {
		return nil, err
	}
	span, err := flags.span(ctx, warehouse.NewReader(pool), time.Now())
	if err != nil {
		return nil, err
	}
	log.DefaultLogger = log.NewNullLogger() // the answer says what went wrong
	instance := plugin.NewInstanceOn(pool, query.Company{})
	frames, err := ask(ctx, instance, backend.DataQuery{RefID: "A", QueryType: queryType, TimeRange: span, MaxDataPoints: 1000, JSON: body})
	if err != nil {
		return nil, err
	}
	var told []string // frames of one answer share their notices
	for _, frame := range frames {
		if frame.Meta == nil {
			continue
		}
		for _, notice := range frame.Meta.Notices {
			if !slices.Contains(told, notice.Text) {
				told = append(told, notice.Text)
				c.tell("%s: %s", notice.Severity, notice.Text)
			}
		}
	}
	return frames, nil
}

func ask(ctx context.Context, instance *plugin.Instance, asked backend.DataQuery) (data.Frames, error) {
	response, err := instance.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{asked}})
	if err != nil {
		return nil, err
	}
	answer := response.Responses[asked.RefID]
	if answer.Error != nil && answer.Status == backend.StatusBadRequest {
		return nil, &usageError{answer.Error}
	}
	return answer.Frames, answer.Error
}

// body is the query as a panel holds it.
func (f queryFlags) body(queryType string) ([]byte, error) {
	filters := map[string][]string{}
	for _, filter := range f.filters {
		dimension, member, found := strings.Cut(filter, "=")
		if !found || dimension == "" {
			return nil, usage("--filter %q: write it as DIMENSION=MEMBER, for example model=assistant", filter)
		}
		filters[dimension] = append(filters[dimension], member)
	}
	options := map[string]json.RawMessage{}
	for _, option := range f.options {
		name, value, found := strings.Cut(option, "=")
		if !found || name == "" {
			return nil, usage("--option %q: write it as NAME=VALUE, for example method=market", option)
		}
		options[name] = asJSON(value)
	}
	format := query.FormatTable
	switch {
	case f.interval != "":
		format = query.FormatTimeSeries
	case f.metric != "":
		format = query.FormatNumber
	}
	return json.Marshal(map[string]any{
		"queryType": queryType, "groupBy": f.groupBy, "filters": filters, "options": options, "format": format,
		"metric": f.metric, "interval": f.interval, "factorVersion": f.factorVersion,
	})
}

// asJSON takes numbers, true and false, and JSON lists for what they are, all else
// for text.
func asJSON(value string) json.RawMessage {
	var parsed any
	if err := json.Unmarshal([]byte(value), &parsed); err == nil {
		switch parsed.(type) {
		case float64, bool, []any:
			return json.RawMessage(value)
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a string always marshals
	}
	return text
}

func (f queryFlags) span(ctx context.Context, reader *warehouse.Reader, now time.Time) (backend.TimeRange, error) {
	calendar, err := reader.Calendar(ctx)
	if err != nil {
		return backend.TimeRange{}, err
	}
	from, fromErr := parseTime(f.from, calendar.Location, now)
	to, toErr := parseTime(f.to, calendar.Location, now)
	return backend.TimeRange{From: from, To: to}, errors.Join(fromErr, toErr)
}

// parseTime reads a day, a time, or a time before now as Grafana writes it.
func parseTime(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if back, ok := strings.CutPrefix(text, "now"); ok {
		if back == "" {
			return now, nil
		}
		before, err := gtime.ParseDuration(strings.TrimPrefix(back, "-"))
		if err == nil && strings.HasPrefix(back, "-") && before >= 0 {
			return now.Add(-before), nil
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("%q is not a time: write it as 2026-01-31, 2026-01-31T12:00:00Z, now or now-30d", text)
}

// formats of the answer, by name.
var writers = map[string]writer{"table": writeTable, "json": writeJSON, "csv": writeCSV}

// columnNames names the fields of a frame, each once: a series is told apart by
// its labels.
func columnNames(frame *data.Frame) []string {
	var names []string
	for _, field := range frame.Fields {
		name := field.Name
		if len(field.Labels) > 0 {
			name += " {" + field.Labels.String() + "}"
		}
		for slices.Contains(names, name) {
			name += "'"
		}
		names = append(names, name)
	}
	return names
}
