package bench

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

//go:embed statements/analyst/*.sql
var analystFiles embed.FS

//go:embed statements/view/*.sql
var viewFiles embed.FS

//go:embed statements/daily_view.sql
var dailyViewSQL string

const (
	analystRounds = 3
	viewRounds    = 30
	// A statement that takes longer is timed once: of 50 M facts some take a minute.
	comparisonPatience = 20 * time.Second
	// tolerance is how far a headline figure of ours may be from the analyst's,
	// relatively: the sums are exact, their last conversion to a float is not.
	tolerance = 1e-9
)

// comparison is a query type with the figures in which its answer must agree with
// that of a statement, so that the two are known to answer the same.
type comparison struct {
	queryType string
	headlines []headline
	// rest is what our answer has that SQL does not say, done to the statement's rows; nil
	// is nothing. Whoever asks the statement has to do it too.
	rest func(rows []map[string]any) error
}

// headline is a figure of our answer, and the column of a statement whose rows add up
// to it.
type headline struct {
	column string
	of     func(*data.Frame) (float64, error)
}

func headlineOf(column string, of func(*data.Frame) (float64, error)) []headline {
	return []headline{{column, of}}
}

// comparisons are the query types whose answers can be had from facts.
var comparisons = []comparison{
	{queryType: "energyScore", headlines: headlineOf("energy_kwh", sumOf("energy_kwh"))},
	{queryType: "carbonAttribution", headlines: headlineOf("total_t", sumOf("total_t"))},
	{queryType: "efficiencyQuadrant", headlines: headlineOf("energy_kwh", sumOf("energy_kwh"))},
	{queryType: "efficiencyTrend", headlines: []headline{{"actual", sumOf("actual")}, {"cost_avoided_usd", sumOf("cost_avoided_usd")}}, rest: forecastDays},
	{queryType: "costMeter", headlines: headlineOf("spend_day_usd", sumOf("spend_day_usd"))},
	{queryType: "kpi", headlines: headlineOf("energy_to_solution", rowOf("kpi", "Energy to solution", "value"))},
	{queryType: "keyDrivers", headlines: headlineOf("after", totalAfter)},
	{queryType: "budgetVariance", headlines: headlineOf("actual", sumOf("actual"))},
	{queryType: "latencyCost", headlines: headlineOf("cost_per_1k_requests_usd", sumOf("cost_per_1k_requests_usd"))},
	{queryType: "modelComparison", headlines: headlineOf("requests", sumOf("requests"))},
	{queryType: "trainingRuns", headlines: headlineOf("energy_kwh", sumOf("energy_kwh"))},
	{queryType: "whatIf", headlines: headlineOf("facility_kwh", rowOf("scenario", "Today", "facility_kwh"))},
}

// forecastDays forecasts the next quarter from the days' column history, as our answer
// does.
func forecastDays(rows []map[string]any) error {
	const quarter, week = 92, 7
	history, zero := make([]*float64, len(rows)), 0.0
	for i, row := range rows {
		if value, ok := row["history"].(float64); ok {
			history[i] = &value
		}
	}
	if kpi.NewForecast(history, kpi.ForecastOptions{Horizon: quarter, Season: week, Least: &zero}) == nil {
		return errors.New("the column history has no number to forecast from")
	}
	return nil
}

// compared is how much longer the same answer takes by another way.
type compared struct {
	queryType  string
	ours       time.Duration // p50
	facts      time.Duration // median
	view       time.Duration // p50; 0 where the view cannot answer
	ratioFacts float64
	ratioView  float64
}

// String is a line of the three times and the two ratios.
func (c compared) String() string {
	line := fmt.Sprintf("  %-20s %10s %12s %10s", c.queryType, milliseconds(c.ours), milliseconds(c.facts), times(c.ratioFacts))
	if c.view > 0 {
		line += fmt.Sprintf("   %10s %10s", milliseconds(c.view), times(c.ratioView))
	}
	return line
}

// compare times the answers of a quarter from facts and from a daily view.
func (b *bench) compare(ctx context.Context, l loaded, ours []answerTimes) (all []compared, err error) {
	pool, err := b.server.writers(ctx, l.database)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	reader, err := warehouse.OpenReadOnly(ctx, b.server.connection(l.database))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	span, err := lastQuarter(l.span.to)
	if err != nil {
		return nil, err
	}
	err = b.runner.Do(fmt.Sprintf("Answer from raw facts and from the view, %s facts, %s", inWords(l.facts), l.shape.name), func() error {
		fmt.Fprintf(b.out, "  %-20s %10s %12s %10s   %10s %10s\n", "", "ours, p50", "facts", "/ ours", "view", "/ ours")
		for _, c := range comparisons {
			of := compared{queryType: c.queryType}
			for _, o := range ours {
				if o.queryType == c.queryType {
					of.ours = o.quarter.median()
				}
			}
			want, err := c.ourHeadlines(ctx, reader, span)
			if errors.Is(err, errTimeout) {
				fmt.Fprintf(b.out, "  %-20s is not answered within the time limit\n", c.queryType)
				all = append(all, of) // ratios of 0
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.queryType, err)
			}
			facts, err := c.time(ctx, pool, analystFiles, "statements/analyst/", span, 0, analystRounds, want)
			if err != nil {
				return fmt.Errorf("%s from facts: %w", c.queryType, err)
			}
			of.facts, of.ratioFacts = facts.median(), ratio(facts.median(), of.ours)
			view, err := c.time(ctx, pool, viewFiles, "statements/view/", span, warmUp, viewRounds, want)
			switch {
			case errors.Is(err, fs.ErrNotExist): // an hour or a run is not in it
			case err != nil:
				return fmt.Errorf("%s from the view: %w", c.queryType, err)
			default:
				of.view, of.ratioView = view.median(), ratio(view.median(), of.ours)
			}
			all = append(all, of)
			fmt.Fprintln(b.out, of)
		}
		return nil
	})
	return all, err
}

// ourHeadlines are the figures of our answer, in the order of the headlines.
func (c comparison) ourHeadlines(ctx context.Context, pool *pgxpool.Pool, span backend.TimeRange) ([]float64, error) {
	viewer, err := newViewer(ctx, pool)
	if err != nil {
		return nil, err
	}
	responses, err := ask(ctx, viewer, asked(c.queryType, span))
	if err != nil {
		return nil, err
	}
	frame, err := firstFrame(responses)
	if err != nil {
		return nil, err
	}
	figures := make([]float64, len(c.headlines))
	for i, h := range c.headlines {
		if figures[i], err = h.of(frame); err != nil {
			return nil, err
		}
	}
	return figures, nil
}

// time times a statement and the rest of the answer, whose columns must add up to what
// we answer.
func (c comparison) time(ctx context.Context, pool *pgxpool.Pool, files embed.FS, folder string, span backend.TimeRange, warmUp, rounds int, want []float64) (sample, error) {
	text, err := files.ReadFile(folder + c.queryType + ".sql")
	if err != nil {
		return nil, err
	}
	calendar, err := calendar()
	if err != nil {
		return nil, err
	}
	previous := calendar.Preceding(kpi.Span{From: span.From, To: span.To})
	arguments := pgx.NamedArgs{"from_time": span.From, "to_time": span.To, "previous_from": previous.From}
	for name, at := range map[string]time.Time{"from_day": span.From, "to_day": span.To, "previous_day": previous.From} {
		arguments[name] = at.In(calendar.Location).Format(time.DateOnly)
	}
	return measure(warmUp, rounds, comparisonPatience, func(int) error {
		rows, err := pool.Query(ctx, string(text), arguments)
		if err != nil {
			return err
		}
		answer, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil {
			return err
		}
		for i, h := range c.headlines {
			got, err := sumOfColumn(answer, h.column)
			if err != nil {
				return err
			}
			if !agree(got, want[i]) {
				return fmt.Errorf("%s adds up to %v, and our answer says %v: they are not the same answer", h.column, got, want[i])
			}
		}
		if c.rest != nil {
			return c.rest(answer)
		}
		return nil
	})
}

func sumOfColumn(rows []map[string]any, column string) (sum float64, err error) {
	for _, row := range rows {
		switch value := row[column].(type) {
		case nil:
		case float64:
			sum += value
		case int64:
			sum += float64(value)
		default:
			return 0, fmt.Errorf("the column %s is a %T", column, value)
		}
	}
	return sum, nil
}

func agree(a, b float64) bool {
	return math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
}

// sumOf adds up a number field.
func sumOf(field string) func(*data.Frame) (float64, error) {
	return func(frame *data.Frame) (float64, error) {
		found, _ := frame.FieldByName(field)
		if found == nil {
			return 0, fmt.Errorf("the answer has no field %s", field)
		}
		var sum float64
		for i := range found.Len() {
			value, err := found.NullableFloatAt(i)
			if err != nil {
				return 0, err
			}
			if value != nil {
				sum += *value
			}
		}
		return sum, nil
	}
}

// rowOf is a number field in the row that another field names.
func rowOf(key, name, field string) func(*data.Frame) (float64, error) {
	return func(frame *data.Frame) (float64, error) {
		keys, _ := frame.FieldByName(key)
		values, _ := frame.FieldByName(field)
		if keys == nil || values == nil {
			return 0, fmt.Errorf("the answer has no field %s or %s", key, field)
		}
		for i := range keys.Len() {
			if text, _ := keys.ConcreteAt(i); text == name {
				value, err := values.NullableFloatAt(i)
				if err == nil && value == nil {
					err = fmt.Errorf("%s has no %s", name, field)
				}
				if err != nil {
					return 0, err
				}
				return *value, nil
			}
		}
		return 0, fmt.Errorf("the answer has no row %s", name)
	}
}

// totalAfter is the total that keyDrivers explains, from the metadata: its rows are
// the greatest effects alone.
func totalAfter(frame *data.Frame) (float64, error) {
	text, err := json.Marshal(frame.Meta.Custom)
	if err != nil {
		return 0, err
	}
	var meta struct {
		Change struct {
			After float64 `json:"after"`
		} `json:"change"`
	}
	err = json.Unmarshal(text, &meta)
	return meta.Change.After, err
}
