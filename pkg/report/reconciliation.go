package report

import (
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// reconciledUnits are package query's units by their words.
var reconciledUnits = map[string]string{"USD": "currencyUSD", "kWh": "kwatth", "kgCO₂e": "suffix:kgCO₂e"}

// addReconciliation holds ours against what providers and bills say of the months,
// where any does. The page has no room for it on its two sheets, the other formats have.
func (r *Report) addReconciliation(answers map[string]data.Frames) {
	s := Section{Key: "reconciliation", Title: "Against the cloud's own figures and bills",
		Columns: []Column{{Label: "Provider's"}, {Label: "Ours"}, {Label: "Difference"}, {Label: "Coverage"}, {Label: "Why they may differ"}},
		Lead:    []string{"Providers' figures stand beside ours and are never added to them. Coverage is the part of the provider's in regions where we have events."}}
	stated := false
	for _, row := range records(answers["reconciliation"]) {
		unit := reconciledUnits[row.texts["unit"]]
		name := []string{row.time.In(r.Zone).Format("January 2006"), query.ProviderLabel(row.texts["source"]), query.ProviderQuantityLabel(row.texts["quantity"])}
		s.Rows = append(s.Rows, Row{Name: strings.Join(name, " · "), Cells: []Cell{figure(unit, row.numbers["provider_value"]), figure(unit, row.numbers["our_value"]),
			row.figure("difference_pct"), row.figure("coverage"), phrase(row.texts["notes"])}})
		stated = stated || row.numbers["provider_value"] != nil
	}
	if stated {
		r.add(s, source{"", answers["reconciliation"]})
	}
}
