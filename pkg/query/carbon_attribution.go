package query

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var carbonAttribution = Type{
	Name:        "carbonAttribution",
	Label:       "Carbon attribution",
	Description: "Who causes the emissions: business units by AI service, with idle and unallocated energy as rows of their own",
	GroupBy: []kpi.Dimension{kpi.DimensionBusinessUnit, kpi.DimensionTeam, kpi.DimensionProductLine,
		kpi.DimensionCostCentre, kpi.DimensionProject},
	DefaultGroupBy: []kpi.Dimension{kpi.DimensionBusinessUnit},
	OneGroup:       true,
	Formats:        []Format{FormatTable, FormatNumber},
	Metrics:        []string{"total_t", "share", "chargeback_usd", "embodied_t", "location_t", "market_t", "sci_g_per_1k_requests"},
	answer:         answerCarbonAttribution,
}

// carbonAttributionOptions are the options of the query type. See src/types.ts.
type carbonAttributionOptions struct {
	// Method is location or market; both answers the totals by each side by side,
	// and no sum of them.
	Method   string `json:"method"`
	Embodied bool   `json:"embodied"` // adds the hardware's amortised embodied carbon as its own column
	// CarbonPrice in USD per tonne; nil is the data source's.
	CarbonPrice *float64 `json:"carbonPriceUsdPerTonne"`
}

// attributionOmits is what the attribution of carbon does without.
const attributionOmits = warehouse.MeasureTokens | warehouse.MeasureCost | warehouse.MeasureGPU | warehouse.MeasureScore | warehouse.MeasureLatency

func answerCarbonAttribution(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := carbonAttributionOptions{Method: "location"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := oneOf("method", options.Method, "location", "market", "both"); err != nil {
		return nil, err
	}
	price := request.Company.CarbonPrice
	if options.CarbonPrice != nil {
		price = *options.CarbonPrice
	}
	if !(price >= 0) {
		return nil, BadRequest("The option carbonPriceUsdPerTonne is %g. A price is not negative.", price)
	}
	group := request.GroupBy[0]
	if options.Embodied && group != kpi.DimensionBusinessUnit {
		return nil, BadRequest("Hardware belongs to business units, so embodied carbon cannot be grouped by %s. Group by businessUnit, or leave embodied out.", group)
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{group, kpi.DimensionWorkload},
		Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: attributionOmits,
	})
	if err != nil {
		return nil, err
	}
	rows := answers[0]
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.CarbonMethod = measuredShare(rows), options.Method+"-based"
	if options.Method == "both" {
		m.CarbonMethod = "location-based and market-based, never added"
		frame := sideBySide(group, rows)
		return data.Frames{attach(frame, m, provenance.SQL, noticesWithout(attributionOmits, rows, provenance))}, nil
	}
	matrix := newEmissionMatrix(rows, options.Method)
	var embodied map[string]kpi.KilogramsCO2e
	var embodiedNotices []data.Notice
	if options.Embodied {
		assets, err := source.Hardware(ctx, p.span.To, request.Filters)
		if err != nil {
			return nil, err
		}
		embodied, embodiedNotices = embodiedInPeriod(assets, p.span)
		for unit := range embodied {
			matrix.addMember(unit)
		}
	}
	frame := matrix.frame(group, price, embodied)
	if options.Embodied && options.Method == "location" { // the standard knows no market-based figure
		frame.Fields = append(frame.Fields, numberField("sci_g_per_1k_requests", matrix.carbonIntensities(rows, embodied)))
	}
	m.Formulas = []formulaMeta{
		{"total_t", "Σ IT energy × PUE × grid intensity, or what the source measured; operational only"},
		{"share", "total / Σ totals"},
		{"chargeback_usd", "total × internal carbon price"},
	}
	if options.Embodied {
		m.Formulas = append(m.Formulas,
			formulaMeta{"embodied_t", "Σ embodied × time of the period within the expected life / expected life (ISO/IEC 21031)"},
			formulaMeta{"sci_g_per_1k_requests", "(operational, location-based, + amortised embodied) / requests × 1,000, in grams (ISO/IEC 21031)"})
	}
	notices := append(noticesWithout(attributionOmits, rows, provenance), embodiedNotices...)
	if price == 0 {
		notices = append(notices, information("No internal carbon price is set, so nothing is charged back. Set one in the data source or in the query."))
	}
	return data.Frames{attach(frame, m, provenance.SQL, notices)}, nil
}

// sideBySide answers the totals of each member by both methods.
func sideBySide(group kpi.Dimension, rows []warehouse.UsageRow) *data.Frame {
	location, market := newEmissionMatrix(rows, "location"), newEmissionMatrix(rows, "market")
	location.sort()
	byLocation, byMarket := make([]*float64, len(location.members)), make([]*float64, len(location.members))
	for i, member := range location.members {
		byLocation[i], byMarket[i] = tonnes(location.total(member)), tonnes(market.total(member))
	}
	return data.NewFrame("Carbon by method", memberField(group, location.members),
		numberField("location_t", byLocation), numberField("market_t", byMarket))
}

func tonnes(carbon *kpi.KilogramsCO2e) *float64 {
	if carbon == nil {
		return nil
	}
	return number(carbon.Tonnes())
}

// emissionMatrix holds emissions by member and workload; a missing cell is zero,
// a nil one has no answer.
type emissionMatrix struct {
	members []string
	cells   map[string]map[kpi.Workload]*kpi.KilogramsCO2e
}

func newEmissionMatrix(rows []warehouse.UsageRow, method string) *emissionMatrix {
	matrix := &emissionMatrix{cells: map[string]map[kpi.Workload]*kpi.KilogramsCO2e{}}
	matrix.addMember(kpi.Idle)
	matrix.addMember(kpi.Unallocated)
	for _, row := range rows {
		carbon := row.CarbonLocation
		if method == "market" {
			carbon = row.CarbonMarket
		}
		member := row.Members[0]
		if member == kpi.None { // a project that names no unit is nobody's
			member = kpi.Unallocated
		}
		matrix.addMember(member)
		matrix.cells[member][kpi.Workload(row.Members[1])] = addCarbon(matrix.cells[member], kpi.Workload(row.Members[1]), carbon)
	}
	return matrix
}

func addCarbon(cells map[kpi.Workload]*kpi.KilogramsCO2e, workload kpi.Workload, carbon *kpi.KilogramsCO2e) *kpi.KilogramsCO2e {
	present, ok := cells[workload]
	if !ok {
		return carbon
	}
	if present == nil || carbon == nil {
		return nil
	}
	sum := *present + *carbon
	return &sum
}

func (e *emissionMatrix) addMember(member string) {
	if e.cells[member] == nil {
		e.cells[member] = map[kpi.Workload]*kpi.KilogramsCO2e{}
		e.members = append(e.members, member)
	}
}

// total of a member, nil if part of it has no answer.
func (e *emissionMatrix) total(member string) *kpi.KilogramsCO2e {
	var total kpi.KilogramsCO2e
	for _, carbon := range e.cells[member] {
		if carbon == nil {
			return nil
		}
		total += *carbon
	}
	return &total
}

// sort puts the greatest emitter first and the reserved members last.
func (e *emissionMatrix) sort() {
	slices.SortStableFunc(e.members, func(a, b string) int {
		x, y := valueOr(tonnes(e.total(a)), -1), valueOr(tonnes(e.total(b)), -1)
		return cmp.Or(reservedOrder(a)-reservedOrder(b), cmp.Compare(y, x))
	})
}

// frame lays the matrix out. A workload nobody used has no column.
func (e *emissionMatrix) frame(group kpi.Dimension, price float64, embodied map[string]kpi.KilogramsCO2e) *data.Frame {
	e.sort()
	frame := data.NewFrame("Carbon attribution", memberField(group, e.members))
	for _, workload := range kpi.Workloads() {
		values := make([]*float64, len(e.members))
		used := false
		for i, member := range e.members {
			carbon, ok := e.cells[member][workload]
			switch {
			case !ok:
				values[i] = number(0.0)
			default:
				values[i] = tonnes(carbon)
			}
			used = used || ok
		}
		if used {
			field := data.NewField(string(workload), nil, values)
			field.Config = &data.FieldConfig{DisplayNameFromDS: workloadLabels[workload], Unit: unitTonnes,
				Description: "Operational emissions of " + strings.ToLower(workloadLabels[workload])}
			frame.Fields = append(frame.Fields, field)
		}
	}
	n := len(e.members)
	totals, charges, embodiedTonnes := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	sums := make([]*kpi.KilogramsCO2e, n)
	for i, member := range e.members {
		sums[i] = e.total(member)
	}
	shares := kpi.Shares(sums)
	for i, member := range e.members {
		totals[i], charges[i] = tonnes(sums[i]), maybe(kpi.Chargeback(sums[i], price))
		if carbon, ok := embodied[member]; ok {
			embodiedTonnes[i] = number(carbon.Tonnes())
		}
	}
	frame.Fields = append(frame.Fields, numberField("total_t", totals), numberField("share", shares), numberField("chargeback_usd", charges))
	if embodied != nil {
		frame.Fields = append(frame.Fields, numberField("embodied_t", embodiedTonnes))
	}
	return frame
}

// carbonIntensities is the SCI of each member in grams per 1,000 requests. A
// member that serves no requests, or whose hardware has no figure, has none.
func (e *emissionMatrix) carbonIntensities(rows []warehouse.UsageRow, embodied map[string]kpi.KilogramsCO2e) []*float64 {
	requests := map[string]int64{}
	for _, row := range rows {
		requests[row.Members[0]] += row.ServingRequests
	}
	intensities := make([]*float64, len(e.members))
	for i, member := range e.members {
		made, known := embodied[member]
		if known {
			intensities[i] = kpi.SoftwareCarbonIntensity(kpi.Measures{CarbonLocation: e.total(member)}, made, float64(requests[member])/1000)
		}
	}
	return intensities
}

// reservedOrder puts idle and unallocated energy after everybody's.
func reservedOrder(member string) int {
	switch member {
	case kpi.Idle:
		return 1
	case kpi.Unallocated:
		return 2
	}
	return 0
}

var workloadLabels = map[kpi.Workload]string{
	kpi.WorkloadInference: "Inference", kpi.WorkloadBatch: "Batch", kpi.WorkloadEmbedding: "Embedding",
	kpi.WorkloadTraining: "Training", kpi.WorkloadFineTuning: "Fine-tuning", kpi.WorkloadEvaluation: "Evaluation",
	kpi.WorkloadIdle: "Idle",
}

// embodiedInPeriod spreads the embodied carbon of the hardware in service over
// its expected life (ISO/IEC 21031) and sums the part of the period by business
// unit; hardware of no unit is unallocated. A unit with hardware whose figure is
// not known has no sum.
func embodiedInPeriod(assets []warehouse.Asset, span kpi.Span) (map[string]kpi.KilogramsCO2e, []data.Notice) {
	units := map[string]kpi.KilogramsCO2e{}
	incomplete := map[string]bool{}
	unknown := 0
	for _, asset := range assets {
		unit := asset.BusinessUnit
		if unit == "" {
			unit = kpi.Unallocated
		}
		share := lifecycleAsset(asset).AmortisedIn(span)
		if share == nil {
			unknown++
			incomplete[unit] = true
			continue
		}
		units[unit] += *share
	}
	for unit := range incomplete {
		delete(units, unit)
	}
	return units, unknownEmbodiedNotice(unknown)
}
