package prometheus

import (
	"maps"
	"slices"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// hostWindow is what Kepler says of a host over a window, by RAPL's zones.
type hostWindow struct {
	labels       labels
	active, idle map[string]kpi.NanowattHours
	pods         map[string]map[string]*podEnergy // by zone and series
	gpuPods      map[string]map[string]*podEnergy // by the GPU's number on the host
}

type podEnergy struct {
	labels labels
	energy kpi.NanowattHours
}

// count adds a step of a counter. A host of several sockets has a series for each.
func (h *hostWindow) count(m metric, key string, l labels, energy kpi.NanowattHours) {
	zone := l["zone"]
	if m.quantity == nodeActiveJoules || m.quantity == nodeIdleJoules {
		h.labels = l
	}
	switch m.quantity {
	case nodeActiveJoules:
		h.active[zone] += energy
	case nodeIdleJoules:
		h.idle[zone] += energy
	case podJoules:
		addPod(h.pods, zone, key, l, energy)
	case podGPUJoules:
		addPod(h.gpuPods, l["gpu"], key, l, energy)
	}
}

func addPod(to map[string]map[string]*podEnergy, of, key string, l labels, energy kpi.NanowattHours) {
	if to[of] == nil {
		to[of] = map[string]*podEnergy{}
	}
	if to[of][key] == nil {
		to[of][key] = &podEnergy{labels: l}
	}
	to[of][key].energy += energy
}

// zone is the one whose energy counts: zones overlap, and are never summed.
func (h *hostWindow) zone(order []string) (string, bool) {
	for _, zone := range order {
		_, active := h.active[zone]
		_, idle := h.idle[zone]
		if active || idle {
			return zone, true
		}
	}
	return "", false
}

// podPart is what a pod has of a whole.
type podPart struct {
	labels labels
	energy kpi.NanowattHours
}

// podParts divides a whole: each pod has what it counted, and the rest is nobody's.
// Where the pods counted more than there is, as when one ended in between, they have it
// in proportion.
func podParts(whole kpi.NanowattHours, pods map[string]*podEnergy) (parts []podPart, rest kpi.NanowattHours) {
	keys := slices.Sorted(maps.Keys(pods))
	weights := make([]int64, len(keys))
	var counted kpi.NanowattHours
	for i, key := range keys {
		weights[i] = int64(pods[key].energy)
		counted += pods[key].energy
	}
	shares := make([]kpi.NanowattHours, len(keys))
	for i := range keys {
		shares[i] = kpi.NanowattHours(weights[i])
	}
	if counted > whole {
		shares = kpi.ShareByWeights(whole, weights)
		counted = whole
	}
	for i, key := range keys {
		parts = append(parts, podPart{pods[key].labels, shares[i]})
	}
	return parts, whole - counted
}
