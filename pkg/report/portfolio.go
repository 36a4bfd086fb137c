package report

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// model is one of the portfolio as the chart draws it.
type model struct {
	name               string
	criticality, score *float64
	requests           *float64
	quadrant           kpi.Quadrant
}

// modelsShown is how many models the page has room for.
const modelsShown = 6

func (r *Report) addModels(answers map[string]data.Frames) {
	s := Section{Key: "models", Title: "Models to fix first", Most: modelsShown,
		Columns: []Column{{Label: "Quadrant"}, {Label: "Energy Score"}, {Label: "Criticality"}, {Label: "IT energy"}, {Label: "Cost"}, {Label: "Potential saving"}}}
	var urgent []string
	for _, row := range records(answers["models"]) {
		quadrant := kpi.Quadrant(row.texts["quadrant"])
		s.Rows = append(s.Rows, Row{Name: row.texts["model"], Cells: []Cell{phrase(string(quadrant)), row.figure("score"), row.figure("criticality"),
			row.figure("energy_kwh"), row.figure("cost_usd"), row.figure("potential_saving_usd")}})
		r.models = append(r.models, model{name: row.texts["model"], criticality: row.numbers["criticality"], score: row.numbers["score"],
			requests: row.numbers["requests"], quadrant: quadrant})
		if quadrant == kpi.QuadrantImmediateAction {
			urgent = append(urgent, row.texts["model"])
		}
	}
	switch {
	case len(urgent) > 0:
		s.Lead = []string{fmt.Sprintf("Critical to the business and inefficient, so first in line: %s.", strings.Join(urgent, ", "))}
	case len(s.Rows) > 0:
		s.Lead = []string{"No model that the business depends on is inefficient."}
	}
	r.add(s, source{"", answers["models"]})
}
