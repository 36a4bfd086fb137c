package collect

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Process is what rules know a process by. What could not be read is empty.
type Process struct {
	PID     int
	User    string // its name, or its number where it has none
	Command string // the command line, its arguments apart by spaces
	Cgroup  string // the path, such as /kubepods.slice/…/cri-containerd-….scope

	// PodUID is the Kubernetes pod's, from the cgroup path; Pod and Namespace are from
	// the environment, where a pod has its name as HOSTNAME.
	PodUID, Pod, Namespace string

	Environment map[string]string
}

// ProcessReader tells what a process is.
type ProcessReader interface {
	// Process describes a process that runs on this host.
	Process(pid int) (Process, error)
}

// ProcFS reads processes from a Linux proc file system mounted at a path, such as
// /proc. The environment of another user's process takes CAP_SYS_PTRACE; without it
// the fields that come from it are empty.
type ProcFS string

// Process describes a process that runs on this host.
func (root ProcFS) Process(pid int) (Process, error) {
	read := func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(string(root), strconv.Itoa(pid), name))
	}
	command, err := read("cmdline")
	if err != nil {
		return Process{}, fmt.Errorf("reading what process %d is: %w", pid, err)
	}
	process := Process{PID: pid, Command: strings.ReplaceAll(strings.TrimRight(string(command), "\x00"), "\x00", " ")}
	if cgroup, err := read("cgroup"); err == nil {
		process.Cgroup = cgroupPath(string(cgroup))
		process.PodUID = podUID(process.Cgroup)
	}
	if status, err := read("status"); err == nil {
		process.User = owner(string(status))
	}
	if environment, err := read("environ"); err == nil {
		process.Environment = map[string]string{}
		for entry := range bytes.SplitSeq(environment, []byte{0}) {
			if name, value, ok := strings.Cut(string(entry), "="); ok {
				process.Environment[name] = value
			}
		}
	}
	if process.PodUID != "" {
		process.Pod = firstOf(process.Environment, "POD_NAME", "HOSTNAME")
		process.Namespace = firstOf(process.Environment, "POD_NAMESPACE", "KUBERNETES_NAMESPACE", "NAMESPACE")
	}
	return process, nil
}

// cgroupPath returns the path of cgroup v2, else the longest of v1, from lines such as
// "0::/kubepods.slice/…".
func cgroupPath(lines string) string {
	longest := ""
	for line := range strings.Lines(lines) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		if parts[0] == "0" && parts[2] != "/" {
			return parts[2]
		}
		if len(parts[2]) > len(longest) {
			longest = parts[2]
		}
	}
	return longest
}

var podPattern = regexp.MustCompile(`pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})`)

// podUID finds a pod's UID in a cgroup path, which systemd writes with underscores.
func podUID(cgroup string) string {
	match := podPattern.FindStringSubmatch(cgroup)
	if match == nil {
		return ""
	}
	return strings.ReplaceAll(match[1], "_", "-")
}

// owner returns the user of a process's status.
func owner(status string) string {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Uid:" {
			if known, err := user.LookupId(fields[1]); err == nil {
				return known.Username
			}
			return fields[1]
		}
	}
	return ""
}

func firstOf(environment map[string]string, names ...string) string {
	for _, name := range names {
		if value := environment[name]; value != "" {
			return value
		}
	}
	return ""
}
