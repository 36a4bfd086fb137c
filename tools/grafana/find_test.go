package grafana

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

func TestGrafanaHome(t *testing.T) {
	directory := fakeHome(t)
	t.Setenv(HomeVariable, directory)

	found, err := Find(t.Context(), io.Discard)

	require.NoError(t, err)
	assert.Equal(t, "Grafana in "+directory, found.String())
	assert.Equal(t, project.ThisPlatform(), found.Platform())
	assert.Equal(t, "127.0.0.1:5432", found.Reach("127.0.0.1:5432"))
}

func TestAWrongGrafanaHomeIsNotPassedOver(t *testing.T) {
	empty, unbuilt := t.TempDir(), fakeHome(t)
	require.NoError(t, os.RemoveAll(filepath.Join(unbuilt, "public")))
	for directory, want := range map[string]string{empty: "there is no Grafana", unbuilt: "no public/build"} {
		t.Setenv(HomeVariable, directory)
		_, err := Find(t.Context(), io.Discard)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, HomeVariable)
		var notFound *NotFoundError
		assert.False(t, errors.As(err, &notFound), "a mistake is no reason to go on without")
	}
}

func TestOnPath(t *testing.T) {
	directory := fakeHome(t)
	t.Setenv("PATH", filepath.Join(directory, "bin"))

	found, err := onPath(t.Context(), io.Discard)

	require.NoError(t, err)
	assert.Contains(t, found.String(), filepath.Base(directory))

	t.Setenv("PATH", t.TempDir())
	_, err = onPath(t.Context(), io.Discard)
	assert.EqualError(t, err, "no grafana is on the PATH")
}

func TestInDocker(t *testing.T) {
	directory := fakeHome(t)
	fakeProgram(t, filepath.Join(directory, "bin"), "docker")
	t.Setenv("PATH", filepath.Join(directory, "bin"))

	t.Setenv("FAKE_DOCKER_PLATFORM", "windows/amd64")
	_, err := inDocker(t.Context(), io.Discard)
	assert.ErrorContains(t, err, "Grafana's image is for Linux")

	t.Setenv("FAKE_DOCKER_PLATFORM", "linux/arm64")
	_, err = inDocker(t.Context(), io.Discard)
	assert.ErrorContains(t, err, "no such host", "the engine's own word")

	t.Setenv("FAKE_DOCKER_IMAGE", "there")
	found, err := inDocker(t.Context(), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, project.Platform{OS: "linux", Arch: "arm64"}, found.Platform())

	t.Setenv("PATH", t.TempDir())
	_, err = inDocker(t.Context(), io.Discard)
	assert.EqualError(t, err, "no Docker engine answers")
}

func TestTheContainersCommand(t *testing.T) {
	s := settings{
		pluginID: "a-b-datasource", plugin: "/project/dist", address: "127.0.0.1", port: 3456, homeDashboard: "executive.json",
		paths: paths{provisioning: "/project/provisioning", dashboards: "/project/dashboards"},
		extra: map[string]string{"WATTSCORE_PASSWORD": "secret"},
	}
	tests := map[string]struct {
		shared      bool
		wantArgs    []string
		wantEnv     []string
		wantAddress string
	}{
		"on this machine's network": {true, []string{"--network host"}, []string{"GF_SERVER_HTTP_ADDR=127.0.0.1"}, "127.0.0.1:5432"},
		"behind a virtual machine":  {false, []string{"--publish 127.0.0.1:3456:3456"}, []string{"GF_SERVER_HTTP_ADDR=0.0.0.0"}, "host.docker.internal:5432"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := container{shared: test.shared}
			command := c.command(s)
			arguments := strings.Join(command.Args, " ")
			for _, want := range append(test.wantArgs,
				"--volume /project/dist:/var/lib/grafana/plugins/a-b-datasource:ro",
				"--volume /project/provisioning:/etc/wattscore/provisioning:ro",
				"--volume /project/dashboards:/etc/wattscore/dashboards:ro",
				"--env WATTSCORE_PASSWORD ", "grafana/grafana:"+Version) {
				assert.Contains(t, arguments, want)
			}
			assert.NotContains(t, arguments, "secret")
			for _, want := range append(test.wantEnv, "WATTSCORE_PASSWORD=secret", "WATTSCORE_DASHBOARDS=/etc/wattscore/dashboards",
				"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=/etc/wattscore/dashboards/executive.json") {
				assert.Contains(t, command.Env, want)
			}
			assert.Equal(t, test.wantAddress, c.Reach("127.0.0.1:5432"))
		})
	}
}
