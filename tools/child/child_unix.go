//go:build unix

package child

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

func tie(command *exec.Cmd) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid = true
	setDeathSignal(command.SysProcAttr)
}

func interrupt(process *os.Process) error { return process.Signal(syscall.SIGINT) }

// killGroup ends what is left of a process's group; mostly that is nothing.
func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

// Alive tells whether a process of this id runs.
func Alive(id int) bool {
	err := syscall.Kill(id, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
