package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// trend is a measure by month as the chart draws it.
type trend struct {
	unit   string
	points []trendPoint
}

type trendPoint struct {
	month                          time.Time
	actual, forecast, lower, upper *float64
}

// forecastMeta is what the metadata of efficiencyTrend says of a forecast.
type forecastMeta struct {
	Trend struct {
		Forecast *struct {
			Model           string
			MASE, NaiveMASE *float64
			Origins         int `json:"backTestOrigins"`
			Number          struct {
				From, To    time.Time
				Aggregation string
				Value       *float64
			}
		}
	}
}

// addForecast says what the next quarter looks like, then month by month.
func (r *Report) addForecast(answers map[string]data.Frames, calendar kpi.Calendar) error {
	r.trends = map[string]trend{}
	s := Section{Key: "forecast", Title: "Next quarter", Columns: []Column{{Label: "Expected"}, {Label: "Last month of it"},
		{Label: "80 % interval, from"}, {Label: "to"}, {Label: "Back-test error"}, {Label: "Seasonal naive’s"}, {Label: "Model"}}}
	months := Section{Key: "by month", Title: "Trend and forecast by month", Drawn: true}
	var all []source
	var avoided *float64 // cumulative: the last month has it all
	for _, m := range trendMeasures {
		frames := answers[m.measure]
		all = append(all, source{m.label, frames})
		var meta forecastMeta
		if err := readMeta(frames[0], &meta); err != nil {
			return err
		}
		rows := records(frames)
		unit := first(frames).units["actual"]
		drawn := trend{unit: unit}
		var last *record
		for i, row := range rows {
			point := trendPoint{month: row.time.In(r.Zone), actual: row.numbers["actual"], forecast: row.numbers["forecast"],
				lower: row.numbers["lower_80"], upper: row.numbers["upper_80"]}
			drawn.points = append(drawn.points, point)
			if m.measure == "cost_usd" && row.numbers["cost_avoided_usd"] != nil {
				avoided = row.numbers["cost_avoided_usd"]
			}
			if f := meta.Trend.Forecast; f != nil && !row.time.Before(f.Number.From) && row.time.Before(f.Number.To) {
				last = &rows[i]
			}
		}
		r.trends[m.measure] = drawn
		months.addMonths(m.label, drawn)
		row := Row{Name: m.label, Cells: []Cell{figure(unit, nil), figure(unit, nil), figure(unit, nil), figure(unit, nil), figure("", nil), figure("", nil), phrase("")}}
		if f := meta.Trend.Forecast; f != nil && last != nil {
			next := calendar.Start(f.Number.From, kpi.IntervalQuarter)
			s.Title = "Next quarter: " + nameOf(calendar, kpi.IntervalQuarter, next)
			s.Columns[1].Label = last.time.In(r.Zone).Format("January 2006")
			row.Cells = []Cell{figure(unit, f.Number.Value), figure(unit, last.numbers["forecast"]), figure(unit, last.numbers["lower_80"]),
				figure(unit, last.numbers["upper_80"]), figure("", f.MASE), figure("", f.NaiveMASE), phrase(f.Model)}
			s.Lead = []string{fmt.Sprintf("Expected %s, from monthly steps; the interval is that of its last month. "+
				"Back-test errors are MASE over past months, beside those of a seasonal naive forecast: less is better.", r.days(kpi.Span{From: f.Number.From, To: f.Number.To}))}
		}
		s.Rows = append(s.Rows, row)
	}
	r.add(s, all...)
	r.add(months)
	r.add(Section{Key: "cost avoided", Title: "Cost avoided", Columns: []Column{{Label: "Value"}, {Label: "What it is"}},
		Rows: []Row{{Name: "Energy cost avoided", Cells: []Cell{figure("currencyUSD", avoided),
			phrase("in twelve months, by better intensity of the models than in the twelve before; below zero where they got worse")}}},
		Notices: slices.Clone(r.Section("forecast").Notices)}) // the same answer says why there is none
	return nil
}

// addMonths puts the points of a measure beneath those of the others.
func (s *Section) addMonths(label string, t trend) {
	s.Columns = []Column{{Label: "Measure"}, {Label: "Actual"}, {Label: "Forecast"}, {Label: "80 % interval, from"}, {Label: "to"}}
	for _, point := range t.points {
		if point.actual == nil && point.forecast == nil {
			continue // before the first usage
		}
		cells := []Cell{phrase(label)}
		for _, value := range []*float64{point.actual, point.forecast, point.lower, point.upper} {
			cell := figure(t.unit, value)
			if value == nil {
				cell = phrase("") // a month is of the past or of the future: what it has not is not missing
			}
			cells = append(cells, cell)
		}
		s.Rows = append(s.Rows, Row{Name: point.month.Format("2006-01"), Cells: cells})
	}
}
