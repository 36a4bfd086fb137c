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

var hardwareLifecycle = Type{
	Name:        "hardwareLifecycle",
	Label:       "Hardware lifecycle",
	Description: "Accelerators from procurement to recycling: stages, flows, age and embodied carbon",
	RestsOn:     []Evidence{EvidenceHardware},
	Formats:     []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:     []string{"assets", "share", "embodied_kg", "embodied_amortised_kg", "embodied_purchased_kg"},
	answer:      answerHardwareLifecycle,
}

// hardwareLifecycleOptions are the options of the query type. See src/types.ts.
type hardwareLifecycleOptions struct {
	// View is stages (at the period's end), overTime, flows (in the period), assets,
	// or purchases: the capital-goods view by fiscal year.
	View string `json:"view"`
}

func answerHardwareLifecycle(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := hardwareLifecycleOptions{View: "stages"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := oneOf("view", options.View, "stages", "overTime", "flows", "assets", "purchases"); err != nil {
		return nil, err
	}
	if request.Format == FormatTimeSeries {
		options.View = "overTime"
	}
	if request.Format == FormatNumber && options.View != "stages" && options.View != "purchases" {
		return nil, BadRequest("hardwareLifecycle gives numbers in the views stages and purchases, not in %s. Change the view or the format.", options.View)
	}
	for _, dimension := range []kpi.Dimension{kpi.DimensionTeam, kpi.DimensionProject, kpi.DimensionModel, kpi.DimensionWorkload, kpi.DimensionEndpoint} {
		if len(request.Filters[dimension]) > 0 {
			// Hardware is not a team's or a model's; the panel says so rather than go empty.
			delete(request.Filters, dimension)
		}
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	assets, err := source.Hardware(ctx, p.span.To, request.Filters)
	if err != nil {
		return nil, err
	}
	var frame *data.Frame
	notices := unknownEmbodiedNotice(countUnknown(assets))
	switch options.View {
	case "overTime":
		frame = stagesOverTime(lifecycleAssets(assets), request, p)
	case "flows":
		frame, notices = stageFlows(lifecycleAssets(assets), p.span)
	case "assets":
		frame = assetList(assets, p.span)
	case "purchases":
		frame = purchasesByYear(lifecycleAssets(assets), p)
	default:
		frame = stagesAt(lifecycleAssets(assets), p.span)
	}
	m := newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location)
	m.Formulas = []formulaMeta{
		{"share", "assets in the stage / all assets"},
		{"embodied_amortised_kg", "embodied × time in service in the period / expected life (ISO/IEC 21031)"},
	}
	if options.View == "purchases" {
		m.Formulas = append(m.Formulas, formulaMeta{"embodied_purchased_kg",
			"whole embodied carbon in the fiscal year of purchase (GHG Protocol scope 3, category 2); never added to the amortised figure"})
	}
	if len(assets) == 0 {
		notices = append(notices, information("There is no hardware in the inventory. Bring it in with: wattctl import hardware FILE"))
	}
	return data.Frames{attach(frame, m, warehouse.HardwareSQL(), notices)}, nil
}

// lifecycleAsset is the asset as the formulas see it.
func lifecycleAsset(asset warehouse.Asset) kpi.HardwareAsset {
	events := make([]kpi.HardwareEvent, len(asset.Stages))
	for i, stage := range asset.Stages {
		events[i] = kpi.HardwareEvent{Time: asset.StagesAt[i], Stage: kpi.HardwareStage(stage)}
	}
	return kpi.HardwareAsset{
		Life: kpi.NewHardwareLife(events...), Lifetime: kpi.Years(asset.LifetimeYears), Embodied: asset.EmbodiedKilograms,
	}
}

func lifecycleAssets(assets []warehouse.Asset) []kpi.HardwareAsset {
	seen := make([]kpi.HardwareAsset, len(assets))
	for i, asset := range assets {
		seen[i] = lifecycleAsset(asset)
	}
	return seen
}

func countUnknown(assets []warehouse.Asset) int {
	unknown := 0
	for _, asset := range assets {
		if asset.EmbodiedKilograms == nil {
			unknown++
		}
	}
	return unknown
}

func unknownEmbodiedNotice(unknown int) []data.Notice {
	if unknown == 0 {
		return nil
	}
	return []data.Notice{warning(fmt.Sprintf("The embodied carbon of %d of the assets is not known; sums that need it are left empty. "+
		"State it in the inventory (embodied_kg with boundary and source).", unknown))}
}

// stagesAt answers how many assets are in each stage at the period's end.
func stagesAt(assets []kpi.HardwareAsset, span kpi.Span) *data.Frame {
	totals := kpi.HardwareByStage(assets, span.To)
	amortised := map[kpi.HardwareStage]*kpi.KilogramsCO2e{}
	for _, total := range totals {
		if total.WithoutEmbodied == 0 {
			amortised[total.Stage] = new(kpi.KilogramsCO2e)
		}
	}
	for _, asset := range assets {
		stage, there := asset.Life.StageBefore(span.To)
		if sum, part := amortised[stage], asset.AmortisedIn(span); there && sum != nil && part != nil {
			*sum += *part
		}
	}
	n := len(totals)
	labels, counts, shares := make([]string, n), make([]*float64, n), make([]*float64, n)
	embodied, amortisedValues := make([]*float64, n), make([]*float64, n)
	for i, total := range totals {
		labels[i], counts[i], shares[i] = total.Stage.Label(), number(total.Assets), total.Share
		embodied[i], amortisedValues[i] = maybe(total.Embodied), maybe(amortised[total.Stage])
	}
	return data.NewFrame("Hardware by stage", textField("stage", labels), numberField("assets", counts), numberField("share", shares),
		numberField("embodied_kg", embodied), numberField("embodied_amortised_kg", amortisedValues))
}

// stagesOverTime answers a metric of the assets by stage at the end of each
// interval, a field a stage, for stacking.
func stagesOverTime(assets []kpi.HardwareAsset, request Request, p plan) *data.Frame {
	spans := p.cut(request)
	metric := request.Metric
	if metric == "" {
		metric = "assets"
	}
	stages := kpi.HardwareStages()
	times := make([]time.Time, len(spans))
	byStage := make([][]*float64, len(stages))
	for i := range byStage {
		byStage[i] = make([]*float64, len(spans))
	}
	for i, span := range spans {
		times[i] = span.From
		values, _ := stagesAt(assets, span).FieldByName(metric)
		for stage := range byStage {
			byStage[stage][i] = values.At(stage).(*float64)
		}
	}
	frame := data.NewFrame("Hardware by stage over time", data.NewField("time", nil, times))
	for i, stage := range stages {
		field := numberField(metric, byStage[i])
		field.Labels = data.Labels{"stage": string(stage)}
		field.Config.DisplayNameFromDS = stage.Label()
		frame.Fields = append(frame.Fields, field)
	}
	return frame
}

// stageFlows answers how many assets went from each stage to each in the period.
func stageFlows(assets []kpi.HardwareAsset, span kpi.Span) (*data.Frame, []data.Notice) {
	flows := kpi.HardwareFlows(assets, span)
	from, to, counts := make([]string, len(flows)), make([]string, len(flows)), make([]*float64, len(flows))
	impossible := 0
	for i, flow := range flows {
		from[i], to[i], counts[i] = "New", flow.To.Label(), number(flow.Assets)
		if flow.From != "" {
			from[i] = flow.From.Label()
		}
		if flow.OutOfOrder {
			impossible += flow.Assets
		}
	}
	var notices []data.Notice
	if impossible > 0 {
		notices = append(notices, warning(fmt.Sprintf("%d moves between stages cannot be, such as one back from recycling: correct the inventory.", impossible)))
	}
	return data.NewFrame("Hardware flows", textField("from_stage", from), textField("to_stage", to), numberField("assets", counts)), notices
}

// assetList answers the assets in service, the oldest first, with those due for
// a refresh marked.
func assetList(assets []warehouse.Asset, span kpi.Span) *data.Frame {
	type inService struct {
		warehouse.Asset
		stage kpi.HardwareStage
		age   float64
		due   bool
	}
	var listed []inService
	for _, asset := range assets {
		seen := lifecycleAsset(asset)
		stage, _ := seen.Life.StageBefore(span.To)
		if stage == kpi.HardwareDeployed || stage == kpi.HardwareReused {
			age, _ := seen.Life.Age(span.To)
			listed = append(listed, inService{asset, stage, age.Hours() / kpi.Year.Hours(), seen.RefreshCandidate(span.To)})
		}
	}
	slices.SortStableFunc(listed, func(a, b inService) int { return cmp.Compare(b.age, a.age) })
	n := len(listed)
	serials, accelerators, stages := make([]string, n), make([]string, n), make([]string, n)
	regions, units, refresh, health := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	ages, lifetimes, costs, embodied := make([]*float64, n), make([]*float64, n), make([]*float64, n), make([]*float64, n)
	for i, asset := range listed {
		serials[i], accelerators[i], stages[i], regions[i], units[i] = asset.Serial, asset.Accelerator, asset.stage.Label(), asset.Region, asset.BusinessUnit
		health[i] = asset.Health.Verdict()
		refresh[i] = "In life"
		if asset.due {
			refresh[i] = "Due"
		}
		ages[i], lifetimes[i] = number(asset.age), number(asset.LifetimeYears)
		costs[i], embodied[i] = maybe(asset.PurchaseCost), maybe(asset.EmbodiedKilograms)
	}
	due := textField("refresh", refresh)
	due.Config.Mappings = data.ValueMappings{data.ValueMapper{
		"Due": {Color: "orange", Index: 0}, "In life": {Color: "green", Index: 1},
	}}
	condition := textField("health", health)
	condition.Config.Mappings = data.ValueMappings{data.ValueMapper{
		kpi.HealthLost: {Color: "red", Index: 0}, kpi.HealthReplace: {Color: "red", Index: 1}, kpi.HealthReset: {Color: "orange", Index: 2},
		kpi.HealthWorn: {Color: "yellow", Index: 3}, kpi.HealthSound: {Color: "green", Index: 4}, "": {Text: "Not measured", Index: 5},
	}}
	return data.NewFrame("Hardware in service", textField("serial", serials), textField("accelerator", accelerators),
		textField("stage", stages), memberField(kpi.DimensionRegion, regions), memberField(kpi.DimensionBusinessUnit, units),
		numberField("age_years", ages), numberField("lifetime_years", lifetimes), due, condition,
		numberField("purchase_cost_usd", costs), numberField("embodied_kg", embodied))
}

// purchasesByYear answers the embodied carbon of each fiscal year twice: whole in
// the year of purchase, as a corporate inventory books capital goods, and
// amortised over the years of use, as a product's figure has it. They are two
// views of one thing.
func purchasesByYear(assets []kpi.HardwareAsset, p plan) *data.Frame {
	bought := map[int]kpi.PurchaseYear{}
	earliest := p.span.To
	for _, asset := range assets {
		if acquired, ok := asset.Life.Acquired(); ok && acquired.Before(earliest) {
			earliest = acquired
		}
	}
	for _, year := range kpi.EmbodiedByPurchaseYear(assets, p.calendar) {
		bought[year.FiscalYear] = year
	}
	var years []string
	var counts, purchased, amortised []*float64
	for from := p.calendar.Start(earliest, kpi.IntervalYear); from.Before(p.span.To); {
		to := p.calendar.Next(from, kpi.IntervalYear)
		year := p.calendar.FiscalYear(from)
		none := kpi.KilogramsCO2e(0)
		purchase, any := bought[year]
		if !any {
			purchase.Embodied = &none
		}
		years = append(years, fmt.Sprintf("FY %d", year))
		counts = append(counts, number(purchase.Assets))
		purchased = append(purchased, maybe(purchase.Embodied))
		amortised = append(amortised, maybe(amortisedIn(assets, kpi.Span{From: from, To: to})))
		from = to
	}
	return data.NewFrame("Embodied carbon by fiscal year", textField("fiscal_year", years), numberField("assets", counts),
		numberField("embodied_purchased_kg", purchased), numberField("embodied_amortised_kg", amortised))
}

// amortisedIn is the amortised embodied carbon of all assets in a span; nil where
// one of them has no figure.
func amortisedIn(assets []kpi.HardwareAsset, span kpi.Span) *kpi.KilogramsCO2e {
	var sum kpi.KilogramsCO2e
	for _, asset := range assets {
		part := asset.AmortisedIn(span)
		if part == nil {
			return nil
		}
		sum += *part
	}
	return &sum
}
