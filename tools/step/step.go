// Package step runs the commands that building, testing and demonstrating the
// project is made of: a line when one begins, its output only if it fails.
package step

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Runner runs commands in a folder and tells of them on Log.
type Runner struct {
	Directory string
	Log       io.Writer
	// Environment is added to this process's.
	Environment []string
}

// Run runs a command under a title that says what it does for the reader.
func (r Runner) Run(ctx context.Context, title, program string, arguments ...string) error {
	return r.Do(title, func() error {
		output, err := r.Command(ctx, program, arguments...).CombinedOutput()
		if err != nil {
			_, _ = io.Copy(r.Log, bytes.NewReader(output)) // the reader sees why; the error follows in any case
		}
		return explain(program, err)
	})
}

// Show runs a command and shows its output as it comes, for one that tells of its
// own progress.
func (r Runner) Show(ctx context.Context, title, program string, arguments ...string) error {
	return r.Do(title, func() error {
		command := r.Command(ctx, program, arguments...)
		command.Stdout, command.Stderr = r.Log, r.Log
		return explain(program, command.Run())
	})
}

// Do does something under a title.
func (r Runner) Do(title string, something func() error) error {
	began := time.Now()
	fmt.Fprintf(r.Log, "• %s\n", title)
	if err := something(); err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		fmt.Fprintf(r.Log, "  done in %s\n", took.Round(time.Second))
	}
	return nil
}

// Command makes a command that does not outlive the context, without running it.
func (r Runner) Command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = r.Directory
	command.Env = append(os.Environ(), r.Environment...)
	return command
}

// tools says how to come by what a developer's machine may lack.
var tools = map[string]string{
	"npm":  "install Node.js 20 or newer (nodejs.org), which brings npm",
	"node": "install Node.js 20 or newer (nodejs.org)",
	"go":   "install Go (go.dev/dl)",
}

func explain(program string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		if advice, ok := tools[strings.TrimSuffix(program, ".cmd")]; ok {
			return fmt.Errorf("%w: %s", err, advice)
		}
	}
	return err
}
