package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var energyScore = Type{
	Name:           "energyScore",
	Label:          "Energy score",
	Description:    "Energy, cost and carbon per unit of work, scored against the reference of each task class",
	GroupBy:        kpi.GroupDimensions(),
	DefaultGroupBy: []kpi.Dimension{kpi.DimensionModel},
	Formats:        []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics: []string{"score", "kwh_per_1k_requests", "kwh_per_1m_tokens", "energy_kwh", "cost_usd",
		"cost_per_transaction_usd", "carbon_kg", "requests"},
	answer: answerEnergyScore,
}

// energyScoreOptions are the options of the query type. See src/types.ts.
type energyScoreOptions struct {
	StarBands kpi.StarBands `json:"starBands"` // range or quintile
	Tokens    kpi.Tokens    `json:"tokens"`    // which tokens kwh_per_1m_tokens counts
	CostBasis kpi.CostBasis `json:"costBasis"` // energy, or full: what the source billed
	// Total answers one row over all groups instead of one for each.
	Total bool `json:"total"`
	// Also adds columns that a table of groups has no room for; see alsoColumns.
	Also []string `json:"also"`
}

// alsoColumns are those that are answered when they are asked for.
var alsoColumns = []string{"facility_kwh", "carbon_market_kg", "cost_per_1k_requests_usd"}

func answerEnergyScore(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := energyScoreOptions{StarBands: kpi.StarBandsRange, Tokens: kpi.TokensOutput, CostBasis: kpi.CostBasisEnergy}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("starBands", string(options.StarBands), string(kpi.StarBandsRange), string(kpi.StarBandsQuintile)),
		oneOf("tokens", string(options.Tokens), string(kpi.TokensInput), string(kpi.TokensOutput), string(kpi.TokensTotal)),
		oneOf("costBasis", string(options.CostBasis), string(kpi.CostBasisEnergy), string(kpi.CostBasisFull)),
	} {
		if err != nil {
			return nil, err
		}
	}
	for _, name := range options.Also {
		if err := oneOf("also", name, alsoColumns...); err != nil {
			return nil, err
		}
	}
	options.Also = slices.Compact(slices.Sorted(slices.Values(options.Also)))
	if options.Total {
		request.GroupBy = nil
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	if request.Format == FormatTimeSeries {
		return energyScoreOverTime(ctx, source, request, options, p)
	}
	return energyScoreTable(ctx, source, request, options, p)
}

func energyScoreTable(ctx context.Context, source Source, request Request, options energyScoreOptions, p plan) (data.Frames, error) {
	usage := []warehouse.UsageRequest{{
		Periods: []kpi.Span{p.span, p.previous}, GroupBy: request.GroupBy,
		Filters: request.Filters, FactorVersion: request.FactorVersion,
	}}
	rated := slices.Equal(request.GroupBy, []kpi.Dimension{kpi.DimensionModel})
	if rated {
		// A model's stars compare it with all models, whatever the panel filters.
		usage = append(usage, warehouse.UsageRequest{
			Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{kpi.DimensionTaskClass, kpi.DimensionModel},
			FactorVersion: request.FactorVersion,
		})
	}
	answers, provenance, err := source.Usage(ctx, usage...)
	if err != nil {
		return nil, err
	}
	current, previous := inPeriod(answers[0], 0), map[string]warehouse.UsageRow{}
	for _, row := range inPeriod(answers[0], 1) {
		previous[memberKey(row.Members)] = row
	}
	slices.SortStableFunc(current, func(a, b warehouse.UsageRow) int { return cmp.Compare(b.ITEnergy, a.ITEnergy) })

	m := newMeta(request, p.span, provenance, p.calendar.Location)
	before := describeSpan(p.previous, p.calendar.Location)
	m.PreviousPeriod, m.MeasuredShare = &before, measuredShare(current)
	m.Denominator, m.CostBasis, m.CarbonMethod = string(options.Tokens)+" tokens", string(options.CostBasis), "location-based"
	m.Formulas = []formulaMeta{
		{"score", "100 × E_ref / (E_ref + E), over requests whose model has a task class with a reference"},
		{"kwh_per_1k_requests", "IT energy × 1,000 / requests"},
		{"cost_per_transaction_usd", "energy cost or full cost / requests"},
	}
	if slices.Contains(options.Also, "facility_kwh") {
		m.Formulas = append(m.Formulas, formulaMeta{"facility_kwh", "Σ IT energy × PUE of the region at the time"})
	}
	stars := map[string]int{}
	if rated {
		m.Cohorts = rateCohorts(answers[1], options.StarBands, p.span.To.In(p.calendar.Location), stars)
	}
	frame := data.NewFrame("Energy score")
	for i, dimension := range request.GroupBy {
		members := make([]string, len(current))
		for j, row := range current {
			members[j] = row.Members[i]
		}
		frame.Fields = append(frame.Fields, memberField(dimension, members))
	}
	for _, name := range append([]string{"requests", "energy_kwh", "kwh_per_1k_requests", "kwh_per_1m_tokens", "cost_usd",
		"cost_per_transaction_usd", "carbon_kg", "score"}, options.Also...) {
		values := make([]*float64, len(current))
		for j, row := range current {
			values[j] = energyScoreMetric(name, row.Measures, options)
		}
		frame.Fields = append(frame.Fields, numberField(name, values))
	}
	starred, before0 := make([]*float64, len(current)), make([]*float64, len(current))
	for j, row := range current {
		if rated {
			if n, ok := stars[row.Members[0]]; ok {
				starred[j] = number(n)
			}
		}
		if earlier, ok := previous[memberKey(row.Members)]; ok {
			before0[j] = kpi.EnergyScore(earlier.Measures)
		}
	}
	frame.Fields = append(frame.Fields, numberField("stars", starred), numberField("previous_score", before0))
	return data.Frames{attach(frame, m, provenance.SQL, append(noticesOn(current, provenance), scoreNotice(current)...))}, nil
}

// energyScoreMetric is one number of a group.
func energyScoreMetric(name string, m kpi.Measures, options energyScoreOptions) *float64 {
	switch name {
	case "requests":
		return number(m.Requests)
	case "energy_kwh":
		return number(m.ITEnergy)
	case "kwh_per_1k_requests":
		return kpi.EnergyPer1kRequests(m.ServingEnergy, m.ServingRequests)
	case "kwh_per_1m_tokens":
		return kpi.EnergyPer1MTokens(m.ServingEnergy, options.Tokens.Count(m))
	case "cost_usd":
		return maybe(m.Cost)
	case "cost_per_transaction_usd":
		return maybe(kpi.CostPerTransaction(options.CostBasis.ServingCost(m), float64(m.ServingRequests)))
	case "carbon_kg":
		return maybe(m.CarbonLocation)
	case "score":
		return kpi.EnergyScore(m)
	case "facility_kwh":
		return maybe(m.FacilityEnergy)
	case "carbon_market_kg":
		return maybe(m.CarbonMarket)
	case "cost_per_1k_requests_usd":
		return maybe(kpi.CostPerTransaction(options.CostBasis.ServingCost(m), float64(m.ServingRequests)/1000))
	}
	panic("query: energyScore has no metric " + name) // Parse lets only its metrics through
}

// rateCohorts gives the models of each task class their stars and describes the
// cohorts for the metadata.
func rateCohorts(rows []warehouse.UsageRow, bands kpi.StarBands, at time.Time, stars map[string]int) []cohortMeta {
	models := make([]kpi.ModelIntensity, len(rows))
	for i, row := range rows {
		if class := row.Members[0]; class != kpi.None {
			models[i] = kpi.ModelIntensity{TaskClass: class, Intensity: kpi.EnergyPer1kRequests(row.ServingEnergy, row.ServingRequests)}
		}
	}
	given, cohorts := kpi.Stars(models, bands)
	for i, row := range rows {
		if given[i] != nil {
			stars[row.Members[1]] = *given[i]
		}
	}
	described := make([]cohortMeta, len(cohorts))
	for i, c := range cohorts {
		described[i] = cohortMeta{TaskClass: c.TaskClass, Models: c.Models, Least: c.Least, Most: c.Most,
			Bands: string(c.Bands), Starred: c.Starred(), Reference: at.Format(time.DateOnly)}
	}
	return described
}

// scoreNotice says how much of the request-serving energy has no score.
func scoreNotice(rows []warehouse.UsageRow) []data.Notice {
	var serving, scored kpi.KilowattHours
	for _, row := range rows {
		serving, scored = serving+row.ServingEnergy, scored+row.ScoredEnergy
	}
	open := kpi.Shares([]*kpi.KilowattHours{&scored, new(serving - scored)})[1]
	if open == nil || *open < 0.0005 {
		return nil
	}
	return []data.Notice{information(fmt.Sprintf("%.1f %% of the request-serving energy is not scored: its models have no task class with a reference intensity.", *open*100))}
}

func energyScoreOverTime(ctx context.Context, source Source, request Request, options energyScoreOptions, p plan) (data.Frames, error) {
	spans := p.cut(request)
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: spans, GroupBy: request.GroupBy, Filters: request.Filters, FactorVersion: request.FactorVersion,
	})
	if err != nil {
		return nil, err
	}
	rows := answers[0]
	times := make([]time.Time, len(spans))
	for i, span := range spans {
		times[i] = span.From
	}
	frame := data.NewFrame("Energy score", data.NewField("time", nil, times))
	// In the order of the members; a field copies its values, so they come first.
	var groups [][]string
	series := map[string][]*float64{}
	for _, row := range rows {
		value := energyScoreMetric(request.Metric, row.Measures, options)
		if value == nil { // idle energy has no intensity, and needs no empty line
			continue
		}
		key := memberKey(row.Members)
		if series[key] == nil {
			groups, series[key] = append(groups, row.Members), make([]*float64, len(spans))
		}
		series[key][row.Period] = value
	}
	slices.SortFunc(groups, slices.Compare)
	for _, members := range groups {
		field := numberField(request.Metric, series[memberKey(members)])
		field.Labels = data.Labels{}
		for i, dimension := range request.GroupBy {
			field.Labels[dimension.Column()] = members[i]
		}
		field.Config.DisplayNameFromDS = seriesName(members, request.Metric)
		frame.Fields = append(frame.Fields, field)
	}
	if len(frame.Fields) == 1 { // an empty series still says what it is of
		frame.Fields = append(frame.Fields, numberField(request.Metric, make([]*float64, len(spans))))
	}
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.Denominator, m.CostBasis = measuredShare(rows), string(options.Tokens)+" tokens", string(options.CostBasis)
	return data.Frames{attach(frame, m, provenance.SQL, noticesOn(rows, provenance))}, nil
}

// seriesName is what a legend shows: the members, or the metric if there are none.
func seriesName(members []string, metric string) string {
	if len(members) == 0 {
		return columns[metric].label
	}
	name := MemberLabel(members[0])
	for _, member := range members[1:] {
		name += " · " + MemberLabel(member)
	}
	return name
}
