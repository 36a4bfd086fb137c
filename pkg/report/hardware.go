package report

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// addHardware says in a line where the hardware is in its life.
func (r *Report) addHardware(answers map[string]data.Frames) {
	s := Section{Key: "hardware", Title: "Hardware life",
		Columns: []Column{{Label: "Assets"}, {Label: "Share"}, {Label: "Embodied carbon"}, {Label: "Embodied in the period"}}}
	var stages []string
	for _, row := range records(answers["hardware"]) {
		s.Rows = append(s.Rows, Row{Name: row.texts["stage"], Cells: []Cell{row.figure("assets"), row.figure("share"),
			row.figure("embodied_kg"), row.figure("embodied_amortised_kg")}})
		assets, share := row.numbers["assets"], row.numbers["share"]
		if assets == nil || *assets == 0 || share == nil {
			continue
		}
		said := fmt.Sprintf("%s %s (%s", amount("short", *assets), strings.ToLower(row.texts["stage"]), amount("percentunit", *share))
		if embodied := row.numbers["embodied_kg"]; embodied != nil {
			said += ", " + amount("suffix:kgCO₂e", *embodied) + " embodied"
		}
		stages = append(stages, said+")")
	}
	if len(stages) > 0 {
		s.Lead = []string{"Accelerators at the end of the period: " + strings.Join(stages, "; ") + ". Embodied carbon stands apart from the operational carbon above."}
	}
	r.add(s, source{"", answers["hardware"]})
}
