package gpu

import (
	"context"
	"time"
)

// Source gives the latest snapshot. It answers from memory and never waits for a
// driver or a network.
type Source interface {
	// Snapshot is the newest there is. Its Problem says why Devices is empty or old.
	Snapshot() Snapshot
}

// Watcher is a Source that says when there is a newer snapshot.
type Watcher interface {
	Source
	// Watch sends the newest snapshot, if there is one, and each new one until ctx
	// ends, then closes the channel. A receiver that is slow misses snapshots, never
	// energy: Energy is cumulative.
	Watch(ctx context.Context) <-chan Snapshot
}

// Snapshot is all devices of one host at one moment. Receivers share what it
// points to and change nothing in it.
type Snapshot struct {
	Host string    `json:"host"`
	Time time.Time `json:"time"`
	// Since is when EnergyMillijoules began to count.
	Since         time.Time `json:"since"`
	DriverVersion string    `json:"driver_version,omitempty"`
	Devices       []Reading `json:"devices"`
	// Problem says why there are no readings and what to do, or is empty.
	Problem string `json:"problem,omitempty"`
	// Notices say what is wrong though there are readings, such as a GPU that does
	// not even tell who it is.
	Notices []string `json:"notices,omitempty"`
}

// Method says how energy was had.
type Method string

const (
	// MethodCounter is the device's own energy counter.
	MethodCounter Method = "counter"
	// MethodIntegrated is power over time, where a device has no counter.
	MethodIntegrated Method = "integrated"
)

// Scope says what a device's power reading takes in.
type Scope string

const (
	// ScopeGPU is the board: GPU and its memory.
	ScopeGPU Scope = "gpu"
	// ScopeModule is a whole superchip, CPU and memory with it (Grace Hopper).
	ScopeModule Scope = "module"
)

// Identity is what does not change while a device is in its machine.
type Identity struct {
	UUID   string `json:"uuid"`
	Index  int    `json:"index"`
	Name   string `json:"name"`
	Serial string `json:"serial,omitempty"` // of the board; GeForce cards have none
	// BoardPartNumber and VBIOS tell what was bought from what it runs.
	BoardPartNumber  string `json:"board_part_number,omitempty"`
	VBIOS            string `json:"vbios,omitempty"`
	PCIAddress       string `json:"pci_address,omitempty"`
	MemoryTotalBytes *int64 `json:"memory_total_bytes,omitempty"`
	// Parent is the UUID of the GPU a MIG instance is a part of, or empty. NVML
	// measures no power of an instance, so only parents have power and energy.
	Parent string `json:"parent,omitempty"`
}

// Reading is a device at one moment. A nil measure is one the device does not
// give; Unavailable says why. Nothing unknown is ever 0.
type Reading struct {
	Identity
	Time       time.Time `json:"time"`
	PowerWatts *float64  `json:"power_watts,omitempty"`
	PowerLimit *float64  `json:"power_limit_watts,omitempty"`
	PowerScope Scope     `json:"power_scope,omitempty"`
	// EnergyCounterMillijoules is the device's counter as it stands. It starts
	// again at 0 when the driver is reloaded.
	EnergyCounterMillijoules *int64 `json:"energy_counter_mj,omitempty"`
	// EnergyMillijoules is what the sampler has added up since it began, by
	// EnergyMethod: it only ever grows, through counter resets too.
	EnergyMillijoules *int64 `json:"energy_mj,omitempty"`
	EnergyMethod      Method `json:"energy_method,omitempty"`
	// Gaps counts the resets, losses and pauses over which energy may be missing;
	// what is known of it (a lower bound) is in EnergyMillijoules.
	Gaps int `json:"gaps,omitempty"`

	Utilization     *float64  `json:"utilization,omitempty"` // 0 to 1: the share of time a kernel ran
	MemoryUsedBytes *int64    `json:"memory_used_bytes,omitempty"`
	TemperatureC    *float64  `json:"temperature_c,omitempty"`
	Processes       []Process `json:"processes,omitempty"`
	Health          Health    `json:"health"`

	// Unavailable says why a measure is nil, by its JSON name.
	Unavailable map[string]string `json:"unavailable,omitempty"`
	// Lost says that the device did not answer, and why; its measures are the last known.
	Lost string `json:"lost,omitempty"`
}

// Process is what runs on a device.
type Process struct {
	PID             int    `json:"pid"` // of the host
	MemoryUsedBytes *int64 `json:"memory_used_bytes,omitempty"`
	// Utilization is the process's share of the device's time, 0 to 1; nil where
	// the device does not tell (MIG).
	Utilization *float64 `json:"utilization,omitempty"`
}

// Health is what tells a worn device from a sound one. Counts are since the
// device was made where it keeps them, else since the driver was loaded.
type Health struct {
	CorrectedECC    *int64   `json:"ecc_corrected,omitempty"`
	UncorrectedECC  *int64   `json:"ecc_uncorrected,omitempty"`
	RemappedRows    *int64   `json:"remapped_rows,omitempty"`
	RemapPending    *bool    `json:"remap_pending,omitempty"`
	RemapFailed     *bool    `json:"remap_failed,omitempty"`
	RetiredPages    *int64   `json:"retired_pages,omitempty"` // before Ampere
	ThrottleReasons []string `json:"throttle_reasons,omitempty"`
	// ThrottledNanosecs is at least how long heat or a power brake slowed it down;
	// keeping within the power limit is everyday work and not in it.
	ThrottledNanosecs *int64 `json:"throttled_ns,omitempty"`
}
