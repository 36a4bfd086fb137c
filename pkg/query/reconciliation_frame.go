package query

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// What people call a source, a cloud and a quantity; the values stay as they are
// written in options.
var (
	providerLabels = map[kpi.ProviderSource]string{kpi.ProviderCCF: "Cloud Carbon Footprint", kpi.ProviderGoogle: "Google Carbon Footprint",
		kpi.ProviderAWS: "AWS carbon export", kpi.ProviderFOCUS: "Bill (FOCUS)"}
	cloudLabels    = map[string]string{"gcp": "Google Cloud", "aws": "AWS", "azure": "Azure", "alibaba": "Alibaba Cloud", "oci": "Oracle Cloud"}
	quantityLabels = map[kpi.ProviderQuantity]string{kpi.ProviderCarbonLocation: "Carbon, location-based", kpi.ProviderCarbonMarket: "Carbon, market-based",
		kpi.ProviderCarbon: "Carbon, basis not stated", kpi.ProviderEnergy: "Energy, not metered", kpi.ProviderCost: "Cost"}
	quantityUnits = map[kpi.ProviderQuantity]string{kpi.ProviderCarbonLocation: unitKilograms, kpi.ProviderCarbonMarket: unitKilograms,
		kpi.ProviderCarbon: unitKilograms, kpi.ProviderEnergy: "kwatth", kpi.ProviderCost: "currencyUSD"}
)

// ProviderLabel is how a person calls a source of providers' figures.
func ProviderLabel(source string) string {
	return cmp.Or(providerLabels[kpi.ProviderSource(source)], source)
}

// ProviderQuantityLabel is how a person calls what a provider's figure is of.
func ProviderQuantityLabel(quantity string) string {
	return cmp.Or(quantityLabels[kpi.ProviderQuantity(quantity)], quantity)
}

func mapped[T ~string](labels map[T]string) data.ValueMappings {
	mapper := data.ValueMapper{}
	for i, value := range slices.Sorted(maps.Keys(labels)) {
		mapper[string(value)] = data.ValueMappingResult{Text: labels[value], Index: i}
	}
	return data.ValueMappings{mapper}
}

// numbersOf are a row's numbers by their field.
func numbersOf(row reconciled) map[string]*float64 {
	return map[string]*float64{
		"provider_value": row.statement.Value, "our_value": row.ours,
		"difference": kpi.Difference(row.ours, row.statement.Value), "difference_pct": kpi.DifferenceShare(row.ours, row.statement.Value),
		"coverage": row.coverage, "idle_value": row.statement.Idle,
	}
}

// inUnitOfRow are the numbers whose unit is the quantity's.
var inUnitOfRow = []string{"provider_value", "our_value", "difference", "idle_value"}

func (r *reconciler) frame(rows []reconciled) *data.Frame {
	if r.request.Format == FormatTimeSeries {
		return r.seriesFrame(rows)
	}
	if r.request.Format == FormatNumber {
		rows = newestStated(rows, r.request.Metric)
	}
	n := len(rows)
	times, texts, numbers := make([]time.Time, n), map[string][]string{}, map[string][]*float64{}
	members := make([][]string, len(r.request.GroupBy))
	for i := range members {
		members[i] = make([]string, n)
	}
	for _, name := range []string{"source", "cloud", "model_version", "quantity", "service", "unit", "uncovered", "notes"} {
		texts[name] = make([]string, n)
	}
	for _, name := range reconciledNumbers {
		numbers[name] = make([]*float64, n)
	}
	for i, row := range rows {
		times[i] = r.months[row.month].From
		texts["source"][i], texts["cloud"][i], texts["quantity"][i] = string(row.source), row.cloud, string(row.quantity)
		texts["model_version"][i], texts["service"][i], texts["unit"][i] = row.version, row.service, column{unit: quantityUnits[row.quantity]}.unitInWords()
		texts["uncovered"][i], texts["notes"][i] = listed(row.uncovered), r.notes(row)
		for j := range members {
			members[j][i] = row.members[j]
		}
		for name, value := range numbersOf(row) {
			numbers[name][i] = value
		}
	}
	frame := data.NewFrame("Reconciliation by month", timeField("time", times))
	text := func(name string, mappings data.ValueMappings) {
		field := textField(name, texts[name])
		field.Config.Mappings = mappings
		frame.Fields = append(frame.Fields, field)
	}
	text("source", mapped(providerLabels))
	text("cloud", mapped(cloudLabels))
	text("quantity", mapped(quantityLabels))
	for i, dimension := range r.request.GroupBy {
		frame.Fields = append(frame.Fields, memberField(dimension, members[i]))
	}
	if r.options.ByService {
		text("service", nil)
	}
	number := r.request.Format == FormatNumber
	if !number || r.options.Versions == "all" { // a new version would be a new alert
		text("model_version", nil)
	}
	for _, name := range []string{"provider_value", "our_value", "difference", "difference_pct"} {
		frame.Fields = append(frame.Fields, r.numberField(name, numbers[name], rows))
	}
	if !number { // what says why is no label
		text("unit", nil)
	}
	for _, name := range []string{"coverage", "idle_value"} {
		frame.Fields = append(frame.Fields, r.numberField(name, numbers[name], rows))
	}
	if !number {
		text("uncovered", nil)
		text("notes", nil)
	}
	return frame
}

// numberField has the unit of the rows where they have one.
func (r *reconciler) numberField(name string, values []*float64, rows []reconciled) *data.Field {
	field := numberField(name, values)
	if !slices.Contains(inUnitOfRow, name) || len(rows) == 0 {
		return field
	}
	unit := quantityUnits[rows[0].quantity]
	if !slices.ContainsFunc(rows, func(row reconciled) bool { return quantityUnits[row.quantity] != unit }) {
		field.Config.Unit = unit
	}
	return field
}

// newestStated keeps each series' newest row that has the metric: a provider reports
// weeks or months later.
func newestStated(rows []reconciled, metric string) []reconciled {
	newest := map[string]int{}
	key := func(row reconciled) string { return row.series() + row.version }
	for _, row := range rows {
		if numbersOf(row)[metric] != nil {
			newest[row.series()] = max(newest[row.series()], row.month)
		}
	}
	kept := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(rows), func(row reconciled) bool {
		month, stated := newest[row.series()]
		drop := !stated || row.month != month || kept[key(row)]
		kept[key(row)] = kept[key(row)] || !drop
		return drop
	})
}

// seriesFrame has a field a series, of the metric by month.
func (r *reconciler) seriesFrame(rows []reconciled) *data.Frame {
	times := make([]time.Time, len(r.months))
	for i, month := range r.months {
		times[i] = month.From
	}
	frame := data.NewFrame("Reconciliation by month", data.NewField("time", nil, times))
	of := map[string]*data.Field{}
	for _, row := range rows {
		key := row.series()
		if r.options.Versions == "all" {
			key += row.version
		}
		if of[key] == nil {
			of[key] = r.seriesField(row)
			frame.Fields = append(frame.Fields, of[key])
		}
		of[key].Set(row.month, numbersOf(row)[r.request.Metric])
	}
	if len(of) == 0 { // an empty series still says what it is of
		frame.Fields = append(frame.Fields, numberField(r.request.Metric, make([]*float64, len(times))))
	}
	return frame
}

func (r *reconciler) seriesField(row reconciled) *data.Field {
	field := r.numberField(r.request.Metric, make([]*float64, len(r.months)), []reconciled{row})
	field.Labels = data.Labels{"source": string(row.source), "cloud": row.cloud, "quantity": string(row.quantity)}
	name := []string{providerLabels[row.source]}
	if row.source == kpi.ProviderCCF || row.source == kpi.ProviderFOCUS {
		name = append(name, cmp.Or(cloudLabels[row.cloud], row.cloud))
	}
	name = append(name, quantityLabels[row.quantity])
	for i, dimension := range r.request.GroupBy {
		field.Labels[dimension.Column()] = row.members[i]
		name = append(name, MemberLabel(row.members[i]))
	}
	if r.options.ByService {
		field.Labels["service"] = row.service
		name = append(name, row.service)
	}
	if r.options.Versions == "all" {
		field.Labels["model_version"] = row.version
		name = append(name, row.version)
	}
	field.Config.DisplayNameFromDS = strings.Join(append(name, columns[r.request.Metric].label), " · ")
	return field
}
