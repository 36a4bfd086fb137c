package query

import (
	"context"
	"math"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var keyDrivers = Type{
	Name:        "keyDrivers",
	Label:       "Key drivers",
	Description: "Why energy, cost or carbon changed against the preceding period: the greatest causes by segment, each as a sentence",
	GroupBy: []kpi.Dimension{kpi.DimensionBusinessUnit, kpi.DimensionTeam, kpi.DimensionProject,
		kpi.DimensionModel, kpi.DimensionRegion},
	DefaultGroupBy: []kpi.Dimension{kpi.DimensionBusinessUnit},
	OneGroup:       true,
	Formats:        []Format{FormatTable, FormatNumber},
	Metrics:        []string{"effect", "share_of_change"},
	answer:         answerKeyDrivers,
}

// keyDriversOptions are the options of the query type. See src/types.ts.
type keyDriversOptions struct {
	Measure kpi.ChangeMeasure `json:"measure"`
	// Top is how many drivers are named, 0 for all. Absent it is 3 in the list, and
	// all in the bridge, which has few.
	Top  *int   `json:"top"`
	View string `json:"view"` // drivers or bridge
}

func (o keyDriversOptions) top() int {
	switch {
	case o.Top != nil:
		return *o.Top
	case o.View == "bridge":
		return 0
	}
	return 3
}

func readKeyDriversOptions(request Request) (keyDriversOptions, error) {
	options := keyDriversOptions{Measure: kpi.ChangeOfEnergy, View: "drivers"}
	if err := readOptions(request, &options); err != nil {
		return options, err
	}
	for _, err := range []error{
		oneOf("measure", string(options.Measure), string(kpi.ChangeOfEnergy), string(kpi.ChangeOfCost), string(kpi.ChangeOfCarbon)),
		oneOf("view", options.View, "drivers", "bridge"),
	} {
		if err != nil {
			return options, err
		}
	}
	if options.top() < 0 {
		return options, BadRequest("The option top is %d. It must be how many drivers to name, or 0 for all.", options.top())
	}
	if request.Format == FormatNumber && options.View != "drivers" {
		return options, BadRequest("keyDrivers gives numbers in the view drivers, not in %s. Change the view or the format.", options.View)
	}
	return options, nil
}

// driversOmit is what the drivers of a measure's change do without.
func driversOmit(measure kpi.ChangeMeasure) warehouse.Measure {
	omit := warehouse.MeasureTokens | warehouse.MeasureScore | warehouse.MeasureLatency | warehouse.MeasureCarbonMarket
	if measure != kpi.ChangeOfCost {
		omit |= warehouse.MeasureCost | warehouse.MeasureEnergyCost
	}
	if measure != kpi.ChangeOfCarbon {
		omit |= warehouse.MeasureCarbonLocation
	}
	return omit
}

func answerKeyDrivers(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options, err := readKeyDriversOptions(request)
	if err != nil {
		return nil, err
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	p, notices := p.elapsed(request)
	group := request.GroupBy[0]
	var rows []warehouse.UsageRow
	var provenance warehouse.Provenance
	if p.span.From.Before(p.span.To) {
		answers, from, err := source.Usage(ctx, warehouse.UsageRequest{
			Periods: []kpi.Span{p.span, p.previous}, Filters: request.Filters, FactorVersion: request.FactorVersion,
			Omit: driversOmit(options.Measure),
			// By what the effects are found for and then by what they are told by, so
			// that another group-by does not change what drove the total.
			GroupBy: []kpi.Dimension{kpi.DimensionModel, kpi.DimensionRegion, kpi.DimensionProject, kpi.DimensionWorkload, group},
		})
		if err != nil {
			return nil, err
		}
		rows, provenance = answers[0], from
	}
	current, previous := inPeriod(rows, 0), inPeriod(rows, 1)
	var change *kpi.ChangeDecomposition
	if len(current) > 0 && len(previous) > 0 {
		change = kpi.DecomposeChange(segmentsOf(rows), options.Measure)
	}
	notices = append(notices, noticesOnChange(options.Measure, p, current, previous, change, provenance)...)
	if change == nil {
		change = &kpi.ChangeDecomposition{}
	} else {
		notices = append(notices, billedNotice(options.Measure, current)...)
		notices = append(notices, lateNotice(p, provenance)...)
	}
	names := memberNames{group: group}
	if group == kpi.DimensionRegion && len(change.ByGroup) > 0 {
		if names.places, err = placesOf(ctx, source, request, p.span); err != nil {
			return nil, err
		}
	}
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	before := describeSpan(p.previous, p.calendar.Location)
	m.PreviousPeriod, m.MeasuredShare = &before, measuredShare(current)
	switch options.Measure {
	case kpi.ChangeOfCost:
		m.CostBasis = string(kpi.CostBasisEnergy)
	case kpi.ChangeOfCarbon:
		m.CarbonMethod = "location-based"
	}
	m.Formulas = keyDriversFormulas
	var frame *data.Frame
	if options.View == "bridge" {
		frame = bridgeFrame(change, options)
	} else {
		frame = driversFrame(change, options, names, request.Format)
	}
	m.Change = describeChange(change, options)
	return data.Frames{attach(frame, m, provenance.SQL, notices)}, nil
}

var keyDriversFormulas = []formulaMeta{
	{"effect", "additive LMDI-I (Ang 2005): Σ L(V₁, V₀) × ln(x₁ / x₀) over segments of model × region × project × workload, " +
		"V = activity × share × IT energy / activity × PUE (× USD/kWh or × kgCO₂e/kWh)"},
	{"volume and mix", "in the list, volume is the growth of the segment's own activity and mix what shifted within it; " +
		"in the bridge, volume is the growth of all activity and mix all that shifted; their sum is the same"},
	{"share_of_change", "effect / (total after − total before); below zero where the driver worked against the change"},
}

// segmentsOf pairs the rows of the two periods.
func segmentsOf(rows []warehouse.UsageRow) []kpi.ChangeSegment {
	segments := make([]kpi.ChangeSegment, 0, len(rows)) // half as many, where they are in both periods
	places := make(map[string]int, len(rows))
	for _, row := range rows {
		key := memberKey(row.Members)
		place, known := places[key]
		if !known {
			place = len(segments)
			places[key] = place
			segments = append(segments, kpi.ChangeSegment{
				Model: row.Members[0], Region: row.Members[1], Project: row.Members[2],
				Workload: kpi.Workload(row.Members[3]), Group: row.Members[4],
			})
		}
		if row.Period == 0 {
			segments[place].After = row.Measures
		} else {
			segments[place].Before = row.Measures
		}
	}
	return segments
}

// placesOf names the places of the regions, which people know better than codes.
func placesOf(ctx context.Context, source Source, request Request, span kpi.Span) (map[string]string, error) {
	factors, err := source.Factors(ctx, request.FactorVersion, span)
	if err != nil {
		return nil, err
	}
	places := map[string]string{}
	for _, factor := range factors {
		places[factor.Region] = factor.Location
	}
	return places, nil
}

// driversFrame lists the greatest effects by driver and segment.
func driversFrame(change *kpi.ChangeDecomposition, options keyDriversOptions, names memberNames, format Format) *data.Frame {
	effects := change.ByGroup
	if top := options.top(); top > 0 {
		effects = effects[:min(top, len(effects))]
	}
	n := len(effects)
	ranks, values, shares := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	drivers, members, sentences := make([]string, n), make([]string, n), make([]string, n)
	for i, effect := range effects {
		ranks[i], values[i], shares[i] = number(i+1), number(effect.Effect), shareOf(effect.Effect, change)
		drivers[i], members[i] = driverLabel(effect), effect.Group
		sentences[i] = sentence(effect, options.Measure, names, max(change.Before, change.After))
	}
	segment := memberField(names.group, members)
	segment.Name = "segment"
	frame := data.NewFrame("Key drivers", numberField("rank", ranks), textField("driver", drivers), segment,
		effectField("effect", values, options.Measure), numberField("share_of_change", shares))
	if format != FormatNumber { // as a label, a sentence with a number in it would make every evaluation a new alert
		frame.Fields = append(frame.Fields, textField("sentence", sentences))
	}
	return frame
}

func shareOf(effect float64, change *kpi.ChangeDecomposition) *float64 {
	total := change.Change()
	if math.Abs(total) <= 1e-12*max(change.Before, change.After) { // rounding is no change
		return nil
	}
	return number(effect / total)
}

func effectField(name string, values []*float64, measure kpi.ChangeMeasure) *data.Field {
	field := numberField(name, values)
	field.Config.Unit = map[kpi.ChangeMeasure]string{
		kpi.ChangeOfEnergy: "kwatth", kpi.ChangeOfCost: "currencyUSD", kpi.ChangeOfCarbon: unitKilograms,
	}[measure]
	return field
}
