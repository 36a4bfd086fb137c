package query

import (
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
	Metrics: []string{"energy_kwh", "cost_usd", "carbon_kg", "carbon_cost_usd", "gpu_hours", "duration_hours", "kwh_per_accuracy_point",
		"kwh_per_accuracy_point_gained", "kwh_per_run", "carbon_g_per_1k_requests"},
	answer: answerTrainingRuns,
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
	// The first request checks the filters and names the factors. The second is what
	// the models served, to everybody: a filter narrows the runs, and a model that
	// was trained in one region for one team answers in others and for others.
	requestsOnly := warehouse.MeasureTokens | warehouse.MeasureCost | warehouse.MeasureCarbon | warehouse.MeasureGPU |
		warehouse.MeasureLatency | warehouse.MeasureScore | warehouse.MeasurePrice
	usage := []warehouse.UsageRequest{{Periods: []kpi.Span{p.span}, Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: requestsOnly}}
	if options.View == "features" {
		usage = append(usage, warehouse.UsageRequest{Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{kpi.DimensionModel},
			FactorVersion: request.FactorVersion, Omit: requestsOnly})
	}
	var runs []warehouse.RunUsage
	answers, provenance, err := usageBeside(ctx, source, func(ctx context.Context) (err error) {
		runs, err = source.TrainingRuns(ctx, p.span, request.Filters, request.FactorVersion)
		return err
	}, usage...)
	if err != nil {
		return nil, err
	}
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.CarbonMethod = measuredRuns(runs), "location-based"
	m.Formulas = trainingFormulas(price)
	notices := runNotices(runs, price, provenance)
	var frame *data.Frame
	if options.View == "features" {
		requests := map[string]int64{}
		for _, row := range answers[1] {
			requests[row.Members[0]] = row.ServingRequests
		}
		features := byFeature(runs, request.Now)
		notices = append(notices, unservedNotice(features, requests)...)
		frame = featureFrame(features, requests, price)
	} else {
		frame = runFrame(runs, price, request.Format)
	}
	return data.Frames{attach(frame, m, warehouse.TrainingRunsSQL(), notices)}, nil
}

func trainingFormulas(price float64) []formulaMeta {
	return []formulaMeta{
		{"energy_kwh", "Σ IT energy of the run's events; a run that overlaps the period counts whole"},
		{"cost_usd", "Σ billed cost, else IT energy × PUE × electricity price, each event at its own time"},
		{"carbon_kg", "Σ IT energy × PUE × grid intensity, or what the source measured, each event at its own time"},
		{"kwh_per_run", "energy of the completed runs / completed runs"},
		{"kwh_per_accuracy_point", "energy / (accuracy × 100)"},
		{"kwh_per_accuracy_point_gained", "energy / ((accuracy − accuracy of the model's completed run before, by the same metric) × 100)"},
		{"carbon_cost_usd", fmt.Sprintf("tCO₂e × internal carbon price (%g USD per tonne)", price)},
		{"requests", "requests the model answered in the period, whatever the filters"},
		{"carbon_g_per_1k_requests", "training emissions × 1,000 g per kg / (requests / 1,000)"},
		{"duration_hours", "end − start"},
		{"gpu_hours", "as the events say, else GPUs × hours from start to end"},
	}
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

func runNotices(runs []warehouse.RunUsage, price float64, provenance warehouse.Provenance) []data.Notice {
	if len(runs) == 0 {
		return []data.Notice{information("No training run overlaps this period with these filters.")}
	}
	var notices []data.Notice
	var without, undescribed []string
	unpriced := 0
	for _, run := range runs {
		if run.ITEnergy == nil {
			without = append(without, run.ID)
		} else if run.CarbonLocation == nil || run.Cost == nil {
			unpriced++
		}
		if !run.Described {
			undescribed = append(undescribed, run.ID)
		}
	}
	if len(without) > 0 {
		notices = append(notices, warning(fmt.Sprintf("%d of the runs have no energy because no event names them: %s. Write the run's id with its events.",
			len(without), listNames(without))))
	}
	if len(undescribed) > 0 {
		notices = append(notices, information(fmt.Sprintf("%d of the runs are known by their events alone, so their end and accuracy are not: %s. Describe them in wattscore.training_run.",
			len(undescribed), listNames(undescribed))))
	}
	switch {
	case unpriced > 0 && provenance.FactorVersion.ID == 0:
		notices = append(notices, warning("No factor version is in force, so energy cannot be priced."))
	case unpriced > 0:
		notices = append(notices, warning(fmt.Sprintf("Some energy of %d of the runs has no factor; what needs it is left empty. Import the factors with: wattctl import factors FILE", unpriced)))
	}
	if price == 0 {
		notices = append(notices, information("No internal carbon price is set, so training has no carbon cost. Set one in the data source or in the query."))
	}
	return notices
}

// unservedNotice names the models whose training nobody has used yet.
func unservedNotice(features []*featureRow, requests map[string]int64) []data.Notice {
	var idle []string
	for _, row := range features {
		if requests[row.model] == 0 && !slices.Contains(idle, row.model) {
			idle = append(idle, row.model)
		}
	}
	if len(idle) == 0 {
		return nil
	}
	return []data.Notice{information(fmt.Sprintf("%d of the models answered no requests in the period, so their training has none to be spread over: %s. A longer period may have some.",
		len(idle), listNames(idle)))}
}

// runDuration is nil for a run that has not ended.
func runDuration(run warehouse.RunUsage) *time.Duration {
	if run.EndedAt == nil {
		return nil
	}
	return new(run.EndedAt.Sub(run.StartedAt))
}

func runGPUHours(run warehouse.RunUsage) *float64 {
	return kpi.GPUHours(run.GPUHours, run.GPUCount, runDuration(run))
}

func runFrame(runs []warehouse.RunUsage, price float64, format Format) *data.Frame {
	n := len(runs)
	ids, models, projects, features, gpuModels, metrics := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	started := make([]time.Time, n)
	numbers := map[string][]*float64{}
	order := []string{"duration_hours", "gpus", "gpu_hours", "energy_kwh", "cost_usd", "carbon_kg", "carbon_cost_usd", "accuracy",
		"kwh_per_accuracy_point", "kwh_per_accuracy_point_gained"}
	for _, name := range order {
		numbers[name] = make([]*float64, n)
	}
	for i, run := range runs {
		ids[i], models[i], projects[i], features[i], gpuModels[i], metrics[i] = run.ID, run.Model, run.Project, run.Feature, run.GPUModel, run.AccuracyMetric
		started[i] = run.StartedAt
		if duration := runDuration(run); duration != nil {
			numbers["duration_hours"][i] = number(duration.Hours())
		}
		if run.GPUCount != nil {
			numbers["gpus"][i] = number(*run.GPUCount)
		}
		numbers["gpu_hours"][i] = runGPUHours(run)
		numbers["energy_kwh"][i], numbers["cost_usd"][i], numbers["carbon_kg"][i] = maybe(run.ITEnergy), maybe(run.Cost), maybe(run.CarbonLocation)
		numbers["carbon_cost_usd"][i] = maybe(kpi.Chargeback(run.CarbonLocation, price))
		numbers["accuracy"][i] = run.Accuracy
		numbers["kwh_per_accuracy_point"][i] = maybe(kpi.EnergyPerAccuracyPoint(run.ITEnergy, run.Accuracy))
		numbers["kwh_per_accuracy_point_gained"][i] = maybe(kpi.EnergyPerAccuracyPointGained(run.ITEnergy, run.Accuracy, run.PreviousAccuracy))
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
