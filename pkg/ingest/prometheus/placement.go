package prometheus

import (
	"errors"
	"fmt"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// placement is where the warehouse counts something.
type placement struct {
	project, model, endpoint, region string
	workload                         kpi.Workload
}

var (
	idle        = placement{project: kpi.Idle, model: kpi.Idle, workload: kpi.WorkloadIdle}
	unallocated = placement{project: kpi.Unallocated, model: kpi.Unallocated, workload: kpi.WorkloadInference}
)

func (p placement) in(region string) placement {
	p.region = region
	return p
}

// ruled is what the rules say of a series: of several the first that states a thing.
func (m Mapping) ruled(l labels) (p placement, drop bool) {
	for _, r := range m.file.Rules {
		if !r.Match.Holds(l.text) {
			continue
		}
		drop = drop || r.Drop
		mapping.SetOnce(&p.project, r.Project)
		mapping.SetOnce(&p.model, r.Model)
		mapping.SetOnce(&p.endpoint, r.Endpoint)
		mapping.SetOnce(&p.region, r.Region)
		mapping.SetOnce(&p.workload, r.Workload)
	}
	return p, drop
}

// errNoModel is why a server's series is rejected: its requests would stand under no
// model, and no energy would meet them.
var errNoModel = errors.New("no label and no rule names its model: add a rule with model, or model.default, to the mapping")

// server is where the requests of a model server count.
func (m Mapping) server(l labels, regions map[string]bool) (p placement, drop bool, err error) {
	p, drop = m.ruled(l)
	if drop {
		return p, true, nil
	}
	f := m.file
	mapping.SetOnce(&p.model, f.Models.Name(f.Model.Name(l.text)))
	mapping.SetOnce(&p.project, f.Project.Name(l.text))
	mapping.SetOnce(&p.endpoint, f.Endpoint.Name(l.text))
	mapping.SetOnce(&p.workload, kpi.WorkloadInference)
	if p.model == "" {
		return p, false, errNoModel
	}
	return p, false, errors.Join(m.place(&p, l, regions), p.checkNames())
}

// meter is where the energy of a meter's part counts, as far as its own labels and the
// rules say. Its service and job are those of its exporter, and no endpoint.
func (m Mapping) meter(l labels, regions map[string]bool) (p placement, drop bool, err error) {
	p, drop = m.ruled(l)
	if drop {
		return p, true, nil
	}
	return p, false, errors.Join(m.place(&p, l, regions), p.checkNames())
}

// place finds the region. One that a label names and the warehouse has not is the
// default's.
func (m Mapping) place(p *placement, l labels, regions map[string]bool) error {
	given := m.file.Region.Given(l.text)
	switch {
	case p.region != "" && !regions[p.region]:
		return fmt.Errorf("a rule gives it the region %q, which the warehouse has not: import its factors, or correct the rule", p.region)
	case p.region != "":
	case regions[given]:
		p.region = given
	case m.file.Region.Default != "":
		p.region = m.file.Region.Default
	case given != "":
		return fmt.Errorf("its region %q is not in the warehouse and there is no default: import its factors, or pass --region", given)
	default:
		return errors.New("no label and no rule names its region: pass --region, or set region.default in the mapping")
	}
	return nil
}

func (p placement) checkNames() error {
	return errors.Join(mapping.CheckName("model", p.model), mapping.CheckName("project", p.project), mapping.CheckName("endpoint", p.endpoint))
}
