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
