package report

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// Options say what a report is of.
type Options struct {
	Period   Period
	Calendar kpi.Calendar
	Filters  kpi.Filters
	Now      time.Time
}

// FactorSource is where the figures of a quantity are from.
type FactorSource struct {
	Quantity string // in words, such as "Grid carbon intensity"
	Source   string
	Years    string // of the figures
}

// Report is what the query types answered for a period.
type Report struct {
	Period   Period
	Elapsed  kpi.Span  // the part of the period that has passed, on the hour
	Previous *kpi.Span // what it is compared with
	Zone     *time.Location
	Filters  []string // in words
	Now      time.Time
	// Empty says that nothing was used in the period.
	Empty         bool
	Freshness     time.Time // of the newest event; zero: there is none
	FactorVersion int       // 0: nothing was priced
	FactorName    string
	// FactorSources are told by who made the report; see Explanation of package query.
	FactorSources []FactorSource
	Formulas      []query.FieldFormula
	Sections      []Section
	Notices       []Notice

	changes map[string]string // what changed in a word, by the answer that tells why
	trends  map[string]trend
	models  []model
	budgets map[string][]budgetStep
}

// Make asks for everything and lays it out. It asks twice: the first answer says
// which period the second compares with.
func Make(ctx context.Context, ask Ask, options Options) (*Report, error) {
	kpis := question{name: "kpis", queryType: "kpi", span: options.Period.Span}
	answers, err := ask.all(ctx, options.Filters, kpis)
	if err != nil {
		return nil, err
	}
	compared, err := query.Explain(answers["kpis"][0])
	if err != nil {
		return nil, err
	}
	r := &Report{Period: options.Period, Elapsed: compared.Span, Previous: compared.Previous, Zone: zoneOf(options.Calendar), Now: options.Now,
		Filters: describeFilters(options.Filters)}
	var previous kpi.Span
	if r.Previous != nil {
		previous = *r.Previous
	}
	rest, err := ask.all(ctx, options.Filters, options.Period.questions(options.Calendar, previous)...)
	if err != nil {
		return nil, err
	}
	maps.Copy(answers, rest)
	explained, err := query.Explain(answers["totals"][0])
	if err != nil {
		return nil, err
	}
	r.Freshness, r.FactorVersion, r.FactorName = explained.Freshness, explained.FactorVersion, explained.FactorName
	r.Empty = len(records(answers["totals"])) == 0

	r.addHeadline(answers)
	if err := r.addDrivers(answers); err != nil {
		return nil, err
	}
	r.addBudgets(answers)
	r.addCarbon(answers)
	r.addModels(answers)
	r.addKPIs(answers)
	if err := r.addForecast(answers, options.Calendar); err != nil {
		return nil, err
	}
	r.addHardware(answers)
	r.addReconciliation(answers)
	r.addBasis(explained.MeasuredShare)
	return r, r.addFormulas(answers)
}

// moment writes a time in the company's zone.
func (r *Report) moment(t time.Time) string { return t.In(r.Zone).Format("2 January 2006, 15:04 MST") }

// days writes a span by its first and last day.
func (r *Report) days(span kpi.Span) string {
	from, to := span.From.In(r.Zone), lastDay(span).In(r.Zone)
	if from.Year() == to.Year() {
		return from.Format("2 January") + " to " + day(to)
	}
	return day(from) + " to " + day(to)
}

func describeFilters(filters kpi.Filters) []string {
	var described []string
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		label := query.DimensionLabel(name)
		var members []string
		for _, member := range filters[name] {
			members = append(members, query.MemberLabel(member))
		}
		described = append(described, label+": "+strings.Join(members, ", "))
	}
	return described
}
