package warehouse

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/usage.sql
var usageSQL string

//go:embed statements/usage_sums.sql
var usageSumsSQL string

// usageColumns are the measures of the roll-ups, and of which set each is.
var usageColumns = []struct {
	name    string
	measure Measure
}{
	{"events", 0}, {"requests", 0}, {"input_tokens", MeasureTokens}, {"output_tokens", MeasureTokens},
	{"it_energy_nwh", 0}, {"measured_energy_nwh", 0}, {"cost_nusd", MeasureCost}, {"cost_open_nwh", MeasureCost},
	{"carbon_location_ug", MeasureCarbonLocation}, {"carbon_location_open_nwh", MeasureCarbonLocation},
	{"carbon_market_ug", MeasureCarbonMarket}, {"carbon_market_open_nwh", MeasureCarbonMarket},
	{"gpu_microhours", MeasureGPU}, {"gpu_memory_microhours", MeasureGPU},
	{"latency_us", MeasureLatency}, {"latency_requests", MeasureLatency},
}

// memberExpressions are what a dimension's member is, by the alias of the table that
// has it.
var memberExpressions = map[kpi.Dimension]string{
	kpi.DimensionBusinessUnit: "p.business_unit", kpi.DimensionTeam: "p.team", kpi.DimensionProductLine: "p.product_line",
	kpi.DimensionCostCentre: "p.cost_centre", kpi.DimensionOwner: "p.owner", kpi.DimensionProject: "p.name",
	kpi.DimensionModel: "m.name", kpi.DimensionProvider: "m.provider", kpi.DimensionFamily: "m.family",
	kpi.DimensionTaskClass: "m.task_class", kpi.DimensionStage: "m.stage",
	kpi.DimensionRegion: "r.code", kpi.DimensionEndpoint: "e.name", kpi.DimensionWorkload: "w.code",
}

// memberTables are the tables of memberExpressions and their keys, by alias.
var memberTables = map[string]struct{ name, key string }{
	"p": {"project", "project_id"}, "m": {"model", "model_id"}, "r": {"region", "region_id"},
	"e": {"endpoint", "endpoint_id"}, "w": {"workload", "workload_id"},
}

// memberOf is how a statement reads a dimension's member: the expression, and the
// alias of the table that has it. A member that is not known is kpi.None. The order
// is that of bytes, as comparing by the database's locale costs more than adding up.
func memberOf(dimension kpi.Dimension) (expression, alias string, err error) {
	expression, ok := memberExpressions[dimension]
	if !ok {
		return "", "", fmt.Errorf("the roll-ups cannot be grouped by %q", dimension)
	}
	alias, _, _ = strings.Cut(expression, ".")
	return "coalesce(" + expression + `, '__none__') COLLATE "C"`, alias, nil
}

// memberJoin brings in a table of memberTables. Every key is there; LEFT JOIN says so
// to the planner, who would else expect few rows.
func memberJoin(alias, onKey string) string {
	table := memberTables[alias]
	return fmt.Sprintf(" LEFT JOIN wattscore.%s %s ON %[2]s.%s = %s", table.name, alias, table.key, onKey)
}

// memberFilters are the conditions of a filter on a roll-up's own columns.
var memberFilters = []struct {
	dimension kpi.Dimension
	condition string
}{
	{kpi.DimensionBusinessUnit, "project_id IN (SELECT project_id FROM wattscore.project WHERE coalesce(business_unit, '__none__') = ANY (@business_units::text[]))"},
	{kpi.DimensionTeam, "project_id IN (SELECT project_id FROM wattscore.project WHERE coalesce(team, '__none__') = ANY (@teams::text[]))"},
	{kpi.DimensionProject, "project_id IN (SELECT project_id FROM wattscore.project WHERE name = ANY (@projects::text[]))"},
	{kpi.DimensionModel, "model_id IN (SELECT model_id FROM wattscore.model WHERE name = ANY (@models::text[]))"},
	{kpi.DimensionRegion, "region_id IN (SELECT region_id FROM wattscore.region WHERE code = ANY (@regions::text[]))"},
	{kpi.DimensionWorkload, "workload_id IN (SELECT workload_id FROM wattscore.workload WHERE code = ANY (@workloads::text[]))"},
	{kpi.DimensionEndpoint, "endpoint_id IN (SELECT endpoint_id FROM wattscore.endpoint WHERE name = ANY (@endpoints::text[]))"},
}

// filterConditions are the conditions of filters on the keys of facts and roll-ups.
func filterConditions(filters kpi.Filters) string {
	var conditions strings.Builder
	for _, filter := range memberFilters {
		if len(filters[filter.dimension]) > 0 {
			conditions.WriteString(" AND " + filter.condition)
		}
	}
	return conditions.String()
}

// keysNeeded are the keys that a grouping and filters tell apart.
func keysNeeded(groupBy []kpi.Dimension, filters kpi.Filters) map[string]bool {
	needed := map[string]bool{}
	need := func(dimension kpi.Dimension) {
		alias, _, _ := strings.Cut(memberExpressions[dimension], ".")
		needed[memberTables[alias].key] = true
	}
	for _, dimension := range groupBy {
		need(dimension)
	}
	for dimension, members := range filters {
		if len(members) > 0 {
			need(dimension)
		}
	}
	return needed
}

// family is a set of roll-ups by the same keys; see wattscore.rollup_family.
type family struct {
	name string
	keys []string
}

// has says whether the family tells all of some keys apart.
func (f family) has(keys map[string]bool) bool {
	for key := range keys {
		if !slices.Contains(f.keys, key) {
			return false
		}
	}
	return true
}

// allKeys is the family that any question can be answered from; fewerKeys are
// quicker to read, the quickest first.
var (
	allKeys   = family{"rollup", []string{"model_id", "project_id", "region_id", "endpoint_id", "workload_id"}}
	fewerKeys = []family{
		{"rollup_site", []string{"region_id", "workload_id"}},
		{"rollup_model", []string{"model_id", "region_id", "workload_id"}},
	}
)

// familyFor is the quickest family that answers a request. A score is by what the
// models are for.
func familyFor(request UsageRequest) family {
	if request.projectsApart {
		return allKeys
	}
	needed := keysNeeded(request.GroupBy, request.Filters)
	if request.Omit&MeasureScore == 0 {
		needed["model_id"] = true
	}
	for _, candidate := range fewerKeys {
		if candidate.has(needed) {
			return candidate
		}
	}
	return allKeys
}

// usageStatements keeps the statements that were asked for, by what they depend on.
var usageStatements sync.Map

// reading says how a statement goes about the pieces of its periods.
type reading struct {
	months bool // there are months among them
	apart  bool // there are few of a period beside its months, so each is priced by itself
}

// usageStatement is usage.sql with the roll-ups, conditions, members and measures
// of a request. All text is ours; what a person names is an argument.
func usageStatement(request UsageRequest, how reading) (string, error) {
	key := fmt.Sprint(request.GroupBy, filterConditions(request.Filters), request.Omit, how, request.projectsApart)
	if known, ok := usageStatements.Load(key); ok {
		return known.(string), nil
	}
	statement, err := composeUsage(request, how)
	if err == nil {
		usageStatements.Store(key, statement)
	}
	return statement, err
}

var (
	monthsOfUsage   = blockOfUsage("months")
	scoredOfUsage   = blockOfUsage("scored")
	apartOfUsage    = blockOfUsage("apart")
	combinedOfUsage = blockOfUsage("combined")
	pricedOfUsage   = blockOfUsage("priced")
	regionsOfUsage  = blockOfUsage("regions")
	marksOfUsage    = regexp.MustCompile(` */\* (end of )?(months|scored|apart|combined|priced|regions) \*/\n?`)
)

// The sums of usage_sums.sql that factors price, and those of what none prices.
var (
	pricedSums   = regexp.MustCompile(`sum\([^()]* x\.\w+\)`)
	unpricedSums = regexp.MustCompile(`sum\([^()]*\) FILTER \(WHERE x\.\w+ IS NULL\)`)
)

func blockOfUsage(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?s) */\* ` + name + ` \*/.*?/\* end of ` + name + ` \*/\n`)
}

func composeUsage(request UsageRequest, how reading) (string, error) {
	members := make([]string, len(request.GroupBy))
	summed := keysNeeded(request.GroupBy, nil)
	joined := map[string]bool{}
	for i, dimension := range request.GroupBy {
		expression, alias, err := memberOf(dimension)
		if err != nil {
			return "", err
		}
		members[i], joined[alias] = expression, true
	}
	taskClass := "NULL"
	if request.Omit&MeasureScore == 0 {
		summed["model_id"], joined["m"], taskClass = true, true, "m.task_class"
	}
	var joins, sumKeys strings.Builder
	for _, alias := range slices.Sorted(maps.Keys(joined)) {
		joins.WriteString(memberJoin(alias, "f."+memberTables[alias].key) + "\n")
	}
	for _, key := range slices.Sorted(maps.Keys(summed)) {
		sumKeys.WriteString("b." + key + ", ")
	}
	combined := maps.Clone(summed)
	combined["region_id"], combined["workload_id"] = true, true // what prices, and whether requests are served
	var groupKeys []string
	for _, key := range slices.Sorted(maps.Keys(combined)) {
		groupKeys = append(groupKeys, "b."+key)
	}
	read := familyFor(request)
	keys := make([]string, len(allKeys.keys))
	for i, key := range allKeys.keys {
		if keys[i] = key; !slices.Contains(read.keys, key) {
			keys[i] = "NULL::int AS " + key
		}
	}
	var measures, noMeasures, sumsOmitted []string
	for _, column := range usageColumns {
		none := "NULL::bigint AS " + column.name
		noMeasures = append(noMeasures, none)
		if request.Omit&column.measure == 0 {
			measures = append(measures, column.name)
		} else {
			measures = append(measures, none)
			sumsOmitted = append(sumsOmitted, `b\.sign \* b\.`+column.name, column.name)
		}
	}
	statement := usageSQL
	omit := func(block *regexp.Regexp, leftOut bool) {
		if leftOut {
			statement = block.ReplaceAllString(statement, "")
		}
	}
	// What is not priced needs no factors apart, and is added up at once.
	unpriced := request.Omit&MeasurePrice != 0
	how.apart = how.apart || unpriced
	omit(pricedOfUsage, unpriced)
	omit(regionsOfUsage, request.projectsApart)
	omit(scoredOfUsage, request.Omit&MeasureScore != 0)
	omit(monthsOfUsage, !how.months)
	omit(apartOfUsage, !how.apart)
	omit(combinedOfUsage, how.apart)
	statement = marksOfUsage.ReplaceAllString(statement, "")
	sums := usageSumsSQL[strings.Index(usageSumsSQL, "SELECT"):]
	if unpriced && request.Omit&(MeasureCost|MeasureCarbon) != MeasureCost|MeasureCarbon {
		return "", errors.New("warehouse: cost and carbon are priced: they are left out with MeasurePrice, or none of the three is")
	}
	if unpriced || request.Omit&MeasureFacility != 0 {
		sumsOmitted = append(sumsOmitted, `b\.sign \* b\.it_energy_nwh \* x\.pue`, "facility")
	}
	if unpriced || request.Omit&MeasureEnergyCost != 0 {
		sumsOmitted = append(sumsOmitted, `b\.sign \* b\.it_energy_nwh \* x\.price`, "energy_cost")
	}
	if request.Omit&MeasureScore != 0 {
		sumsOmitted = append(sumsOmitted, `b\.unrequested_nwh`, "unrequested_nwh", `requests \* wh_per_1k_requests`)
	}
	for _, sum := range sumsOmitted { // an exact sum costs a microsecond a row, of nothing too
		pattern := regexp.MustCompile(`sum\(` + sum + `\b[^()]*\)( FILTER \([^()]*\))?`)
		statement, sums = pattern.ReplaceAllString(statement, "NULL::numeric"), pattern.ReplaceAllString(sums, "NULL::numeric")
	}
	if unpriced {
		sums = pricedSums.ReplaceAllString(unpricedSums.ReplaceAllString(sums, "1::numeric"), "NULL::numeric")
	}
	statement = strings.NewReplacer("/* sums */", sums, "/* sums without sign */", strings.ReplaceAll(sums, "b.sign * ", "")).Replace(statement)
	if request.Omit&MeasureFacility != 0 { // the serving cost is still told
		statement = strings.Replace(statement, "/* energy cost */sum(energy_cost)", "/* energy cost */NULL::numeric", 1)
	}
	return strings.NewReplacer(
		"/* energy cost */", "",
		"/* members */", "ARRAY["+strings.Join(members, ", ")+"]::text[]",
		"/* joins */", strings.TrimSpace(joins.String()),
		" /* filter */", filterConditions(request.Filters),
		"/* family */", read.name,
		"/* keys */", strings.Join(keys, ", "),
		"/* group keys */", strings.Join(groupKeys, ", "),
		"/* sum keys */", sumKeys.String(),
		"/* task class */", taskClass,
		"/* all keys */", strings.Join(allKeys.keys, ", "),
		"/* measures */", strings.Join(measures, ", "),
		"/* no measures */", strings.Join(noMeasures, ", "),
	).Replace(statement), nil
}
