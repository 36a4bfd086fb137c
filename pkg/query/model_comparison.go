package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var modelComparison = Type{
	Name:        "modelComparison",
	Label:       "Model comparison",
	Description: "Accuracy against energy cost: which models another one of the same task beats at less energy",
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics: []string{"kwh_per_1k_requests", "cost_per_1k_requests_usd", "accuracy", "requests", "score", "parameters",
		"cost_per_billion_parameters", "accuracy_per_billion_parameters"},
	answer: answerModelComparison,
}

// modelComparisonOptions are the options of the query type. See src/types.ts.
type modelComparisonOptions struct {
	CostBasis kpi.CostBasis `json:"costBasis"`
	Stage     string        `json:"stage"` // production or all
}

func answerModelComparison(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := modelComparisonOptions{CostBasis: kpi.CostBasisEnergy, Stage: "production"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("costBasis", string(options.CostBasis), string(kpi.CostBasisEnergy), string(kpi.CostBasisFull)),
		oneOf("stage", options.Stage, "production", "all"),
	} {
		if err != nil {
			return nil, err
		}
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	usage := warehouse.UsageRequest{
		Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{kpi.DimensionModel},
		Filters: request.Filters, FactorVersion: request.FactorVersion,
		Omit: warehouse.MeasureLatency | warehouse.MeasureGPU | warehouse.MeasureTokens | warehouse.MeasureFacility | warehouse.MeasureCarbon,
	}
	if options.CostBasis == kpi.CostBasisEnergy {
		usage.Omit |= warehouse.MeasureCost
	}
	// A choice of models narrows what is shown, not what it is compared with: a
	// drill-down to a dominated model would find it alone and at its best.
	others := usage
	others.Filters = maps.Clone(request.Filters)
	delete(others.Filters, kpi.DimensionModel)
	var models []warehouse.PortfolioModel
	answers, provenance, err := source.UsageAnd(ctx, []warehouse.And{warehouse.AndModels(&models)}, usage, others)
	if err != nil {
		return nil, err
	}
	compared := slices.DeleteFunc(compareModels(answers[1], models, options), func(c *comparedModel) bool {
		return !slices.ContainsFunc(answers[0], func(row warehouse.UsageRow) bool { return row.Members[0] == c.model.Name })
	})
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.CostBasis = measuredShare(answers[0]), string(options.CostBasis)
	m.Formulas = []formulaMeta{
		{"kwh_per_1k_requests", "IT energy × 1,000 / requests"},
		{"cost_per_1k_requests_usd", string(options.CostBasis) + " cost of answering requests × 1,000 / requests"},
		{"score", "100 × E_ref / (E_ref + E)"},
		{"cost_per_billion_parameters", string(options.CostBasis) + " cost of answering requests / parameters in 1e9"},
		{"accuracy_per_billion_parameters", "accuracy / parameters in 1e9"},
		{"potential_saving_usd", "energy cost × (1 − intensity of the better model / own intensity), for the period"},
	}
	notices := noticesWithout(usage.Omit, answers[0], provenance)
	if len(compared) == 0 && len(answers[0]) > 0 {
		notices = append(notices, information("None of the models used in this period is in production. Set the option stage to all to see the others."))
	}
	var apart []string
	for _, c := range compared {
		if c.standing == nil {
			apart = append(apart, c.model.Name)
		}
	}
	if len(apart) > 0 {
		notices = append(notices, information(fmt.Sprintf("%d of the models cannot be compared because their task class, accuracy, its metric or their energy per request is not known: %s. Say what is missing with the models, or choose a period in which they answer requests.",
			len(apart), listNames(apart))))
	}
	return data.Frames{attach(modelComparisonFrame(compared, request.Format), m, provenance.SQL, notices)}, nil
}

// comparedModel is a model with its standing among those of its task and accuracy
// metric; nil where it cannot be compared.
type comparedModel struct {
	warehouse.UsageRow
	model     warehouse.PortfolioModel
	intensity *float64 // kWh per 1,000 requests
	cost      *kpi.USD // of answering requests
	standing  *kpi.ParetoStanding
	better    *comparedModel
	cohort    int // how many it is compared with, itself among them
}

// compareModels keeps the models of the asked stage that were used, the dearest in
// energy per request first.
func compareModels(rows []warehouse.UsageRow, models []warehouse.PortfolioModel, options modelComparisonOptions) []*comparedModel {
	var compared []*comparedModel
	for _, row := range rows {
		at := slices.IndexFunc(models, func(m warehouse.PortfolioModel) bool { return m.Name == row.Members[0] })
		if at < 0 || (options.Stage == "production" && models[at].Stage != "production") {
			continue
		}
		compared = append(compared, &comparedModel{UsageRow: row, model: models[at],
			intensity: kpi.EnergyPer1kRequests(row.ServingEnergy, row.ServingRequests), cost: options.CostBasis.ServingCost(row.Measures)})
	}
	slices.SortStableFunc(compared, func(a, b *comparedModel) int {
		return cmp.Compare(valueOr(b.intensity, -1), valueOr(a.intensity, -1))
	})
	placeInCohorts(compared)
	return compared
}

// placeInCohorts finds the front of each task class and accuracy metric. Two models
// that both name no metric may well be measured by different ones.
func placeInCohorts(compared []*comparedModel) {
	type cohort struct{ taskClass, metric string }
	cohorts := map[cohort][]*comparedModel{}
	for _, c := range compared {
		if c.model.TaskClass == "" || c.model.AccuracyMetric == "" {
			continue
		}
		key := cohort{c.model.TaskClass, c.model.AccuracyMetric}
		cohorts[key] = append(cohorts[key], c)
	}
	for _, members := range cohorts {
		candidates, size := make([]kpi.ParetoCandidate, len(members)), 0
		for i, c := range members {
			candidates[i] = kpi.ParetoCandidate{Accuracy: c.model.Accuracy, Energy: c.intensity}
		}
		standings := kpi.ParetoFront(candidates)
		for _, standing := range standings {
			if standing != nil {
				size++
			}
		}
		for i, standing := range standings {
			members[i].standing, members[i].cohort = standing, size
			if standing != nil && standing.Better >= 0 {
				members[i].better = members[standing.Better]
			}
		}
	}
}

// saving is the energy cost of the period that the better model would have saved.
func (c *comparedModel) saving() *float64 {
	if c.better == nil {
		return nil
	}
	before := kpi.Footprint{EnergyCost: c.ServingEnergyCost}
	return maybe(before.Minus(before.AtIntensity(c.intensity, c.better.intensity)).EnergyCost)
}

// The standings as people read them.
const (
	standingOnFront       = "On the front"
	standingAlone         = "Alone in its class"
	standingDominated     = "Dominated"
	standingNotComparable = "Not comparable"
)

func (c *comparedModel) label() string {
	switch {
	case c.standing == nil:
		return standingNotComparable
	case !c.standing.OnFront:
		return standingDominated
	case c.cohort == 1:
		return standingAlone
	}
	return standingOnFront
}

func modelComparisonFrame(compared []*comparedModel, format Format) *data.Frame {
	n := len(compared)
	names, classes, metrics, standings, better := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	numbers := map[string][]*float64{}
	order := []string{"accuracy", "parameters", "kwh_per_1k_requests", "cost_per_1k_requests_usd", "requests", "score",
		"cost_per_billion_parameters", "accuracy_per_billion_parameters"}
	for _, name := range append(order, "potential_saving_usd") {
		numbers[name] = make([]*float64, n)
	}
	for i, c := range compared {
		names[i], classes[i], metrics[i], standings[i] = c.model.Name, c.model.TaskClass, c.model.AccuracyMetric, c.label()
		if c.better != nil {
			better[i] = c.better.model.Name
		}
		numbers["accuracy"][i], numbers["parameters"][i] = c.model.Accuracy, c.model.ParametersBillion
		numbers["kwh_per_1k_requests"][i], numbers["requests"][i] = c.intensity, number(c.ServingRequests)
		numbers["cost_per_1k_requests_usd"][i] = maybe(kpi.CostPerTransaction(c.cost, float64(c.ServingRequests)/1000))
		numbers["score"][i] = kpi.EnergyScore(c.Measures)
		numbers["cost_per_billion_parameters"][i] = kpi.InferenceCostPerBillionParameters(c.cost, c.model.ParametersBillion)
		numbers["accuracy_per_billion_parameters"][i] = kpi.AccuracyPerBillionParameters(c.model.Accuracy, c.model.ParametersBillion)
		numbers["potential_saving_usd"][i] = c.saving()
	}
	frame := data.NewFrame("Model comparison", memberField(kpi.DimensionModel, names), textField("task_class", classes), textField("accuracy_metric", metrics))
	for _, name := range order {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	if format == FormatNumber { // a standing is no label: it changes
		return frame
	}
	standing := textField("pareto", standings)
	standing.Config.Mappings = data.ValueMappings{data.ValueMapper{
		standingOnFront: {Color: "green", Index: 0}, standingAlone: {Color: "blue", Index: 1},
		standingDominated: {Color: "orange", Index: 2}, standingNotComparable: {Color: "text", Index: 3},
	}}
	saving := numberField("potential_saving_usd", numbers["potential_saving_usd"])
	saving.Config.Description = "Energy cost of the period that the better choice would have saved, answering the same requests"
	frame.Fields = append(frame.Fields, standing, textField("better_model", better), saving)
	return frame
}
