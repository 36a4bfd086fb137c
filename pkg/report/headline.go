package report

import (
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// headline is a figure that leads the report.
type headline struct {
	label, field, explains string
	better                 int // of a rise: 1 better, -1 worse, 0 neither
	lacking                string
}

// headlines: the amounts that grow with use are neither better nor worse when they
// rise; what they are divided by use is.
var headlines = []headline{
	{"Cost", "cost_usd", "billed where a provider bills, else the electricity", 0, "needs an electricity price for every region in use"},
	{"Cost per 1k requests", "cost_per_1k_requests_usd", "all costs of answering requests", -1, "needs requests and their prices"},
	{"AI Energy Score", "score", "of 100; 50 is the published reference", 1, "needs requests to models whose task class has a reference"},
	{"Facility energy", "facility_kwh", "IT energy × PUE", 0, "needs a PUE for every region in use"},
	{"Carbon, location-based", "carbon_kg", "by the grids' averages", 0, "needs a grid intensity for every region in use"},
	{"Carbon, market-based", "carbon_market_kg", "by the supply contracts", 0, "needs a grid intensity for every region in use"},
	{"Requests", "requests", "served", 0, "needs requests"},
}

func (r *Report) addHeadline(answers map[string]data.Frames) {
	now, before := first(answers["totals"]), first(answers["totalsBefore"])
	s := Section{Key: "headline", Title: "Headline figures",
		Columns: []Column{{Label: "This period"}, {Label: precedingPeriod}, {Label: "Change"}, {Label: "What it is"}}}
	var lacking []string
	for _, h := range headlines {
		value, previous := now.figure(h.field), before.numbers[h.field]
		value.Previous = previous
		if value.Value == nil {
			lacking = append(lacking, h.label+" ("+h.lacking+")")
		}
		ratio := kpi.RelativeChange(value.Value, previous)
		s.Rows = append(s.Rows, Row{Name: h.label, Cells: []Cell{value, figure(value.Unit, previous), changeCell(ratio, h.better), phrase(h.explains)}})
	}
	if len(lacking) > 0 && !r.Empty {
		s.mention(r.notice(Notice{Text: "Without a value: " + strings.Join(lacking, "; ") + "."}))
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
