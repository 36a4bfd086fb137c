package prometheus

import (
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// part is energy that has to find whose it is.
type part struct {
	key      string
	labels   labels
	energy   kpi.NanowattHours
	hours    float64
	memory   float64
	measured bool
	// idle says whether what has it did nothing; nil, that this is not known.
	idle *bool
	// undone is what Kepler says was drawn without work.
	undone bool
	// byNamespace lets a pod's own namespace be the project where nothing ties it.
	byNamespace bool
}

// allocate gives a part to who it worked for.
//
//  1. A rule that names the model says it; of the servers that the ties find those of
//     that model.
//  2. Else the servers that the ties find, in proportion to the output tokens that each
//     of their models made, or to requests where one that answered tells no tokens;
//     that division is an estimate.
//  3. Else a rule's project, or the namespace of the pod that holds the GPU.
//  4. Else nobody.
//
// What served no request in the window, and what no rule or tie says of and did nothing,
// is idle.
func (f *facts) allocate(p part) {
	place, drop, err := f.mapping.meter(p.labels, f.around.regions)
	if drop {
		f.window.notes.dropped++
		f.window.notes.metered -= p.energy
		return
	}
	if err != nil {
		f.window.reject(strings.SplitN(p.key, "\x00", 2)[0]+" "+describeLabels(p.labels), err)
		f.window.notes.metered -= p.energy
		return
	}
	tied := f.ties.of(p.labels)
	if place.model != "" {
		tied = slices.DeleteFunc(slices.Clone(tied), func(i int) bool { return f.servers[i].place.model != place.model })
	}
	switch {
	case p.undone:
		f.energy(p.key, idle.in(place.region), p.energy, p.hours, p.memory, p.measured)
	case len(tied) > 0:
		f.toServers(p, place, tied)
	case place.model != "", place.project != "":
		f.toRuled(p, place)
	default:
		f.toNamespace(p, place)
	}
}

// toRuled gives a part to what the rules say, unless it did nothing: servers of the same
// name say so, else the GPU does. What the rules leave open, all those servers say alike
// or nobody.
func (f *facts) toRuled(p part, place placement) {
	var like []placement
	served := false
	for _, s := range f.servers {
		if s.place.model == place.model && (place.endpoint == "" || s.place.endpoint == place.endpoint) && (place.project == "" || s.place.project == place.project) {
			like, served = append(like, s.place), served || s.work.served()
		}
	}
	known := len(like) > 0
	if known && !slices.ContainsFunc(like, func(other placement) bool { return other.endpoint != like[0].endpoint }) {
		place.endpoint = like[0].endpoint
	}
	if known && !slices.ContainsFunc(like, func(other placement) bool { return other.project != like[0].project }) {
		place.project = like[0].project
	}
	if place.workload == "" {
		place.workload = kpi.WorkloadInference
	}
	did := place.workload != kpi.WorkloadInference && place.workload != kpi.WorkloadEmbedding // trains, and answers nobody
	if known && !did && !served || (!known || did) && p.idle != nil && *p.idle {
		place = idle.in(place.region)
	}
	f.energy(p.key, place, p.energy, p.hours, p.memory, p.measured)
}

func (f *facts) toServers(p part, own placement, tied []int) {
	var places []placement
	var tokens, requests []int64
	for _, i := range tied {
		s := f.servers[i]
		place := s.place
		// Where the meter stands and what the rules say of it goes before.
		if own.project != "" {
			place.project = own.project
		}
		if own.endpoint != "" {
			place.endpoint = own.endpoint
		}
		if own.workload != "" {
			place.workload = own.workload
		}
		at := slices.Index(places, place)
		if at < 0 {
			at = len(places)
			places, tokens, requests = append(places, place), append(tokens, 0), append(requests, 0)
		}
		tokens[at] += s.work.output
		requests[at] += s.work.requests
	}
	weights := serviceWeights(tokens, requests)
	if sum(weights) == 0 && sum(tokens) == 0 && !f.anyServed(tied) {
		f.energy(p.key, idle.in(own.region), p.energy, p.hours, p.memory, p.measured)
		return
	}
	if sum(weights) == 0 {
		for i := range weights {
			weights[i] = 1
		}
	}
	shares := kpi.ShareByWeights(p.energy, weights)
	for i, place := range places {
		share := float64(weights[i]) / float64(sum(weights))
		key := p.key
		if len(places) > 1 {
			key += "\x00" + place.project + "\x00" + place.model + "\x00" + place.endpoint
		}
		f.energy(key, place, shares[i], p.hours*share, p.memory*share, p.measured && len(places) == 1)
	}
}

// serviceWeights are the tokens that each made, or requests where one that was asked
// does not tell tokens. What made tokens has a request then that is not answered yet.
func serviceWeights(tokens, requests []int64) []int64 {
	weights, untold := slices.Clone(requests), false
	for i := range weights {
		untold = untold || requests[i] > 0 && tokens[i] == 0
		if tokens[i] > 0 {
			weights[i] = max(requests[i], 1)
		}
	}
	if untold {
		return weights
	}
	return tokens
}

func (f *facts) anyServed(servers []int) bool {
	return slices.ContainsFunc(servers, func(i int) bool { return f.servers[i].work.served() })
}

// toNamespace gives a GPU that nothing ties to the project that its pod's namespace is,
// by the mapping's project.from; without a pod it is nobody's.
func (f *facts) toNamespace(p part, place placement) {
	if p.byNamespace && p.labels[labelPod] != "" {
		if project := f.mapping.file.Project.Name(p.labels.text); project != "" {
			place.project = project
			if place.checkNames() == nil {
				f.toRuled(p, place)
				return
			}
		}
	}
	f.nobodysIn(p, place.region)
}

func (f *facts) nobodys(p part) {
	place, drop, err := f.mapping.meter(p.labels, f.around.regions)
	if drop || err != nil {
		f.window.notes.metered -= p.energy
		if drop {
			f.window.notes.dropped++
		} else {
			f.window.reject("host "+describeLabels(p.labels), err)
		}
		return
	}
	f.nobodysIn(p, place.region)
}

func (f *facts) nobodysIn(p part, region string) {
	place := unallocated
	if p.idle != nil && *p.idle {
		place = idle
	}
	f.energy(p.key, place.in(region), p.energy, p.hours, p.memory, p.measured)
}

// energy adds an event of energy, unless there is nothing in it.
func (f *facts) energy(key string, place placement, energy kpi.NanowattHours, hours, memory float64, measured bool) {
	if energy == 0 && hours == 0 && memory == 0 {
		return
	}
	f.window.notes.placed(place, energy)
	f.add("energy\x00"+key, place, warehouse.Event{ITEnergy: energy.KilowattHours(), GPUHours: hours, GPUMemoryHours: memory, Measured: measured})
}
