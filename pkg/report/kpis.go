package report

import "github.com/grafana/grafana-plugin-sdk-go/data"

func (r *Report) addKPIs(answers map[string]data.Frames) {
	s := Section{Key: "kpis", Title: "Business KPIs",
		Columns: []Column{{Label: "Value"}, {Label: "Unit"}, {Label: precedingPeriod}, {Label: "Change"}, {Label: "Formula"}, {Label: "For"}}}
	for _, row := range records(answers["kpis"]) {
		unit := row.texts["unit"]
		value, previous := figure("", row.numbers["value"]), figure("", row.numbers["previous"])
		relative := changeCell(row.numbers["change"], 0)
		if relative.Value == nil && value.Value != nil && previous.Value != nil {
			relative = phrase("") // a figure around zero has no relative change
		}
		value.Previous, value.Words, previous.Words = row.numbers["previous"], unit, unit
		s.Rows = append(s.Rows, Row{Name: row.texts["kpi"], Cells: []Cell{value, phrase(unit), previous,
			relative, phrase(row.texts["formula"]), phrase(row.texts["audience"])}})
	}
	r.add(s, source{"", answers["kpis"]})
}
