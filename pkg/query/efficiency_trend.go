package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var efficiencyTrend = Type{
	Name:        "efficiencyTrend",
	Label:       "Efficiency trend & forecast",
	Description: "How a measure developed, what the next quarter looks like with 80 and 95 % intervals, and the energy cost avoided so far",
	Formats:     []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:     []string{"forecast", "cost_avoided_usd", "actual"},
	answer:      answerEfficiencyTrend,
}

// efficiencyTrendOptions are the options of the query type. See src/types.ts.
type efficiencyTrendOptions struct {
	Measure string `json:"measure"`
	// Horizon is how many steps to forecast; nil is to the end of the next fiscal
	// quarter, 0 none.
	Horizon  *int   `json:"horizon"`
	Baseline string `json:"baseline"` // preceding or first
}

// mostSteps keeps a forecast to what a chart can show and a history can support.
const mostSteps = 400

func answerEfficiencyTrend(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := efficiencyTrendOptions{Measure: "kwh_per_1k_requests", Baseline: "preceding"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("measure", options.Measure, trendMeasures...),
		oneOf("baseline", options.Baseline, "preceding", "first"),
	} {
		if err != nil {
			return nil, err
		}
	}
	if options.Horizon != nil && (*options.Horizon < 0 || *options.Horizon > mostSteps) {
		return nil, BadRequest("The option horizon is %d. It must be 0 (no forecast) to %d steps; leave it out for the end of the next fiscal quarter.",
			*options.Horizon, mostSteps)
	}
	if request.Interval == kpi.IntervalHour {
		return nil, BadRequest("efficiencyTrend has no step of an hour, because a quarter cannot be forecast by the hour. Choose day, week, month, quarter or year.")
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	trend, notices, err := readTrend(ctx, source, request, options, p)
	if err != nil {
		return nil, err
	}
	notices = append(notices, trend.forecastAhead(options, p.calendar)...)
	frame := trend.frame(options.Measure)
	if request.Format == FormatNumber {
		frame = trend.numbers(options.Measure)
	}
	m := newMeta(request, p.span, trend.provenance, p.calendar.Location)
	m.MeasuredShare = measuredShare(trend.usage)
	m.Trend = trend.describe(options, p.calendar.Location)
	if options.Measure == "carbon_kg" {
		m.CarbonMethod = "location-based"
	}
	m.Formulas = []formulaMeta{
		{"actual", trendFormulas[options.Measure]},
		{"cost_avoided_usd", "Σ (baseline − actual kWh per 1k requests) × requests / 1,000 × PUE × tariff, by model, cumulative"},
	}
	return data.Frames{attach(frame, m, trend.provenance.SQL, notices)}, nil
}

// readTrend reads the history and the range, and settles which of its steps are
// whole.
func readTrend(ctx context.Context, source Source, request Request, options efficiencyTrendOptions, p plan) (*trend, []data.Notice, error) {
	interval := trendInterval(request.Interval, p.span)
	t := &trend{interval: interval, baseline: options.Baseline, baselinePeriod: p.previous}
	steps := trendSteps(p.calendar, p.span, interval, request.Now)
	earlier := 0
	for earlier < len(steps) && steps[earlier].From.Before(p.span.From) {
		earlier++
	}
	answers, provenance, err := readTrendUsage(ctx, source, request, options, append([]kpi.Span{p.previous}, steps[earlier:]...), steps[:earlier])
	if err != nil {
		return nil, nil, err
	}
	t.provenance = provenance
	byStep := make([][]warehouse.UsageRow, len(steps))
	for _, row := range answers[0] {
		if row.Period > 0 { // 0 is the preceding period
			index := earlier + row.Period - 1
			byStep[index], t.usage = append(byStep[index], row), append(t.usage, row)
		}
	}
	for _, row := range answers[1] {
		byStep[row.Period] = append(byStep[row.Period], row)
	}
	// The step in which the data ends is not over, whatever the clock says.
	whole := len(steps)
	for whole > 0 && steps[whole-1].To.After(provenance.NewestEvent) {
		whole--
		t.leftOut = &steps[whole]
	}
	if end := p.calendar.Start(p.span.To, interval); t.leftOut == nil && end.Before(p.span.To) {
		t.leftOut = &kpi.Span{From: end, To: p.calendar.Next(end, interval)}
	}
	t.setHistory(steps[:whole], byStep[:whole], p.span.From, options.Measure)
	notices := noticesWithout(trendOmits(options.Measure), t.usage, provenance)
	if len(t.times) == 0 {
		notices = []data.Notice{information(fmt.Sprintf("There is no whole %s with usage in this period with these filters, so there is nothing to show or to forecast. "+
			"Choose a longer range or a shorter step.", interval))}
	}
	return t, append(notices, t.setCostAvoided(answers[0])...), nil
}

// readTrendUsage reads the usage of the range and of the history before it, on two
// connections that have about as much to do: the history and the rest of the range are
// read beside the greater part of the range, as they share no step. Only the range is
// needed by model and with its price; to group the history too would read it the dearer
// way.
func readTrendUsage(ctx context.Context, source Source, request Request, options efficiencyTrendOptions, of, history []kpi.Span) ([2][]warehouse.UsageRow, warehouse.Provenance, error) {
	const worthSplitting = 20 // steps: a statement has its own price
	split := len(of)
	if split >= worthSplitting {
		split = len(of) * 3 / 5
	}
	usage := warehouse.UsageRequest{Periods: of[:split], GroupBy: []kpi.Dimension{kpi.DimensionModel},
		Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: trendOmits(options.Measure)}
	rest, before := usage, usage
	rest.Periods = of[split:]
	before.Periods, before.GroupBy = history, nil
	if usage.Omit&warehouse.MeasureCost != 0 && usage.Omit&warehouse.MeasureCarbonLocation != 0 {
		before.Omit |= warehouse.MeasurePrice
	}
	var (
		beside []warehouse.UsageRequest
		second [][]warehouse.UsageRow
	)
	for _, asked := range []warehouse.UsageRequest{before, rest} {
		if len(asked.Periods) > 0 {
			beside = append(beside, asked)
		}
	}
	first, provenance, err := usageBeside(ctx, source, func(ctx context.Context) (err error) {
		if len(beside) > 0 {
			second, _, err = source.Usage(ctx, beside...)
		}
		return err
	}, usage)
	if err != nil {
		return [2][]warehouse.UsageRow{}, provenance, err
	}
	answers := [2][]warehouse.UsageRow{first[0]}
	if len(history) > 0 {
		answers[1], second = second[0], second[1:]
	}
	for _, rows := range second {
		for _, row := range rows {
			row.Period += split
			answers[0] = append(answers[0], row)
		}
	}
	return answers, provenance, nil
}

// trendInterval is the step: days up to about a quarter, weeks up to two years.
func trendInterval(asked kpi.Interval, span kpi.Span) kpi.Interval {
	const day = 24 * time.Hour
	switch length := span.Duration(); {
	case asked != kpi.IntervalAuto:
		return asked
	case length <= 100*day:
		return kpi.IntervalDay
	case length <= 2*366*day:
		return kpi.IntervalWeek
	default:
		return kpi.IntervalMonth
	}
}

// trendSteps are the whole steps of the calendar from before the range, to learn
// from, to its end: those that the range or the present cuts off at their end are
// left out. The one that the range cuts off at its beginning is whole in the history.
func trendSteps(calendar kpi.Calendar, span kpi.Span, interval kpi.Interval, now time.Time) []kpi.Span {
	end := span.To
	if now.Before(end) {
		end = now
	}
	from := calendar.Start(span.From.AddDate(0, -historyMonths[interval], 0), interval)
	var steps []kpi.Span
	for _, bucket := range calendar.Buckets(kpi.Span{From: from, To: end}, interval) {
		if bucket.Whole {
			steps = append(steps, bucket.Span)
		}
	}
	return steps
}

// historyMonths is how far before the range a forecast learns from: two seasons of
// the year, where the step can show one. Days have a season of a week; a year of
// them tells as much as two and is read in half the time.
var historyMonths = map[kpi.Interval]int{
	kpi.IntervalDay: 6, kpi.IntervalWeek: 24, kpi.IntervalMonth: 24, kpi.IntervalQuarter: 24, kpi.IntervalYear: 24,
}

// trendSeason is how many steps a season has.
var trendSeason = map[kpi.Interval]int{
	kpi.IntervalDay: 7, kpi.IntervalWeek: 52, kpi.IntervalMonth: 12, kpi.IntervalQuarter: 4, kpi.IntervalYear: 1,
}

// setCostAvoided adds up what was avoided against each model's baseline. The first
// period of the rows is the preceding one, the others are the shown steps.
func (t *trend) setCostAvoided(rows []warehouse.UsageRow) []data.Notice {
	const firstSteps = 4
	from, to := 0, 1
	if t.baseline == "first" {
		from, to = 1, 1+min(firstSteps, len(t.times))
		if len(t.times) > 0 {
			t.baselinePeriod = kpi.Span{From: t.spans[0].From, To: t.spans[to-2].To}
		}
	}
	used := make([][]kpi.ModelUsage, len(t.times))
	sums := map[string]kpi.Measures{}
	for _, row := range rows {
		name := row.Members[0]
		if row.Period >= from && row.Period < to {
			sum := sums[name]
			sum.ServingEnergy, sum.ServingRequests = sum.ServingEnergy+row.ServingEnergy, sum.ServingRequests+row.ServingRequests
			sums[name] = sum
		}
		if row.Period > 0 && row.Period <= len(used) {
			used[row.Period-1] = append(used[row.Period-1], kpi.ModelUsage{Model: name, Measures: row.Measures})
		}
	}
	baselines := map[string]float64{}
	for name, sum := range sums {
		if intensity := kpi.EnergyPer1kRequests(sum.ServingEnergy, sum.ServingRequests); intensity != nil {
			baselines[name] = *intensity
		}
	}
	t.avoided, t.withoutBaseline = kpi.CumulativeCostAvoided(used, baselines)
	switch {
	case len(t.withoutBaseline) == 0:
		return nil
	case len(baselines) == 0 && t.baseline == "preceding":
		return []data.Notice{information("No cost avoided can be counted: no model answered requests in the period before the range. Set the baseline to the first steps of the range.")}
	case len(baselines) == 0:
		return []data.Notice{information(fmt.Sprintf("No cost avoided can be counted: no model answered requests in the first %d steps of the range.", firstSteps))}
	}
	return []data.Notice{information(fmt.Sprintf("%d of the models count nothing to the cost avoided because they have no baseline: %s.",
		len(t.withoutBaseline), listNames(t.withoutBaseline)))}
}

// forecastAhead forecasts from the last step with an observation.
func (t *trend) forecastAhead(options efficiencyTrendOptions, calendar kpi.Calendar) []data.Notice {
	if len(t.times) == 0 || (options.Horizon != nil && *options.Horizon == 0) {
		return nil
	}
	last := t.spans[len(t.spans)-1]
	nextQuarter := calendar.Next(last.From, kpi.IntervalQuarter)
	t.forecastOf = kpi.Span{From: nextQuarter, To: calendar.Next(nextQuarter, kpi.IntervalQuarter)}
	for at := last.To; ; {
		if options.Horizon != nil && len(t.ahead) == *options.Horizon {
			t.forecastOf = kpi.Span{From: last.To, To: at}
			break
		}
		if options.Horizon == nil && !at.Before(t.forecastOf.To) {
			break
		}
		next := calendar.Next(at, t.interval)
		t.ahead, at = append(t.ahead, kpi.Span{From: at, To: next}), next
	}
	t.forecast = kpi.NewForecast(t.history, kpi.ForecastOptions{
		Horizon: len(t.ahead), Season: trendSeason[t.interval], Least: &zero, Most: columns[options.Measure].max,
	})
	if t.forecast == nil {
		t.ahead = nil
		return nil
	}
	var notices []data.Notice
	if t.forecast.Fallback != "" {
		notices = append(notices, information(t.forecast.Fallback))
	}
	if t.behind > 0 {
		notices = append(notices, information(fmt.Sprintf("The last %d whole steps have no %s to show; the forecast begins with %s.",
			t.behind, columns[options.Measure].label, last.To.In(calendar.Location).Format(time.DateOnly))))
	}
	return notices
}

var trendMeasures = []string{"kwh_per_1k_requests", "score", "energy_kwh", "cost_usd", "carbon_kg"}

// trendOmits is what the trend of a measure does without, over its many steps.
func trendOmits(measure string) warehouse.Measure {
	omit := warehouse.MeasureTokens | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureFacility | warehouse.MeasureCarbonMarket
	if measure != "cost_usd" {
		omit |= warehouse.MeasureCost
	}
	if measure != "carbon_kg" {
		omit |= warehouse.MeasureCarbonLocation
	}
	if measure != "score" {
		omit |= warehouse.MeasureScore
	}
	return omit
}

var trendFormulas = map[string]string{
	"kwh_per_1k_requests": "IT energy × 1,000 / requests, over the request-serving work",
	"score":               "100 × E_ref / (E_ref + E), over requests whose model has a task class with a reference",
	"energy_kwh":          "Σ IT energy",
	"cost_usd":            "Σ billed cost, else facility energy × electricity price",
	"carbon_kg":           "Σ facility energy × grid carbon intensity, else what the source reported",
}

// trendRatios are the measures that do not add up over time.
var trendRatios = []string{"kwh_per_1k_requests", "score"}

func isTrendRatio(measure string) bool { return slices.Contains(trendRatios, measure) }

// trendObservation is the measure of a step over all its rows. It is nil without an
// answer: a ratio of nothing, or a sum that misses a factor.
func trendObservation(measure string, rows []warehouse.UsageRow) *float64 {
	m := kpi.Measures{Cost: new(kpi.USD(0)), CarbonLocation: new(kpi.KilogramsCO2e(0))}
	for _, row := range rows {
		m.ITEnergy += row.ITEnergy
		m.ServingEnergy, m.ServingRequests = m.ServingEnergy+row.ServingEnergy, m.ServingRequests+row.ServingRequests
		m.ScoredEnergy, m.ReferenceEnergy = m.ScoredEnergy+row.ScoredEnergy, m.ReferenceEnergy+row.ReferenceEnergy
		m.Cost, m.CarbonLocation = addKnown(m.Cost, row.Cost), addKnown(m.CarbonLocation, row.CarbonLocation)
	}
	switch measure {
	case "kwh_per_1k_requests":
		return kpi.EnergyPer1kRequests(m.ServingEnergy, m.ServingRequests)
	case "score":
		return kpi.EnergyScore(m)
	case "energy_kwh":
		return number(m.ITEnergy)
	case "cost_usd":
		return maybe(m.Cost)
	case "carbon_kg":
		return maybe(m.CarbonLocation)
	}
	panic("query: efficiencyTrend has no measure " + measure) // oneOf lets only its measures through
}

// addKnown adds two amounts; a sum with an unknown part is unknown.
func addKnown[T ~float64](a, b *T) *T {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}
