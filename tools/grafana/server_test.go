package grafana

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func options(t *testing.T) Options {
	t.Helper()
	plugin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(plugin, "plugin.json"), []byte("{}"), 0o644))
	return Options{
		PluginID: "a-b-datasource", Plugin: plugin, Provisioning: t.TempDir(), Dashboards: t.TempDir(),
		HomeDashboard: "executive.json", Directory: t.TempDir(),
	}
}

func TestStart(t *testing.T) {
	installation, err := openHome(fakeHome(t))
	require.NoError(t, err)
	wanted := options(t)

	server, err := Start(t.Context(), installation, wanted)

	require.NoError(t, err)
	t.Cleanup(server.Stop)
	assert.FileExists(t, filepath.Join(wanted.Directory, "plugins", "a-b-datasource", "plugin.json"))
	require.NoError(t, server.CheckDataSource(t.Context(), "good"))
	assert.EqualError(t, server.CheckDataSource(t.Context(), "bad"), "no route to the database")

	second, err := Start(t.Context(), installation, options(t))
	require.NoError(t, err, "a taken port is no obstacle")
	t.Cleanup(second.Stop)
	assert.NotEqual(t, server.URL, second.URL)

	server.Stop()
	_, err = http.Get(server.URL + "/api/health")
	assert.Error(t, err, "a stopped Grafana answers nothing")
}

func TestAGrafanaThatFailsShowsItsLog(t *testing.T) {
	t.Setenv("FAKE_GRAFANA_FAILS", "yes")
	installation, err := openHome(fakeHome(t))
	require.NoError(t, err)

	_, err = Start(t.Context(), installation, options(t))

	assert.ErrorContains(t, err, "it ended")
	assert.ErrorContains(t, err, "the database is locked")
}

func TestTheEnvironment(t *testing.T) {
	t.Setenv("GF_SERVER_HTTP_PORT", "1") // of another Grafana on this machine
	wanted := options(t)
	wanted.Port = 3210
	wanted.Environment = map[string]string{"WATTSCORE_HOST": "127.0.0.1:5432"}
	s, err := prepare(wanted)
	require.NoError(t, err)

	environment := home{executable: "grafana"}.command(s).Env

	for _, want := range []string{
		"GF_SERVER_HTTP_ADDR=127.0.0.1", "GF_SERVER_HTTP_PORT=3210", "GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS=a-b-datasource",
		"GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer", "GF_PATHS_PROVISIONING=" + wanted.Provisioning, "GF_PATHS_PLUGINS=" + filepath.Join(wanted.Directory, "plugins"),
		"WATTSCORE_DASHBOARDS=" + wanted.Dashboards, "WATTSCORE_HOST=127.0.0.1:5432",
	} {
		assert.Contains(t, environment, want)
	}
	assert.NotContains(t, environment, "GF_SERVER_HTTP_PORT=1")
}
