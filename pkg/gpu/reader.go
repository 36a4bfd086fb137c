package gpu

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Reader asks the devices of this machine. Its calls may take as long as the
// driver pleases and cannot be interrupted. They may be made side by side, save
// that one device is never read twice at once, and that nothing else runs when
// Close is called.
type Reader interface {
	// Inventory lists the devices there are now, a MIG instance with its Parent.
	Inventory() (Inventory, error)
	// Read reads the device of this UUID: its measures, and at Time. An error means
	// that the device did not answer at all; a single measure that it does not give
	// is nil, with the reason in Unavailable.
	Read(uuid string) (Reading, error)
	// Close gives the driver up.
	Close() error
}

// Inventory is what a Reader found.
type Inventory struct {
	DriverVersion string
	Devices       []Identity
	// Notices are about devices that are there and cannot be listed.
	Notices []string
}

// Open makes a Reader. [StartSampler] opens one when it starts, and another whenever
// a device was lost, because drivers tell of a device that came back only to those
// who begin anew.
type Open func() (Reader, error)

// NVMLOptions says how to reach NVIDIA's management library.
type NVMLOptions struct {
	// Library is its file; empty means libnvidia-ml.so.1 where the system's linker
	// looks for libraries.
	Library string
}

// ErrNoNVML is returned by OpenNVML in a program that was built without NVML.
var ErrNoNVML = errors.New("this program cannot read GPUs: it was built without NVIDIA's management library, " +
	"which needs Linux, cgo and the build tag nvml; use the GPU reader beside the plugin, or the address of an agent on the GPU machine")

// newRetry spaces attempts that keep failing: from a second up to a minute.
func newRetry() *backoff.ExponentialBackOff {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval = time.Second
	retry.Multiplier = 2
	retry.RandomizationFactor = 0.2
	retry.MaxInterval = time.Minute
	return retry
}
