package report

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Ask answers queries by their RefID, as the plugin answers the panels of a
// dashboard. Its error names what one of them cannot be answered for.
type Ask func(ctx context.Context, queries []backend.DataQuery) (map[string]data.Frames, error)

// question is a query before it is put.
type question struct {
	name, queryType string
	span            kpi.Span
	groupBy         string // a dimension; empty: the type's own
	interval        kpi.Interval
	options         map[string]any
}

func (q question) query(filters kpi.Filters) (backend.DataQuery, error) {
	fields := map[string]any{"queryType": q.queryType, "filters": filters, "format": "table", "options": q.options, "interval": q.interval}
	if q.groupBy != "" {
		fields["groupBy"] = []string{q.groupBy}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return backend.DataQuery{}, err
	}
	return backend.DataQuery{RefID: q.name, QueryType: q.queryType, JSON: body, MaxDataPoints: 1000,
		TimeRange: backend.TimeRange{From: q.span.From, To: q.span.To}}, nil
}

func (ask Ask) all(ctx context.Context, filters kpi.Filters, questions ...question) (map[string]data.Frames, error) {
	queries := make([]backend.DataQuery, len(questions))
	for i, q := range questions {
		var err error
		if queries[i], err = q.query(filters); err != nil {
			return nil, err
		}
	}
	answers, err := ask(ctx, queries)
	if err != nil {
		return nil, err
	}
	for _, q := range questions {
		if len(answers[q.name]) == 0 || answers[q.name][0].Meta == nil {
			return nil, fmt.Errorf("the query %s of the report was not answered", q.name)
		}
	}
	return answers, nil
}

// trendMeasures are what is forecast, with how the report calls it.
var trendMeasures = []struct{ measure, label string }{
	{"cost_usd", "Cost"},
	{"energy_kwh", "IT energy"},
	{"carbon_kg", "Carbon, location-based"},
	{"kwh_per_1k_requests", "IT energy per 1k requests"},
}

// questions are all but the first one, whose answer says what the period is
// compared with.
func (p Period) questions(calendar kpi.Calendar, previous kpi.Span) []question {
	asked := []question{
		totals("totals", p.Span),
		{name: "energyDrivers", queryType: "keyDrivers", span: p.Span, options: map[string]any{"measure": "energy"}},
		{name: "carbonDrivers", queryType: "keyDrivers", span: p.Span, options: map[string]any{"measure": "carbon"}},
		{name: "costBudget", queryType: "budgetVariance", span: p.Span, options: map[string]any{"budget": "cost", "step": costStep(p.Interval)}},
		{name: "carbonBudget", queryType: "budgetVariance", span: p.Span, options: map[string]any{"budget": "carbon"}},
		{name: "models", queryType: "efficiencyQuadrant", span: p.Span},
		{name: "carbon", queryType: "carbonAttribution", span: p.Span, options: map[string]any{"method": "both"}},
		{name: "hardware", queryType: "hardwareLifecycle", span: p.Span},
		{name: "reconciliation", queryType: "reconciliation", span: p.Span},
	}
	if previous.From.Before(previous.To) {
		asked = append(asked, totals("totalsBefore", previous))
	}
	for _, m := range trendMeasures {
		asked = append(asked, question{name: m.measure, queryType: "efficiencyTrend", span: p.yearTo(calendar), interval: kpi.IntervalMonth,
			options: map[string]any{"measure": m.measure}})
	}
	return asked
}

// totals asks for one row over everything.
func totals(name string, span kpi.Span) question {
	return question{name: name, queryType: "energyScore", span: span, options: map[string]any{
		"total": true, "costBasis": "full", "also": []string{"facility_kwh", "carbon_market_kg", "cost_per_1k_requests_usd"}}}
}

// costStep holds a month against its weeks, longer periods against their months.
func costStep(interval kpi.Interval) string {
	if interval == kpi.IntervalMonth {
		return "week"
	}
	return "month"
}

// yearTo is the twelve months up to the period's end, which show a trend.
func (p Period) yearTo(calendar kpi.Calendar) kpi.Span {
	span := p.Span
	for from := p.To; ; {
		from = calendar.Start(from.Add(-1), kpi.IntervalMonth)
		span.From = from
		if len(calendar.Buckets(span, kpi.IntervalMonth)) >= 12 {
			return span
		}
	}
}
