package query

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var reconciliation = Type{
	Name:        "reconciliation",
	Label:       "Reconciliation",
	Description: "Our estimate against what cloud providers and bills say of the same months, like with like",
	GroupBy:     []kpi.Dimension{kpi.DimensionRegion, kpi.DimensionProject, kpi.DimensionBusinessUnit},
	RestsOn:     []Evidence{EvidenceEvents, EvidenceProvider},
	Formats:     []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:     reconciledNumbers,
	answer:      answerReconciliation,
}

// reconciledNumbers are a row's, the most telling first.
var reconciledNumbers = []string{"difference_pct", "difference", "provider_value", "our_value", "coverage", "idle_value"}

// reconciliationOptions are the options of the query type. See src/types.ts.
type reconciliationOptions struct {
	Sources    []kpi.ProviderSource   `json:"sources"`    // empty: all
	Quantities []kpi.ProviderQuantity `json:"quantities"` // empty: carbon and cost
	Services   []string               `json:"services"`   // of the provider; empty: all
	ByService  bool                   `json:"byService"`  // a row each; ours is not known by service
	// Scopes operational leaves the provider's scope 3 out, as ours has none; all is
	// the total that the provider publishes.
	Scopes string `json:"scopes"`
	// Versions newest shows each month by the newest version of the provider's method;
	// all shows each version in a row of its own.
	Versions string `json:"versions"`
}

func (o reconciliationOptions) check() error {
	for _, source := range o.Sources {
		if err := oneOf("sources", string(source), namesOf(kpi.ProviderSources())...); err != nil {
			return err
		}
	}
	for _, quantity := range o.Quantities {
		if err := oneOf("quantities", string(quantity), namesOf(kpi.ProviderQuantities())...); err != nil {
			return err
		}
	}
	if err := oneOf("scopes", o.Scopes, "operational", "all"); err != nil {
		return err
	}
	return oneOf("versions", o.Versions, "newest", "all")
}

func namesOf[T ~string](values []T) []string {
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = string(value)
	}
	return names
}

// comparedByDefault leaves out energy: no provider meters it.
var comparedByDefault = []kpi.ProviderQuantity{kpi.ProviderCarbonLocation, kpi.ProviderCarbonMarket, kpi.ProviderCarbon, kpi.ProviderCost}

// knownToProviders are the filters that a provider's figures can follow.
var knownToProviders = []kpi.Dimension{kpi.DimensionBusinessUnit, kpi.DimensionTeam, kpi.DimensionProject, kpi.DimensionRegion}

const reconciliationOmits = warehouse.MeasureTokens | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureScore

func answerReconciliation(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := reconciliationOptions{Scopes: "operational", Versions: "newest"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	if len(options.Quantities) == 0 {
		options.Quantities = comparedByDefault
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	r := reconciler{options: options, request: request, months: budgetSteps(p, kpi.IntervalMonth, request.Now), filters: kpi.Filters{}}
	m := newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location)
	if len(r.months) == 0 {
		return data.Frames{attach(r.frame(nil), m, "", []data.Notice{information("This period has not begun.")})}, nil
	}
	var notices []data.Notice
	for dimension, members := range request.Filters {
		if slices.Contains(knownToProviders, dimension) {
			r.filters[dimension] = members
		} else {
			notices = append(notices, information(fmt.Sprintf("Providers know no %s: the filter on it is left out, on both sides.", dimension)))
		}
	}
	slices.SortFunc(notices, func(a, b data.Notice) int { return strings.Compare(a.Text, b.Text) })
	provenance, err := r.read(ctx, source)
	if err != nil {
		return nil, err
	}
	rows := r.rows()
	whole := kpi.Span{From: r.months[0].From, To: r.months[len(r.months)-1].To}
	m = newMeta(request, whole, provenance, p.calendar.Location)
	m.Step, m.Formulas = string(kpi.IntervalMonth), r.formulas()
	notices = append(notices, r.notices(rows, provenance, p.calendar.Location)...)
	return data.Frames{attach(r.frame(rows), m, warehouse.ProviderFiguresSQL(), notices)}, nil
}

// reconciler holds what both sides say while it is put together.
type reconciler struct {
	options reconciliationOptions
	request Request
	filters kpi.Filters
	months  []kpi.Span

	figures []warehouse.StatedFigure
	reach   []warehouse.ProviderReach
	usage   []warehouse.UsageRow // by region, then the groups asked for
}

func (r *reconciler) read(ctx context.Context, source Source) (warehouse.Provenance, error) {
	asked := warehouse.ProviderRequest{
		From: r.months[0].From, To: r.months[len(r.months)-1].To, Sources: r.options.Sources, Services: r.options.Services, Filters: r.filters,
		ByProject: r.groupedBy(kpi.DimensionProject), ByUnit: r.groupedBy(kpi.DimensionBusinessUnit), ByService: r.options.ByService,
	}
	var err error
	if r.reach, err = source.ProviderReach(ctx, asked); err != nil {
		return warehouse.Provenance{}, err
	}
	if r.figures, err = source.ProviderFigures(ctx, asked); err != nil {
		return warehouse.Provenance{}, err
	}
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: r.months, GroupBy: append([]kpi.Dimension{kpi.DimensionRegion}, r.request.GroupBy...), Filters: r.filters,
		FactorVersion: r.request.FactorVersion, Omit: reconciliationOmits,
	})
	if err != nil {
		return warehouse.Provenance{}, err
	}
	r.usage = answers[0]
	return provenance, nil
}

func (r *reconciler) groupedBy(dimension kpi.Dimension) bool {
	return slices.Contains(r.request.GroupBy, dimension)
}

// month is the place of a provider's month, which goes by its date; -1 if it was not
// asked for.
func (r *reconciler) month(first time.Time) int {
	return slices.IndexFunc(r.months, func(span kpi.Span) bool { return span.From.Format("2006-01") == first.Format("2006-01") })
}

// complete says whether a month is over.
func (r *reconciler) complete(month int) bool { return !r.request.Now.Before(r.months[month].To) }

// teller is who states figures: a source, of one cloud.
type teller struct {
	source kpi.ProviderSource
	cloud  string
}

// newest is the newest version of a teller's method in a month.
func (r *reconciler) newest(of teller, first time.Time) string {
	version := ""
	for _, reach := range r.reach {
		if reach.Source == of.source && reach.Cloud == of.cloud && reach.Month.Equal(first) && kpi.CompareModelVersions(reach.ModelVersion, version) > 0 {
			version = reach.ModelVersion
		}
	}
	return version
}

// regions are those that each teller has ever reported on: in them ours is comparable.
func (r *reconciler) regions() map[teller]map[string]bool {
	all := map[teller]map[string]bool{}
	for _, reach := range r.reach {
		of := teller{reach.Source, reach.Cloud}
		if all[of] == nil {
			all[of] = map[string]bool{}
		}
		for _, region := range reach.Regions {
			all[of][region] = true
		}
	}
	return all
}
