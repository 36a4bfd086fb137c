package pluginprocess_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/pluginprocess"
)

func startEcho(t *testing.T) *pluginprocess.Process {
	t.Helper()
	executable := filepath.Join(t.TempDir(), "gpx_echo.exe") // the suffix that Windows wants harms nobody
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", executable, "./testdata/echo").CombinedOutput()
	require.NoError(t, err, string(output))
	process, err := pluginprocess.Start(pluginprocess.Options{
		Executable: executable,
		Context: backend.PluginContext{PluginID: "wattscore-echo-datasource", OrgID: 1,
			DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{UID: "echo", JSONData: []byte(`{}`),
				DecryptedSecureJSONData: map[string]string{"password": "secret"}}},
		Log: t.Output(),
	})
	require.NoError(t, err)
	t.Cleanup(process.Stop)
	return process
}

func TestThePluginIsAskedAsGrafanaAsks(t *testing.T) {
	process := startEcho(t)

	t.Run("queries", func(t *testing.T) {
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		responses, err := process.QueryData(t.Context(),
			backend.DataQuery{RefID: "A", JSON: []byte(`{"x":1}`), TimeRange: backend.TimeRange{From: from, To: from.Add(time.Hour)}},
			backend.DataQuery{RefID: "B", QueryType: "fail", JSON: []byte(`{}`), TimeRange: backend.TimeRange{From: from, To: from}})
		require.NoError(t, err)
		require.NoError(t, responses["A"].Error)
		frame := responses["A"].Frames[0]
		for i, want := range []string{`{"x":1}`, from.String(), "secret", ""} {
			assert.Equal(t, want, frame.Fields[i].At(0), frame.Fields[i].Name)
		}
		assert.ErrorContains(t, responses["B"].Error, "no such type")
		assert.Equal(t, backend.StatusBadRequest, responses["B"].Status)
		assert.Equal(t, backend.ErrorSourceDownstream, responses["B"].ErrorSource)
	})

	t.Run("health", func(t *testing.T) {
		result, err := process.CheckHealth(t.Context())
		require.NoError(t, err)
		assert.Equal(t, backend.HealthStatusOk, result.Status)
		assert.Equal(t, "well: echo", result.Message)
	})

	t.Run("resources", func(t *testing.T) {
		response, err := process.CallResource(t.Context(), &backend.CallResourceRequest{Path: "parts", URL: "parts?word=last", Method: http.MethodGet})
		require.NoError(t, err)
		assert.Equal(t, http.StatusAccepted, response.Status)
		assert.Equal(t, "first second last", string(response.Body))
	})

	t.Run("stop", func(t *testing.T) {
		process.Stop()
		assert.True(t, process.Exited())
		_, err := process.CheckHealth(t.Context())
		assert.Error(t, err, "a stopped plugin answers nothing")
	})
}

func TestAnExecutableThatIsNoPlugin(t *testing.T) {
	_, err := pluginprocess.Start(pluginprocess.Options{Executable: filepath.Join(t.TempDir(), "missing")})
	assert.ErrorContains(t, err, "missing")
}
