package demo

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// section is a table of the summary and two lines of what it says.
type section struct {
	heading   string
	answer    string // its name
	columns   []string
	takeaways func(map[string]*data.Frame) []string
}

// mostRows is how many rows a table shows of a long answer.
const mostRows = 12

var sections = []section{
	{
		heading: "How efficient is our AI?", answer: scores,
		columns:   []string{"model", "requests", "energy_kwh", "kwh_per_1k_requests", "cost_usd", "score", "stars", "previous_score"},
		takeaways: scoreTakeaways,
	},
	{
		heading: "Who causes the emissions?", answer: carbon,
		columns:   nil, // all: the services differ from company to company
		takeaways: carbonTakeaways,
	},
	{
		heading: "Which models first?", answer: quadrant,
		columns:   []string{"model", "criticality", "score", "quadrant", "energy_kwh", "cost_usd", "potential_saving_usd"},
		takeaways: quadrantTakeaways,
	},
	{
		heading: "Where is our hardware?", answer: hardware,
		columns:   []string{"stage", "assets", "share", "embodied_kg", "embodied_amortised_kg"},
		takeaways: hardwareTakeaways,
	},
}

// writeSummary writes the summary of a span.
func writeSummary(out io.Writer, span backend.TimeRange, health string, answers map[string]*data.Frame) error {
	lastDay := span.To.AddDate(0, 0, -1)
	fmt.Fprintf(out, "\nWattScore executive summary, %s to %s (%s)\n%s\n", span.From.Format(day), lastDay.Format(day), span.From.Location(), health)
	if basis := describeBasis(answers[scores]); basis != "" {
		fmt.Fprintln(out, basis)
	}
	for _, s := range sections {
		frame, ok := answers[s.answer]
		if !ok {
			return errors.New("there is no answer to: " + s.heading)
		}
		fmt.Fprintf(out, "\n%s\n", s.heading)
		writeTable(out, frame, s.columns, mostRows)
		for _, line := range s.takeaways(answers) {
			fmt.Fprintf(out, "→ %s\n", line)
		}
		for _, notice := range notices(frame) {
			fmt.Fprintf(out, "! %s\n", notice)
		}
	}
	return nil
}

const day = "2 January 2006"

// describeBasis says what the numbers rest on, from the frame's metadata.
func describeBasis(frame *data.Frame) string {
	if frame == nil || frame.Meta == nil {
		return ""
	}
	custom, _ := frame.Meta.Custom.(map[string]any)
	var parts []string
	if share, ok := custom["measuredShare"].(float64); ok {
		parts = append(parts, fmt.Sprintf("%.0f %% of the energy is measured, the rest estimated", 100*share))
	}
	if version, ok := custom["factorVersion"].(map[string]any); ok {
		parts = append(parts, fmt.Sprintf("factors: %v", version["name"]))
	}
	parts = append(parts, "energy is IT energy without PUE; carbon is operational and location-based")
	return strings.ToUpper(parts[0][:1]) + parts[0][1:] + joinRest(parts) + "."
}

func joinRest(parts []string) string {
	var rest strings.Builder
	for _, part := range parts[1:] {
		rest.WriteString("; " + part)
	}
	return rest.String()
}

func notices(frame *data.Frame) []string {
	var texts []string
	if frame.Meta != nil {
		for _, notice := range frame.Meta.Notices {
			texts = append(texts, notice.Text)
		}
	}
	return texts
}

func scoreTakeaways(answers map[string]*data.Frame) []string {
	var lines []string
	total, models := readRows(answers[overall]), readRows(answers[scores])
	if len(total) == 0 || len(models) == 0 {
		return []string{"No usage in this period."}
	}
	if score := total[0].number["score"]; score != nil {
		line := fmt.Sprintf("The portfolio's Energy Score is %.0f of 100, where 50 is the reference of each task class", *score)
		if before := total[0].number["previous_score"]; before != nil {
			line += fmt.Sprintf("; in the twelve months before it was %.0f", *before)
		}
		lines = append(lines, line+".")
	}
	greatest := slices.MaxFunc(models, byNumber("energy_kwh"))
	if energy, all := greatest.number["energy_kwh"], total[0].number["energy_kwh"]; energy != nil && all != nil && *all > 0 {
		lines = append(lines, fmt.Sprintf("%s takes %.0f %% of the %s kWh.", greatest.name("model"), 100**energy / *all, thousands(*all, 0)))
	}
	return lines
}

func carbonTakeaways(answers map[string]*data.Frame) []string {
	rows := readRows(answers[carbon])
	var shared []row
	var nobodys []string
	for _, r := range rows {
		switch r.text["business_unit"] {
		case kpi.Idle, kpi.Unallocated:
			if share := r.number["share"]; share != nil {
				nobodys = append(nobodys, fmt.Sprintf("%s energy %.1f %%", strings.ToLower(r.name("business_unit")), 100**share))
			}
		default:
			shared = append(shared, r)
		}
	}
	if len(shared) == 0 {
		return []string{"No unit caused emissions in this period."}
	}
	var lines []string
	greatest := slices.MaxFunc(shared, byNumber("total_t"))
	if total, share := greatest.number["total_t"], greatest.number["share"]; total != nil && share != nil {
		lines = append(lines, fmt.Sprintf("%s emits the most: %s tCO₂e, %.0f %% of the total.", greatest.name("business_unit"), thousands(*total, 1), 100**share))
	}
	if len(nobodys) > 0 {
		lines = append(lines, "Of the total, "+strings.Join(nobodys, " and ")+": nobody's work, and so the first to save.")
	}
	return lines
}

func quadrantTakeaways(answers map[string]*data.Frame) []string {
	var urgent []string
	var saving float64
	for _, r := range readRows(answers[quadrant]) {
		if r.text["quadrant"] == string(kpi.QuadrantImmediateAction) {
			urgent = append(urgent, r.name("model"))
		}
		if s := r.number["potential_saving_usd"]; s != nil {
			saving += *s
		}
	}
	first := "No model that the business depends on is inefficient."
	if len(urgent) > 0 {
		first = fmt.Sprintf("Critical and inefficient, so first in line: %s.", strings.Join(urgent, ", "))
	}
	return []string{first, fmt.Sprintf("Bringing every model to a score of 50 would have saved USD %s of energy.", thousands(saving, 0))}
}

func hardwareTakeaways(answers map[string]*data.Frame) []string {
	var all, inService, embodied, amortised float64
	known := true
	for _, r := range readRows(answers[hardware]) {
		assets := valueOf(r.number["assets"])
		all += assets
		if label := r.text["stage"]; label == kpi.HardwareDeployed.Label() || label == kpi.HardwareReused.Label() {
			inService += assets
		}
		known = known && r.number["embodied_kg"] != nil && r.number["embodied_amortised_kg"] != nil
		embodied += valueOf(r.number["embodied_kg"])
		amortised += valueOf(r.number["embodied_amortised_kg"])
	}
	if all == 0 {
		return []string{"There is no hardware in the inventory."}
	}
	lines := []string{fmt.Sprintf("%s of %s accelerators are in service.", thousands(inService, 0), thousands(all, 0))}
	if known {
		lines = append(lines, fmt.Sprintf("Making them took %s tCO₂e; %s of it falls to this period, apart from the operational carbon above.",
			thousands(embodied/1000, 0), thousands(amortised/1000, 1)))
	}
	return lines
}

func valueOf(value *float64) float64 {
	if value == nil {
		return 0
	}
	return *value
}

// row is a frame's row by field name.
type row struct {
	text   map[string]string
	number map[string]*float64
}

// name is how a person calls a member.
func (r row) name(field string) string { return query.MemberLabel(r.text[field]) }

func byNumber(field string) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(valueOf(a.number[field]), valueOf(b.number[field])) }
}

func readRows(frame *data.Frame) []row {
	if frame == nil {
		return nil
	}
	rows := make([]row, frame.Rows())
	for i := range rows {
		rows[i] = row{text: map[string]string{}, number: map[string]*float64{}}
		for _, field := range frame.Fields {
			value, ok := field.ConcreteAt(i)
			if !ok {
				continue
			}
			switch v := value.(type) {
			case string:
				rows[i].text[field.Name] = v
			case float64:
				rows[i].number[field.Name] = &v
			case time.Time:
				rows[i].text[field.Name] = v.Format(time.RFC3339)
			}
		}
	}
	return rows
}
