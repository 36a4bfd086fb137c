package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// shape is a kind of rows that a file may hold, whatever its columns are called.
type shape struct {
	name    string // for messages: "events"
	columns []shapeColumn
	// derived are columns that follow from the others, and are passed over.
	derived []string
}

// shapeColumn is a column of the warehouse.
type shapeColumn struct {
	name     string
	required bool
	quantity *quantity // its values are amounts
	time     bool      // its values are times or days
	plain    bool      // its values are true or false, or numbers without a unit
	pue      bool      // a PUE may be inside
}

// text says whether values are text, which may stand for another.
func (c shapeColumn) text() bool { return c.quantity == nil && !c.time && !c.plain }

func (s *shape) find(name string) (shapeColumn, error) {
	for _, column := range s.columns {
		if column.name == name {
			return column, nil
		}
	}
	names := make([]string, len(s.columns))
	for i, column := range s.columns {
		names[i] = column.name
	}
	if near := nearest(name, names); near != "" {
		return shapeColumn{}, fmt.Errorf("%s have no column %q: did you mean %s?", s.name, excerpt([]byte(name)), near)
	}
	return shapeColumn{}, fmt.Errorf("%s have no column %q; they have %s", s.name, excerpt([]byte(name)), strings.Join(names, ", "))
}

// nearest is the one of names that a mistyped name is most like, or empty.
func nearest(name string, names []string) string {
	best, least := "", 3 // typing mistakes
	for _, candidate := range names {
		if len(name) > 100 {
			break
		}
		if d := typingMistakes(fold(name), candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// typingMistakes is the Levenshtein distance.
func typingMistakes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

var eventShape = &shape{
	name:    "events",
	derived: []string{"team", "business_unit", "facility_energy_kwh"},
	columns: []shapeColumn{
		{name: "event_id"},
		{name: "ts", required: true, time: true},
		{name: "slice", plain: true},
		{name: "duration_s", quantity: durationUnits},
		{name: "model"}, {name: "project"}, {name: "region", required: true}, {name: "endpoint"},
		{name: "workload", required: true}, {name: "run_id"},
		{name: "requests", quantity: requestUnits},
		{name: "input_tokens", quantity: tokenUnits}, {name: "output_tokens", quantity: tokenUnits},
		{name: "latency_ms", quantity: latencyUnits},
		{name: "it_energy_kwh", required: true, quantity: energyUnits, pue: true},
		{name: "gpu_memory_hours", quantity: gpuMemoryUnits}, {name: "gpu_hours", quantity: gpuTimeUnits},
		{name: "cost_usd", quantity: moneyUnits}, {name: "cost_derived", plain: true},
		{name: "carbon_location_kg", quantity: carbonUnits}, {name: "carbon_location_derived", plain: true},
		{name: "carbon_market_kg", quantity: carbonUnits}, {name: "carbon_market_derived", plain: true},
		{name: "source", required: true}, {name: "quality", required: true},
	},
}

var modelShape = &shape{
	name: "models",
	columns: []shapeColumn{
		{name: "name", required: true}, {name: "provider"}, {name: "family"}, {name: "task_class"},
		{name: "parameters_billion", quantity: parameterUnits},
		{name: "accuracy", plain: true}, {name: "accuracy_metric"}, {name: "business_criticality", plain: true}, {name: "stage"},
		{name: "latency_slo_ms", quantity: durationOfRequests}, {name: "released_on", time: true},
	},
}

// durationOfRequests are the units of a latency SLO, in ns.
var durationOfRequests = &quantity{"time", []unit{{"ms", ratio{1e6, 1}}, {"s", ratio{1e9, 1}}, {"µs", ratio{1e3, 1}}}}

var projectShape = &shape{
	name: "projects",
	columns: []shapeColumn{
		{name: "name", required: true}, {name: "team"}, {name: "business_unit"}, {name: "product_line"}, {name: "cost_centre"}, {name: "owner"},
	},
}

func (s *shape) isDerived(column string) bool { return slices.Contains(s.derived, fold(column)) }
