package warehouse

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// GPUSample is a GPU over one interval. A nil measure is one the device did not give.
type GPUSample struct {
	// UUID, Time and Sequence make writing idempotent: they are stored once.
	UUID string
	// Time is the interval's end, Start its beginning.
	Start, Time time.Time
	// Sequence is the agent's own count of the GPU's intervals, which tells two apart
	// that a clock which was set back gave the same time.
	Sequence int64

	Host, Region, Name string
	DriverVersion      string // empty: not known

	PowerWatts *float64 // mean power of the interval
	PowerLimit *float64 // W
	Scope      string   // "gpu", "module" or empty
	// EnergyCounterMillijoules is the device's counter at the interval's end.
	EnergyCounterMillijoules *int64
	// Energy is of the interval, in nWh. Of it projects have Attributed, and Idle was
	// drawn without work; no rule gives the rest to anybody.
	Energy, Attributed, Idle *int64
	// SplitMeasured says that Attributed and Idle are by measured utilisation.
	SplitMeasured bool
	// Method is "counter" or "integrated"; empty where Energy is nil.
	Method string
	// Gaps are resets, losses and pauses over which energy may be missing.
	Gaps int

	Utilization      *float64 // mean of the interval, 0 to 1
	MemoryUsedBytes  *int64
	MemoryTotalBytes *int64
	TemperatureC     *float64
}

// GPUDevice is a GPU as it was last seen. An empty text and a nil pointer say nothing.
type GPUDevice struct {
	UUID, Host, Region, Name string
	Index                    int
	Serial                   string // of the board
	BoardPartNumber, VBIOS   string
	PCIAddress               string
	MemoryTotalBytes         *int64
	DriverVersion            string
	Parent                   string // the GPU that a MIG instance is a part of
	Accelerator              string // the published name it may have in the accelerator table
	SeenAt                   time.Time
	Lost                     string // why it does not answer
	Health                   GPUHealth
}

// GPUHealth holds the counters that tell a worn device from a sound one, as read.
type GPUHealth struct {
	CorrectedECC, UncorrectedECC *int64
	RemappedRows, RetiredPages   *int64
	RemapPending, RemapFailed    *bool
	ThrottleReasons              []string
	ThrottledNanosecs            *int64
}

// GPUBatch is what an agent writes at once. A device stands in it once.
type GPUBatch struct {
	Devices []GPUDevice
	Samples []GPUSample
}

// GPUResult says what became of a batch.
type GPUResult struct {
	Stored    int // samples that are new
	Unchanged int // samples that were there already
	Rejected  []Rejection
	// RejectedDevices are the devices that cannot be stored, by their place.
	RejectedDevices []Rejection
	// Deployed are the serial numbers of assets that came into service.
	Deployed []string
}

var errUnknownRegion = errors.New("import its factors first, or correct the code")

// Validate returns why the sample cannot be stored, or nil.
func (s *GPUSample) Validate() error {
	switch {
	case s.UUID == "":
		return errors.New("the sample does not say its GPU")
	case s.Host == "" || s.Name == "":
		return errors.New("the sample does not say its host and the GPU's name")
	case s.Time.Before(EarliestEvent) || !s.Time.Before(calendarEnd):
		return fmt.Errorf("time %s is not between %d and %d", s.Time.UTC().Format(time.RFC3339), EarliestEvent.Year(), calendarEnd.Year()-1)
	case s.Start.After(s.Time):
		return errors.New("the sample ends before it begins")
	case s.Energy != nil && s.Method != "counter" && s.Method != "integrated":
		return fmt.Errorf("unknown method %q: it must be counter or integrated", s.Method)
	case s.Scope != "" && s.Scope != "gpu" && s.Scope != "module":
		return fmt.Errorf("unknown scope %q: it must be gpu or module", s.Scope)
	case s.Utilization != nil && !(*s.Utilization >= 0 && *s.Utilization <= 1):
		return fmt.Errorf("utilisation %g is not between 0 and 1", *s.Utilization)
	case s.Gaps < 0:
		return errors.New("gaps must not be negative")
	case s.TemperatureC != nil && !(math.Abs(*s.TemperatureC) < 1000):
		return fmt.Errorf("temperature %g °C is no temperature", *s.TemperatureC)
	}
	amounts := []struct {
		name   string
		amount *int64
	}{
		{"energy", s.Energy}, {"attributed energy", s.Attributed}, {"idle energy", s.Idle},
		{"energy counter", s.EnergyCounterMillijoules}, {"memory used", s.MemoryUsedBytes}, {"memory", s.MemoryTotalBytes},
	}
	for _, a := range amounts {
		if a.amount != nil && *a.amount < 0 {
			return fmt.Errorf("%s %d is negative", a.name, *a.amount)
		}
	}
	for name, watts := range map[string]*float64{"power": s.PowerWatts, "power limit": s.PowerLimit} {
		if err := checkAmount(name, watts, 0); err != nil {
			return err
		}
	}
	if s.Attributed != nil || s.Idle != nil {
		if s.Energy == nil || s.Attributed == nil || s.Idle == nil || *s.Attributed > *s.Energy-*s.Idle {
			return errors.New("attributed and idle energy are not parts of the sample's energy")
		}
	}
	return checkText(s.UUID, s.Host, s.Name, s.DriverVersion)
}

// Validate returns why the device cannot be stored, or nil.
func (d *GPUDevice) Validate() error {
	switch {
	case d.UUID == "":
		return errors.New("the device has no UUID")
	case d.Host == "" || d.Name == "":
		return errors.New("the device does not say its host and name")
	case d.SeenAt.Before(EarliestEvent) || !d.SeenAt.Before(calendarEnd):
		return fmt.Errorf("time %s is not between %d and %d", d.SeenAt.UTC().Format(time.RFC3339), EarliestEvent.Year(), calendarEnd.Year()-1)
	}
	texts := append([]string{d.UUID, d.Host, d.Name, d.Serial, d.BoardPartNumber, d.VBIOS, d.PCIAddress, d.DriverVersion, d.Parent, d.Lost},
		d.Health.ThrottleReasons...)
	return checkText(texts...)
}
