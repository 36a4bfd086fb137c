package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// reconciled is what is compared: a teller's quantity in a month, of a group.
type reconciled struct {
	month int
	teller
	version  string
	quantity kpi.ProviderQuantity
	members  []string // of the groups asked for
	service  string

	statement kpi.Statement
	ours      *float64
	coverage  *float64
	uncovered []string // regions without events of ours, the largest first
}

// series is what a row is of over time; with a version where each has rows of its own.
func (row reconciled) series() string {
	return memberKey(append([]string{string(row.source), row.cloud, string(row.quantity), row.service}, row.members...))
}

func (row reconciled) key() string {
	return memberKey([]string{row.series(), row.version, strconv.Itoa(row.month)})
}

// rows holds both sides against each other, in order.
func (r *reconciler) rows() []reconciled {
	byKey := map[string]*reconciled{}
	parts := map[string][]kpi.ProviderPart{}
	add := func(row reconciled) *reconciled {
		key := row.key()
		if byKey[key] == nil {
			byKey[key] = &row
		}
		return byKey[key]
	}
	for _, f := range r.figures {
		of, month := teller{f.Source, f.Cloud}, r.month(f.Month)
		if month < 0 || r.options.Versions == "newest" && f.ModelVersion != r.newest(of, f.Month) {
			continue
		}
		part := kpi.ProviderPart{Region: f.Region, Quantity: f.Quantity, Scope: f.Scope, Charge: f.Charge, Idle: f.Idle, Value: f.Value}
		for _, quantity := range r.options.Quantities {
			// Scope 1 and 3 without a basis are inside the totals of either.
			within := f.Scope != kpi.ScopeTotal && f.Quantity == kpi.ProviderCarbon && (quantity == kpi.ProviderCarbonLocation || quantity == kpi.ProviderCarbonMarket)
			if quantity != f.Quantity && !within {
				continue
			}
			row := reconciled{month: month, teller: of, version: f.ModelVersion, quantity: quantity, members: r.membersOf(f), service: f.Service}
			key := add(row).key()
			parts[key] = append(parts[key], part)
		}
	}
	for key, row := range byKey {
		row.statement = kpi.State(row.quantity, parts[key], r.options.Scopes == "operational")
	}
	r.addOurs(byKey, add)
	return r.ordered(byKey)
}

// membersOf are a figure's in the groups asked for.
func (r *reconciler) membersOf(f warehouse.StatedFigure) []string {
	members := make([]string, len(r.request.GroupBy))
	for i, dimension := range r.request.GroupBy {
		switch dimension {
		case kpi.DimensionRegion:
			members[i] = cmp.Or(f.Region, kpi.None)
		case kpi.DimensionProject:
			members[i] = cmp.Or(f.Project, kpi.Unallocated)
		case kpi.DimensionBusinessUnit:
			members[i] = cmp.Or(f.BusinessUnit, kpi.Unallocated)
		}
	}
	return members
}

// stated are the quantities to hold ours against: those a teller states in the months
// asked for, else those it is known for.
func (r *reconciler) stated(of teller) []kpi.ProviderQuantity {
	var stated []kpi.ProviderQuantity
	for _, f := range r.figures {
		if f.Source == of.source && f.Cloud == of.cloud && f.Scope == kpi.ScopeTotal && !slices.Contains(stated, f.Quantity) {
			stated = append(stated, f.Quantity)
		}
	}
	if len(stated) == 0 {
		stated = map[kpi.ProviderSource][]kpi.ProviderQuantity{
			kpi.ProviderGoogle: {kpi.ProviderCarbonLocation, kpi.ProviderCarbonMarket}, kpi.ProviderAWS: {kpi.ProviderCarbonLocation, kpi.ProviderCarbonMarket},
			kpi.ProviderCCF: {kpi.ProviderCarbon}, kpi.ProviderFOCUS: {kpi.ProviderCost},
		}[of.source]
	}
	return slices.DeleteFunc(stated, func(q kpi.ProviderQuantity) bool { return !slices.Contains(r.options.Quantities, q) })
}

// addOurs puts our side beside the provider's, with rows of its own where the provider
// has none of a month that is over. By service there is no our side.
func (r *reconciler) addOurs(byKey map[string]*reconciled, add func(reconciled) *reconciled) {
	seen := map[int]map[string]bool{} // regions with events, by month
	for _, row := range r.usage {
		if seen[row.Period] == nil {
			seen[row.Period] = map[string]bool{}
		}
		seen[row.Period][row.Members[0]] = true
	}
	sums := ourSums{}
	for of, regions := range r.regions() {
		for _, quantity := range r.stated(of) {
			for _, row := range r.usage {
				if regions[row.Members[0]] {
					beside := reconciled{month: row.Period, teller: of, quantity: quantity, members: row.Members[1:]}
					sums.add(beside, kpi.OurFigure(quantity, row.Measures))
				}
			}
		}
	}
	for _, row := range byKey {
		row.coverage = kpi.CoveredShare(row.statement.Regions, func(region string) bool { return seen[row.month][region] })
		for region, value := range row.statement.Regions {
			if !seen[row.month][region] && value != 0 {
				row.uncovered = append(row.uncovered, region)
			}
		}
		slices.SortFunc(row.uncovered, func(a, b string) int {
			return cmp.Or(cmp.Compare(row.statement.Regions[b], row.statement.Regions[a]), strings.Compare(a, b))
		})
	}
	if r.options.ByService {
		return
	}
	for _, row := range byKey {
		row.ours = sums.take(*row)
	}
	for _, alone := range sums {
		if !alone.taken && alone.row.ours != nil && r.complete(alone.row.month) {
			add(alone.row)
		}
	}
}

// ourSums adds ours up to what a teller's figure is of. A part without a figure leaves
// the sum without one.
type ourSums map[string]*ourSum

type ourSum struct {
	row   reconciled // without version and service
	lacks bool
	taken bool
}

func (sums ourSums) add(row reconciled, value *float64) {
	sum := sums[row.key()]
	if sum == nil {
		sum = &ourSum{row: row}
		sums[row.key()] = sum
	}
	switch {
	case value == nil || sum.lacks:
		sum.lacks, sum.row.ours = true, nil
	case sum.row.ours == nil:
		sum.row.ours = number(*value)
	default:
		sum.row.ours = number(*sum.row.ours + *value)
	}
}

func (sums ourSums) take(row reconciled) *float64 {
	row.version, row.service = "", ""
	sum := sums[row.key()]
	if sum == nil {
		return nil
	}
	sum.taken = true
	return sum.row.ours
}

func (r *reconciler) ordered(byKey map[string]*reconciled) []reconciled {
	var rows []reconciled
	for _, row := range byKey {
		if row.statement.Value != nil || row.ours != nil && r.complete(row.month) {
			rows = append(rows, *row)
		}
	}
	slices.SortFunc(rows, func(a, b reconciled) int {
		return cmp.Or(cmp.Compare(a.month, b.month),
			cmp.Compare(slices.Index(kpi.ProviderSources(), a.source), slices.Index(kpi.ProviderSources(), b.source)), strings.Compare(a.cloud, b.cloud),
			cmp.Compare(slices.Index(kpi.ProviderQuantities(), a.quantity), slices.Index(kpi.ProviderQuantities(), b.quantity)),
			kpi.CompareModelVersions(b.version, a.version), slices.Compare(a.members, b.members), strings.Compare(a.service, b.service))
	})
	return rows
}
