package report

import "github.com/grafana/grafana-plugin-sdk-go/data"

func (r *Report) addCarbon(answers map[string]data.Frames) {
	s := Section{Key: "carbon", Title: "Carbon by business unit", Most: 8,
		Columns: []Column{{Label: "Location-based"}, {Label: "Market-based"}},
		Lead:    []string{"Operational emissions by two methods, side by side: they are two views of one thing and never added."}}
	for _, row := range records(answers["carbon"]) {
		s.Rows = append(s.Rows, Row{Name: row.member("business_unit"), Cells: []Cell{row.figure("location_t"), row.figure("market_t")}})
	}
	r.add(s, source{"", answers["carbon"]})
}
