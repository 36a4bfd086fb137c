package gpu

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// driverDevice is there where an NVIDIA driver is.
const driverDevice = "/dev/nvidiactl"

// FindReader returns the reader program that stands beside this one. The error says
// why this machine has no readings.
func FindReader() (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("GPU readings need Linux: NVML has no other home. Run wattctl collect on the GPU's host")
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for the GPU reader beside this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(own), ReaderFileName(runtime.GOOS, runtime.GOARCH))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the GPU reader is not beside this program: %w", err)
	}
	return path, nil
}

// Local is a Watcher over this machine's GPUs, or over nothing and a Problem that says
// why. It starts no program where there is no driver.
func Local() Watcher {
	none := &broadcast{}
	if _, err := os.Stat(driverDevice); err != nil {
		none.send(Snapshot{Time: time.Now(), Devices: []Reading{}, Problem: "This machine has no NVIDIA driver (" + driverDevice + " is not there)."})
		return none
	}
	path, err := FindReader()
	if err != nil {
		none.send(Snapshot{Time: time.Now(), Devices: []Reading{}, Problem: err.Error() + "."})
		return none
	}
	return StartReader(path)
}
