package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.yaml.in/yaml/v3"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Count is by what a service's requests are counted.
type Count string

// A service that sends several is counted by one of them.
const (
	CountSpans         Count = "spans"          // each span of a call is a request
	CountClientMetrics Count = "client_metrics" // gen_ai.client.*
	CountServerMetrics Count = "server_metrics" // gen_ai.server.request.duration, and gen_ai.client.token.usage
)

// EnergyFrom is where the energy of requests comes from.
type EnergyFrom string

// The zero value looks whether the host that serves is collected.
const (
	EnergyCounter   EnergyFrom = "counter"   // of GPUs' counters, in facts of its own
	EnergyIntensity EnergyFrom = "intensity" // estimated by tokens or requests
)

// Mapping says what telemetry means in the warehouse. Make one with ParseMapping.
type Mapping struct{ file mappingFile }

type mappingFile struct {
	Count      Count          `yaml:"count"`
	Operations []string       `yaml:"operations"`
	Failed     bool           `yaml:"failed"`
	Project    source         `yaml:"project"`
	Model      source         `yaml:"model"`
	Endpoint   source         `yaml:"endpoint"`
	Region     source         `yaml:"region"`
	Rules      []rule         `yaml:"rules"`
	Models     []modelRule    `yaml:"models"`
	Energy     energySettings `yaml:"energy"`
}

// source is which attributes a name is taken from: the first that is there, else the
// default. Names puts one name for another.
type source struct {
	From    []string          `yaml:"from"`
	Default string            `yaml:"default"`
	Names   map[string]string `yaml:"names"`
}

// rule sets what it states for whatever has all the attributes that it matches. Of
// several rules the first that states a thing says it.
type rule struct {
	Name  string              `yaml:"name"`
	Match map[string]*pattern `yaml:"match"`

	Drop     bool         `yaml:"drop"`
	Count    Count        `yaml:"count"`
	Project  string       `yaml:"project"`
	Model    string       `yaml:"model"`
	Endpoint string       `yaml:"endpoint"`
	Region   string       `yaml:"region"`
	Workload kpi.Workload `yaml:"workload"`
	Energy   EnergyFrom   `yaml:"energy"`
}

// modelRule gives one name to the many of a model, and a task class where it is new.
type modelRule struct {
	Match     *pattern `yaml:"match"`
	Name      string   `yaml:"name"`
	TaskClass string   `yaml:"task_class"`
}

// pattern is a regular expression (RE2) that may match anywhere in a text.
type pattern struct{ *regexp.Regexp }

// UnmarshalYAML reads the expression.
func (p *pattern) UnmarshalYAML(node *yaml.Node) error {
	var text string
	if err := node.Decode(&text); err != nil {
		return err
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	p.Regexp = expression
	return nil
}

// ReadMapping reads the mapping of a file. No file, an empty path, is the defaults.
func ReadMapping(path string) (Mapping, error) {
	if path == "" {
		return ParseMapping(nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Mapping{}, fmt.Errorf("reading the mapping: %w", err)
	}
	mapping, err := ParseMapping(text)
	if err != nil {
		return Mapping{}, fmt.Errorf("the mapping in %s: %w", path, err)
	}
	return mapping, nil
}

// ParseMapping reads a mapping in YAML; what it leaves out has its default. An error
// names what is wrong and what would be right.
func ParseMapping(text []byte) (Mapping, error) {
	file := mappingFile{Count: CountSpans, Energy: energySettings{Reference: true}}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Mapping{}, err
	}
	file.complete()
	return Mapping{file: file}, file.check()
}

// WithRegion is the mapping with another default region.
func (m Mapping) WithRegion(code string) Mapping {
	m.file.Region.Default = code
	return m
}

// Region is the code of the default region, empty where there is none.
func (m Mapping) Region() string { return m.file.Region.Default }

// Rules is how many rules there are.
func (m Mapping) Rules() int { return len(m.file.Rules) }

func (f *mappingFile) complete() {
	if len(f.Operations) == 0 {
		f.Operations = defaultOperations
	}
	for _, s := range []struct {
		source *source
		from   []string
	}{
		{&f.Project, []string{attributeProject, attributeService}},
		{&f.Model, []string{attributeResponseModel, attributeRequestModel}},
		{&f.Endpoint, []string{attributeEndpoint, attributeServer}},
		{&f.Region, []string{attributeWarehouseRegion, attributeRegion}},
	} {
		if len(s.source.From) == 0 {
			s.source.From = s.from
		}
	}
}

func (f *mappingFile) check() error {
	if err := checkCount(f.Count); err != nil {
		return err
	}
	for name, s := range map[string]source{"project": f.Project, "model": f.Model, "endpoint": f.Endpoint, "region": f.Region} {
		for _, attribute := range s.From {
			if err := checkAttribute(attribute); err != nil {
				return fmt.Errorf("%s.from: %w", name, err)
			}
		}
		if err := checkName(name, s.Default); err != nil {
			return err
		}
	}
	for i, r := range f.Rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("rule %d (%s): %w", i+1, r.Name, err)
		}
	}
	for i, r := range f.Models {
		switch {
		case r.Match == nil || r.Match.Regexp == nil:
			return fmt.Errorf("models, entry %d: match has no expression", i+1)
		case r.Name == "" && r.TaskClass == "":
			return fmt.Errorf("models, entry %d: give a name or a task_class", i+1)
		}
		if err := checkName("model", r.Name); err != nil {
			return fmt.Errorf("models, entry %d: %w", i+1, err)
		}
	}
	return f.Energy.check()
}

func checkCount(count Count) error {
	if all := []Count{CountSpans, CountClientMetrics, CountServerMetrics}; !slices.Contains(all, count) {
		return fmt.Errorf("unknown count %q: it is one of %v", count, all)
	}
	return nil
}

func checkAttribute(name string) error {
	switch {
	case name == "":
		return errors.New("an attribute has no name")
	case holdsContent(name):
		return fmt.Errorf("the attribute %s holds what people wrote or models answered, which is never stored", name)
	}
	return nil
}

func (r rule) check() error {
	if len(r.Match) == 0 {
		return errors.New("match states no attribute")
	}
	for attribute, expression := range r.Match {
		if expression == nil || expression.Regexp == nil {
			return fmt.Errorf("match.%s has no expression", attribute)
		}
		if err := checkAttribute(attribute); err != nil {
			return fmt.Errorf("match: %w", err)
		}
		if r.Count != "" && !ofResource(attribute) {
			return fmt.Errorf("match.%s: a rule with count matches resource attributes only, such as %s, because a service's spans and metrics must agree on it", attribute, attributeService)
		}
	}
	if r.Count != "" {
		if err := checkCount(r.Count); err != nil {
			return err
		}
	}
	if r.Workload != "" && (!slices.Contains(kpi.Workloads(), r.Workload) || r.Workload == kpi.WorkloadIdle) {
		return fmt.Errorf("unknown workload %q: it is one of %v", r.Workload, slices.DeleteFunc(kpi.Workloads(), func(w kpi.Workload) bool { return w == kpi.WorkloadIdle }))
	}
	if r.Energy != "" && r.Energy != EnergyCounter && r.Energy != EnergyIntensity {
		return fmt.Errorf("unknown energy %q: it is %s or %s", r.Energy, EnergyCounter, EnergyIntensity)
	}
	if !r.Drop && r.Count == "" && r.Project == "" && r.Model == "" && r.Endpoint == "" && r.Region == "" && r.Workload == "" && r.Energy == "" {
		return errors.New("it states nothing: give drop, count, project, model, endpoint, region, workload or energy")
	}
	return errors.Join(checkName("project", r.Project), checkName("model", r.Model), checkName("endpoint", r.Endpoint), checkName("region", r.Region))
}

// ofResource says whether an attribute describes who sends, not the call.
func ofResource(attribute string) bool {
	return !slices.ContainsFunc([]string{"gen_ai.", "server.", "error.", "llm."}, func(prefix string) bool { return strings.HasPrefix(attribute, prefix) })
}

func (r rule) holds(a attributes) bool {
	for attribute, expression := range r.Match {
		if text := a.text(attribute); text == "" || !expression.MatchString(text) {
			return false
		}
	}
	return true
}

// count is by what the service of a resource is counted.
func (m Mapping) count(resource pcommon.Map) Count {
	for _, r := range m.file.Rules {
		if r.Count != "" && r.holds(attributes{pcommon.NewMap(), resource}) {
			return r.Count
		}
	}
	return m.file.Count
}

// counts says whether an operation is one call to a model.
func (m Mapping) counts(operation string) bool { return slices.Contains(m.file.Operations, operation) }

// placement is where the warehouse counts a call.
type placement struct {
	model, project, endpoint, region string
	regionGiven                      string // what the telemetry said, where the default may stand in
	provider, taskClass              string // of a model that is new
	workload                         kpi.Workload
	energy                           EnergyFrom
	host                             string // that serves the call, as far as can be told
}

// place says where a call counts; drop, that a rule leaves it out.
func (m Mapping) place(a attributes, operation string) (p placement, drop bool, err error) {
	f := m.file
	for _, r := range f.Rules {
		if !r.holds(a) {
			continue
		}
		drop = drop || r.Drop
		setOnce(&p.model, r.Model)
		setOnce(&p.project, r.Project)
		setOnce(&p.endpoint, r.Endpoint)
		setOnce(&p.region, r.Region)
		setOnce(&p.workload, r.Workload)
		setOnce(&p.energy, r.Energy)
	}
	if drop {
		return p, true, nil
	}
	setOnce(&p.model, m.modelName(f.Model.name(a)))
	setOnce(&p.project, f.Project.name(a))
	setOnce(&p.endpoint, f.Endpoint.name(a))
	if p.region == "" {
		p.regionGiven, p.region = f.Region.given(a), f.Region.Default
	}
	setOnce(&p.workload, workloadOf(operation))
	p.provider = a.text(attributeProvider)
	if checkName("provider", p.provider) != nil {
		p.provider = ""
	}
	p.taskClass = m.taskClass(p.model, operation)
	return p, false, errors.Join(checkName("model", p.model), checkName("project", p.project), checkName("endpoint", p.endpoint))
}

func setOnce[T ~string](name *T, value T) {
	if *name == "" {
		*name = value
	}
}

func (s source) name(a attributes) string {
	if name := s.given(a); name != "" {
		return name
	}
	return s.Default
}

func (s source) given(a attributes) string {
	name := a.first(s.From)
	if other, ok := s.Names[name]; ok {
		return other
	}
	return name
}

func (m Mapping) modelName(name string) string {
	for _, r := range m.file.Models {
		if r.Name != "" && r.Match.MatchString(name) {
			return r.Name
		}
	}
	return name
}

func (m Mapping) taskClass(model, operation string) string {
	for _, r := range m.file.Models {
		if r.TaskClass != "" && (r.Match.MatchString(model) || r.Name == model) {
			return r.TaskClass
		}
	}
	return operationClasses[operation]
}
