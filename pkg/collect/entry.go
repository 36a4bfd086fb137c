package collect

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// entry is a record of the spool: what was cut, and the state after it.
type entry struct {
	Devices []warehouse.GPUDevice `json:"devices,omitempty"`
	Samples []warehouse.GPUSample `json:"samples,omitempty"`
	Facts   []fact                `json:"facts,omitempty"`
	State   state                 `json:"state"`
}

// state is all that the next interval goes on from.
type state struct {
	Meters map[string]meter `json:"meters,omitempty"` // by GPU UUID
	Open   []fact           `json:"open,omitempty"`   // of the minutes that are not over
}

// factKey is what the energy of a fact is counted for.
type factKey struct {
	GPU    string `json:"gpu"`
	Region string `json:"region"`
	Assignment
	Measured bool `json:"measured"`
}

// fact is what a project used of a GPU over the intervals of a minute. GPU is the
// meter's; the warehouse's event has no field for it but in its id.
type fact struct {
	factKey
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end"`
	Minute   time.Time         `json:"minute"`
	Sequence int64             `json:"sequence"` // of the first interval
	Energy   kpi.NanowattHours `json:"energy_nwh"`
	// GPUHours is the interval by the share of the energy, MemoryHours GiB·h held.
	GPUHours    float64 `json:"gpu_hours"`
	MemoryHours float64 `json:"memory_hours"`
}

// source is what facts say wrote them.
const source = "nvml"

// factNamespace sets the agent's event ids apart from all other UUIDs of version 5.
var factNamespace = uuid.MustParse("c0a8f3c2-2b0e-4f6e-9d8b-3a4f5c1e7d60")

// event is the fact as the warehouse takes it. Its id is made of what it is, so that it
// is stored once however often it is sent.
func (f fact) event() warehouse.Event {
	content := ""
	for _, part := range []string{source, f.GPU, f.Start.UTC().Format(time.RFC3339Nano), fmt.Sprint(f.Sequence), f.Region, f.Project, f.Model,
		f.Endpoint, string(f.Workload), fmt.Sprint(f.Measured)} {
		content += fmt.Sprintf("%d:%s\x00", len(part), part)
	}
	return warehouse.Event{
		ID: uuid.NewSHA1(factNamespace, []byte(content)), Time: f.Start, Duration: f.End.Sub(f.Start),
		Model: f.Model, Project: f.Project, Endpoint: f.Endpoint, Region: f.Region, Workload: f.Workload,
		ITEnergy: f.Energy.KilowattHours(), Measured: f.Measured, GPUHours: f.GPUHours, GPUMemoryHours: f.MemoryHours, Source: source,
	}
}

// add takes another fact of the same key that follows.
func (f *fact) add(next fact) {
	f.Energy += next.Energy
	f.GPUHours += next.GPUHours
	f.MemoryHours += next.MemoryHours
	if next.End.After(f.End) {
		f.End = next.End
	}
}
