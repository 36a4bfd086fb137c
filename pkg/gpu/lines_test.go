package gpu

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever another process sends, it is an error or a snapshot that can be sent on.
func FuzzLines(f *testing.F) {
	f.Add([]byte(lineOf("GPU-0", 5, 6)))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"time":"2026-11-02T00:00:00Z","devices":null}`))
	f.Add([]byte(`{"time":"2026-11-02T00:00:00Z","devices":[{"uuid":"GPU-0","energy_mj":-9223372036854775808,"gaps":-1}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		snapshot, err := parseLine(line)
		if err != nil {
			assert.ErrorContains(t, err, "is no snapshot")
			return
		}
		assert.NotNil(t, snapshot.Devices)
		joined := newContinuity().join(snapshot)
		_, err = json.Marshal(joined)
		require.NoError(t, err)
	})
}
