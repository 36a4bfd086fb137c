package query

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var whatIf = Type{
	Name:        "whatIf",
	Label:       "What-if",
	Description: "What a change would save a year: efficiency, a move to another region, another model, new GPUs, another PUE",
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics:     []string{"saving_usd", "saving_kwh", "saving_t", "npv_usd", "payback_months", "cost_usd"},
	answer:      answerWhatIf,
}

// seasonDays is the least that a year is scaled from without a word of caution.
const seasonDays = 28

func answerWhatIf(ctx context.Context, source Source, request Request) (data.Frames, error) {
	var options whatIfOptions
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	scenarios, discountRate, err := options.read()
	if err != nil {
		return nil, err
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	passed := p.passed(request.Now)
	answers, provenance, err := source.Usage(ctx, whatIfUsage(request, scenarios, passed)...)
	if err != nil {
		return nil, err
	}
	// A training run is a few days of a quarter: scaled by its own days it would run
	// all year. The company's days say how long was measured.
	period, err := source.UsedDays(ctx, passed)
	if err != nil {
		return nil, err
	}
	if request.Now.Before(period.To) {
		period.To = later(period.From, request.Now)
	}
	basis := whatIfBasis{rows: answers[0], serving: map[string]kpi.Measures{}, discountRate: discountRate}
	if len(basis.rows) > 0 {
		basis.annual = kpi.Annualise(period)
	}
	if len(answers) > 1 {
		for _, row := range answers[1] {
			basis.serving[row.Members[0]] = row.Measures
		}
	}
	if err := basis.read(ctx, source, request, scenarios, passed); err != nil {
		return nil, err
	}
	rows, notices, err := basis.tell(scenarios)
	if err != nil {
		return nil, err
	}
	notices = append(append(noticesOn(basis.rows, provenance), basis.notices(passed, request.Now)...), notices...)

	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare, m.CostBasis, m.CarbonMethod = measuredShare(basis.rows), string(kpi.CostBasisEnergy), "location-based"
	m.DiscountRate = &discountRate
	if basis.annual != nil {
		m.Annualised = &annualMeta{describeSpan(period, p.calendar.Location), basis.annual.Days, basis.annual.Factor}
	}
	m.Formulas = whatIfFormulas
	return data.Frames{attach(whatIfFrame(rows, request.Format), m, provenance.SQL, notices)}, nil
}

// whatIfUsage asks for the work that scenarios change, for the days that hold
// data, whatever the filters, and for the models that requests would go to.
func whatIfUsage(request Request, scenarios []scenario, passed kpi.Span) []warehouse.UsageRequest {
	usage := []warehouse.UsageRequest{{
		Periods: []kpi.Span{passed}, Filters: request.Filters, FactorVersion: request.FactorVersion,
		GroupBy: []kpi.Dimension{kpi.DimensionRegion, kpi.DimensionModel, kpi.DimensionWorkload},
		Omit:    warehouse.MeasureScore | warehouse.MeasureLatency,
	}}
	var targets []string
	for _, s := range scenarios {
		if s.kind == kindModelSwap {
			targets = append(targets, s.to)
		}
	}
	if len(targets) > 0 {
		// All its work counts: with the filters on one model there would be none.
		usage = append(usage, warehouse.UsageRequest{
			Periods: []kpi.Span{passed}, GroupBy: []kpi.Dimension{kpi.DimensionModel},
			Filters: kpi.Filters{kpi.DimensionModel: targets}, FactorVersion: request.FactorVersion,
			Omit: warehouse.MeasureScore | warehouse.MeasureLatency,
		})
	}
	return usage
}

// passed is the part of the span before now. A span that lies ahead stays as it
// is: there is no usage in it.
func (p plan) passed(now time.Time) kpi.Span {
	if !p.span.From.Before(now) || !now.Before(p.span.To) {
		return p.span
	}
	return warehouse.SnapToHours(kpi.Span{From: p.span.From, To: now}, p.calendar.Location)
}

// read fetches what the kinds of scenario need beside usage, and no more.
func (b *whatIfBasis) read(ctx context.Context, source Source, request Request, scenarios []scenario, passed kpi.Span) error {
	needs := map[string]bool{}
	for _, s := range scenarios {
		needs[s.kind] = true
	}
	if needs[kindRegionMove] || needs[kindPUE] {
		periods, err := source.Factors(ctx, request.FactorVersion, passed)
		if err != nil {
			return err
		}
		b.factors = averageFactors(periods, passed)
	}
	if needs[kindModelSwap] {
		models, err := source.Models(ctx)
		if err != nil {
			return err
		}
		b.models = map[string]warehouse.PortfolioModel{}
		for _, model := range models {
			b.models[model.Name] = model
		}
	}
	if needs[kindGPUUpgrade] {
		assets, err := source.Hardware(ctx, passed.To, request.Filters)
		if err != nil {
			return err
		}
		b.inService = countInService(assets, passed)
		if b.accelerators, err = source.Accelerators(ctx); err != nil {
			return err
		}
	}
	return nil
}

func averageFactors(periods []warehouse.FactorPeriod, span kpi.Span) map[string]kpi.RegionFactors {
	stretches := map[string][]kpi.FactorStretch{}
	for _, p := range periods {
		stretches[p.Region] = append(stretches[p.Region], kpi.FactorStretch{
			Span:          kpi.Span{From: p.From, To: p.To},
			RegionFactors: kpi.RegionFactors{PUE: p.PUE, ElectricityPrice: p.ElectricityPrice, GridLocation: p.GridLocation},
		})
	}
	factors := map[string]kpi.RegionFactors{}
	for region, of := range stretches {
		factors[region] = kpi.AverageFactors(of, span)
	}
	return factors
}

// whatIfRow is a row of the answer, per year.
type whatIfRow struct {
	name                               string
	after, saving                      kpi.Footprint
	investment, netPresentValue        *kpi.USD
	paybackMonths, carbonPaybackMonths *float64
	assumption                         string
}

// tell turns scenarios into rows after the one of today.
func (b whatIfBasis) tell(scenarios []scenario) ([]whatIfRow, []data.Notice, error) {
	today := whatIfRow{name: "Today", assumption: "There is nothing to scale to a year."}
	if b.annual != nil {
		today.after = b.annual.Footprint(b.work(everything).footprint)
		today.assumption = fmt.Sprintf("What %s took, scaled to a year of 365 days at the same pace.", countDays(b.annual.Days))
	}
	rows, notices, taken := []whatIfRow{today}, []data.Notice(nil), map[string]int{today.name: 1}
	for _, s := range scenarios {
		// Two rows of one name would be one alert.
		if taken[s.name]++; taken[s.name] > 1 {
			s.name = fmt.Sprintf("%s (%d)", s.name, taken[s.name])
		}
		o, err := b.outcome(s)
		if err != nil {
			return nil, nil, err
		}
		row := whatIfRow{name: s.name, assumption: o.assumption, investment: o.investment, saving: b.annual.Footprint(o.saving)}
		row.after = today.after.Minus(row.saving)
		if o.investment != nil && row.saving.EnergyCost != nil {
			row.paybackMonths = kpi.PaybackMonths(*o.investment, *row.saving.EnergyCost)
			row.netPresentValue = kpi.NetPresentValue(b.discountRate, kpi.EvenFlows(*o.investment, *row.saving.EnergyCost, s.lifetime)...)
		}
		if o.embodied != nil && row.saving.Carbon != nil {
			row.carbonPaybackMonths = kpi.PaybackMonths(*o.embodied, *row.saving.Carbon)
		}
		rows, notices = append(rows, row), append(notices, o.notices...)
		if b.annual != nil {
			notices = append(notices, row.worth(s)...)
		}
	}
	return rows, notices, nil
}

// worth says when an investment does not come back from the electricity it saves.
func (row whatIfRow) worth(s scenario) []data.Notice {
	switch {
	case row.investment == nil || row.saving.EnergyCost == nil || *row.investment == 0:
		return nil
	case row.paybackMonths == nil:
		return []data.Notice{information(row.name + ": there is no saving in electricity, so the investment does not come back from it.")}
	case *row.paybackMonths > 12*s.lifetime:
		return []data.Notice{information(fmt.Sprintf("%s: the electricity saved does not pay the investment back within its %g years. "+
			"What more or faster work is worth is not counted.", row.name, s.lifetime))}
	}
	return nil
}

// notices says how far the year can be trusted, and what cost is left out.
func (b whatIfBasis) notices(passed kpi.Span, now time.Time) []data.Notice {
	if b.annual == nil {
		return nil
	}
	var notices []data.Notice
	if b.annual.Days < seasonDays {
		notices = append(notices, warning(fmt.Sprintf("The year is scaled from %s, so a season or a month's end may be missing in it. "+
			"Choose a range of at least %d days.", countDays(b.annual.Days), seasonDays)))
	}
	if now.Before(passed.To) {
		passed.To = now
	}
	if asked := passed.Duration().Hours() / 24; asked-b.annual.Days >= 1 {
		notices = append(notices, information(fmt.Sprintf("Only %.3g of the %s asked for lie between the first and the last measurement; the year is scaled from those.",
			b.annual.Days, countDays(asked))))
	}
	var billed, energy kpi.USD
	for _, row := range b.rows {
		if row.Cost == nil || row.EnergyCost == nil {
			return notices
		}
		billed, energy = billed+*row.Cost, energy+*row.EnergyCost
	}
	if math.Abs(float64(billed-energy)) > 0.01*float64(energy) {
		notices = append(notices, information(fmt.Sprintf("Cost here is electricity alone, %.0f USD a year. What was billed comes to %.0f USD a year: "+
			"a rented GPU's bill does not fall with its power draw.", float64(energy)*b.annual.Factor, float64(billed)*b.annual.Factor)))
	}
	return notices
}

func countDays(days float64) string {
	if days == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%.3g days", days)
}
