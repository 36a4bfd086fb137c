package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// unit is a unit of a quantity, with how many of the warehouse's whole units are in
// one of it, exactly.
type unit struct {
	name  string
	whole ratio
}

// quantity is what is measured, with its units. The first is that of the warehouse's
// column.
type quantity struct {
	name  string
	units []unit
}

// Sources of the factors: SI; 1 kWh is 3.6 MJ; the pound is 0.45359237 kg by
// definition (international yard and pound agreement, 1959); 1 GiB is 2^30 bytes.
var (
	energyUnits = &quantity{"energy", []unit{ // in nWh
		{"kWh", ratio{1e12, 1}}, {"Wh", ratio{1e9, 1}}, {"mWh", ratio{1e6, 1}}, {"MWh", ratio{1e15, 1}},
		{"J", ratio{2_500_000, 9}}, {"mJ", ratio{2_500, 9}}, {"µJ", ratio{5, 18}}, {"kJ", ratio{2_500_000_000, 9}}, {"MJ", ratio{2_500_000_000_000, 9}},
	}}
	carbonUnits = &quantity{"mass", []unit{ // in µg
		{"kg", ratio{1e9, 1}}, {"g", ratio{1e6, 1}}, {"mg", ratio{1e3, 1}}, {"µg", ratio{1, 1}}, {"t", ratio{1e12, 1}}, {"lb", ratio{453_592_370, 1}},
	}}
	moneyUnits = &quantity{"money", []unit{ // in nano-USD
		{"USD", ratio{1e9, 1}}, {"cents", ratio{1e7, 1}}, {"µUSD", ratio{1e3, 1}},
	}}
	latencyUnits = &quantity{"time", []unit{ // in µs
		{"ms", ratio{1e3, 1}}, {"s", ratio{1e6, 1}}, {"µs", ratio{1, 1}}, {"ns", ratio{1, 1e3}}, {"min", ratio{6e7, 1}}, {"h", ratio{3.6e9, 1}},
	}}
	durationUnits = &quantity{"time", []unit{ // in ns
		{"s", ratio{1e9, 1}}, {"ms", ratio{1e6, 1}}, {"µs", ratio{1e3, 1}}, {"ns", ratio{1, 1}}, {"min", ratio{6e10, 1}}, {"h", ratio{3.6e12, 1}},
	}}
	requestUnits = &quantity{"a count", []unit{
		{"requests", ratio{1, 1}}, {"1k requests", ratio{1e3, 1}}, {"1M requests", ratio{1e6, 1}},
	}}
	tokenUnits = &quantity{"a count", []unit{
		{"tokens", ratio{1, 1}}, {"1k tokens", ratio{1e3, 1}}, {"1M tokens", ratio{1e6, 1}},
	}}
	countUnits   = &quantity{"a count", []unit{{"1", ratio{1, 1}}}}
	gpuTimeUnits = &quantity{"time", []unit{ // in millionths of an hour
		{"h", ratio{1e6, 1}}, {"min", ratio{50_000, 3}}, {"s", ratio{2_500, 9}}, {"ms", ratio{5, 18}},
	}}
	gpuMemoryUnits = &quantity{"memory over time", []unit{ // in millionths of a GiB·h
		{"GiBh", ratio{1e6, 1}}, {"GBh", ratio{30_517_578_125, 32_768}}, {"MiBh", ratio{15_625, 16}}, {"GiBs", ratio{2_500, 9}}, {"MiBs", ratio{625, 2_304}},
	}}
	parameterUnits = &quantity{"a count", []unit{ // in parameters
		{"1B parameters", ratio{1e9, 1}}, {"1M parameters", ratio{1e6, 1}}, {"parameters", ratio{1, 1}},
	}}
)

// find returns a unit by its name; no name is the warehouse's own. A case that differs
// is not guessed: mJ and MJ are a billion apart.
func (q *quantity) find(name string) (unit, error) {
	if name == "" {
		return q.units[0], nil
	}
	wanted := strings.NewReplacer("μ", "µ").Replace(name) // Greek mu for the micro sign
	if strings.HasPrefix(wanted, "u") {
		wanted = "µ" + wanted[1:]
	}
	var names, near []string
	for _, u := range q.units {
		if u.name == wanted || u.name == name {
			return u, nil
		}
		names = append(names, u.name)
		if strings.EqualFold(u.name, name) {
			near = append(near, u.name)
		}
	}
	if len(near) > 0 {
		return unit{}, fmt.Errorf("unknown unit %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	slices.Sort(names[1:])
	return unit{}, fmt.Errorf("unknown unit %q of %s: it is one of %s", name, q.name, strings.Join(names, ", "))
}
