package prometheus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// window is what was counted and measured over a span of time: of samples later than its
// start and no later than its end. What lies between two samples is the later one's, so
// that windows add up to the whole.
type window struct {
	start, end time.Time

	gpus     map[string]*gpuWindow     // by UUID
	servers  map[string]*serverWindow  // by identity
	hosts    map[string]*hostWindow    // Kepler's, by host
	trackers map[string]*trackerWindow // CodeCarbon's, by identity
	labels   map[string]labels         // of holders

	samples  int
	rejected []rejected
	notes    *notes
}

// rejected is a series that does not count in the window, and why.
type rejected struct {
	series string
	reason error
}

func newWindow(start, end time.Time, notes *notes) *window {
	return &window{start: start, end: end, gpus: map[string]*gpuWindow{}, servers: map[string]*serverWindow{}, hosts: map[string]*hostWindow{},
		trackers: map[string]*trackerWindow{}, labels: map[string]labels{}, notes: notes}
}

func (w *window) reject(series string, reason error) {
	if !slices.ContainsFunc(w.rejected, func(r rejected) bool { return r.series == series && r.reason.Error() == reason.Error() }) {
		w.rejected = append(w.rejected, rejected{series, reason})
	}
}

// spoiled notes a series with samples that cannot be: it is rejected where it has no
// others.
func (w *window) spoiled(series, reason string, good int) {
	if good == 0 {
		w.reject(series, fmt.Errorf("none of its samples can be: %s", reason))
		return
	}
	w.notes.spoiled++
}

// begin takes the first reading of a meter in, from which counting begins.
func (w *window) begin(m metric, key string, r reading, all map[string]labels) {
	w.samples++
	w.remember(r, all)
	switch m.quantity {
	case gpuMillijoules, gpuJoules, nodeGPUJoules, gpuWatts:
		w.gpu(key).see(m, r)
	case gpuUtilization:
		w.gpu(key).busy(r.value)
	}
}

// take takes a reading in, from the one before it.
func (w *window) take(m metric, key string, known *meter, r reading, all map[string]labels) {
	w.samples++
	w.remember(r, all)
	l := known.labels
	if !m.quantity.isCounter() {
		w.measure(m, key, known, r)
		return
	}
	s := next(known.last, r.sample, m.quantity.most())
	if lasted := apart(known.last, r.sample); lasted > longestMeasure {
		w.notes.gap(m.source, lasted)
	}
	switch s.kind {
	case stepReset:
		w.notes.resets[m.source]++
	case stepBack:
		w.notes.back++
		return
	case stepBeyond:
		w.reject(m.name+" "+describeLabels(l), fmt.Errorf("its counter rose by %g in %s, more than can be: that step is not counted", s.to-s.from,
			apart(known.last, r.sample)))
		return
	}
	switch m.quantity {
	case gpuMillijoules, gpuJoules, nodeGPUJoules:
		w.gpu(key).count(m, s, known.last, r)
	case requestCount, inputTokens, outputTokens, latencyBucket:
		w.server(m, known).count(m, l, s.to-s.from)
	case nodeActiveJoules, nodeIdleJoules, podJoules, podGPUJoules:
		w.host(l).count(m, key, l, s.energy(m.quantity))
	case codecarbonKWh:
		w.tracker(known).counted(s.energy(m.quantity))
	}
}

func (w *window) measure(m metric, key string, known *meter, r reading) {
	before := known.last
	if m.quantity == gpuUtilization {
		uuid, _, _ := strings.Cut(key, "\x00")
		w.gpu(uuid).busy(r.value)
		return
	}
	sum, lasted, ok := integral(before, r.sample)
	if !ok {
		if lasted > longestMeasure {
			w.notes.gap(m.source, lasted)
		}
		return
	}
	switch m.quantity {
	case gpuWatts:
		w.gpu(key).draw(m, sum, lasted, r)
	case gpuMemoryMiB, gpuMemoryBytes, gpuEngine:
		uuid, _, _ := strings.Cut(key, "\x00")
		if m.quantity == gpuMemoryBytes {
			sum /= 1 << 20
		}
		w.gpu(uuid).hold(m, r, sum)
	case codecarbonCPU, codecarbonGPU, codecarbonRAM:
		w.tracker(known).drew(sum, lasted)
	}
}

func (w *window) remember(r reading, all map[string]labels) {
	for _, holder := range r.holders {
		if _, there := w.labels[holder]; !there {
			w.labels[holder] = all[holder]
		}
	}
}

func (w *window) gpu(uuid string) *gpuWindow {
	if w.gpus[uuid] == nil {
		w.gpus[uuid] = &gpuWindow{uuid: uuid, energy: map[string]*gpuEnergy{}, memory: map[string]float64{}, engine: map[string]float64{}}
	}
	return w.gpus[uuid]
}

func (w *window) server(m metric, of *meter) *serverWindow {
	key := m.source + "\x00" + of.of
	if w.servers[key] == nil {
		w.servers[key] = &serverWindow{source: m.source, labels: of.labels, counts: map[string]float64{}, buckets: map[string]map[string]float64{}}
	}
	return w.servers[key]
}

func (w *window) host(l labels) *hostWindow {
	name := l[labelHost]
	if w.hosts[name] == nil {
		w.hosts[name] = &hostWindow{labels: labels{}, active: map[string]kpi.NanowattHours{}, idle: map[string]kpi.NanowattHours{},
			pods: map[string]map[string]*podEnergy{}, gpuPods: map[string]map[string]*podEnergy{}}
	}
	return w.hosts[name]
}

func (w *window) tracker(of *meter) *trackerWindow {
	if w.trackers[of.of] == nil {
		w.trackers[of.of] = &trackerWindow{labels: of.labels}
	}
	return w.trackers[of.of]
}

func describeLabels(l labels) string {
	var all []string
	for _, name := range []string{"job", "UUID", "uuid", "gpu_uuid", labelHost, labelNamespace, labelPod, "instance", "model_name", "model"} {
		if l[name] != "" {
			all = append(all, fmt.Sprintf("%s=%q", name, l[name]))
		}
	}
	return "{" + strings.Join(all, ", ") + "}"
}
