// Package child starts processes that end with this one: a demo or a test run
// that is killed leaves no server behind.
package child

import (
	"fmt"
	"os/exec"
	"runtime"
	"time"
)

// Process is a running child.
type Process struct {
	command *exec.Cmd
	done    chan struct{}
	err     error
}

// Start starts the command in a process group of its own, so that Ctrl-C in the
// terminal reaches only this process, which then stops its children in order, and
// so that what a child leaves behind when it ends can be ended too.
// On Linux the child is interrupted when this process dies, however it dies.
func Start(command *exec.Cmd) (*Process, error) {
	tie(command)
	process := &Process{command: command, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux sends the death signal when the thread that forked ends, so the
		// thread is kept until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		process.err = command.Wait()
		killGroup(command.Process.Pid) // what it started and left behind
		close(process.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Path, err)
	}
	return process, nil
}

// ID is the process id.
func (p *Process) ID() int { return p.command.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended; it may be called after Done is closed.
func (p *Process) Err() error { return p.err }

// Stop asks the process to end, and kills it when it has not after the patience.
func (p *Process) Stop(patience time.Duration) {
	select {
	case <-p.done:
		return
	default:
	}
	if err := interrupt(p.command.Process); err == nil {
		select {
		case <-p.done:
			return
		case <-time.After(patience):
		}
	}
	_ = p.command.Process.Kill() // it may have ended meanwhile
	<-p.done
}
