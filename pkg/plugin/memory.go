package plugin

import (
	"os"
	"runtime/debug"
)

const (
	// garbagePercent is how much garbage the process lets lie, in percent of what it
	// keeps. An answer leaves much behind and the plugin keeps little: at Go's own 100 a
	// collection runs every few answers and takes a quarter of the process's time.
	garbagePercent = 400
	// softMemoryLimit is from where on it collects as often as it takes, in bytes. The
	// program itself comes on top.
	softMemoryLimit = 48 << 20
)

// SetMemory sets how the process uses memory, for all that runs in it. Where the
// environment has GOGC or GOMEMLIMIT, that is what counts.
func SetMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryLimit)
	}
}
