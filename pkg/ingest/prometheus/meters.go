package prometheus

import (
	"maps"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

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
