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
	command.SysProcAttr.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// interrupt fails: Windows has no signal that a process without a console takes.
func interrupt(*os.Process) error { return errors.ErrUnsupported }

// killGroup does nothing: a group on Windows is only one of a console's signals.
func killGroup(int) {}

// Alive tells whether a process of this id runs.
func Alive(id int) bool {
	process, err := os.FindProcess(id)
	if err != nil {
		return false
	}
	return process.Release() == nil
}
