package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var businessKPIs = Type{
	Name:        "kpi",
	Label:       "Business KPIs",
	Description: "Each technical measurement as the figure that its readers steer by, now and before, with its formula and audience",
	RestsOn:     []Evidence{EvidenceEvents, EvidenceBusiness, EvidenceHardware},
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics:     []string{"value", "change", "previous"},
	answer:      answerBusinessKPIs,
}

// businessKPIsOptions are the options of the query type. See src/types.ts.
type businessKPIsOptions struct {
	CostBasis kpi.CostBasis `json:"costBasis"`
	Audience  string        `json:"audience"` // only the KPIs of these readers; empty: all
}

// periodFigures is what the KPIs of one period are computed from.
type periodFigures struct {
	span kpi.Span
	kpi.Measures
	days          float64
	inferenceCost *kpi.USD // of the models whose size is known
	parameters    float64  // of those models, in 1e9
	accuracy      *float64 // mean over requests, of models whose accuracy and size are known
	meanSize      *float64 // mean over the same requests, in 1e9
	revenue, arr  *kpi.USD
	embodied      *kpi.KilogramsCO2e // amortised
	utilisation   *float64
	hardwareCost  *kpi.USD // the part that falls into the period
	ownEnergyCost *kpi.USD // of the work on that hardware
	tradeOff      kpi.TradeOff
	weekVariance  *float64 // of the last finished week, part of its budget
	basis         kpi.CostBasis
}

// businessKPI is a row of the answer.
type businessKPI struct {
	name, unit, formula, audience string
	value                         func(periodFigures) *float64
	// lacking says what to do where there is no value.
	lacking string
	// signed is for a figure around zero, of which a relative change says nothing.
	signed bool
}

// Where KPIs get the figures that a warehouse may not have.
const (
	importBusiness = "Needs revenue by month: wattctl import business FILE. Revenue is the company's and its business units', so other filters leave it out."
	importHardware = "Needs the hardware inventory with regions and purchase costs, events with GPU hours, and no filter but business unit and region: wattctl import hardware FILE"
	importBudgets  = "Needs a finished week with a carbon budget: wattctl import budgets FILE"
	nameModels     = "Needs models with parameter counts that serve requests"
	serveRequests  = "Needs requests and a price for their energy"
)

// theBusinessKPIs are the guide's KPI table in its order, and the derived metrics
// it names.
var theBusinessKPIs = []businessKPI{
	{"Cost per AI transaction", "USD per request", "cost of answering requests / requests", "CFO, Product Leads",
		func(f periodFigures) *float64 {
			return maybe(kpi.CostPerTransaction(f.basis.ServingCost(f.Measures), float64(f.ServingRequests)))
		}, serveRequests, false},
	{"Carbon intensity of revenue", "kgCO₂e per 1,000 USD ARR", "kgCO₂e scaled to a year / annual recurring revenue × 1,000", "ESG Committee, Investors",
		func(f periodFigures) *float64 { return kpi.CarbonIntensityOfRevenue(f.CarbonLocation, f.days, f.arr) }, importBusiness, false},
	{"Infrastructure efficiency ratio", "USD per GiB·h", "revenue / GPU memory hours", "CTO, Engineering Leads",
		func(f periodFigures) *float64 { return kpi.InfrastructureEfficiencyRatio(f.revenue, f.GPUMemoryHours) }, importBusiness, false},
	{"User experience & cost trade-off", "ρ, −1 to 1", "Spearman's ρ of the SLO breach rate and the energy cost per 1k requests", "Product Managers, DevOps",
		func(f periodFigures) *float64 { return f.tradeOff.Correlation },
		"Needs ten hours with latencies, latency SLOs and costs, in which breaches vary", true},
	{"Efficiency of R&D: cost", "USD per 1B parameters", "inference cost / parameters of the models used", "Head of AI Research",
		func(f periodFigures) *float64 {
			return kpi.InferenceCostPerBillionParameters(f.inferenceCost, &f.parameters)
		}, nameModels, false},
	{"Efficiency of R&D: accuracy", "accuracy per 1B parameters", "mean accuracy / mean parameters, over requests", "Head of AI Research",
		func(f periodFigures) *float64 { return kpi.AccuracyPerBillionParameters(f.accuracy, f.meanSize) }, nameModels, false},
	{"Operational sustainability score", "1 / PUE", "1 / (facility energy / IT energy)", "Facilities, Sustainability Officer",
		func(f periodFigures) *float64 {
			return kpi.OperationalSustainabilityScore(kpi.EffectivePUE(f.Measures))
		},
		"Needs a PUE for every region in use: wattctl import factors FILE", false},
	{"Capital expenditure ROI", "USD per USD", "utilisation × hardware cost of the period / energy cost, of the hardware in the inventory", "CIO, Finance",
		func(f periodFigures) *float64 {
			return kpi.CapitalExpenditureROI(f.utilisation, f.hardwareCost, f.ownEnergyCost)
		}, importHardware, false},
	{"AI Energy Score", "0 to 100", "100 × E_ref / (E_ref + E)", "CEO, Product Leads",
		func(f periodFigures) *float64 { return kpi.EnergyScore(f.Measures) }, "Needs requests to models with a task class that has a reference", false},
	{"Energy to solution", "kWh per 1k requests", "IT energy of answering requests / requests × 1,000", "CTO, Engineering Leads",
		func(f periodFigures) *float64 { return kpi.EnergyPer1kRequests(f.ServingEnergy, f.ServingRequests) }, serveRequests, false},
	{"Energy per million tokens", "kWh per 1M output tokens", "IT energy of answering requests / output tokens × 1,000,000", "CTO, Engineering Leads",
		func(f periodFigures) *float64 { return kpi.EnergyPer1MTokens(f.ServingEnergy, f.ServingOutputTokens) }, "Needs output tokens", false},
	{"Software Carbon Intensity", "gCO₂e per 1k requests", "(operational, location-based, + amortised embodied) / requests × 1,000 (ISO/IEC 21031)", "ESG Committee, Engineering Leads",
		func(f periodFigures) *float64 {
			if f.embodied == nil {
				return nil
			}
			return kpi.SoftwareCarbonIntensity(f.Measures, *f.embodied, float64(f.ServingRequests)/1000)
		}, "Needs requests, a grid intensity for every region, and embodied carbon of all hardware", false},
	{"Weekly carbon budget variance", "part of the budget", "(actual − budget) / budget of the last finished week", "ESG Committee, Finance",
		func(f periodFigures) *float64 { return f.weekVariance }, importBudgets, true},
}

func answerBusinessKPIs(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := businessKPIsOptions{CostBasis: kpi.CostBasisEnergy}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := oneOf("costBasis", string(options.CostBasis), string(kpi.CostBasisEnergy), string(kpi.CostBasisFull)); err != nil {
		return nil, err
	}
	wanted, err := kpisFor(options.Audience)
	if err != nil {
		return nil, err
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	current := p.passed(request.Now)
	spans := []kpi.Span{current, p.previous}
	if current != p.span { // an unfinished period compares with as much of the one before
		spans[1].To = p.previous.From.Add(current.Duration())
	}
	k := kpiReader{source: source, request: request, plan: p, basis: options.CostBasis}
	figures, provenance, err := k.read(ctx, spans)
	if err != nil {
		return nil, err
	}
	m := newMeta(request, current, provenance, p.calendar.Location)
	before := describeSpan(spans[1], p.calendar.Location)
	m.PreviousPeriod, m.CostBasis, m.CarbonMethod = &before, string(options.CostBasis), "location-based"
	m.MeasuredShare = kpi.MeasuredShare(figures[0].Measures)
	m.Formulas = []formulaMeta{
		{"value", "as the row's formula says, of the period"},
		{"previous", "the same of the preceding period"},
		{"change", "(value − previous) / |previous|"},
	}
	frame, lacking := kpiFrame(wanted, figures, request.Format)
	var notices []data.Notice
	if figures[0].Events == 0 {
		notices = append(notices, information("There is no usage in this period with these filters."))
	}
	if current != p.span {
		notices = append(notices, information(fmt.Sprintf("The period is not over: it is compared with the first %.1f days of the one before.", current.Duration().Hours()/24)))
	}
	if len(lacking) > 0 {
		notices = append(notices, information("Without a value: "+strings.Join(lacking, "; ")+"."))
	}
	return data.Frames{attach(frame, m, provenance.SQL, notices)}, nil
}

// kpisFor are the KPIs of an audience, found by a part of its name.
func kpisFor(audience string) ([]businessKPI, error) {
	var wanted []businessKPI
	for _, row := range theBusinessKPIs {
		if strings.Contains(strings.ToLower(row.audience), strings.ToLower(audience)) {
			wanted = append(wanted, row)
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	var audiences []string
	for _, row := range theBusinessKPIs {
		for _, one := range strings.Split(row.audience, ", ") {
			if !slices.Contains(audiences, one) {
				audiences = append(audiences, one)
			}
		}
	}
	return nil, BadRequest("No KPI is for the audience %q. The audiences are %s.", audience, strings.Join(audiences, ", "))
}

func kpiFrame(wanted []businessKPI, figures []periodFigures, format Format) (*data.Frame, []string) {
	n := len(wanted)
	names, units, formulas, audiences := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	values, previous, changes := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	var lacking []string
	for i, row := range wanted {
		names[i], units[i], formulas[i], audiences[i] = row.name, row.unit, row.formula, row.audience
		values[i], previous[i] = row.value(figures[0]), row.value(figures[1])
		if !row.signed {
			changes[i] = kpi.RelativeChange(values[i], previous[i])
		}
		if values[i] == nil {
			lacking = append(lacking, row.name+" ("+row.lacking+")")
		}
	}
	frame := data.NewFrame("Business KPIs", textField("kpi", names), numberField("value", values), textField("unit", units),
		numberField("previous", previous), numberField("change", changes))
	if format == FormatTable {
		frame.Fields = append(frame.Fields, textField("formula", formulas), textField("audience", audiences))
	}
	return frame, lacking
}
