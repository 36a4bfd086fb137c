package grafana

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// This test binary, started under the name grafana or docker, plays that program.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "grafana", "grafana.exe":
		playGrafana()
	case "docker", "docker.exe":
		playDocker()
	default:
		os.Exit(m.Run())
	}
}

func playGrafana() {
	if os.Getenv("FAKE_GRAFANA_FAILS") != "" {
		fmt.Println("the database is locked")
		os.Exit(1)
	}
	http.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"database":"ok"}`)
	})
	var provisioned atomic.Bool // as a Grafana that answers before it is
	http.HandleFunc("GET /api/datasources/uid/{uid}/health", func(w http.ResponseWriter, r *http.Request) {
		if !provisioned.Swap(true) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"message":"Unable to load datasource metadata"}`)
			return
		}
		user, password, _ := r.BasicAuth()
		if user != AdminUser || password != AdminPassword || r.PathValue("uid") != "good" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status":"ERROR","message":"no route to the database"}`)
			return
		}
		fmt.Fprint(w, `{"status":"OK","message":"Connected"}`)
	})
	address := os.Getenv("GF_SERVER_HTTP_ADDR") + ":" + os.Getenv("GF_SERVER_HTTP_PORT")
	if err := http.ListenAndServe(address, nil); err != nil {
		os.Exit(1)
	}
}

func playDocker() {
	switch os.Args[1] {
	case "version":
		fmt.Println(os.Getenv("FAKE_DOCKER_PLATFORM"))
	case "pull":
		fmt.Fprintln(os.Stderr, "Error response from daemon: no such host")
		os.Exit(1)
	default: // image inspect
		if os.Getenv("FAKE_DOCKER_IMAGE") == "" {
			os.Exit(1)
		}
	}
}

// fakeProgram puts this test binary into a folder under another name.
func fakeProgram(t *testing.T, directory, name string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(directory, 0o755))
	executable, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Link(executable, filepath.Join(directory, name+project.ThisPlatform().ExecutableSuffix())))
}

// fakeHome is a folder like an unpacked Grafana's.
func fakeHome(t *testing.T) string {
	t.Helper()
	// Beside the test binary, so that a hard link can be made.
	directory, err := os.MkdirTemp(filepath.Dir(os.Args[0]), "home-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(directory)) })
	fakeProgram(t, filepath.Join(directory, "bin"), "grafana")
	require.NoError(t, os.MkdirAll(filepath.Join(directory, "public", "build"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(directory, "conf"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(directory, "conf", "defaults.ini"), nil, 0o644))
	return directory
}
