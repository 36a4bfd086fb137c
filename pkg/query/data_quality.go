package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var dataQuality = Type{
	Name:           "dataQuality",
	Label:          "Data quality",
	Description:    "Where the numbers come from: how much is measured, which sources report, and the factors, references and formulas in force",
	GroupBy:        energyScore.GroupBy,
	DefaultGroupBy: []kpi.Dimension{kpi.DimensionRegion},
	Formats:        []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:        []string{"measured_share", "measured_kwh", "estimated_kwh", "energy_kwh", "age_seconds", "events"},
}

// One of its views is of all query types, itself among them.
func init() { dataQuality.answer = answerDataQuality }

// sourceDays is how far before the end of the range sources are looked for: their
// events are read one by one.
const sourceDays = 7

// dataQualityOptions are the options of the query type. See src/types.ts.
type dataQualityOptions struct {
	// View coverage is how much of the energy was measured, sources who reported it,
	// factors and references what it is priced and scored by, formulas the KPIs',
	// figures the meaning of every field, restatements the changes of the factors.
	View string `json:"view"`
	// Total answers the coverage of everything instead of each group's.
	Total bool `json:"total"`
}

// dataQualityView answers a view.
type dataQualityView func(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error)

var dataQualityViews = map[string]dataQualityView{
	"coverage": coverageView, "sources": sourcesView, "factors": factorsView, "references": referencesView,
	"formulas": formulasView, "figures": figuresView, "restatements": restatementsView,
}

func answerDataQuality(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := dataQualityOptions{View: "coverage"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := oneOf("view", options.View, slices.Sorted(maps.Keys(dataQualityViews))...); err != nil {
		return nil, err
	}
	switch {
	case options.View == "coverage", request.Format == FormatTable:
	case options.View == "sources" && request.Format == FormatNumber:
	default:
		return nil, BadRequest("The view %s is a table: ask for the format table, or for the view coverage.", options.View)
	}
	if options.Total {
		request.GroupBy = nil
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	frame, err := dataQualityViews[options.View](ctx, source, request, p)
	if err != nil {
		return nil, err
	}
	return data.Frames{frame}, nil
}

// coverage is one number of a group's energy.
func coverage(name string, m kpi.Measures) *float64 {
	switch name {
	case "energy_kwh":
		return number(m.ITEnergy)
	case "measured_kwh":
		return number(m.MeasuredEnergy)
	case "estimated_kwh":
		return number(m.ITEnergy - m.MeasuredEnergy)
	case "measured_share":
		return kpi.MeasuredShare(m)
	}
	return nil // what only the sources have
}

var coverageFormulas = []formulaMeta{
	{"measured_kwh", "Σ IT energy of events whose source metered it"},
	{"estimated_kwh", "energy − measured energy"},
	{"measured_share", "measured energy / energy"},
}

// quantitiesOnly leaves out what energy does not need.
const quantitiesOnly = warehouse.MeasureTokens | warehouse.MeasureCost | warehouse.MeasureCarbon | warehouse.MeasureGPU |
	warehouse.MeasureLatency | warehouse.MeasureScore

func coverageView(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error) {
	spans := []kpi.Span{p.span}
	if request.Format == FormatTimeSeries {
		spans = p.cut(request)
	}
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: spans, GroupBy: request.GroupBy, Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: quantitiesOnly,
	})
	if err != nil {
		return nil, err
	}
	rows := answers[0]
	var frame *data.Frame
	if request.Format == FormatTimeSeries {
		frame = coverageSeries(request, spans, rows)
	} else {
		slices.SortStableFunc(rows, func(a, b warehouse.UsageRow) int { return cmp.Compare(b.ITEnergy, a.ITEnergy) })
		frame = data.NewFrame("Coverage")
		for i, dimension := range request.GroupBy {
			members := make([]string, len(rows))
			for j, row := range rows {
				members[j] = row.Members[i]
			}
			frame.Fields = append(frame.Fields, memberField(dimension, members))
		}
		for _, name := range []string{"energy_kwh", "measured_kwh", "estimated_kwh", "measured_share"} {
			values := make([]*float64, len(rows))
			for j, row := range rows {
				values[j] = coverage(name, row.Measures)
			}
			frame.Fields = append(frame.Fields, numberField(name, values))
		}
	}
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.Formulas = measuredShare(rows), coverageFormulas
	var notices []data.Notice
	if len(rows) == 0 {
		notices = noticesOn(rows, provenance)
	}
	return attach(frame, m, provenance.SQL, notices), nil
}

// coverageSeries is a field a group, in the order of the members.
func coverageSeries(request Request, spans []kpi.Span, rows []warehouse.UsageRow) *data.Frame {
	times := make([]time.Time, len(spans))
	for i, span := range spans {
		times[i] = span.From
	}
	frame := data.NewFrame("Coverage", data.NewField("time", nil, times))
	var groups [][]string
	series := map[string][]*float64{}
	for _, row := range rows {
		key := memberKey(row.Members)
		if series[key] == nil {
			groups, series[key] = append(groups, row.Members), make([]*float64, len(spans))
		}
		series[key][row.Period] = coverage(request.Metric, row.Measures)
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
	if len(groups) == 0 { // an empty series still says what it is of
		frame.Fields = append(frame.Fields, numberField(request.Metric, make([]*float64, len(spans))))
	}
	return frame
}

func sourcesView(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error) {
	span := p.span
	if earliest := span.To.AddDate(0, 0, -sourceDays); span.From.Before(earliest) {
		span.From = earliest
	}
	sources, err := source.Sources(ctx, span)
	if err != nil {
		return nil, err
	}
	n := len(sources)
	names, newest := make([]string, n), make([]time.Time, n)
	numbers := map[string][]*float64{}
	for _, name := range []string{"events", "energy_kwh", "measured_share", "age_seconds"} {
		numbers[name] = make([]*float64, n)
	}
	for i, s := range sources {
		names[i], newest[i] = s.Source, s.Newest.UTC()
		numbers["events"][i], numbers["energy_kwh"][i] = number(s.Events), number(s.ITEnergy)
		numbers["measured_share"][i] = kpi.MeasuredShare(kpi.Measures{ITEnergy: s.ITEnergy, MeasuredEnergy: s.MeasuredEnergy})
		numbers["age_seconds"][i] = number(max(0, request.Now.Sub(s.Newest).Truncate(time.Second).Seconds()))
	}
	frame := data.NewFrame("Sources", textField("source", names), numberField("events", numbers["events"]), numberField("energy_kwh", numbers["energy_kwh"]),
		numberField("measured_share", numbers["measured_share"]), timeField("newest_event", newest), numberField("age_seconds", numbers["age_seconds"]))
	frame.Fields[5].Config.Description = "Since its newest event"
	m := newMeta(request, span, warehouse.Provenance{}, p.calendar.Location)
	m.Formulas = coverageFormulas
	var notices []data.Notice
	if len(request.Filters) > 0 {
		notices = append(notices, information("Sources are shown whole: the filters leave them all."))
	}
	if n == 0 {
		notices = append(notices, information(fmt.Sprintf("Nothing was reported in the last %d days of the range.", sourceDays)))
	}
	return attach(frame, m, warehouse.SourcesSQL(), notices), nil
}

// factorUnits are those of a factor's value.
var factorUnits = map[warehouse.FactorQuantity]string{
	warehouse.FactorGridLocation: "gCO₂e/kWh", warehouse.FactorGridMarket: "gCO₂e/kWh",
	warehouse.FactorPUE: "kWh/kWh", warehouse.FactorElectricityPrice: "USD/kWh",
}

var factorNames = map[warehouse.FactorQuantity]string{
	warehouse.FactorGridLocation: "Grid intensity, location-based", warehouse.FactorGridMarket: "Grid intensity, market-based",
	warehouse.FactorPUE: "PUE", warehouse.FactorElectricityPrice: "Electricity price",
}

func factorsView(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error) {
	factors, err := source.AuditFactors(ctx, request.FactorVersion, p.span, request.Filters)
	if err != nil {
		return nil, err
	}
	// What names the version; of the energy there is no more to say here.
	_, provenance, err := source.Usage(ctx, warehouse.UsageRequest{Periods: []kpi.Span{p.span}, Filters: request.Filters,
		FactorVersion: request.FactorVersion, Omit: quantitiesOnly})
	if err != nil {
		return nil, err
	}
	n := len(factors)
	texts := map[string][]string{}
	for _, name := range []string{"quantity", "unit", "owner", "source", "factor_method", "boundary"} {
		texts[name] = make([]string, n)
	}
	regions, values, years, from := make([]string, n), make([]*float64, n), make([]*float64, n), make([]time.Time, n)
	for i, f := range factors {
		regions[i], values[i], years[i], from[i] = f.Region, number(f.Value), number(f.SourceYear), f.ValidFrom
		texts["quantity"][i], texts["unit"][i], texts["owner"][i] = factorNames[f.Quantity], factorUnits[f.Quantity], f.Owner
		texts["source"][i], texts["factor_method"][i], texts["boundary"][i] = f.Source, f.Method, f.Boundary
	}
	frame := data.NewFrame("Factors", memberField(kpi.DimensionRegion, regions), textField("quantity", texts["quantity"]), numberField("factor", values),
		textField("unit", texts["unit"]), timeField("valid_from", from), textField("owner", texts["owner"]), textField("source", texts["source"]),
		numberField("source_year", years), textField("factor_method", texts["factor_method"]), textField("boundary", texts["boundary"]))
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	var notices []data.Notice
	if n == 0 {
		notices = append(notices, warning("No figure prices the energy of this period with these filters: wattctl import regions FILE, wattctl import factors FILE."))
	}
	return attach(frame, m, warehouse.AuditFactorsSQL(), notices), nil
}

func referencesView(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error) {
	references, err := source.References(ctx, p.span.To)
	if err != nil {
		return nil, err
	}
	n := len(references)
	classes, sources, boundaries := make([]string, n), make([]string, n), make([]string, n)
	intensities, years, models, from := make([]*float64, n), make([]*float64, n), make([]*float64, n), make([]time.Time, n)
	for i, r := range references {
		classes[i], sources[i], boundaries[i], from[i] = r.TaskClass, r.Source, r.Boundary, r.ValidFrom
		intensities[i], years[i], models[i] = number(r.EnergyPer1k), number(r.SourceYear), number(r.ScoresAgainst)
	}
	frame := data.NewFrame("Reference intensities", textField("task_class", classes), numberField("kwh_per_1k_requests", intensities),
		numberField("models", models), timeField("valid_from", from), textField("source", sources), numberField("source_year", years), textField("boundary", boundaries))
	return attach(frame, newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location), warehouse.ReferencesSQL(), nil), nil
}

// formulasView is how each business KPI is computed, and what it needs.
func formulasView(_ context.Context, _ Source, request Request, p plan) (*data.Frame, error) {
	n := len(theBusinessKPIs)
	texts := map[string][]string{}
	for _, name := range []string{"kpi", "formula", "unit", "audience"} {
		texts[name] = make([]string, n)
	}
	for i, k := range theBusinessKPIs {
		texts["kpi"][i], texts["formula"][i], texts["unit"][i], texts["audience"][i] = k.name, k.formula, k.unit, k.audience
	}
	frame := data.NewFrame("Formulas", textField("kpi", texts["kpi"]), textField("formula", texts["formula"]), textField("unit", texts["unit"]),
		textField("audience", texts["audience"]))
	return attach(frame, newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location), "", nil), nil
}

// figuresView is what each number field of the answers means, and which query types
// offer it to charts and alerts.
func figuresView(_ context.Context, _ Source, request Request, p plan) (*data.Frame, error) {
	names := slices.SortedFunc(maps.Keys(columns), func(a, b string) int {
		return cmp.Or(cmp.Compare(columns[a].label, columns[b].label), cmp.Compare(a, b))
	})
	n := len(names)
	texts := map[string][]string{}
	for _, name := range []string{"figure", "meaning", "unit", "field", "asked_of"} {
		texts[name] = make([]string, n)
	}
	for i, name := range names {
		c := columns[name]
		var types []string
		for _, t := range Types() {
			if slices.Contains(t.Metrics, name) {
				types = append(types, t.Name)
			}
		}
		texts["figure"][i], texts["meaning"][i], texts["unit"][i], texts["field"][i] = c.label, c.description, c.unitInWords(), name
		texts["asked_of"][i] = strings.Join(types, ", ")
	}
	frame := data.NewFrame("Figures", textField("figure", texts["figure"]), textField("meaning", texts["meaning"]), textField("unit", texts["unit"]),
		textField("field", texts["field"]), textField("asked_of", texts["asked_of"]))
	return attach(frame, newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location), "", nil), nil
}

func restatementsView(ctx context.Context, source Source, request Request, p plan) (*data.Frame, error) {
	restatements, err := source.Restatements(ctx, p.span)
	if err != nil {
		return nil, err
	}
	n := len(restatements)
	times, from, to := make([]time.Time, n), make([]string, n), make([]string, n)
	for i, r := range restatements {
		times[i], from[i], to[i] = r.Time.UTC(), "none", fmt.Sprintf("%s (%d)", r.ToVersionName, r.ToVersion)
		if r.FromVersion != 0 {
			from[i] = fmt.Sprintf("%s (%d)", r.FromVersionName, r.FromVersion)
		}
	}
	frame := data.NewFrame("Restatements", timeField("time", times), textField("from_version", from), textField("to_version", to))
	var notices []data.Notice
	if n == 0 {
		notices = append(notices, information("No published number was restated in this period."))
	}
	return attach(frame, newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location), warehouse.RestatementsSQL(), notices), nil
}
