package report

import (
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// headline is a figure that leads the report.
type headline struct {
	label, field, explains string
	better                 int // of a rise: 1 better, -1 worse, 0 neither
}

// headlines: the amounts that grow with use are neither better nor worse when they
// rise; what they are divided by use is.
var headlines = []headline{
	{"Cost", "cost_usd", "billed where a provider bills, else the electricity", 0},
	{"Cost per 1k requests", "cost_per_1k_requests_usd", "all costs of answering requests", -1},
	{"AI Energy Score", "score", "of 100; 50 is the published reference", 1},
	{"Facility energy", "facility_kwh", "IT energy × PUE", 0},
	{"Carbon, location-based", "carbon_kg", "by the grids' averages", 0},
	{"Carbon, market-based", "carbon_market_kg", "by the supply contracts", 0},
	{"Requests", "requests", "served", 0},
}

func (r *Report) addHeadline(answers map[string]data.Frames) {
	now, before := first(answers["totals"]), first(answers["totalsBefore"])
	s := Section{Key: "headline", Title: "Headline figures",
		Columns: []Column{{Label: "This period"}, {Label: precedingPeriod}, {Label: "Change"}, {Label: "What it is"}}}
	for _, h := range headlines {
		value, previous := now.figure(h.field), before.numbers[h.field]
		value.Previous = previous
		ratio := kpi.RelativeChange(value.Value, previous)
		s.Rows = append(s.Rows, Row{Name: h.label, Cells: []Cell{value, figure(value.Unit, previous), changeCell(ratio, h.better), phrase(h.explains)}})
	}
	r.add(s, source{"", answers["totals"]}, source{"Preceding period", answers["totalsBefore"]})
}

// changeCell is a relative change; better says what a rise is.
func changeCell(ratio *float64, better int) Cell {
	cell := figure("percentunit", ratio)
	if ratio != nil {
		cell.Text = change(*ratio)
		switch {
		case *ratio > 0:
			cell.better = better
		case *ratio < 0:
			cell.better = -better
		}
	}
	return cell
}
