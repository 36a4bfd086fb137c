package grafana

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// HomeVariable names the folder of an unpacked Grafana: bin, conf and public.
const HomeVariable = "GRAFANA_HOME"

// Installation is a Grafana that can be started.
type Installation interface {
	fmt.Stringer
	// Platform is the one the plugin's executable must be built for.
	Platform() project.Platform
	// Reach turns the address of a server on this machine's loopback interface
	// into the one by which this Grafana reaches it.
	Reach(address string) string

	// command starts it; paths turns the settings' paths on this machine into its own.
	command(s settings) *exec.Cmd
}

// NotFoundError says why each way to a Grafana failed.
type NotFoundError struct{ Reasons []string }

func (e *NotFoundError) Error() string {
	return "no Grafana could be had: " + strings.Join(e.Reasons, "; ")
}

// Find returns the Grafana that GRAFANA_HOME names, the one on the PATH, one in
// Docker, or one downloaded into the project's cache, whichever is there first.
// Its error is a NotFoundError, or says what is wrong with GRAFANA_HOME.
func Find(ctx context.Context, log io.Writer) (Installation, error) {
	if directory := os.Getenv(HomeVariable); directory != "" {
		found, err := openHome(directory)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", HomeVariable, err)
		}
		return found, nil
	}
	ways := []func(context.Context, io.Writer) (Installation, error){onPath, inDocker, downloaded}
	var missing NotFoundError
	missing.Reasons = append(missing.Reasons, HomeVariable+" is not set")
	for _, way := range ways {
		found, err := way(ctx, log)
		if err == nil {
			return found, nil
		}
		missing.Reasons = append(missing.Reasons, err.Error())
	}
	return nil, &missing
}

// home is an unpacked Grafana.
type home struct {
	executable string
	directory  string // of conf and public
}

func openHome(directory string) (Installation, error) {
	executable := filepath.Join(directory, "bin", "grafana"+project.ThisPlatform().ExecutableSuffix())
	if _, err := os.Stat(executable); err != nil {
		return nil, fmt.Errorf("there is no Grafana: %w", err)
	}
	if !isHome(directory) {
		return nil, fmt.Errorf("%s holds no Grafana: it has no conf/defaults.ini or no public/build", directory)
	}
	return home{executable: executable, directory: directory}, nil
}

func isHome(directory string) bool {
	for _, part := range []string{"conf/defaults.ini", "public/build"} {
		if _, err := os.Stat(filepath.Join(directory, part)); err != nil {
			return false
		}
	}
	return true
}

// onPath finds the executable on the PATH and its home beside it or where the
// packages of Debian, Red Hat and Homebrew put it.
func onPath(context.Context, io.Writer) (Installation, error) {
	executable, err := exec.LookPath("grafana")
	if err != nil {
		return nil, errors.New("no grafana is on the PATH")
	}
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return nil, err
	}
	prefix := filepath.Dir(filepath.Dir(executable))
	for _, directory := range []string{prefix, filepath.Join(prefix, "share", "grafana"), "/usr/share/grafana"} {
		if isHome(directory) {
			return home{executable: executable, directory: directory}, nil
		}
	}
	return nil, fmt.Errorf("%s is on the PATH, but its conf and public folders are not found: set %s", executable, HomeVariable)
}

func (h home) String() string              { return "Grafana in " + h.directory }
func (h home) Platform() project.Platform  { return project.ThisPlatform() }
func (h home) Reach(address string) string { return address }

func (h home) command(s settings) *exec.Cmd {
	command := exec.Command(h.executable, "server", "--homepath", h.directory)
	command.Dir = h.directory
	command.Env = append(withoutGrafanaSettings(os.Environ()), s.environment(s.paths)...)
	return command
}

// withoutGrafanaSettings drops what the caller has set for another Grafana.
func withoutGrafanaSettings(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "GF_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
