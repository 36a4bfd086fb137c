package gpu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocalStartsNothingWithoutADriverOrAReader(t *testing.T) {
	device := filepath.Join(t.TempDir(), "nvidiactl")
	require.NoError(t, os.WriteFile(device, nil, 0o600))
	for name, c := range map[string]struct {
		device string
		find   func() (string, error)
		says   string
	}{
		"no driver": {device + "0", func() (string, error) { return os.Args[0], nil }, "this machine has no NVIDIA driver: stat " + device + "0"},
		"no reader": {device, func() (string, error) { return "", errors.New("it is not there") }, "it is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			feed := localWith(ctx, c.device, c.find)
			assert.Contains(t, feed.Snapshot().Problem, c.says)
			assert.Empty(t, feed.Snapshot().Devices)
			stop()
			<-feed.Done()
		})
	}
}

func TestTheReaderStandsBesideTheProgram(t *testing.T) {
	_, err := FindReader()
	require.Error(t, err, "a test's program stands alone")
	assert.Contains(t, err.Error(), "GPU")
}
