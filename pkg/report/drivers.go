package report

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// driversOf are the answers with drivers and how a reader calls the measure.
var driversOf = []struct{ answer, measure, unit string }{
	{"energyDrivers", "Facility energy", "kwatth"},
	{"carbonDrivers", "Carbon, location-based,", "suffix:kgCO₂e"},
}

func (r *Report) addDrivers(answers map[string]data.Frames) error {
	r.changes = map[string]string{}
	s := Section{Key: "drivers", Title: "What changed, and why",
		Columns: []Column{{Label: "Rank"}, {Label: "Of the change in"}, {Label: "Effect"}, {Label: "Share of the change"}, {Label: "Driver"}, {Label: "Segment"}}}
	for _, d := range driversOf {
		rows := records(answers[d.answer])
		lead, err := describeChange(answers[d.answer][0], d.measure, d.unit, len(rows) > 0)
		if err != nil {
			return err
		}
		if lead != "" {
			s.Lead, r.changes[d.answer] = append(s.Lead, lead), lead
		}
		for _, row := range rows {
			s.Rows = append(s.Rows, Row{Name: row.texts["sentence"], Cells: []Cell{figure("short", row.numbers["rank"]), phrase(lowerFirst(d.measure)),
				row.figure("effect"), row.figure("share_of_change"), phrase(row.texts["driver"]), phrase(row.member("segment"))}})
		}
	}
	r.add(s, source{"Energy", answers["energyDrivers"]}, source{"Carbon", answers["carbonDrivers"]})
	return nil
}

// describeChange says from what to what the total went, as the answer's metadata
// has it.
func describeChange(frame *data.Frame, measure, unit string, known bool) (string, error) {
	var meta struct {
		Change struct{ Before, After, Change float64 }
	}
	if err := readMeta(frame, &meta); err != nil || !known {
		return "", err
	}
	c := meta.Change
	s := scaleOf(unit, max(c.Before, c.After))
	verb := "rose"
	switch {
	case s.text(c.After) == s.text(c.Before):
		return fmt.Sprintf("%s stayed at %s", measure, s.text(c.After)), nil
	case c.Change < 0:
		verb = "fell"
	}
	return fmt.Sprintf("%s %s from %s to %s", measure, verb, s.text(c.Before), s.text(c.After)), nil
}

// readMeta reads what a frame's metadata says beyond what query.Explain does, in
// the form that Grafana gets it.
func readMeta(frame *data.Frame, into any) error {
	text, err := json.Marshal(frame.Meta.Custom)
	if err != nil {
		return fmt.Errorf("reading the metadata of %s: %w", frame.Name, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the metadata of %s: %w", frame.Name, err)
	}
	return nil
}
