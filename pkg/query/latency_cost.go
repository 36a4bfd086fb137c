package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var latencyCost = Type{
	Name:        "latencyCost",
	Label:       "Latency and cost",
	Description: "Does cheap energy cost customers? Latency against its objectives beside the energy cost of the same hours",
	GroupBy: []kpi.Dimension{kpi.DimensionEndpoint, kpi.DimensionModel, kpi.DimensionProject, kpi.DimensionRegion,
		kpi.DimensionTeam, kpi.DimensionBusinessUnit},
	OneGroup: true,
	Formats:  []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:  []string{"slo_breach_rate", "p95_ms", "p50_ms", "cost_per_1k_requests_usd", "correlation", "spikes", "spikes_with_breach", "requests"},
	answer:   answerLatencyCost,
}

// hourlyFor is the longest range answered by the hour; a longer one is by day,
// because a quarter's 2,200 hours are more than a chart shows.
const hourlyFor = 31 * 24 * time.Hour

// latencyCostOptions are the options of the query type. See src/types.ts.
type latencyCostOptions struct {
	View      string        `json:"view"` // hours, or groups: a row a group over all hours
	CostBasis kpi.CostBasis `json:"costBasis"`
}

func answerLatencyCost(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := latencyCostOptions{View: "hours", CostBasis: kpi.CostBasisEnergy}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("view", options.View, "hours", "groups"),
		oneOf("costBasis", string(options.CostBasis), string(kpi.CostBasisEnergy), string(kpi.CostBasisFull)),
	} {
		if err != nil {
			return nil, err
		}
	}
	switch {
	case request.Format == FormatNumber: // an alert asks how a group stands, not an hour
		options.View = "groups"
	case options.View == "hours" && len(request.GroupBy) > 0:
		return nil, BadRequest("The hours are of everything the filters leave: filter by %s instead of grouping by it, or ask for the view groups.", request.GroupBy[0])
	case options.View == "groups" && request.Format == FormatTimeSeries:
		return nil, BadRequest("The view groups has a row a group and no time: ask for a table, or for the view hours.")
	}
	if options.View == "groups" && len(request.GroupBy) == 0 {
		request.GroupBy = []kpi.Dimension{kpi.DimensionEndpoint}
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	steps, byDay := latencySteps(p, request.Now)
	group := kpi.Dimension("")
	if options.View == "groups" {
		group = request.GroupBy[0]
	}
	m := newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location)
	if len(steps) == 0 {
		frame := latencyFrame(options, group, nil, nil)
		return data.Frames{attach(frame, m, "", []data.Notice{information("This period has not begun.")})}, nil
	}
	whole := kpi.Span{From: steps[0].From, To: steps[len(steps)-1].To}
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: steps, GroupBy: groupOf(group), Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: latencyOmits(options.CostBasis),
	})
	if err != nil {
		return nil, err
	}
	latencies, statement, err := source.Latency(ctx, warehouse.LatencyRequest{Span: whole, ByDay: byDay, GroupBy: group, Filters: request.Filters})
	if err != nil {
		return nil, err
	}
	groups := joinLatency(steps, answers[0], latencies, options.CostBasis)

	m = newMeta(request, whole, provenance, p.calendar.Location)
	m.MeasuredShare, m.CostBasis = measuredShare(answers[0]), string(options.CostBasis)
	m.Step = map[bool]string{false: "hour", true: "day"}[byDay]
	m.LatencyError = kpi.LatencyError
	if whole, ok := groups[""]; ok {
		m.Correlation, m.CorrelationOver = whole.tradeOff.Correlation, whole.tradeOff.Hours
	}
	m.Formulas = []formulaMeta{
		{"slo_breach_rate", "requests slower than their model's latency SLO / requests whose model has one"},
		{"p50_ms", "median from log-scale histograms (DDSketch), within 1 %"},
		{"p95_ms", "95th percentile from log-scale histograms (DDSketch), within 1 %"},
		{"cost_per_1k_requests_usd", string(options.CostBasis) + " cost of answering requests × 1,000 / requests"},
		{"correlation", "Spearman's ρ of breach rate and cost per 1k requests, by " + m.Step},
		{"spikes", "steps whose cost per 1k requests has a robust z over 3.5 (Iglewicz and Hoaglin)"},
		{"spikes_with_breach", "cost spikes in which at least 5 % of the requests were over their SLO"},
	}
	frame := latencyFrame(options, group, steps, groups)
	return data.Frames{attach(frame, m, statement, latencyNotices(answers[0], provenance, groups, m))}, nil
}

// latencyOmits is what the cost of the steps does without.
func latencyOmits(basis kpi.CostBasis) warehouse.Measure {
	omit := warehouse.MeasureTokens | warehouse.MeasureCarbon | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureScore |
		warehouse.MeasureFacility
	if basis == kpi.CostBasisEnergy {
		omit |= warehouse.MeasureCost
	}
	return omit
}

func groupOf(dimension kpi.Dimension) []kpi.Dimension {
	if dimension == "" {
		return nil
	}
	return []kpi.Dimension{dimension}
}

// latencySteps are the hours of the range that have begun, or its days where it is
// long.
func latencySteps(p plan, now time.Time) ([]kpi.Span, bool) {
	byDay := p.span.Duration() > hourlyFor
	interval, span := kpi.IntervalHour, p.span
	if byDay { // whole days, as the histograms are grouped
		interval = kpi.IntervalDay
		span.From = p.calendar.Start(span.From, interval)
		if start := p.calendar.Start(span.To, interval); !start.Equal(span.To) {
			span.To = p.calendar.Next(span.To, interval)
		}
	}
	var steps []kpi.Span
	for _, bucket := range p.calendar.Buckets(span, interval) {
		if bucket.From.Before(now) {
			steps = append(steps, bucket.Span)
		}
	}
	return steps, byDay
}

// latencyGroup is one group over the steps.
type latencyGroup struct {
	breachRates, medians, tails, costs []*float64 // by step
	histogram                          kpi.LatencyHistogram
	judged, breaches                   int64
	serving                            int64 // requests served
	cost                               *kpi.USD
	objective                          *float64
	tradeOff                           kpi.TradeOff
}

func joinLatency(steps []kpi.Span, usage []warehouse.UsageRow, latencies []warehouse.LatencyRow, basis kpi.CostBasis) map[string]*latencyGroup {
	groups := map[string]*latencyGroup{}
	of := func(member string) *latencyGroup {
		if groups[member] == nil {
			n := len(steps)
			groups[member] = &latencyGroup{breachRates: make([]*float64, n), medians: make([]*float64, n), tails: make([]*float64, n),
				costs: make([]*float64, n), cost: new(kpi.USD)}
		}
		return groups[member]
	}
	for _, row := range usage {
		if row.ServingRequests == 0 {
			continue
		}
		member := ""
		if len(row.Members) > 0 {
			member = row.Members[0]
		}
		g, cost := of(member), basis.ServingCost(row.Measures)
		g.serving += row.ServingRequests
		g.cost = plus(g.cost, cost)
		g.costs[row.Period] = maybe(kpi.CostPerTransaction(cost, float64(row.ServingRequests)/1000))
	}
	for _, row := range latencies {
		step, found := slices.BinarySearchFunc(steps, row.Start, func(s kpi.Span, at time.Time) int { return s.From.Compare(at) })
		if !found {
			continue
		}
		g := of(row.Member)
		g.breachRates[step] = kpi.BreachRate(row.Breaches, row.Judged)
		g.medians[step], g.tails[step] = row.Histogram.Quantile(0.5), row.Histogram.Quantile(0.95)
		g.judged, g.breaches, g.objective = g.judged+row.Judged, g.breaches+row.Breaches, row.Objective
		g.histogram.Merge(row.Histogram)
	}
	for _, g := range groups {
		g.tradeOff = kpi.NewTradeOff(g.breachRates, g.costs)
	}
	return groups
}

func latencyNotices(rows []warehouse.UsageRow, provenance warehouse.Provenance, groups map[string]*latencyGroup, m *meta) []data.Notice {
	notices := noticesWithout(warehouse.MeasureCarbon, rows, provenance)
	var serving, timed, judged int64
	for _, g := range groups {
		serving, timed, judged = serving+g.serving, timed+g.histogram.Count(), judged+g.judged
	}
	switch {
	case serving > 0 && timed == 0:
		notices = append(notices, information("No request reported its latency in this period."))
	case timed < serving:
		notices = append(notices, information(fmt.Sprintf("%.0f %% of the requests reported no latency and are left out of it.", 100-100*float64(timed)/float64(serving))))
	}
	if timed > 0 && judged < timed {
		notices = append(notices, information(fmt.Sprintf("%.0f %% of the requests went to models without a latency SLO; the breach rate leaves them out.", 100-100*float64(judged)/float64(timed))))
	}
	if m.Step == "day" {
		notices = append(notices, information("The range is longer than a month, so its steps are days."))
	}
	return notices
}

func latencyFrame(options latencyCostOptions, group kpi.Dimension, steps []kpi.Span, groups map[string]*latencyGroup) *data.Frame {
	if options.View == "groups" {
		return latencyGroups(group, groups)
	}
	n := len(steps)
	g := groups[""]
	if g == nil {
		g = &latencyGroup{breachRates: make([]*float64, n), medians: make([]*float64, n), tails: make([]*float64, n), costs: make([]*float64, n),
			tradeOff: kpi.TradeOff{Spike: make([]bool, n)}}
	}
	times := make([]time.Time, n)
	for i, step := range steps {
		times[i] = step.From
	}
	spike := data.NewField("spike", nil, g.tradeOff.Spike)
	spike.Config = &data.FieldConfig{DisplayNameFromDS: textLabels["spike"]}
	return data.NewFrame("Latency and cost", data.NewField("time", nil, times), numberField("slo_breach_rate", g.breachRates),
		numberField("p50_ms", g.medians), numberField("p95_ms", g.tails), numberField("cost_per_1k_requests_usd", g.costs), spike)
}

// latencyGroups answers a row a group, the one with the most breaches first.
func latencyGroups(dimension kpi.Dimension, groups map[string]*latencyGroup) *data.Frame {
	members := slices.Sorted(maps.Keys(groups))
	slices.SortStableFunc(members, func(a, b string) int { return cmp.Compare(groups[b].breaches, groups[a].breaches) })
	n := len(members)
	numbers := map[string][]*float64{}
	order := []string{"requests", "slo_breach_rate", "p50_ms", "p95_ms", "slo_ms", "cost_per_1k_requests_usd", "correlation", "spikes", "spikes_with_breach"}
	for _, name := range order {
		numbers[name] = make([]*float64, n)
	}
	for i, member := range members {
		g := groups[member]
		numbers["requests"][i] = number(g.serving)
		numbers["slo_breach_rate"][i] = kpi.BreachRate(g.breaches, g.judged)
		numbers["p50_ms"][i], numbers["p95_ms"][i], numbers["slo_ms"][i] = g.histogram.Quantile(0.5), g.histogram.Quantile(0.95), g.objective
		numbers["cost_per_1k_requests_usd"][i] = maybe(kpi.CostPerTransaction(g.cost, float64(g.serving)/1000))
		numbers["correlation"][i] = g.tradeOff.Correlation
		numbers["spikes"][i], numbers["spikes_with_breach"][i] = number(g.tradeOff.Spikes), number(g.tradeOff.SpikesWithBreach)
	}
	frame := data.NewFrame("Latency and cost by "+string(dimension), memberField(dimension, members))
	for _, name := range order {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	return frame
}
