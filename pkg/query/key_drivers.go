package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

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

// elapsed leaves the hours out that have not passed yet, because an unfinished
// month against a full one would be a wrong answer: both periods are cut alike.
func (p plan) elapsed(request Request) (plan, []data.Notice) {
	if !p.span.To.After(request.Now) {
		return p, nil
	}
	asked := p.span
	p.span.To = p.calendar.Start(request.Now, kpi.IntervalHour)
	if !p.span.From.Before(p.span.To) {
		p.span.To, p.previous.To = p.span.From, p.previous.From
		return p, []data.Notice{information("No full hour of this period has passed yet. Choose an earlier or a longer time range.")}
	}
	if asked.To.Sub(p.span.To) <= time.Hour {
		p.previous = p.calendar.Preceding(p.span) // a range up to now, less the hour that runs
		return p, nil
	}
	p.previous = sameStretch(p.previous, p.span)
	return p, []data.Notice{information(fmt.Sprintf("The period is not over: it is compared up to %s with the same stretch of the preceding period, up to %s.",
		p.span.To.Format("2 January 2006 15:04"), p.previous.To.Format("2 January 2006 15:04")))}
}

// sameStretch cuts the preceding period to the length of a span by the clock on
// the wall: the first nine and a half days of a month whatever daylight saving
// does. Where it is too short for that (February), it ends where it does and
// begins earlier.
func sameStretch(preceding, span kpi.Span) kpi.Span {
	hours := int(wallClock(span.To).Sub(wallClock(span.From)).Hours())
	later := func(t time.Time, hours int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour()+hours, t.Minute(), t.Second(), 0, t.Location())
	}
	if to := later(preceding.From, hours); to.Before(preceding.To) {
		return kpi.Span{From: preceding.From, To: to}
	}
	return kpi.Span{From: later(preceding.To, -hours), To: preceding.To}
}

func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// segmentsOf pairs the rows of the two periods.
func segmentsOf(rows []warehouse.UsageRow) []kpi.ChangeSegment {
	var segments []kpi.ChangeSegment
	places := map[string]int{}
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

func noticesOnChange(measure kpi.ChangeMeasure, p plan, current, previous []warehouse.UsageRow,
	change *kpi.ChangeDecomposition, provenance warehouse.Provenance) []data.Notice {
	switch {
	case !p.span.From.Before(p.span.To):
		return nil // said already
	case len(current) == 0:
		return noticesOn(current, provenance)
	case len(previous) == 0:
		return []data.Notice{information(fmt.Sprintf("There is no usage in the preceding period (%s to %s) with these filters, so there is nothing to compare with.",
			p.previous.From.Format("2 January 2006"), p.previous.To.Format("2 January 2006")))}
	}
	notices := noticesOn(slices.Concat(current, previous), provenance)
	if change == nil {
		notices = append(notices, warning(fmt.Sprintf("The %s of part of the usage is not known in one of the periods, so what drove the change cannot be told.", measure)))
	}
	return notices
}

// billedNotice says that the drivers explain the electricity alone where the bill
// is another: a rented GPU's price is not made of energy.
func billedNotice(measure kpi.ChangeMeasure, current []warehouse.UsageRow) []data.Notice {
	if measure != kpi.ChangeOfCost {
		return nil
	}
	var energy, billed float64
	for _, row := range current {
		if row.EnergyCost == nil || row.Cost == nil {
			return nil
		}
		energy, billed = energy+float64(*row.EnergyCost), billed+float64(*row.Cost)
	}
	if math.Abs(billed-energy) <= 0.005*energy {
		return nil
	}
	return []data.Notice{information(fmt.Sprintf("The drivers explain the cost of electricity, %s in this period; %s were billed, which also pays for hardware and services.",
		amountOf(kpi.ChangeOfCost, energy), amountOf(kpi.ChangeOfCost, billed)))}
}

// lateNotice says that the period ends after the newest event: what is still to
// come would look like a saving.
func lateNotice(p plan, provenance warehouse.Provenance) []data.Notice {
	if newest := provenance.NewestEvent; newest.Before(p.span.To.Add(-time.Hour)) {
		return []data.Notice{warning(fmt.Sprintf("The newest event is of %s, before the end of the compared period: usage that is not in yet looks like a saving.",
			newest.In(p.calendar.Location).Format("2 January 2006 15:04")))}
	}
	return nil
}

// changeMeta is what the drivers of a change rest on.
type changeMeta struct {
	Measure       string       `json:"measure"`
	Unit          string       `json:"unit"`
	Before        float64      `json:"before"`
	After         float64      `json:"after"`
	Change        float64      `json:"change"`
	Residual      float64      `json:"residual"`
	Drivers       int          `json:"drivers"` // of which the frame names the greatest
	ActivityUnits []string     `json:"activityUnits"`
	Entered       *segmentList `json:"entered,omitempty"`
	Left          *segmentList `json:"left,omitempty"`
}

// segmentList names the segments that came or went, the first few of many.
type segmentList struct {
	Segments int      `json:"segments"`
	First    []string `json:"first"`
}

func describeChange(change *kpi.ChangeDecomposition, options keyDriversOptions) *changeMeta {
	m := &changeMeta{
		Measure: map[kpi.ChangeMeasure]string{kpi.ChangeOfEnergy: "facility energy", kpi.ChangeOfCost: "energy cost",
			kpi.ChangeOfCarbon: "location-based emissions"}[options.Measure],
		Unit:   map[kpi.ChangeMeasure]string{kpi.ChangeOfEnergy: "kWh", kpi.ChangeOfCost: "USD", kpi.ChangeOfCarbon: "kgCO2e"}[options.Measure],
		Before: change.Before, After: change.After, Change: change.Change(), Residual: change.Residual(),
		Drivers: len(change.ByGroup), ActivityUnits: []string{}, Entered: listSegments(change.Entered), Left: listSegments(change.Left),
	}
	if options.View == "bridge" {
		m.Drivers = len(change.Totals)
	}
	for _, effect := range change.Totals {
		if unit := string(effect.Activity); unit != "" && !slices.Contains(m.ActivityUnits, unit) {
			m.ActivityUnits = append(m.ActivityUnits, unit)
		}
	}
	slices.Sort(m.ActivityUnits)
	return m
}

func listSegments(segments []kpi.ChangeSegment) *segmentList {
	if len(segments) == 0 {
		return nil
	}
	const shown = 20
	list := &segmentList{Segments: len(segments)}
	for _, s := range segments[:min(shown, len(segments))] {
		list.First = append(list.First, strings.Join([]string{MemberLabel(s.Model), s.Region, MemberLabel(s.Project), string(s.Workload)}, ", "))
	}
	return list
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

// bridgeFrame goes from the previous total to this one in steps, for a stacked bar
// chart: base is the invisible foot of a step. What adds comes first, so that no
// step is below zero.
func bridgeFrame(change *kpi.ChangeDecomposition, options keyDriversOptions) *data.Frame {
	type step struct {
		label         string
		effect        float64
		share         *float64
		base          float64
		total, rising *float64
		falling       *float64
	}
	var steps []step
	if change.Before > 0 || change.After > 0 {
		steps = append(steps, step{label: "Preceding period", effect: change.Before, total: &change.Before})
		level := change.Before
		for _, effect := range bridgeEffects(change, options.top()) {
			s := step{label: effect.label, effect: effect.effect, share: shareOf(effect.effect, change)}
			s.base = max(0, min(level, level+effect.effect))
			if effect.effect > 0 {
				s.rising = number(effect.effect)
			} else {
				s.falling = number(-effect.effect)
			}
			level += effect.effect
			steps = append(steps, s)
		}
		steps = append(steps, step{label: "This period", effect: change.After, total: &change.After})
	}
	n := len(steps)
	labels := make([]string, n)
	effects, shares, bases := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	totals, rising, falling := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	for i, s := range steps {
		labels[i], effects[i], shares[i], bases[i] = s.label, number(s.effect), s.share, number(s.base)
		totals[i], rising[i], falling[i] = s.total, s.rising, s.falling
	}
	base := effectField("base", bases, options.Measure)
	base.Config.Color = map[string]any{"mode": "fixed", "fixedColor": "transparent"}
	base.Config.Custom = map[string]any{"fillOpacity": 0, "lineWidth": 0, "hideFrom": map[string]bool{"legend": true, "tooltip": true, "viz": false}}
	coloured := func(name string, values []*float64, colour string) *data.Field {
		field := effectField(name, values, options.Measure)
		field.Config.Color = map[string]any{"mode": "fixed", "fixedColor": colour}
		return field
	}
	return data.NewFrame("Change in steps", textField("driver", labels), effectField("effect", effects, options.Measure), numberField("share_of_change", shares),
		base, coloured("total", totals, "blue"), coloured("increase", rising, "red"), coloured("decrease", falling, "green"))
}

type labelledEffect struct {
	label  string
	effect float64
}

// bridgeEffects are the drivers' totals, all after the greatest in one step, in
// the order of their effect from the greatest rise to the greatest fall.
func bridgeEffects(change *kpi.ChangeDecomposition, top int) []labelledEffect {
	var effects []labelledEffect
	others := labelledEffect{label: "Other drivers"}
	for i, effect := range change.Totals {
		if top > 0 && i >= top {
			others.effect += effect.Effect
			continue
		}
		effects = append(effects, labelledEffect{driverLabel(effect), effect.Effect})
	}
	if top > 0 && len(change.Totals) > top {
		effects = append(effects, others)
	}
	slices.SortStableFunc(effects, func(a, b labelledEffect) int { return cmp.Compare(b.effect, a.effect) })
	return effects
}
