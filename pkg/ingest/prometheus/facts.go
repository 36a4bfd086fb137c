package prometheus

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// eventNamespace sets these event ids apart from all other UUIDs of version 5.
var eventNamespace = uuid.MustParse("5a0a2f3e-8a27-4c0e-9a35-6f3a7c1d9b42")

// surroundings are what the warehouse knows that facts depend on.
type surroundings struct {
	regions   map[string]bool
	collected []warehouse.CollectedGPU
}

// collectedAt says whether wattctl collect has the energy of a GPU in facts of its own.
func (s surroundings) collectedAt(gpu string, w *window) bool {
	return slices.ContainsFunc(s.collected, func(c warehouse.CollectedGPU) bool {
		return strings.EqualFold(c.UUID, gpu) && c.Since.Before(w.end) && c.Last.After(w.start)
	})
}

// facts are the events of a window. Their ids are not given yet: see identify.
type facts struct {
	window  *window
	mapping Mapping
	around  surroundings
	servers []placedServer
	ties    ties

	events []warehouse.Event
	keys   []string
}

// factsOf turns a window into events.
func factsOf(w *window, m Mapping, around surroundings) *facts {
	f := &facts{window: w, mapping: m, around: around}
	f.servers = w.placeServers(m, around.regions)
	f.ties = newTies(m.file.Ties, f.servers)
	for _, s := range f.servers {
		f.requests(s)
	}
	for _, name := range slices.Sorted(maps.Keys(w.gpus)) {
		f.gpu(w.gpus[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.hosts)) {
		f.host(w.hosts[name])
	}
	for _, key := range slices.Sorted(maps.Keys(w.trackers)) {
		f.tracker(key, w.trackers[key])
	}
	return f
}

// add adds an event. The key tells it from all others of the window, and stays.
func (f *facts) add(key string, p placement, e warehouse.Event) {
	e.Time, e.Duration, e.Source = f.window.start, f.window.end.Sub(f.window.start), f.mapping.Source()
	e.Model, e.Project, e.Endpoint, e.Region, e.Workload = p.model, p.project, p.endpoint, p.region, p.workload
	if e.Workload == "" {
		e.Workload = kpi.WorkloadInference
	}
	f.events, f.keys = append(f.events, e), append(f.keys, key)
}

// requests are a server's, with the tokens on the first event and each latency on its
// own.
func (f *facts) requests(s placedServer) {
	left := s.work.requests
	input, output := s.work.input, s.work.output
	for _, part := range s.work.latencies {
		took := part.took
		f.add(fmt.Sprintf("server\x00%s\x00%d", s.key, part.bucket), s.place, warehouse.Event{Requests: part.requests, InputTokens: input, OutputTokens: output,
			Latency: &took, Measured: true})
		left, input, output = left-part.requests, 0, 0
		f.window.notes.wide(part.width)
	}
	if left > 0 || input > 0 || output > 0 {
		f.add("server\x00"+s.key, s.place, warehouse.Event{Requests: left, InputTokens: input, OutputTokens: output, Measured: true})
	}
}

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

func (f *facts) gpu(g *gpuWindow) {
	parts, whole := g.parts(f.window.labels)
	if len(parts) == 0 {
		return
	}
	if f.around.collectedAt(g.uuid, f.window) {
		f.window.notes.collected[g.uuid] = true
		return
	}
	chosen, counted := g.chosen()
	if !counted {
		f.window.notes.integrated[g.uuid] = true
	}
	f.window.notes.metered += whole
	var isIdle *bool
	if g.known {
		unused := !g.used
		isIdle = &unused
	}
	if chosen.metric.quantity == nodeGPUJoules {
		f.keplerGPU(g, parts)
		return
	}
	for _, p := range parts {
		f.allocate(part{key: "gpu\x00" + g.uuid + "\x00" + p.holder, labels: f.window.labels[p.holder], energy: p.energy, hours: p.hours, memory: p.memory,
			measured: p.measured, idle: isIdle, byNamespace: true})
	}
}

// keplerGPU divides a GPU as Kepler does: each pod has what it counted, and what is left
// the GPU drew without work.
func (f *facts) keplerGPU(g *gpuWindow, parts []heldPart) {
	for _, p := range parts {
		l := f.window.labels[p.holder]
		var pods map[string]*podEnergy
		if host := f.window.hosts[l[labelHost]]; host != nil {
			pods = host.gpuPods[l["gpu"]]
		}
		busy, rest := podParts(p.energy, pods)
		hours := func(energy kpi.NanowattHours) float64 {
			if p.energy <= 0 {
				return 0
			}
			return p.hours * float64(energy) / float64(p.energy)
		}
		for _, pod := range busy {
			f.allocate(part{key: "gpu\x00" + g.uuid + "\x00" + pod.labels.identity("state"), labels: pod.labels, energy: pod.energy, hours: hours(pod.energy),
				measured: p.measured, byNamespace: true})
		}
		f.allocate(part{key: "gpu\x00" + g.uuid + "\x00idle", labels: l, energy: rest, hours: hours(rest), measured: p.measured, undone: true})
	}
}

// host gives the energy of a host's processors to the pods that are tied to servers or
// ruled, and the rest to nobody.
func (f *facts) host(h *hostWindow) {
	zone, ok := h.zone(f.mapping.file.Kepler.Zones)
	if !ok {
		return
	}
	name := h.labels[labelHost]
	f.window.notes.metered += h.active[zone] + h.idle[zone]
	busy, rest := podParts(h.active[zone], h.pods[zone])
	for _, pod := range busy {
		place, drop, err := f.mapping.meter(pod.labels, f.around.regions)
		if !drop && err == nil && place.project == "" && place.model == "" && len(f.ties.of(pod.labels)) == 0 {
			rest += pod.energy // of the many pods of a cluster that have no part in this
			continue
		}
		f.allocate(part{key: "host\x00" + name + "\x00" + pod.labels.identity("state"), labels: pod.labels, energy: pod.energy, measured: true})
	}
	f.allocate(part{key: "host\x00" + name + "\x00idle", labels: h.labels, energy: h.idle[zone], measured: true, undone: true})
	f.nobodys(part{key: "host\x00" + name + "\x00rest", labels: h.labels, energy: rest, measured: true})
}

func (f *facts) tracker(key string, t *trackerWindow) {
	energy, counted := t.itEnergy(f.mapping.file.CodeCarbon.PUE)
	if !counted {
		f.window.notes.integrated["CodeCarbon "+t.labels["project_name"]] = true
	}
	f.window.notes.metered += energy
	l := maps.Clone(t.labels)
	place, drop, err := f.mapping.meter(l, f.around.regions)
	if drop {
		f.window.notes.dropped++
		return
	}
	if err != nil {
		f.window.reject("codecarbon "+l.identity(), err)
		return
	}
	if place.project == "" {
		place.project = l["project_name"]
	}
	if place.workload == "" {
		place.workload = kpi.WorkloadTraining
	}
	if err := place.checkNames(); err != nil {
		f.window.reject("codecarbon "+describeLabels(l), err)
		return
	}
	f.energy("tracker\x00"+key, place, energy, 0, 0, counted)
}

// allocate gives a part to who it worked for.
//
//  1. A rule that names the model says it.
//  2. Else the servers that the ties find, in proportion to the output tokens that each
//     of their models made, or else to requests; that division is an estimate.
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
	switch tied := f.ties.of(p.labels); {
	case p.undone:
		f.energy(p.key, idle.in(place.region), p.energy, p.hours, p.memory, p.measured)
	case place.model != "":
		f.toRuled(p, place)
	case len(tied) > 0:
		f.toServers(p, place, tied)
	case place.project != "":
		f.toRuled(p, place)
	default:
		f.toNamespace(p, place)
	}
}

// toRuled gives a part to what the rules say, unless it did nothing: servers of the same
// name say so, else the GPU does.
func (f *facts) toRuled(p part, place placement) {
	known, served := false, false
	for _, s := range f.servers {
		if s.place.model == place.model && (place.endpoint == "" || s.place.endpoint == place.endpoint) && (place.project == "" || s.place.project == place.project) {
			known, served = true, served || s.work.served()
			if place.endpoint == "" {
				place.endpoint = s.place.endpoint
			}
			if place.project == "" {
				place.project = s.place.project
			}
		}
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
	weights := tokens
	if slices.Contains(tokens, 0) && !slices.Contains(requests, 0) || sum(tokens) == 0 {
		weights = requests
	}
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

// content is a hash of the events: two windows of the same content are the same.
func (f *facts) content() []byte {
	hash := sha256.New()
	for i, e := range f.events {
		var took int64
		if e.Latency != nil {
			took = int64(*e.Latency)
		}
		fmt.Fprintf(hash, "%q %q %q %q %q %q %d %d %d %d %t ", f.keys[i], e.Model, e.Project, e.Endpoint, e.Region, e.Workload, e.Requests, e.InputTokens, e.OutputTokens, took, e.Measured)
		for _, amount := range []float64{float64(e.ITEnergy), e.GPUHours, e.GPUMemoryHours} {
			_ = binary.Write(hash, binary.BigEndian, math.Float64bits(amount)) // never fails on a hash
		}
	}
	return hash.Sum(nil)
}

// identify gives the events their ids: a hash of the source, what each is of, the window
// and its revision. The same window gives the same ids.
func (f *facts) identify(revision int) []warehouse.Event {
	window := fmt.Sprintf("%s\x00%d\x00%d\x00%d\x00", f.mapping.Source(), f.window.start.Unix(), int(f.window.end.Sub(f.window.start)/time.Second), revision)
	for i := range f.events {
		f.events[i].ID = uuid.NewSHA1(eventNamespace, []byte(window+f.keys[i]))
	}
	return f.events
}
