package gpu

import "errors"

// Reader asks the devices of this machine. Its calls may take long or never return:
// a [Sampler] makes them in goroutines of their own. It is safe for concurrent use.
type Reader interface {
	// Identify lists the devices that are there, MIG instances among them.
	Identify() ([]Identity, error)
	// Read reads a device once. A device that is gone gives an error that is ErrLost.
	Read(device Identity) (Reading, error)
	// DriverVersion is empty where the driver does not tell.
	DriverVersion() string
	// Close lets go of the driver.
	Close() error
}

// ErrLost is that a device has stopped to answer until it is reset.
var ErrLost = errors.New("the device is lost")
