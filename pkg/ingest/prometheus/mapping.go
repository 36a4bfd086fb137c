package prometheus

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Mapping says what labels mean in the warehouse. Make one with ParseMapping.
type Mapping struct {
	file    mappingFile
	metrics []metric
}

type mappingFile struct {
	Source     string              `yaml:"source"`
	Read       []string            `yaml:"read"`
	Select     string              `yaml:"select"`
	Replicas   []string            `yaml:"replica_labels"`
	Project    mapping.Source      `yaml:"project"`
	Model      mapping.Source      `yaml:"model"`
	Endpoint   mapping.Source      `yaml:"endpoint"`
	Region     mapping.Source      `yaml:"region"`
	Ties       []tie               `yaml:"ties"`
	Rules      []rule              `yaml:"rules"`
	Models     mapping.Models      `yaml:"models"`
	Metrics    map[string][]string `yaml:"metrics"`
	Kepler     keplerSettings      `yaml:"kepler"`
	CodeCarbon codeCarbonSettings  `yaml:"codecarbon"`
}

// tie is by which labels a meter and a model server belong together: all of the meter's
// equal the server's, one by one.
type tie struct {
	Meter  []string `yaml:"meter"`
	Server []string `yaml:"server"`
}

// rule sets what it states for every series that has all the labels it matches.
type rule struct {
	Name  string        `yaml:"name"`
	Match mapping.Match `yaml:"match"`

	Drop     bool         `yaml:"drop"`
	Project  string       `yaml:"project"`
	Model    string       `yaml:"model"`
	Endpoint string       `yaml:"endpoint"`
	Region   string       `yaml:"region"`
	Workload kpi.Workload `yaml:"workload"`
}

// keplerSettings choose among RAPL's zones, which overlap: the first that a host has is
// its energy.
type keplerSettings struct {
	Zones []string `yaml:"zones"`
}

type codeCarbonSettings struct {
	PUE float64 `yaml:"pue"` // that its energy has inside, and its power has not
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
	file := mappingFile{Source: DefaultSource}
	if err := mapping.Decode(text, &file); err != nil {
		return Mapping{}, err
	}
	file.complete()
	if err := file.check(); err != nil {
		return Mapping{}, err
	}
	return Mapping{file: file, metrics: file.chosen()}, nil
}

// DefaultSource is what a Prometheus is called that the mapping does not name.
const DefaultSource = "prometheus"

// WithRegion is the mapping with another default region.
func (m Mapping) WithRegion(code string) Mapping {
	m.file.Region.Default = code
	return m
}

// Source is what the facts say they are from.
func (m Mapping) Source() string { return m.file.Source }

// Rules is how many rules there are.
func (m Mapping) Rules() int { return len(m.file.Rules) }

func (f *mappingFile) complete() {
	setDefault := func(names *[]string, usual ...string) {
		if len(*names) == 0 {
			*names = usual
		}
	}
	setDefault(&f.Read, readGPU, readServers, readKepler)
	setDefault(&f.Replicas, replicaLabels...)
	setDefault(&f.Project.From, "wattscore_project", labelNamespace)
	setDefault(&f.Model.From, "model_name", "model", "model_id", "name")
	setDefault(&f.Endpoint.From, "wattscore_endpoint", "inference_service", "service", "job")
	setDefault(&f.Region.From, "wattscore_region", "cloud_region", "topology_kubernetes_io_region", "region")
	setDefault(&f.Kepler.Zones, "psys", "package")
	if len(f.Ties) == 0 {
		f.Ties = []tie{{[]string{labelNamespace, labelPod}, []string{labelNamespace, labelPod}}, {[]string{labelHost}, []string{labelHost}}}
	}
	if f.CodeCarbon.PUE == 0 {
		f.CodeCarbon.PUE = 1
	}
}

func (f *mappingFile) check() error {
	if f.Source == "" {
		return errors.New("source is empty: give this Prometheus a name that stays")
	}
	if err := mapping.CheckName("source", f.Source); err != nil {
		return err
	}
	for _, group := range f.Read {
		if all := []string{readGPU, readServers, readKepler, readCodeCarbon}; !slices.Contains(all, group) {
			return fmt.Errorf("unknown %q in read: it is a list of %v", group, all)
		}
	}
	for name, s := range map[string]mapping.Source{"project": f.Project, "model": f.Model, "endpoint": f.Endpoint, "region": f.Region} {
		for _, one := range append([]string{s.Default}, mapValues(s.Names)...) {
			if err := mapping.CheckName(name, one); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for i, t := range f.Ties {
		if len(t.Meter) == 0 || len(t.Meter) != len(t.Server) {
			return fmt.Errorf("ties, entry %d: meter and server are lists of as many labels each, at least one", i+1)
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
	if err := f.checkMetrics(); err != nil {
		return err
	}
	if !(f.CodeCarbon.PUE >= 1 && f.CodeCarbon.PUE <= 5) {
		return fmt.Errorf("codecarbon.pue %g is not between 1 and 5", f.CodeCarbon.PUE)
	}
	return nil
}

func (f *mappingFile) checkMetrics() error {
	for name, further := range f.Metrics {
		if !slices.ContainsFunc(catalog, func(m metric) bool { return string(m.quantity) == name }) {
			return fmt.Errorf("unknown metrics.%s: the quantities are %v", name, quantities())
		}
		for _, one := range further {
			if !model.UTF8Validation.IsValidMetricName(one) {
				return fmt.Errorf("metrics.%s: %q is no name of a metric", name, one)
			}
		}
	}
	return nil
}

func quantities() []quantity {
	var all []quantity
	for _, m := range catalog {
		if !slices.Contains(all, m.quantity) {
			all = append(all, m.quantity)
		}
	}
	return all
}

func mapValues(names map[string]string) []string {
	var all []string
	for _, name := range names {
		all = append(all, name)
	}
	return all
}

func (r rule) check() error {
	if len(r.Match) == 0 {
		return errors.New("match states no label")
	}
	if err := r.Match.Check(); err != nil {
		return err
	}
	if err := mapping.CheckWorkload(r.Workload); err != nil {
		return err
	}
	if !r.Drop && r.Project == "" && r.Model == "" && r.Endpoint == "" && r.Region == "" && r.Workload == "" {
		return errors.New("it states nothing: give drop, project, model, endpoint, region or workload")
	}
	return errors.Join(mapping.CheckName("project", r.Project), mapping.CheckName("model", r.Model), mapping.CheckName("endpoint", r.Endpoint),
		mapping.CheckName("region", r.Region))
}

// chosen are the metrics that are read: the catalogue's of the chosen groups, and the
// further names of the file.
func (f *mappingFile) chosen() []metric {
	var all []metric
	for _, m := range catalog {
		if slices.Contains(f.Read, m.group()) {
			all = append(all, m)
		}
	}
	for _, q := range quantities() {
		for _, name := range f.Metrics[string(q)] {
			i := slices.IndexFunc(catalog, func(m metric) bool { return m.quantity == q })
			further := metric{name: name, source: catalog[i].source, quantity: q}
			if slices.Contains(f.Read, further.group()) && !slices.ContainsFunc(all, func(m metric) bool { return m.name == name }) {
				all = append(all, further)
			}
		}
	}
	return all
}
