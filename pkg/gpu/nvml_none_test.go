//go:build !(linux && cgo && nvml)

package gpu

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWithoutNVMLItSaysWhatToDo(t *testing.T) {
	_, err := OpenNVML(NVMLOptions{})
	assert.ErrorIs(t, err, ErrNoNVML)
	assert.ErrorContains(t, err, "use the GPU reader beside the plugin, or the address of an agent")
}
