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

var trainingRuns = Type{
	Name:        "trainingRuns",
	Label:       "Training runs",
	Description: "What making the models takes: each run's energy, carbon and cost, and the carbon cost of the product features they were for",
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics:     []string{"energy_kwh", "cost_usd", "carbon_kg", "carbon_cost_usd", "gpu_hours", "duration_hours", "kwh_per_accuracy_point", "kwh_per_run", "carbon_g_per_1k_requests"},
	answer:      answerTrainingRuns,
}

// trainingRunsOptions are the options of the query type. See src/types.ts.
type trainingRunsOptions struct {
	View string `json:"view"` // runs, or features: a row a product feature and model
	// CarbonPrice in USD per tonne; nil is the data source's.
	CarbonPrice *float64 `json:"carbonPriceUsdPerTonne"`
}

func answerTrainingRuns(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := trainingRunsOptions{View: "runs"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := oneOf("view", options.View, "runs", "features"); err != nil {
		return nil, err
	}
	price := request.Company.CarbonPrice
	if options.CarbonPrice != nil {
		price = *options.CarbonPrice
	}
	if !(price >= 0) {
		return nil, BadRequest("The option carbonPriceUsdPerTonne is %g. A price is not negative.", price)
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	// The usage of the models that were trained, and the check of the filters.
	served := request.Filters
	if len(served[kpi.DimensionWorkload]) > 0 { // a choice of training is not one of what it serves
		served = kpi.Filters{}
		for dimension, members := range request.Filters {
			if dimension != kpi.DimensionWorkload {
				served[dimension] = members
			}
		}
	}
	answers, provenance, err := source.Usage(ctx,
		warehouse.UsageRequest{Periods: []kpi.Span{p.span}, Filters: request.Filters, FactorVersion: request.FactorVersion},
		warehouse.UsageRequest{Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{kpi.DimensionModel}, Filters: served, FactorVersion: request.FactorVersion})
	if err != nil {
		return nil, err
	}
	runs, err := source.TrainingRuns(ctx, p.span, request.Filters, request.FactorVersion)
	if err != nil {
		return nil, err
	}
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.CarbonMethod = measuredRuns(runs), "location-based"
	m.Formulas = []formulaMeta{
		{"energy_kwh", "Σ IT energy of the run's events, whole runs that overlap the period"},
		{"kwh_per_run", "energy of the completed runs / completed runs"},
		{"kwh_per_accuracy_point", "energy / (accuracy × 100)"},
		{"carbon_cost_usd", fmt.Sprintf("tCO₂e × internal carbon price (%g USD per tonne)", price)},
		{"carbon_g_per_1k_requests", "training emissions / requests the model served in the period × 1,000"},
		{"duration_hours", "end − start"},
	}
	notices := runNotices(runs, price)
	var frame *data.Frame
	if options.View == "features" {
		requests := map[string]int64{}
		for _, row := range answers[1] {
			requests[row.Members[0]] = row.ServingRequests
		}
		frame = featureFrame(runs, requests, price)
	} else {
		frame = runFrame(runs, price, request.Format)
	}
	return data.Frames{attach(frame, m, warehouse.TrainingRunsSQL(), notices)}, nil
}

func measuredRuns(runs []warehouse.RunUsage) *float64 {
	var sum kpi.Measures
	for _, run := range runs {
		if run.ITEnergy != nil && run.MeasuredEnergy != nil {
			sum.ITEnergy, sum.MeasuredEnergy = sum.ITEnergy+*run.ITEnergy, sum.MeasuredEnergy+*run.MeasuredEnergy
		}
	}
	return kpi.MeasuredShare(sum)
}

func runNotices(runs []warehouse.RunUsage, price float64) []data.Notice {
	if len(runs) == 0 {
		return []data.Notice{information("No training run overlaps this period with these filters.")}
	}
	var notices []data.Notice
	var without []string
	unpriced := 0
	for _, run := range runs {
		if run.ITEnergy == nil {
			without = append(without, run.ID)
		} else if run.CarbonLocation == nil || run.Cost == nil {
			unpriced++
		}
	}
	if len(without) > 0 {
		notices = append(notices, warning(fmt.Sprintf("%d of the runs have no energy because no event names them: %s. Write the run's id with its events.",
			len(without), listNames(without))))
	}
	if unpriced > 0 {
		notices = append(notices, warning(fmt.Sprintf("Some energy of %d of the runs has no factor; what needs it is left empty. Import the factors with: wattctl import factors FILE", unpriced)))
	}
	if price == 0 {
		notices = append(notices, information("No internal carbon price is set, so carbon costs nothing. Set one in the data source or in the query."))
	}
	return notices
}

func runFrame(runs []warehouse.RunUsage, price float64, format Format) *data.Frame {
	n := len(runs)
	ids, models, projects, features, gpuModels, metrics := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	started := make([]time.Time, n)
	numbers := map[string][]*float64{}
	order := []string{"duration_hours", "gpus", "gpu_hours", "energy_kwh", "cost_usd", "carbon_kg", "carbon_cost_usd", "accuracy", "kwh_per_accuracy_point"}
	for _, name := range order {
		numbers[name] = make([]*float64, n)
	}
	for i, run := range runs {
		ids[i], models[i], projects[i], features[i], gpuModels[i], metrics[i] = run.ID, run.Model, run.Project, run.Feature, run.GPUModel, run.AccuracyMetric
		started[i] = run.StartedAt
		if run.EndedAt != nil {
			numbers["duration_hours"][i] = number(run.EndedAt.Sub(run.StartedAt).Hours())
		}
		if run.GPUCount != nil {
			numbers["gpus"][i] = number(*run.GPUCount)
		}
		numbers["gpu_hours"][i] = run.GPUHours
		numbers["energy_kwh"][i], numbers["cost_usd"][i], numbers["carbon_kg"][i] = maybe(run.ITEnergy), maybe(run.Cost), maybe(run.CarbonLocation)
		numbers["carbon_cost_usd"][i] = maybe(kpi.Chargeback(run.CarbonLocation, price))
		numbers["accuracy"][i] = run.Accuracy
		numbers["kwh_per_accuracy_point"][i] = maybe(kpi.EnergyPerAccuracyPoint(run.ITEnergy, run.Accuracy))
	}
	frame := data.NewFrame("Training runs", textField("run", ids), memberField(kpi.DimensionModel, models), memberField(kpi.DimensionProject, projects),
		textField("feature", features))
	if format == FormatTable {
		at := data.NewField("time", nil, started)
		at.Config = &data.FieldConfig{DisplayNameFromDS: "Started"}
		frame.Fields = append(frame.Fields, at, textField("gpu_model", gpuModels), textField("accuracy_metric", metrics))
	}
	for _, name := range order {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	return frame
}

// featureRow is what the runs of a product feature took together; a pointer is nil
// where it is not known of one of them.
type featureRow struct {
	feature, model, unit string
	runs, completed      int
	gpuHours             float64
	energy, ofCompleted  *kpi.KilowattHours
	cost                 *kpi.USD
	carbon               *kpi.KilogramsCO2e
}

// byFeature joins the runs of a feature and model; those that name no feature are
// one row a model. The most carbon comes first.
func byFeature(runs []warehouse.RunUsage) []*featureRow {
	var rows []*featureRow
	for _, run := range runs {
		at := slices.IndexFunc(rows, func(r *featureRow) bool { return r.feature == run.Feature && r.model == run.Model })
		if at < 0 {
			at = len(rows)
			rows = append(rows, &featureRow{feature: run.Feature, model: run.Model, unit: run.BusinessUnit,
				energy: new(kpi.KilowattHours), ofCompleted: new(kpi.KilowattHours), cost: new(kpi.USD), carbon: new(kpi.KilogramsCO2e)})
		}
		row := rows[at]
		row.runs++
		if run.GPUHours != nil {
			row.gpuHours += *run.GPUHours
		}
		if run.EndedAt != nil {
			row.completed++
			row.ofCompleted = plus(row.ofCompleted, run.ITEnergy)
		}
		row.energy, row.cost, row.carbon = plus(row.energy, run.ITEnergy), plus(row.cost, run.Cost), plus(row.carbon, run.CarbonLocation)
	}
	slices.SortStableFunc(rows, func(a, b *featureRow) int {
		return cmp.Compare(valueOr(maybe(b.carbon), -1), valueOr(maybe(a.carbon), -1))
	})
	return rows
}

// plus adds an amount to a sum; what is not known makes the sum unknown.
func plus[T ~float64](sum, amount *T) *T {
	if sum == nil || amount == nil {
		return nil
	}
	total := *sum + *amount
	return &total
}

func featureFrame(runs []warehouse.RunUsage, requests map[string]int64, price float64) *data.Frame {
	rows := byFeature(runs)
	n := len(rows)
	features, models, units := make([]string, n), make([]string, n), make([]string, n)
	numbers := map[string][]*float64{}
	order := []string{"runs", "gpu_hours", "energy_kwh", "kwh_per_run", "cost_usd", "carbon_kg", "carbon_cost_usd", "requests", "carbon_g_per_1k_requests"}
	for _, name := range order {
		numbers[name] = make([]*float64, n)
	}
	for i, row := range rows {
		features[i], models[i], units[i] = row.feature, row.model, row.unit
		numbers["runs"][i], numbers["gpu_hours"][i] = number(row.runs), number(row.gpuHours)
		numbers["energy_kwh"][i], numbers["cost_usd"][i], numbers["carbon_kg"][i] = maybe(row.energy), maybe(row.cost), maybe(row.carbon)
		if row.ofCompleted != nil {
			numbers["kwh_per_run"][i] = maybe(kpi.EnergyToSolution(*row.ofCompleted, row.completed))
		}
		numbers["carbon_cost_usd"][i] = maybe(kpi.Chargeback(row.carbon, price))
		numbers["requests"][i] = number(requests[row.model])
		numbers["carbon_g_per_1k_requests"][i] = kpi.TrainingCarbonPer1kRequests(row.carbon, requests[row.model])
	}
	frame := data.NewFrame("Carbon cost of features", textField("feature", features), memberField(kpi.DimensionModel, models), memberField(kpi.DimensionBusinessUnit, units))
	for _, name := range order {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	return frame
}
