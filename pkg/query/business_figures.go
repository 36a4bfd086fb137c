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

// The requests of kpiReader.read, by their place in its one round trip.
const (
	kpiTotals = iota
	kpiByModel
	kpiByRegion
	kpiOfWeek
	kpiBySteps
)

// read answers the figures of each span, in order. All usage comes in one round trip,
// the latencies and what is beside usage on another connection meanwhile.
func (k kpiReader) read(ctx context.Context, spans []kpi.Span) ([]periodFigures, warehouse.Provenance, error) {
	steps := make([]kpiSteps, len(spans))
	for i, span := range spans {
		steps[i] = k.stepsOf(span)
	}
	figures := make([]periodFigures, len(spans))
	var (
		models    []warehouse.PortfolioModel
		beside    = make([]kpiBeside, len(spans))
		latencies = make([][]warehouse.LatencyRow, len(spans))
	)
	answers, provenance, err := usageBeside(ctx, k.source, func(ctx context.Context) (err error) {
		if latencies, err = k.readLatencies(ctx, steps); err != nil {
			return err
		}
		if models, err = k.source.Models(ctx); err != nil {
			return err
		}
		for i, span := range spans {
			if beside[i], err = k.readBeside(ctx, span); err != nil {
				return err
			}
		}
		return nil
	}, k.usage(spans, steps)...)
	if err != nil {
		return nil, provenance, err
	}
	first := 0
	for i, span := range spans {
		f := periodFigures{span: span, basis: k.basis, days: span.Duration().Hours() / 24}
		if rows := inPeriod(answers[kpiTotals], i); len(rows) > 0 {
			f.Measures = rows[0].Measures
		}
		f.addModels(inPeriod(answers[kpiByModel], i), models)
		if f.Events > 0 { // a period before the records began has no figures to speak of
			k.addBusiness(&f, beside[i].metrics)
			if k.hardwareAnswers() {
				f.addHardware(beside[i].assets, inPeriod(answers[kpiByRegion], i))
			}
			f.addWeek(beside[i].weekBudget, inPeriod(answers[kpiOfWeek], i))
			if of := steps[i].spans; len(of) > 0 {
				rows := inPeriods(answers[kpiBySteps], first, len(of))
				if all := joinLatency(of, rows, latencies[i], kpi.CostBasisEnergy)[""]; all != nil {
					f.tradeOff = all.tradeOff
				}
			}
		}
		first += len(steps[i].spans)
		figures[i] = f
	}
	return figures, provenance, nil
}

// usage is what is asked in one round trip; see kpiTotals and after.
func (k kpiReader) usage(spans []kpi.Span, steps []kpiSteps) []warehouse.UsageRequest {
	ask := func(periods []kpi.Span, omit warehouse.Measure, groupBy ...kpi.Dimension) warehouse.UsageRequest {
		return warehouse.UsageRequest{Periods: periods, GroupBy: groupBy, Filters: k.request.Filters, FactorVersion: k.request.FactorVersion, Omit: omit}
	}
	weeks := make([]kpi.Span, len(spans))
	var all []kpi.Span
	for i, span := range spans {
		weeks[i], all = k.lastWeek(span), append(all, steps[i].spans...)
	}
	const coarse = warehouse.MeasureScore | warehouse.MeasureLatency | warehouse.MeasureTokens
	requests := []warehouse.UsageRequest{
		kpiTotals:   ask(spans, warehouse.MeasureLatency),
		kpiByModel:  ask(spans, coarse|warehouse.MeasureGPU|warehouse.MeasureCarbon|warehouse.MeasureFacility, kpi.DimensionModel),
		kpiByRegion: ask(spans, coarse|warehouse.MeasureCost|warehouse.MeasureCarbon, kpi.DimensionRegion),
		kpiOfWeek:   ask(weeks, coarse|warehouse.MeasureGPU|warehouse.MeasureCost|warehouse.MeasureFacility),
	}
	if len(all) > 0 {
		requests = append(requests, ask(all, latencyOmits(kpi.CostBasisEnergy)))
	}
	return requests
}

// kpiSteps are the hours or days of a period, for its trade-off.
type kpiSteps struct {
	spans []kpi.Span
	byDay bool
}

func (k kpiReader) stepsOf(span kpi.Span) kpiSteps {
	p := k.plan
	p.span = span
	spans, byDay := latencySteps(p, k.request.Now)
	return kpiSteps{spans, byDay}
}

// readLatencies reads the breaches of each period's steps; adjoining periods together.
func (k kpiReader) readLatencies(ctx context.Context, steps []kpiSteps) ([][]warehouse.LatencyRow, error) {
	latencies := make([][]warehouse.LatencyRow, len(steps))
	read := func(from, to time.Time, byDay bool) ([]warehouse.LatencyRow, error) {
		rows, _, err := k.source.Latency(ctx, warehouse.LatencyRequest{
			Span: kpi.Span{From: from, To: to}, ByDay: byDay, Filters: k.request.Filters, BreachesOnly: true})
		return rows, err
	}
	var err error
	if len(steps) == 2 && steps[0].byDay == steps[1].byDay && len(steps[0].spans) > 0 && len(steps[1].spans) > 0 {
		current, previous := steps[0].spans, steps[1].spans
		if from, to := previous[0].From, current[len(current)-1].To; !previous[len(previous)-1].To.Before(current[0].From) && from.Before(to) {
			all, err := read(from, to, steps[0].byDay)
			return [][]warehouse.LatencyRow{all, all}, err // each takes the rows of its own steps
		}
	}
	for i, of := range steps {
		if len(of.spans) == 0 {
			continue
		}
		if latencies[i], err = read(of.spans[0].From, of.spans[len(of.spans)-1].To, of.byDay); err != nil {
			return nil, err
		}
	}
	return latencies, nil
}

// kpiBeside is what a period's KPIs need beside usage. What a filter leaves out of the
// answer is not read.
type kpiBeside struct {
	metrics    []warehouse.MonthlyMetric
	assets     []warehouse.Asset
	weekBudget *float64
}

func (k kpiReader) readBeside(ctx context.Context, span kpi.Span) (beside kpiBeside, err error) {
	if _, whole := k.onlyUnits(); whole {
		first := k.plan.calendar.Start(span.From, kpi.IntervalMonth)
		if beside.metrics, err = k.source.BusinessMetrics(ctx, kpi.Span{From: first.Add(-12 * time.Hour), To: span.To}); err != nil {
			return beside, err
		}
		if beside.weekBudget, err = k.weekBudget(ctx, k.lastWeek(span)); err != nil {
			return beside, err
		}
	}
	if k.hardwareAnswers() {
		beside.assets, err = k.source.Hardware(ctx, span.To, k.request.Filters)
	}
	return beside, err
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
func (k kpiReader) addBusiness(f *periodFigures, metrics []warehouse.MonthlyMetric) {
	units, whole := k.onlyUnits()
	if !whole {
		return
	}
	calendar := k.plan.calendar
	first := calendar.Start(f.span.From, kpi.IntervalMonth)
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

// hardwareAnswers is false where a filter is on what the inventory does not know: the
// work of a model stands on no hardware of its own.
func (k kpiReader) hardwareAnswers() bool {
	for _, dimension := range kpi.FilterDimensions() {
		hardwareHas := dimension == kpi.DimensionBusinessUnit || dimension == kpi.DimensionRegion
		if !hardwareHas && len(k.request.Filters[dimension]) > 0 {
			return false
		}
	}
	return true
}

// addHardware takes the amortised embodied carbon, and for the assets in service
// at the end of the period their part of the purchase cost and the hours they
// worked. Where a region worked more GPU hours than its assets have, the rest ran
// on rented ones: they count neither hours nor energy.
func (f *periodFigures) addHardware(assets []warehouse.Asset, byRegion []warehouse.UsageRow) {
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
	if len(inService) > 0 {
		f.addOwnWork(byRegion, inService, cost)
	}
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

// lastWeek is the last week that ended in a period.
func (k kpiReader) lastWeek(span kpi.Span) kpi.Span {
	to := k.plan.calendar.Start(span.To, kpi.IntervalWeek)
	return kpi.Span{From: k.plan.calendar.Start(to.Add(-time.Nanosecond), kpi.IntervalWeek), To: to}
}

// weekBudget is the carbon budget of a week, nil where there is none.
func (k kpiReader) weekBudget(ctx context.Context, week kpi.Span) (*float64, error) {
	budgets, err := k.source.CarbonBudgets(ctx, week)
	if err != nil {
		return nil, err
	}
	budget, ok := budgetsByDay(newBudgetAnswer(k.request, k.plan), "", plainBudgets(budgets))[week.From.Format(time.DateOnly)]
	if !ok {
		return nil, nil
	}
	return number(budget), nil
}

// addWeek takes the variance of a week that has a carbon budget.
func (f *periodFigures) addWeek(budget *float64, rows []warehouse.UsageRow) {
	if budget == nil {
		return
	}
	for _, row := range rows {
		f.weekVariance = kpi.VarianceShare(maybe(row.CarbonLocation), budget)
	}
}
