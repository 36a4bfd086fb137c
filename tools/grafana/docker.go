package grafana

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

const image = "grafana/grafana:" + Version

// enginePatience is how long an engine may take to say that it is there.
const enginePatience = 5 * time.Second

// container is a Grafana in Docker.
type container struct {
	platform project.Platform
	// shared is true where a container can use this machine's own network, and
	// so its loopback interface: on Linux, where the engine runs without a
	// virtual machine.
	shared bool
}

// inDocker finds a Docker engine and fetches the image.
func inDocker(ctx context.Context, log io.Writer) (Installation, error) {
	asking, cancel := context.WithTimeout(ctx, enginePatience)
	defer cancel()
	answer, err := exec.CommandContext(asking, "docker", "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").Output()
	if err != nil {
		return nil, errors.New("no Docker engine answers")
	}
	system, processor, ok := strings.Cut(strings.TrimSpace(string(answer)), "/")
	if !ok || system != "linux" {
		return nil, fmt.Errorf("the Docker engine runs %s containers, and Grafana's image is for Linux", system)
	}
	if exec.CommandContext(ctx, "docker", "image", "inspect", image).Run() != nil {
		fmt.Fprintf(log, "Fetching the Docker image %s\n", image)
		if output, err := exec.CommandContext(ctx, "docker", "pull", "--quiet", image).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("Docker cannot fetch %s (%s)", image, lastLine(string(output)))
		}
	}
	return container{platform: project.Platform{OS: system, Arch: processor}, shared: project.ThisPlatform().OS == "linux"}, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func (c container) String() string             { return "Grafana " + Version + " in Docker" }
func (c container) Platform() project.Platform { return c.platform }

func (c container) Reach(address string) string {
	_, port, err := net.SplitHostPort(address)
	if c.shared || err != nil {
		return address
	}
	return net.JoinHostPort("host.docker.internal", port)
}

// Where the container sees what is mounted into it.
const (
	containerPlugins      = "/var/lib/grafana/plugins"
	containerProvisioning = "/etc/wattscore/provisioning"
	containerDashboards   = "/etc/wattscore/dashboards"
)

func (c container) command(s settings) *exec.Cmd {
	inside := paths{
		provisioning: containerProvisioning, dashboards: containerDashboards, plugins: containerPlugins,
		data: "/var/lib/grafana", logs: "/var/log/grafana",
	}
	arguments := []string{"run", "--rm", "--init", "--name", "wattscore-grafana-" + strconv.Itoa(s.port),
		"--volume", s.plugin + ":" + containerPlugins + "/" + s.pluginID + ":ro",
		"--volume", s.paths.provisioning + ":" + containerProvisioning + ":ro",
		"--volume", s.paths.dashboards + ":" + containerDashboards + ":ro",
	}
	if c.shared {
		arguments = append(arguments, "--network", "host")
	} else {
		// Inside, it listens to the published port; outside, only this machine does.
		s.address = "0.0.0.0"
		arguments = append(arguments, "--publish", fmt.Sprintf("127.0.0.1:%d:%d", s.port, s.port))
	}
	environment := s.environment(inside)
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		arguments = append(arguments, "--env", name) // by name, so that no secret shows in the process list
	}
	command := exec.Command("docker", append(arguments, image)...)
	command.Env = append(os.Environ(), environment...)
	return command
}
