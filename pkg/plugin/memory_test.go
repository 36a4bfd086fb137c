package plugin_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
)

func TestMemoryIsSetUnlessTheEnvironmentSaysIt(t *testing.T) {
	t.Cleanup(func() { debug.SetGCPercent(100); debug.SetMemoryLimit(math.MaxInt64) })
	set := func() (percent int, limit int64) {
		debug.SetGCPercent(77)
		debug.SetMemoryLimit(1 << 40)
		plugin.SetMemory()
		return debug.SetGCPercent(77), debug.SetMemoryLimit(-1)
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent, limit := set()
	assert.Equal(t, 400, percent)
	assert.EqualValues(t, 48<<20, limit)

	t.Setenv("GOGC", "50")
	percent, limit = set()
	assert.Equal(t, 77, percent, "as it was")
	assert.EqualValues(t, 48<<20, limit)

	t.Setenv("GOMEMLIMIT", "1GiB")
	_, limit = set()
	assert.EqualValues(t, 1<<40, limit)
}
