package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// queryFlags are the words of wattctl query.
type queryFlags struct {
	from, to, shape, metric, interval string
	groupBy, filters, options         []string
	factorVersion                     int
	carbonPrice                       float64
}

func newQueryCommand(db *database) *cobra.Command {
	var flags queryFlags
	var names []string
	for _, t := range query.Types() {
		names = append(names, t.Name)
	}
	command := &cobra.Command{
		Use:   "query TYPE --from T --to T",
		Short: "Ask what a Grafana panel would ask",
		Long: "The query types are " + strings.Join(names, ", ") + ".\n\n" +
			"Times are a day (2026-11-30) or RFC 3339. A filter or option may be given several times.",
		Example: "  wattctl query energyScore --from 2026-01-01 --to 2026-04-01 --group-by model --format table\n" +
			"  wattctl query carbonAttribution --from 2026-01-01 --to 2027-01-01 --filter region=europe-west4 --option method=market",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			dataQuery, err := flags.dataQuery(arguments[0], time.Now())
			if err != nil {
				return err
			}
			write, ok := answerWriters[flags.shape]
			if !ok {
				return usagef("--format is %q: it must be table, json or csv", flags.shape)
			}
			pool, err := db.open(command.Context())
			if err != nil {
				return err
			}
			defer pool.Close()
			instance := plugin.NewInstanceOn(pool, query.Company{CarbonPrice: flags.carbonPrice})
			answer, err := instance.QueryData(command.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{dataQuery}})
			if err != nil {
				return err
			}
			response := answer.Responses[dataQuery.RefID]
			switch {
			case response.Error != nil && response.Status == backend.StatusBadRequest:
				return &usageError{response.Error}
			case response.Error != nil:
				return response.Error
			}
			for _, frame := range response.Frames {
				if err := write(command.OutOrStdout(), frame); err != nil {
					return fmt.Errorf("writing the answer: %w", err)
				}
			}
			printNotices(command.ErrOrStderr(), response.Frames)
			return nil
		},
	}
	set := command.Flags()
	set.StringVar(&flags.from, "from", "", "begin of the period (default: a year before --to)")
	set.StringVar(&flags.to, "to", "", "end of the period (default: now)")
	set.StringArrayVar(&flags.groupBy, "group-by", nil, "dimension to group by, for example model or business_unit")
	set.StringArrayVar(&flags.filters, "filter", nil, "DIMENSION=MEMBER to restrict to")
	set.StringArrayVar(&flags.options, "option", nil, "NAME=VALUE of the query type")
	set.StringVar(&flags.metric, "metric", "", "answer this number over time, with --interval")
	set.StringVar(&flags.interval, "interval", "", "hour, day, week, month, quarter or year")
	set.IntVar(&flags.factorVersion, "factor-version", 0, "compute with this version of the factors (default: the one in force)")
	set.Float64Var(&flags.carbonPrice, "carbon-price", 0, "internal carbon price in USD per tCO2e")
	set.StringVar(&flags.shape, "format", "table", "table, json or csv")
	return command
}

// dataQuery is the query a panel would send.
func (f queryFlags) dataQuery(queryType string, now time.Time) (backend.DataQuery, error) {
	to, err := parseTime("to", f.to, now)
	if err != nil {
		return backend.DataQuery{}, err
	}
	from, err := parseTime("from", f.from, to.AddDate(-1, 0, 0))
	if err != nil {
		return backend.DataQuery{}, err
	}
	filters := map[string][]string{}
	for _, pair := range f.filters {
		name, member, ok := strings.Cut(pair, "=")
		if !ok {
			return backend.DataQuery{}, usagef("--filter is %q: it must be DIMENSION=MEMBER", pair)
		}
		filters[name] = append(filters[name], member)
	}
	options := map[string]any{}
	for _, pair := range f.options {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return backend.DataQuery{}, usagef("--option is %q: it must be NAME=VALUE", pair)
		}
		options[name] = optionValue(value)
	}
	model := map[string]any{"queryType": queryType, "groupBy": f.groupBy, "filters": filters, "options": options,
		"metric": f.metric, "interval": f.interval, "factorVersion": f.factorVersion}
	if f.interval != "" {
		model["format"] = query.FormatTimeSeries
	} else if f.metric != "" {
		model["format"] = query.FormatNumber
	}
	body, err := json.Marshal(model)
	return backend.DataQuery{RefID: "A", QueryType: queryType, JSON: body, TimeRange: backend.TimeRange{From: from, To: to}}, err
}

// optionValue makes a number or a truth of a text that reads as one.
func optionValue(text string) any {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return number
	}
	if truth, err := strconv.ParseBool(text); err == nil {
		return truth
	}
	return text
}

func parseTime(flag, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--%s is %q: write a day as 2026-11-30 or a time as 2026-11-30T12:00:00Z", flag, text)
}
