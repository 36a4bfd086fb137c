package prometheus

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// gpuWindow is what is known of a GPU over a window. A holder is a series that says of
// the GPU whose it is: a pod, a MIG instance of a pod, or nobody.
type gpuWindow struct {
	uuid string
	// energy by the metric it was read from: a counter of one exporter, its power, or
	// those of another.
	energy map[string]*gpuEnergy
	// memory in MiB·s and the use of the engine in s, by holder.
	memory, engine map[string]float64
	// used says that a kernel ran, known that anything says whether one did.
	used, known bool
}

type gpuEnergy struct {
	metric metric
	// sets are the energies by who held the GPU together at the time.
	sets map[string]*heldEnergy
}

type heldEnergy struct {
	holders []string
	energy  kpi.NanowattHours
	joules  float64 // of power, which is not counted but integrated
	lasted  time.Duration
}

func (g *gpuWindow) energyOf(m metric) *gpuEnergy {
	if g.energy[m.name] == nil {
		g.energy[m.name] = &gpuEnergy{metric: m, sets: map[string]*heldEnergy{}}
	}
	return g.energy[m.name]
}

func (e *gpuEnergy) held(holders []string) *heldEnergy {
	key := holders[0]
	if len(holders) > 1 {
		holders = slices.Compact(slices.Sorted(slices.Values(holders)))
		key = strings.Join(holders, "\x01")
	}
	if e.sets[key] == nil {
		e.sets[key] = &heldEnergy{holders: holders}
	}
	return e.sets[key]
}

// see notes who holds the GPU, though nothing is counted yet.
func (g *gpuWindow) see(m metric, r reading) { g.energyOf(m).held(r.holders) }

// count adds a step of the counter. It belongs to who holds the GPU at its end, and to
// the window of its end, with the time it took: that of a gap is not known to be the
// GPU's beyond what a measure holds.
func (g *gpuWindow) count(m metric, s step, before sample, r reading) {
	held := g.energyOf(m).held(r.holders)
	held.energy += s.energy(m.quantity)
	held.lasted += min(apart(before, r.sample), longestMeasure)
}

// draw adds what power comes to between two samples, which counts whole where it ends:
// the window before is closed already and has none of it.
func (g *gpuWindow) draw(m metric, joules float64, lasted time.Duration, r reading) {
	held := g.energyOf(m).held(r.holders)
	held.joules += joules
	held.lasted += lasted
}

func (g *gpuWindow) busy(value float64) { g.used, g.known = g.used || value > 0, true }

func (g *gpuWindow) hold(m metric, r reading, sum float64) {
	to := g.memory
	if m.quantity == gpuEngine {
		to = g.engine
		g.busy(r.value)
	}
	for _, holder := range r.holders {
		to[holder] += sum / float64(len(r.holders))
	}
}

// heldPart is what a holder has of a GPU.
type heldPart struct {
	holder   string
	energy   kpi.NanowattHours
	hours    float64 // GPU hours
	memory   float64 // GiB·h
	measured bool
}

// chosen is the energy that counts: the first counter by the order of sources, else the
// first power.
func (g *gpuWindow) chosen() (chosen *gpuEnergy, counted bool) {
	rank := func(e *gpuEnergy) int {
		rank := sourceRank(e.metric.source) * 1000
		if e.metric.quantity == gpuWatts {
			rank += 100_000
		}
		return rank + slices.IndexFunc(catalog, func(m metric) bool { return m.name == e.metric.name })%1000
	}
	for _, name := range slices.Sorted(maps.Keys(g.energy)) {
		e := g.energy[name]
		if chosen == nil || rank(e) < rank(chosen) {
			chosen = e
		}
	}
	return chosen, chosen != nil && chosen.metric.quantity != gpuWatts
}

// parts are what each holder has. Holders that share the GPU have as much each as they
// used its engine, where that is known of all, else the same; both are estimates. The
// parts add up to what the GPU's counter moved by.
func (g *gpuWindow) parts(of map[string]labels) (parts []heldPart, whole kpi.NanowattHours) {
	e, counted := g.chosen()
	if e == nil {
		return nil, 0
	}
	byHolder := map[string]*heldPart{}
	joules := 0.0
	for _, key := range slices.Sorted(maps.Keys(e.sets)) {
		held := e.sets[key]
		energy := held.energy
		if !counted {
			energy = kpi.NanowattHoursBetweenJoules(joules, joules+held.joules)
			joules += held.joules
		}
		whole += energy
		holders := nearest(held.holders, of)
		weights := g.weights(holders)
		shares := kpi.ShareByWeights(energy, weights)
		for i, holder := range holders {
			if byHolder[holder] == nil {
				byHolder[holder] = &heldPart{holder: holder, measured: counted}
			}
			p := byHolder[holder]
			p.energy += shares[i]
			p.hours += held.lasted.Hours() * float64(weights[i]) / float64(sum(weights))
			p.measured = p.measured && len(holders) == 1
		}
	}
	for _, holder := range slices.Sorted(maps.Keys(byHolder)) {
		parts = append(parts, *byHolder[holder])
	}
	g.remember(parts)
	return parts, whole
}

// nearest leaves out the series of the GPU as a whole where there are those of its
// instances or its pods beside it, which are who holds it.
func nearest(holders []string, of map[string]labels) []string {
	for _, label := range []string{"GPU_I_ID", labelPod} {
		named := slices.DeleteFunc(slices.Clone(holders), func(holder string) bool { return of[holder][label] == "" })
		if len(named) > 0 {
			return named
		}
	}
	return holders
}

// weights are in parts of a million, so that all of a window's fit.
func (g *gpuWindow) weights(holders []string) []int64 {
	weights, known := make([]int64, len(holders)), true
	for i, holder := range holders {
		used, there := g.engine[holder]
		weights[i], known = int64(math.Round(used*1e6)), known && there
	}
	if len(holders) == 1 || !known || sum(weights) == 0 {
		for i := range weights {
			weights[i] = 1
		}
	}
	return weights
}

func sum(weights []int64) (all int64) {
	for _, weight := range weights {
		all += weight
	}
	return all
}

// remember gives each part the memory that its holder held: of the same series' labels,
// else, where the exporter tells of memory by other labels, in the parts' proportion.
func (g *gpuWindow) remember(parts []heldPart) {
	const mebibyteSecondsPerGibibyteHour = 1024 * 3600
	left, hours := 0.0, 0.0
	for _, holder := range slices.Sorted(maps.Keys(g.memory)) {
		i := slices.IndexFunc(parts, func(p heldPart) bool { return p.holder == holder })
		if i < 0 {
			left += g.memory[holder]
			continue
		}
		parts[i].memory += g.memory[holder] / mebibyteSecondsPerGibibyteHour
	}
	for _, p := range parts {
		hours += p.hours
	}
	for i := range parts {
		if hours > 0 {
			parts[i].memory += left / mebibyteSecondsPerGibibyteHour * parts[i].hours / hours
		}
	}
}
