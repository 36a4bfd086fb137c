package query

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// column is what a panel needs to know of a frame field: how it is called, in
// which unit (Grafana's unit ids). Decimals are the panel's to choose: what a field
// sets, a panel's default cannot change.
type column struct {
	label       string
	unit        string
	description string
	min, max    *float64
}

// The units that Grafana has no id for.
const (
	unitTonnes    = "suffix:tCO₂e"
	unitKilograms = "suffix:kgCO₂e"
)

var zero, one, hundred = 0.0, 1.0, 100.0

// columns describes every number field of every query type by its name, so that
// a quantity looks the same wherever it appears.
var columns = map[string]column{
	"requests":                 {label: "Requests", unit: "short", description: "Requests served"},
	"energy_kwh":               {label: "Energy", unit: "kwatth", description: "IT energy, without PUE"},
	"kwh_per_1k_requests":      {label: "kWh per 1k requests", unit: "suffix:kWh", description: "IT energy of request-serving work per 1,000 requests"},
	"kwh_per_1m_tokens":        {label: "kWh per 1M tokens", unit: "suffix:kWh", description: "IT energy of request-serving work per 1,000,000 tokens; the metadata names which tokens"},
	"cost_usd":                 {label: "Cost", unit: "currencyUSD", description: "Billed cost where the source gives it, else facility energy at the electricity price"},
	"cost_per_transaction_usd": {label: "Cost per AI transaction", unit: "currencyUSD", description: "Cost per request; the metadata names the basis"},
	"carbon_kg":                {label: "Carbon", unit: unitKilograms, description: "Operational emissions, location-based"},
	"carbon_market_kg":         {label: "Carbon, market-based", unit: unitKilograms, description: "Operational emissions by the supply contracts, else the grid's average; never added to the location-based"},
	"score":                    {label: "Energy Score", unit: "none", min: &zero, max: &hundred, description: "100 = no energy, 50 = at the reference intensity of the task class"},
	"previous_score":           {label: "Previous score", unit: "none", min: &zero, max: &hundred, description: "Energy Score of the preceding period"},
	"stars":                    {label: "Stars", unit: "none", description: "1 to 5 within the task class; none under 5 models"},
	"criticality":              {label: "Business criticality", unit: "none", min: &zero, max: &hundred, description: "0 to 100, as the company rates it"},
	"potential_saving_usd":     {label: "Potential saving", unit: "currencyUSD", description: "Energy cost of the period that reaching the score threshold would save"},
	"total_t":                  {label: "Total", unit: unitTonnes, description: "Operational emissions of all services"},
	"location_t":               {label: "Location-based", unit: unitTonnes, description: "By the grid's average"},
	"market_t":                 {label: "Market-based", unit: unitTonnes, description: "By the supply contracts, else the grid's average"},
	"embodied_t":               {label: "Embodied (amortised)", unit: unitTonnes, description: "Hardware manufacturing spread over its lifetime; not part of the total"},
	"share":                    {label: "Share", unit: "percentunit", min: &zero, max: &one, description: "Part of the whole, 0 to 1"},
	"chargeback_usd":           {label: "Chargeback", unit: "currencyUSD", description: "Total at the internal carbon price"},
	"assets":                   {label: "Assets", unit: "short", description: "Accelerators"},
	"embodied_kg":              {label: "Embodied carbon", unit: unitKilograms, description: "Manufacturing emissions, whole"},
	"embodied_amortised_kg":    {label: "Embodied in the period", unit: unitKilograms, description: "Manufacturing emissions spread evenly over the lifetime (ISO/IEC 21031), this period's part"},
	"embodied_purchased_kg":    {label: "Embodied, by purchase", unit: unitKilograms, description: "Manufacturing emissions, whole in the fiscal year of purchase (GHG Protocol scope 3, category 2)"},
	"purchase_cost_usd":        {label: "Purchase cost", unit: "currencyUSD", description: "What it cost, as the inventory says"},
	"age_years":                {label: "Age", unit: "suffix:y", description: "Time since it was acquired, years of 365 days"},
	"lifetime_years":           {label: "Lifetime", unit: "suffix:y", description: "Expected life, as the inventory says"},

	// gpuLive
	"power_w":           {label: "Power", unit: "watt", min: &zero, description: "Drawn now: the board, or the whole module where the hardware measures that"},
	"power_limit_w":     {label: "Power limit", unit: "watt", min: &zero, description: "What the driver lets it draw"},
	"utilization":       {label: "Utilisation", unit: "percentunit", min: &zero, max: &one, description: "Share of time in which work ran; not how well it used the GPU"},
	"memory_used":       {label: "Memory used", unit: "bytes", min: &zero, description: "Memory of the GPU in use"},
	"memory_total":      {label: "Memory", unit: "bytes", min: &zero, description: "Memory of the GPU"},
	"temperature":       {label: "Temperature", unit: "celsius", description: "Of the GPU's core"},
	"cost_usd_per_hour": {label: "Cost per hour", unit: "currencyUSD", description: "What the power drawn now costs an hour, PUE included"},
	"carbon_g_per_hour": {label: "Carbon per hour", unit: "suffix:gCO₂e", description: "What the power drawn now emits an hour, location-based, PUE included"},
	"age_seconds":       {label: "Age", unit: "s", min: &zero, description: "Since the reading was taken"},
	"deviation":         {label: "Deviation", unit: "none", description: "How far the hour's energy is from the usual, in robust standard deviations; from 3.5 on it is unusual"},
	"energy_hour_kwh":   {label: "Last full hour", unit: "kwatth", min: &zero, description: "IT energy of the last full hour"},
	"usual_kwh":         {label: "Usual", unit: "kwatth", min: &zero, description: "Median of the same hour of the fourteen days before"},

	// efficiencyTrend: the unit is that of the asked measure, set on the field.
	"actual":           {label: "Actual", description: "What was measured"},
	"forecast":         {label: "Forecast", description: "What the chosen model expects; at its first point the last actual"},
	"lower_80":         {label: "Lower 80 %", description: "Four of five outcomes lie between lower and upper, by the errors of the back-test"},
	"upper_80":         {label: "Upper 80 %", description: "Four of five outcomes lie between lower and upper, by the errors of the back-test"},
	"lower_95":         {label: "Lower 95 %", description: "19 of 20 outcomes lie between lower and upper, by the errors of the back-test"},
	"upper_95":         {label: "Upper 95 %", description: "19 of 20 outcomes lie between lower and upper, by the errors of the back-test"},
	"cost_avoided_usd": {label: "Cost avoided", unit: "currencyUSD", description: "Energy cost avoided since the baseline by each model's better intensity, cumulative; below zero where models got worse"},

	// keyDrivers: effect has the unit of the asked measure, set on the field.
	"rank":            {label: "Rank", unit: "none", description: "Place by the size of the effect"},
	"effect":          {label: "Effect", description: "What the driver added to the preceding period's total; below zero it saved"},
	"share_of_change": {label: "Share of change", unit: "percentunit", description: "Effect / change of the total; below zero where the driver worked against the change"},
	"base":            {label: "Base", description: "The invisible foot of a step"},
	"total":           {label: "Total", description: "Of the period"},
	"increase":        {label: "Increase", description: "What the driver added"},
	"decrease":        {label: "Decrease", description: "What the driver saved"},

	// kpi: the unit of value and previous is in the row's own unit field.
	"value":    {label: "Value", description: "In the row's own unit"},
	"previous": {label: "Previous", description: "Of the preceding period, in the row's own unit"},
	"change":   {label: "Change", unit: "percentunit", description: "Against the preceding period"},

	// budgetVariance: budget, actual, variance and projected are in USD or kgCO2e, set on the field.
	"budget":       {label: "Budget", description: "The budget of the step"},
	"variance":     {label: "Variance", description: "Actual − budget"},
	"variance_pct": {label: "Variance %", unit: "percentunit", description: "(Actual − budget) / budget"},
	"projected":    {label: "Projected", description: "Where the period ends if it goes on as it has begun"},

	// costMeter
	"spend_hour_usd":    {label: "This hour", unit: "currencyUSD", description: "Spend since the full hour"},
	"spend_day_usd":     {label: "Today", unit: "currencyUSD", description: "Spend since midnight"},
	"budget_day_usd":    {label: "Budget today", unit: "currencyUSD", description: "The day's cost budget"},
	"projected_day_usd": {label: "Projected today", unit: "currencyUSD", description: "Spend by the end of the day if it goes on as such days do"},
	"burn_usd_per_hour": {label: "Burn rate", unit: "currencyUSD", description: "USD per hour"},
	"budget_used":       {label: "Budget used", unit: "percentunit", min: &zero, description: "Spend today / budget today"},

	// whatIf: all per year.
	"facility_kwh":          {label: "Facility energy", unit: "kwatth", description: "Facility energy, PUE included"},
	"carbon_t":              {label: "Carbon", unit: unitTonnes, description: "Operational emissions, location-based"},
	"saving_kwh":            {label: "Energy saved", unit: "kwatth", description: "Facility energy a year: before − after; below zero where it takes more"},
	"saving_usd":            {label: "Cost saved", unit: "currencyUSD", description: "Electricity a year: before − after; below zero where it costs more"},
	"saving_t":              {label: "Carbon saved", unit: unitTonnes, description: "Location-based a year: before − after; below zero where it emits more"},
	"investment_usd":        {label: "Investment", unit: "currencyUSD", description: "Units × their price"},
	"payback_months":        {label: "Payback", unit: "suffix: months", description: "Investment / (annual saving / 12), undiscounted"},
	"npv_usd":               {label: "Net present value", unit: "currencyUSD", description: "−investment + Σ annual saving / (1 + discount rate)^year over the lifetime"},
	"carbon_payback_months": {label: "Carbon payback", unit: "suffix: months", description: "Time until the carbon saved outweighs the carbon embodied in the new hardware"},

	// latencyCost
	"slo_breach_rate":          {label: "SLO breach rate", unit: "percentunit", min: &zero, max: &one, description: "Part of the requests slower than their model's latency SLO"},
	"p50_ms":                   {label: "p50 latency", unit: "ms", description: "Median, within 1 %"},
	"p95_ms":                   {label: "p95 latency", unit: "ms", description: "95th percentile, within 1 %"},
	"cost_per_1k_requests_usd": {label: "Cost per 1k requests", unit: "currencyUSD", description: "Energy cost per 1,000 requests unless the metadata names another basis"},
	"correlation":              {label: "Correlation ρ", unit: "none", description: "Spearman's rank correlation of the hourly SLO breach rate with the hourly cost per 1k requests, −1 to 1"},
	"spikes":                   {label: "Cost spikes", unit: "short", description: "Hours whose cost per 1k requests is far above the usual"},
	"spikes_with_breach":       {label: "Spikes with a breach", unit: "short", description: "Cost spikes in which the latency SLO was breached too"},
	"slo_ms":                   {label: "Latency SLO", unit: "ms", description: "Latency objective of the model"},

	// modelComparison
	"accuracy":                        {label: "Accuracy", unit: "percentunit", min: &zero, max: &one, description: "By the metric of the row; compare within a metric only"},
	"parameters":                      {label: "Parameters", unit: "suffix:B", description: "Billions"},
	"cost_per_billion_parameters":     {label: "Cost per 1B parameters", unit: "currencyUSD", description: "Inference cost of the period per billion parameters"},
	"accuracy_per_billion_parameters": {label: "Accuracy per 1B parameters", unit: "percentunit", description: "Accuracy / billions of parameters; compare within a metric only"},

	// trainingRuns
	"duration_hours":                {label: "Duration", unit: "h", description: "From start to end; none while the run goes on"},
	"gpus":                          {label: "GPUs", unit: "short", description: "Accelerators the run was given"},
	"gpu_hours":                     {label: "GPU hours", unit: "suffix:GPU·h", description: "As its events say, else GPUs × duration"},
	"runs":                          {label: "Runs", unit: "short", description: "Training, fine-tuning and evaluation runs that overlap the period"},
	"kwh_per_run":                   {label: "Energy per run", unit: "kwatth", description: "Energy to solution: energy of the completed runs / completed runs"},
	"kwh_per_accuracy_point":        {label: "Energy per accuracy point", unit: "kwatth", description: "Energy of the run / (accuracy × 100)"},
	"kwh_per_accuracy_point_gained": {label: "Energy per point gained", unit: "kwatth", description: "Energy of the run / accuracy points gained over the model's completed run before, by the same metric; none where it is not better"},
	"carbon_cost_usd":               {label: "Carbon cost", unit: "currencyUSD", description: "Operational emissions at the internal carbon price"},
	"carbon_g_per_1k_requests":      {label: "gCO₂e per 1k requests", unit: "suffix:gCO₂e", description: "Training emissions of the feature over the requests its model served in the period"},

	// dataQuality
	"measured_kwh":   {label: "Measured", unit: "kwatth", min: &zero, description: "IT energy that the source metered"},
	"estimated_kwh":  {label: "Estimated", unit: "kwatth", min: &zero, description: "IT energy that the source estimated"},
	"measured_share": {label: "Measured share", unit: "percentunit", min: &zero, max: &one, description: "Measured energy / energy"},
	"events":         {label: "Events", unit: "short", min: &zero, description: "Events that came in; one longer than an hour counts once"},
	"factor":         {label: "Value", unit: "none", min: &zero, description: "In the unit of the row"},
	"source_year":    {label: "Year", unit: "none", description: "The year that the figure is of"},
	"models":         {label: "Models", unit: "short", min: &zero, description: "Models of the task class"},

	// reconciliation: the values are in the row's own unit.
	"provider_value": {label: "Provider's", description: "What the provider or the bill says of the month, in the row's own unit"},
	"our_value":      {label: "Ours", description: "What our events come to in the regions that the provider reports on, in the row's own unit: facility energy, operational carbon on the same basis, or cost"},
	"difference":     {label: "Difference", description: "Ours − provider's; below zero we see less"},
	"difference_pct": {label: "Difference %", unit: "percentunit", description: "(Ours − provider's) / provider's"},
	"coverage":       {label: "Coverage", unit: "percentunit", min: &zero, max: &one, description: "Part of the provider's figure in regions where we have events in that month"},
	"idle_value":     {label: "Idle at the provider", description: "Part of the provider's figure that was paid for and not used: unused commitments and reservations"},

	// carbonAttribution and hardwareLifecycle by the book
	"sci_g_per_1k_requests": {label: "SCI per 1k requests", unit: "suffix:gCO₂e", description: "Software Carbon Intensity (ISO/IEC 21031): location-based operational plus amortised embodied carbon"},
}

// textLabels names the text fields that are not dimensions.
var textLabels = map[string]string{
	"quadrant": "Quadrant", "stage": "Stage", "from_stage": "From", "to_stage": "To",
	"fiscal_year": "Fiscal year", "serial": "Serial", "accelerator": "Accelerator", "refresh": "Refresh", "health": "Health", "task_class": "Task class",
	"driver": "Driver", "segment": "Segment", "sentence": "What happened", "status": "Status",
	"kpi": "KPI", "unit": "Unit", "formula": "Formula", "audience": "Audience", "scenario": "Scenario", "assumption": "Assumption",
	"accuracy_metric": "Accuracy metric", "pareto": "Pareto front", "better_model": "Better choice", "run": "Run", "feature": "Feature", "spike": "Cost spike", "gpu_model": "GPU model",
	"source": "Source", "quantity": "Quantity", "owner": "Figure of", "factor_method": "Method", "boundary": "Boundary",
	"figure": "Figure", "meaning": "Meaning", "field": "Field", "asked_of": "Asked of", "from_version": "From", "to_version": "To",
	"valid_from": "Valid from", "newest_event": "Newest event", "time": "Time",
	"cloud": "Cloud", "model_version": "Method version", "service": "Service", "uncovered": "Without events of ours", "notes": "Why they may differ",
	"host": "Host", "uuid": "UUID", "gpu_name": "GPU", "method": "Energy by", "parent": "Part of",
}

// The dashboards a field leads to, by uid.
const (
	dashboardEnergyCost = "wattscore-energy-cost"
	dashboardCarbon     = "wattscore-carbon"
	dashboardModels     = "wattscore-models"
	dashboardEndpoints  = "wattscore-endpoints"
)

// drillDown says which dashboard shows a member of a dimension by what it is made of:
// units and teams by their projects, projects by their models.
var drillDown = map[kpi.Dimension]string{
	kpi.DimensionBusinessUnit: dashboardEnergyCost,
	kpi.DimensionTeam:         dashboardEnergyCost,
	kpi.DimensionProject:      dashboardModels,
	kpi.DimensionModel:        dashboardModels,
	kpi.DimensionRegion:       dashboardCarbon,
	kpi.DimensionWorkload:     dashboardCarbon,
	kpi.DimensionEndpoint:     dashboardEndpoints,
}

// numberField makes a number field as columns describes it.
func numberField(name string, values []*float64) *data.Field {
	field := data.NewField(name, nil, values)
	c, known := columns[name]
	if !known {
		panic("query: no column is described for " + name) // a programming error, caught by every test
	}
	field.Config = c.config()
	return field
}

func (c column) config() *data.FieldConfig {
	config := &data.FieldConfig{DisplayNameFromDS: c.label, Description: c.description, Unit: c.unit}
	if c.min != nil {
		config.Min = (*data.ConfFloat64)(c.min)
	}
	if c.max != nil {
		config.Max = (*data.ConfFloat64)(c.max)
	}
	return config
}

func textField(name string, values []string) *data.Field {
	field := data.NewField(name, nil, values)
	field.Config = &data.FieldConfig{DisplayNameFromDS: textLabels[name]}
	return field
}

func timeField(name string, values []time.Time) *data.Field {
	field := data.NewField(name, nil, values)
	field.Config = &data.FieldConfig{DisplayNameFromDS: textLabels[name]}
	return field
}

// unitInWords is the unit for a reader; empty where the field goes by its request, or
// counts.
func (c column) unitInWords() string {
	if text, ok := strings.CutPrefix(c.unit, "suffix:"); ok {
		return text
	}
	words := map[string]string{"kwatth": "kWh", "currencyUSD": "USD", "percentunit": "%", "watt": "W", "celsius": "°C", "bytes": "B", "short": "", "none": ""}
	if word, ok := words[c.unit]; ok {
		return word
	}
	return c.unit
}

// memberField makes the field of a dimension, linked to the dashboard that
// explains its members.
func memberField(dimension kpi.Dimension, members []string) *data.Field {
	field := data.NewField(dimension.Column(), nil, members)
	field.Config = &data.FieldConfig{DisplayNameFromDS: dimensionLabels[dimension], Mappings: reservedMembers}
	if dashboard, ok := drillDown[dimension]; ok {
		field.Config.Links = []data.DataLink{{
			Title: "Show ${__value.text}",
			URL: fmt.Sprintf("/d/%s?${__url_time_range}&var-%s=${__value.raw:percentencode}&${datasource:queryparam}",
				url.PathEscape(dashboard), dimension),
		}}
	}
	return field
}

var dimensionLabels = map[kpi.Dimension]string{
	kpi.DimensionBusinessUnit: "Business unit", kpi.DimensionTeam: "Team", kpi.DimensionProductLine: "Product line",
	kpi.DimensionCostCentre: "Cost centre", kpi.DimensionOwner: "Owner", kpi.DimensionProject: "Project",
	kpi.DimensionModel: "Model", kpi.DimensionProvider: "Provider", kpi.DimensionFamily: "Model family",
	kpi.DimensionTaskClass: "Task class", kpi.DimensionStage: "Stage", kpi.DimensionRegion: "Region",
	kpi.DimensionEndpoint: "Endpoint", kpi.DimensionWorkload: "Workload",
}

// DimensionLabel is how a person calls a dimension.
func DimensionLabel(dimension kpi.Dimension) string { return dimensionLabels[dimension] }

// MetricDescription is a number column as the editor offers it.
type MetricDescription struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Unit  string `json:"unit"`
}

// DescribeMetric returns how a number column is called and its unit.
func DescribeMetric(name string) MetricDescription {
	return MetricDescription{Name: name, Label: columns[name].label, Unit: columns[name].unit}
}

// reservedMembers shows the reserved members by their words.
var reservedMembers = data.ValueMappings{data.ValueMapper{
	kpi.Idle:        {Text: MemberLabel(kpi.Idle), Index: 0},
	kpi.Unallocated: {Text: MemberLabel(kpi.Unallocated), Index: 1},
	kpi.None:        {Text: MemberLabel(kpi.None), Index: 2},
}}

// MemberLabel is how a person calls a member of a dimension: the reserved ones
// have a word, all others their name.
func MemberLabel(member string) string {
	switch member {
	case kpi.Idle:
		return "Idle"
	case kpi.Unallocated:
		return "Unallocated"
	case kpi.None:
		return "None"
	}
	return member
}
