package otlp

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
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
	Project    mapping.Source `yaml:"project"`
	Model      mapping.Source `yaml:"model"`
	Endpoint   mapping.Source `yaml:"endpoint"`
	Region     mapping.Source `yaml:"region"`
	Rules      []rule         `yaml:"rules"`
	Models     mapping.Models `yaml:"models"`
	Energy     energySettings `yaml:"energy"`
}

// rule sets what it states for whatever has all the attributes that it matches. Of
// several rules the first that states a thing says it.
type rule struct {
	Name  string        `yaml:"name"`
	Match mapping.Match `yaml:"match"`

	Drop     bool         `yaml:"drop"`
	Count    Count        `yaml:"count"`
	Project  string       `yaml:"project"`
	Model    string       `yaml:"model"`
	Endpoint string       `yaml:"endpoint"`
	Region   string       `yaml:"region"`
	Workload kpi.Workload `yaml:"workload"`
	Energy   EnergyFrom   `yaml:"energy"`
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
	m, err := ParseMapping(text)
	if err != nil {
		return Mapping{}, fmt.Errorf("the mapping in %s: %w", path, err)
	}
	return m, nil
}

// ParseMapping reads a mapping in YAML; what it leaves out has its default. An error
// names what is wrong and what would be right.
func ParseMapping(text []byte) (Mapping, error) {
	file := mappingFile{Count: CountSpans, Energy: energySettings{Reference: true}}
	if err := mapping.Decode(text, &file); err != nil {
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
		source *mapping.Source
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
	for name, s := range map[string]mapping.Source{"project": f.Project, "model": f.Model, "endpoint": f.Endpoint, "region": f.Region} {
		for _, attribute := range s.From {
			if err := checkAttribute(attribute); err != nil {
				return fmt.Errorf("%s.from: %w", name, err)
			}
		}
		if err := mapping.CheckName(name, s.Default); err != nil {
			return err
		}
	}
	for i, r := range f.Rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("rule %d (%s): %w", i+1, r.Name, err)
		}
	}
	if err := f.Models.Check(); err != nil {
		return err
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
	if err := r.Match.Check(); err != nil {
		return err
	}
	for attribute := range r.Match {
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
	if err := mapping.CheckWorkload(r.Workload); err != nil {
		return err
	}
	if r.Energy != "" && r.Energy != EnergyCounter && r.Energy != EnergyIntensity {
		return fmt.Errorf("unknown energy %q: it is %s or %s", r.Energy, EnergyCounter, EnergyIntensity)
	}
	if !r.Drop && r.Count == "" && r.Project == "" && r.Model == "" && r.Endpoint == "" && r.Region == "" && r.Workload == "" && r.Energy == "" {
		return errors.New("it states nothing: give drop, count, project, model, endpoint, region, workload or energy")
	}
	return errors.Join(mapping.CheckName("project", r.Project), mapping.CheckName("model", r.Model), mapping.CheckName("endpoint", r.Endpoint), mapping.CheckName("region", r.Region))
}

// ofResource says whether an attribute describes who sends, not the call.
func ofResource(attribute string) bool {
	return !slices.ContainsFunc([]string{"gen_ai.", "server.", "error.", "llm."}, func(prefix string) bool { return strings.HasPrefix(attribute, prefix) })
}

// count is by what the service of a resource is counted.
func (m Mapping) count(resource pcommon.Map) Count {
	for _, r := range m.file.Rules {
		if r.Count != "" && r.Match.Holds(attributes{pcommon.NewMap(), resource}.text) {
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
		if !r.Match.Holds(a.text) {
			continue
		}
		drop = drop || r.Drop
		mapping.SetOnce(&p.model, r.Model)
		mapping.SetOnce(&p.project, r.Project)
		mapping.SetOnce(&p.endpoint, r.Endpoint)
		mapping.SetOnce(&p.region, r.Region)
		mapping.SetOnce(&p.workload, r.Workload)
		mapping.SetOnce(&p.energy, r.Energy)
	}
	if drop {
		return p, true, nil
	}
	mapping.SetOnce(&p.model, f.Models.Name(f.Model.Name(a.text)))
	mapping.SetOnce(&p.project, f.Project.Name(a.text))
	mapping.SetOnce(&p.endpoint, f.Endpoint.Name(a.text))
	if p.region == "" {
		p.regionGiven, p.region = f.Region.Given(a.text), f.Region.Default
	}
	mapping.SetOnce(&p.workload, workloadOf(operation))
	p.provider = a.text(attributeProvider)
	if mapping.CheckName("provider", p.provider) != nil {
		p.provider = ""
	}
	p.taskClass = m.taskClass(p.model, operation)
	return p, false, errors.Join(mapping.CheckName("model", p.model), mapping.CheckName("project", p.project), mapping.CheckName("endpoint", p.endpoint))
}

// taskClass is of a model that is new, by its name or by what was asked of it.
func (m Mapping) taskClass(model, operation string) string {
	return cmp.Or(m.file.Models.TaskClass(model), operationClasses[operation])
}
