package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// whatIfOptions are the options of the query type. See src/types.ts.
type whatIfOptions struct {
	Scenarios           []scenarioOptions `json:"scenarios"`
	DiscountRatePercent given             `json:"discountRatePercent"`
}

type scenarioOptions struct {
	Name                   given  `json:"name"`
	Kind                   string `json:"kind"`
	Percent                given  `json:"percent"`
	FromRegion             given  `json:"fromRegion"`
	ToRegion               given  `json:"toRegion"`
	FromModel              given  `json:"fromModel"`
	ToModel                given  `json:"toModel"`
	FromAccelerator        given  `json:"fromAccelerator"`
	ToAccelerator          given  `json:"toAccelerator"`
	Units                  given  `json:"units"`
	UnitCostUSD            given  `json:"unitCostUsd"`
	EnergyReductionPercent given  `json:"energyReductionPercent"`
	LifetimeYears          given  `json:"lifetimeYears"`
	PUE                    given  `json:"pue"`
}

// given is a parameter as a panel holds it. A template variable arrives as a
// text, or as a number where it looks like one, whatever is wanted of it.
type given struct{ raw json.RawMessage }

func (g *given) UnmarshalJSON(raw []byte) error {
	g.raw = bytes.Clone(raw)
	return nil
}

// text is the parameter as a text; it reports false for what is neither a text
// nor a number. An empty one is absent.
func (g given) text() (string, bool) {
	if len(g.raw) == 0 || string(g.raw) == "null" {
		return "", true
	}
	if strings.ContainsRune("{[tf", rune(g.raw[0])) {
		return "", false
	}
	var text string
	if json.Unmarshal(g.raw, &text) != nil {
		text = string(g.raw) // a number
	}
	return strings.TrimSpace(text), true
}

func (g given) absent() bool {
	text, ok := g.text()
	return ok && text == ""
}

// number is the parameter as a number; it reports false for what is none.
func (g given) number() (float64, bool) {
	text, ok := g.text()
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && !math.IsInf(value, 0) && !math.IsNaN(value)
}

// The kinds of scenario.
const (
	kindEfficiency = "efficiency"
	kindRegionMove = "regionMove"
	kindModelSwap  = "modelSwap"
	kindGPUUpgrade = "gpuUpgrade"
	kindPUE        = "pue"
)

var scenarioKinds = []string{kindEfficiency, kindRegionMove, kindModelSwap, kindGPUUpgrade, kindPUE}

// scenario is a change that has been read and checked, except for the names in
// it: whether those exist the warehouse knows.
type scenario struct {
	label string // what errors call it
	name  string
	kind  string

	percent  float64 // by how much less energy the same work takes
	from, to string  // region, model or accelerator; from may be empty
	pue      float64

	units    *float64
	unitCost *float64
	lifetime float64 // years
}

// defaultScenario is the guide's own question.
var defaultScenario = scenario{label: "The scenario", name: "15 % more efficient", kind: kindEfficiency, percent: 15}

const (
	defaultDiscountRate  = 8 // percent a year
	defaultLifetimeYears = 4 // as Cloud Carbon Footprint has it for servers
)

// read checks the options. Its error is a BadRequestError that names the scenario.
func (o whatIfOptions) read() (scenarios []scenario, discountRate float64, err error) {
	rate := parameters{label: "whatIf"}
	percent := rate.number("discountRatePercent", o.DiscountRatePercent, defaultDiscountRate, "a number of percent a year from 0 to 100, such as 8",
		func(v float64) bool { return v >= 0 && v <= 100 })
	if rate.err != nil {
		return nil, 0, rate.err
	}
	if len(o.Scenarios) == 0 {
		return []scenario{defaultScenario}, percent / 100, nil
	}
	for i, options := range o.Scenarios {
		s, err := options.read(i + 1)
		if err != nil {
			return nil, 0, err
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, percent / 100, nil
}

// read checks one scenario, the n-th.
func (o scenarioOptions) read(n int) (scenario, error) {
	if !slices.Contains(scenarioKinds, o.Kind) {
		return scenario{}, BadRequest("Scenario %d has the kind %q. It must be one of %s.", n, o.Kind, strings.Join(scenarioKinds, ", "))
	}
	s := scenario{label: fmt.Sprintf("Scenario %d (%s)", n, o.Kind), kind: o.Kind}
	p := parameters{label: s.label}
	p.refuseForeign(o)
	switch o.Kind {
	case kindEfficiency:
		s.percent = p.number("percent", o.Percent, math.NaN(), "by how many percent the same work takes less energy, from 0 to under 100, such as 15", isReduction)
		s.name = fmt.Sprintf("%g %% more efficient", s.percent)
	case kindRegionMove:
		s.from, s.to = p.text("fromRegion", o.FromRegion, ""), p.text("toRegion", o.ToRegion, "the region the work goes to, such as europe-north1")
		s.name = orAll(s.from, "Everything") + " → " + s.to
	case kindModelSwap:
		s.from = p.text("fromModel", o.FromModel, "the model whose requests another takes over")
		s.to = p.text("toModel", o.ToModel, "the model that takes the requests over")
		s.name = s.from + " → " + s.to
	case kindGPUUpgrade:
		p.upgrade(o, &s)
		s.name = "Upgrade " + orAll(s.from, "all GPUs") + " → " + orAll(s.to, "new GPUs")
	case kindPUE:
		s.from = p.text("fromRegion", o.FromRegion, "")
		s.pue = p.number("pue", o.PUE, math.NaN(), "the new PUE, at least 1, such as 1.1", func(v float64) bool { return v >= 1 })
		s.name = fmt.Sprintf("PUE %g", s.pue)
		if s.from != "" {
			s.name += " in " + s.from
		}
	}
	if name := p.text("name", o.Name, ""); name != "" {
		s.name = name
	}
	return s, p.err
}

func (p *parameters) upgrade(o scenarioOptions, s *scenario) {
	s.from, s.to = p.text("fromAccelerator", o.FromAccelerator, ""), p.text("toAccelerator", o.ToAccelerator, "")
	s.percent = p.number("energyReductionPercent", o.EnergyReductionPercent, math.NaN(),
		"by how many percent the same work takes less energy on the new GPUs, from 0 to under 100, such as 40: a benchmark or the vendor says", isReduction)
	if !o.Units.absent() {
		s.units = new(p.number("units", o.Units, 0, "how many are bought, a whole number from 1", func(v float64) bool { return v >= 1 && v == math.Trunc(v) }))
	}
	if !o.UnitCostUSD.absent() {
		s.unitCost = new(p.number("unitCostUsd", o.UnitCostUSD, 0, "what one costs in USD, 0 or more", func(v float64) bool { return v >= 0 }))
	}
	s.lifetime = p.number("lifetimeYears", o.LifetimeYears, defaultLifetimeYears, "how many years the new hardware serves, more than 0 and at most 50",
		func(v float64) bool { return v > 0 && v <= 50 })
}

func isReduction(percent float64) bool { return percent >= 0 && percent < 100 }

func orAll(name, all string) string {
	if name == "" {
		return all
	}
	return name
}

// parameters reads the parameters of one scenario and keeps the first mistake.
type parameters struct {
	label string
	err   error
}

func (p *parameters) refuse(format string, arguments ...any) {
	if p.err == nil {
		p.err = BadRequest("%s: %s", p.label, fmt.Sprintf(format, arguments...))
	}
}

// text reads a text; right says what it must be, and is empty where it may be
// left out.
func (p *parameters) text(name string, value given, right string) string {
	text, ok := value.text()
	switch {
	case !ok:
		p.refuse("%s must be a text, not %s.", name, value.raw)
	case text == "" && right != "":
		p.refuse("%s is missing. State %s.", name, right)
	}
	return text
}

// number reads a number; right says what it must be. Absent is otherwise, and a
// mistake where that is NaN.
func (p *parameters) number(name string, value given, otherwise float64, right string, allowed func(float64) bool) float64 {
	if value.absent() {
		if math.IsNaN(otherwise) {
			p.refuse("%s is missing. State %s.", name, right)
		}
		return otherwise
	}
	number, ok := value.number()
	if !ok || !allowed(number) {
		p.refuse("%s is %s. It must be %s.", name, value.raw, right)
	}
	return number
}

// refuseForeign refuses parameters that only another kind of scenario has: they
// would be ignored.
func (p *parameters) refuseForeign(o scenarioOptions) {
	all := []struct {
		name  string
		value given
		kinds []string
	}{
		{"percent", o.Percent, []string{kindEfficiency}},
		{"fromRegion", o.FromRegion, []string{kindRegionMove, kindPUE}},
		{"toRegion", o.ToRegion, []string{kindRegionMove}},
		{"fromModel", o.FromModel, []string{kindModelSwap}},
		{"toModel", o.ToModel, []string{kindModelSwap}},
		{"fromAccelerator", o.FromAccelerator, []string{kindGPUUpgrade}},
		{"toAccelerator", o.ToAccelerator, []string{kindGPUUpgrade}},
		{"units", o.Units, []string{kindGPUUpgrade}},
		{"unitCostUsd", o.UnitCostUSD, []string{kindGPUUpgrade}},
		{"energyReductionPercent", o.EnergyReductionPercent, []string{kindGPUUpgrade}},
		{"lifetimeYears", o.LifetimeYears, []string{kindGPUUpgrade}},
		{"pue", o.PUE, []string{kindPUE}},
	}
	var takes []string
	for _, parameter := range all {
		if slices.Contains(parameter.kinds, o.Kind) {
			takes = append(takes, parameter.name)
		}
	}
	for _, parameter := range all {
		if !parameter.value.absent() && !slices.Contains(parameter.kinds, o.Kind) {
			p.refuse("%s is a parameter of %s. Leave it out: %s takes %s.", parameter.name,
				strings.Join(parameter.kinds, " and "), o.Kind, strings.Join(takes, ", "))
		}
	}
}
