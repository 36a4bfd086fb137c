package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// addBasis says what the figures rest on.
func (r *Report) addBasis(measured *float64) {
	s := Section{Key: "basis", Title: "What the figures rest on", Columns: []Column{{Label: "Value"}}}
	estimated := measured
	if measured != nil {
		estimated = new(1 - *measured)
	}
	say := func(name, words string) { s.Rows = append(s.Rows, Row{Name: name, Cells: []Cell{phrase(words)}}) }
	s.Rows = append(s.Rows, Row{Name: "IT energy measured", Cells: []Cell{figure("percentunit", measured)}},
		Row{Name: "IT energy estimated", Cells: []Cell{figure("percentunit", estimated)}})
	switch r.FactorVersion {
	case 0:
		say("Factor version", "none is in force")
	default:
		say("Factor version", fmt.Sprintf("%d (%s)", r.FactorVersion, r.FactorName))
	}
	if r.Freshness.IsZero() {
		say("Newest event", "there is none")
	} else {
		say("Newest event", r.moment(r.Freshness))
	}
	say("Report made", r.moment(r.Now))
	r.add(s)
}

// explained are the fields whose formulas the method note repeats.
var explained = []struct{ answer, field string }{
	{"totals", "facility_kwh"}, {"totals", "cost_usd"}, {"carbon", "location_t"}, {"carbon", "market_t"},
	{"totals", "score"}, {"models", "potential_saving_usd"}, {"energyDrivers", "effect"},
	{"hardware", "embodied_amortised_kg"},
}

func (r *Report) addFormulas(answers map[string]data.Frames) error {
	for _, e := range explained {
		explanation, err := query.Explain(answers[e.answer][0])
		if err != nil {
			return err
		}
		place := slices.IndexFunc(explanation.Formulas, func(f query.FieldFormula) bool { return f.Field == e.field })
		if place >= 0 {
			r.Formulas = append(r.Formulas, explanation.Formulas[place])
		}
	}
	return nil
}

// Literature is what the formulas follow.
var Literature = []string{
	"GHG Protocol, Scope 2 Guidance (location- and market-based method)",
	"ISO/IEC 21031:2024, Software Carbon Intensity (embodied carbon by time in use)",
	"Ang, Energy Policy 33 (2005), and Ang and Liu, Energy Policy 35 (2007) (LMDI-I, the drivers)",
	"Hyndman and Koehler, International Journal of Forecasting 22 (2006) (MASE, the back-test of exponential smoothing)",
	"reference intensities: ML.ENERGY benchmark; Luccioni et al., FAccT 2024",
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.TrimSuffix(strings.ToLower(s[:1])+s[1:], ",")
}
