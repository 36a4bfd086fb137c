package query

import (
	"context"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// kpiReader reads what the business KPIs are computed from.
type kpiReader struct {
	source  Source
	request Request
	plan    plan
	basis   kpi.CostBasis
}

// read answers the figures of each span, in order.
func (k kpiReader) read(ctx context.Context, spans []kpi.Span) ([]periodFigures, warehouse.Provenance, error) {
	usage := warehouse.UsageRequest{Periods: spans, Filters: k.request.Filters, FactorVersion: k.request.FactorVersion}
	byModel := usage
	byModel.GroupBy, byModel.Omit = []kpi.Dimension{kpi.DimensionModel}, warehouse.MeasureScore|warehouse.MeasureLatency
	answers, provenance, err := k.source.Usage(ctx, usage, byModel)
	if err != nil {
		return nil, provenance, err
	}
	models, err := k.source.Models(ctx)
	if err != nil {
		return nil, provenance, err
	}
	figures := make([]periodFigures, len(spans))
	for i, span := range spans {
		f := periodFigures{span: span, basis: k.basis, days: span.Duration().Hours() / 24}
		if rows := inPeriod(answers[0], i); len(rows) > 0 {
			f.Measures = rows[0].Measures
		}
		f.addModels(inPeriod(answers[1], i), models)
		if f.Events > 0 { // a period before the records began has no figures to speak of
			if err := k.addBusiness(ctx, &f); err != nil {
				return nil, provenance, err
			}
			if err := k.addHardware(ctx, &f); err != nil {
				return nil, provenance, err
			}
			if err := k.addWeek(ctx, &f); err != nil {
				return nil, provenance, err
			}
		}
		figures[i] = f
	}
	return figures, provenance, k.addTradeOffs(ctx, figures)
}

// addModels adds up cost and size of the models that served requests and whose
// size is known, and the means of accuracy and size over requests.
func (f *periodFigures) addModels(rows []warehouse.UsageRow, models []warehouse.PortfolioModel) {
	var requests, accuracy, size float64
	f.inferenceCost = new(kpi.USD)
	for _, row := range rows {
		at := slices.IndexFunc(models, func(m warehouse.PortfolioModel) bool { return m.Name == row.Members[0] })
		if at < 0 || models[at].ParametersBillion == nil || row.ServingRequests == 0 {
			continue
		}
		model := models[at]
		f.inferenceCost = plus(f.inferenceCost, f.basis.ServingCost(row.Measures))
		f.parameters += *model.ParametersBillion
		if model.Accuracy != nil {
			weight := float64(row.ServingRequests)
			requests, accuracy, size = requests+weight, accuracy+weight**model.Accuracy, size+weight**model.ParametersBillion
		}
	}
	if requests > 0 {
		f.accuracy, f.meanSize = number(accuracy/requests), number(size/requests)
	}
}

// onlyUnits reports the business units of the filter, and false where another
// filter cuts the company in a way that revenue is not known by.
func (k kpiReader) onlyUnits() ([]string, bool) {
	b := newBudgetAnswer(k.request, k.plan)
	return b.units, b.partial == ""
}

// addBusiness takes revenue pro rata of the days of each month, and the newest
// annual recurring revenue.
func (k kpiReader) addBusiness(ctx context.Context, f *periodFigures) error {
	units, whole := k.onlyUnits()
	if !whole {
		return nil
	}
	calendar := k.plan.calendar
	first := calendar.Start(f.span.From, kpi.IntervalMonth)
	metrics, err := k.source.BusinessMetrics(ctx, kpi.Span{From: first.Add(-12 * time.Hour), To: f.span.To})
	if err != nil {
		return err
	}
	if len(units) == 0 {
		units = []string{""}
	}
	byMonth := map[string]map[string]kpi.USD{"revenue": {}, "arr": {}}
	counts := map[string]int{}
	for _, metric := range metrics {
		if months, wanted := byMonth[metric.Metric]; wanted && slices.Contains(units, metric.BusinessUnit) {
			month := metric.Month.Format("2006-01")
			months[month] += kpi.USD(metric.Value)
			counts[metric.Metric+month]++
		}
	}
	revenue := new(kpi.USD)
	for from := first; from.Before(f.span.To); from = calendar.Next(from, kpi.IntervalMonth) {
		month, to := from.Format("2006-01"), calendar.Next(from, kpi.IntervalMonth)
		part := overlap(f.span, kpi.Span{From: from, To: to})
		if counts["revenue"+month] < len(units) {
			revenue = nil // a month without a figure would make the sum too small
		} else if revenue != nil {
			*revenue += byMonth["revenue"][month] * kpi.USD(part.Hours()/to.Sub(from).Hours())
		}
		if counts["arr"+month] == len(units) {
			newest := byMonth["arr"][month]
			f.arr = &newest
		}
	}
	f.revenue = revenue
	return nil
}

// overlap is how long two spans run together.
func overlap(a, b kpi.Span) time.Duration {
	from, to := a.From, a.To
	if b.From.After(from) {
		from = b.From
	}
	if b.To.Before(to) {
		to = b.To
	}
	return max(0, to.Sub(from))
}

// addHardware takes the amortised embodied carbon, and for the assets in service
// at the end of the period their part of the purchase cost and the hours they
// worked. Where a region worked more GPU hours than its assets have, the rest ran
// on rented ones: they count neither hours nor energy.
func (k kpiReader) addHardware(ctx context.Context, f *periodFigures) error {
	for _, dimension := range kpi.FilterDimensions() {
		hardwareHas := dimension == kpi.DimensionBusinessUnit || dimension == kpi.DimensionRegion
		if !hardwareHas && len(k.request.Filters[dimension]) > 0 {
			return nil // the work of a model stands on no hardware of its own
		}
	}
	assets, err := k.source.Hardware(ctx, f.span.To, k.request.Filters)
	if err != nil {
		return err
	}
	f.embodied = amortisedIn(lifecycleAssets(assets), f.span)
	cost, inService := new(kpi.USD), map[string]float64{}
	for _, asset := range assets {
		seen := lifecycleAsset(asset)
		if stage, _ := seen.Life.StageBefore(f.span.To); !stage.InService() {
			continue
		}
		acquired, _ := seen.Life.Acquired()
		inService[asset.Region] += overlap(f.span, kpi.Span{From: acquired, To: f.span.To}).Hours()
		if asset.PurchaseCost == nil || seen.Lifetime <= 0 {
			cost = nil // the rest would be too small a cost
			continue
		}
		inLife := overlap(f.span, kpi.Span{From: acquired, To: acquired.Add(seen.Lifetime)})
		part := *asset.PurchaseCost * kpi.USD(inLife.Hours()/seen.Lifetime.Hours())
		cost = plus(cost, &part)
	}
	if len(inService) == 0 {
		return nil
	}
	answers, _, err := k.source.Usage(ctx, warehouse.UsageRequest{Periods: []kpi.Span{f.span}, GroupBy: []kpi.Dimension{kpi.DimensionRegion},
		Filters: k.request.Filters, FactorVersion: k.request.FactorVersion, Omit: warehouse.MeasureScore | warehouse.MeasureLatency})
	if err != nil {
		return err
	}
	f.addOwnWork(answers[0], inService, cost)
	return nil
}

func (f *periodFigures) addOwnWork(byRegion []warehouse.UsageRow, inService map[string]float64, cost *kpi.USD) {
	worked, available := 0.0, 0.0
	energyCost := new(kpi.USD)
	for _, hours := range inService {
		available += hours
	}
	for _, row := range byRegion {
		hours := inService[row.Members[0]]
		if hours == 0 || row.GPUHours == 0 {
			continue
		}
		own := min(1, hours/row.GPUHours)
		worked += row.GPUHours * own
		if row.EnergyCost == nil {
			energyCost = nil
			continue
		}
		part := *row.EnergyCost * kpi.USD(own)
		energyCost = plus(energyCost, &part)
	}
	if worked > 0 { // without GPU hours nothing is known of their use
		f.utilisation, f.hardwareCost, f.ownEnergyCost = kpi.Utilisation(worked, available), cost, energyCost
	}
}

// addTradeOffs reads the steps of all periods at once.
func (k kpiReader) addTradeOffs(ctx context.Context, figures []periodFigures) error {
	if !slices.ContainsFunc(figures, func(f periodFigures) bool { return f.Events > 0 }) {
		return nil
	}
	usage := warehouse.UsageRequest{Filters: k.request.Filters, FactorVersion: k.request.FactorVersion, Omit: latencyOmits(kpi.CostBasisEnergy)}
	var byDay []bool
	var steps [][]kpi.Span
	for _, f := range figures {
		p := k.plan
		p.span = f.span
		of, days := latencySteps(p, k.request.Now)
		if f.Events == 0 {
			of = nil
		}
		steps, byDay = append(steps, of), append(byDay, days)
		usage.Periods = append(usage.Periods, of...)
	}
	if len(usage.Periods) == 0 {
		return nil
	}
	answers, _, err := k.source.Usage(ctx, usage)
	if err != nil {
		return err
	}
	first := 0
	for i, of := range steps {
		if len(of) == 0 {
			continue
		}
		rows := inPeriods(answers[0], first, len(of))
		first += len(of)
		latencies, _, err := k.source.Latency(ctx, warehouse.LatencyRequest{
			Span: kpi.Span{From: of[0].From, To: of[len(of)-1].To}, ByDay: byDay[i], Filters: k.request.Filters, BreachesOnly: true})
		if err != nil {
			return err
		}
		if all := joinLatency(of, rows, latencies, kpi.CostBasisEnergy)[""]; all != nil {
			figures[i].tradeOff = all.tradeOff
		}
	}
	return nil
}

// addWeek takes the variance of the last week that ended in the period and has a
// carbon budget.
func (k kpiReader) addWeek(ctx context.Context, f *periodFigures) error {
	b := newBudgetAnswer(k.request, k.plan)
	if b.partial != "" {
		return nil
	}
	to := k.plan.calendar.Start(f.span.To, kpi.IntervalWeek)
	week := kpi.Span{From: k.plan.calendar.Start(to.Add(-time.Nanosecond), kpi.IntervalWeek), To: to}
	budgets, err := readBudgets(ctx, k.source, "carbon", week)
	if err != nil {
		return err
	}
	budget, ok := budgetsByDay(b, "", budgets)[week.From.Format(time.DateOnly)]
	if !ok {
		return nil
	}
	answers, _, err := k.source.Usage(ctx, warehouse.UsageRequest{Periods: []kpi.Span{week}, Filters: k.request.Filters, FactorVersion: k.request.FactorVersion,
		Omit: warehouse.MeasureScore | warehouse.MeasureLatency})
	if err != nil {
		return err
	}
	for _, row := range answers[0] {
		f.weekVariance = kpi.VarianceShare(maybe(row.CarbonLocation), number(budget))
	}
	return nil
}
