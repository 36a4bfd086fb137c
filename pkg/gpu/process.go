package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ReaderOptions say how the reader process works. The zero value is usable.
type ReaderOptions struct {
	// Interval is the time from one reading to the next; 1 s if zero.
	Interval time.Duration
	// Report is the time from one snapshot to the next, if longer than Interval; 1 s
	// if zero. Reading often makes integrated energy exact, and telling of it as
	// often costs more than reading.
	Report time.Duration
	// Library is the file of NVIDIA's management library, see [NVMLOptions].
	Library string
	// Environment is added to this process's.
	Environment []string
}

// silence is how long a reader or an agent may say nothing; both repeat themselves
// more often than that.
const silence = 30 * time.Second

// StartReader reads GPUs in a process of its own until ctx ends: the program at
// path, which is pkg/cmd/gpureader. A fault in the driver's library ends that
// process and not this one; it is started again, and energy goes on from where it was.
func StartReader(ctx context.Context, path string, options ReaderOptions) *Feed {
	p := &process{path: path, ReaderOptions: options, feed: newFeed(thisHost(), time.Now()), energy: newContinuity()}
	go func() {
		defer close(p.feed.done)
		keepTrying(ctx, p.feed, p.follow)
	}()
	return p.feed
}

// keepTrying follows again and again, with growing pauses while nothing is heard,
// and says why it failed.
func keepTrying(ctx context.Context, feed *Feed, follow func(ctx context.Context, heard func()) error) {
	retry := newRetry()
	for {
		err := follow(ctx, retry.Reset)
		if ctx.Err() != nil {
			return
		}
		feed.fail(err.Error())
		select {
		case <-time.After(retry.NextBackOff()):
		case <-ctx.Done():
			return
		}
	}
}

// errSilent says that whoever is followed has said nothing for too long.
var errSilent = fmt.Errorf("nothing was heard for %s", silence)

// listen hands on the snapshots of a stream, and cancels when none comes for too long.
func listen(stream io.Reader, allowed time.Duration, cancel context.CancelCauseFunc, take func(Snapshot)) error {
	watchdog := time.AfterFunc(allowed, func() { cancel(errSilent) })
	defer watchdog.Stop()
	return readLines(stream, func(snapshot Snapshot) {
		watchdog.Reset(allowed)
		take(snapshot)
	})
}

// process is a reader process, again and again.
type process struct {
	ReaderOptions
	path   string
	feed   *Feed
	energy *continuity
}

// follow runs the process once and hands on what it says.
func (p *process) follow(ctx context.Context, heard func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	interval, report := cmp.Or(p.Interval, time.Second), cmp.Or(p.Report, time.Second)
	arguments := []string{"-until-stdin-closes", "-interval", interval.String(), "-report", report.String()}
	if p.Library != "" {
		arguments = append(arguments, "-library", p.Library)
	}
	command := exec.CommandContext(ctx, p.path, arguments...)
	command.Env = append(os.Environ(), p.Environment...)
	said := &complaint{}
	command.Stderr = said
	stdin, err := command.StdinPipe() // it ends with this process, however that ends
	if err != nil {
		return err
	}
	command.Cancel, command.WaitDelay = stdin.Close, 5*time.Second
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return explainStart(p.path, err)
	}
	readErr := listen(stdout, silence+max(interval, report), cancel, func(snapshot Snapshot) {
		heard()
		p.feed.publish(p.energy.join(snapshot))
	})
	_ = stdin.Close() // it may have ended already
	_, _ = io.Copy(io.Discard, stdout)
	_ = command.Wait() // ProcessState says more
	ended := command.ProcessState.String()
	if errors.Is(context.Cause(ctx), errSilent) {
		ended = errSilent.Error()
	} else if readErr != nil {
		ended = readErr.Error()
	}
	return fmt.Errorf("the GPU reader %s ended (%s) and is started again%s", p.path, ended, said)
}

// explainStart says why a program did not start.
func explainStart(path string, err error) error {
	_, statErr := os.Stat(path)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Errorf("there is no GPU reader at %s: this build of the plugin has none for %s/%s; use the address of an agent on the GPU machine", path, runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrNotExist): // the file is there, and what loads it is not
		return fmt.Errorf("the GPU reader %s needs glibc, as NVIDIA's driver does, and this system has none (Alpine?): "+
			"use Grafana's Ubuntu image, or the address of an agent on the GPU machine", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the GPU reader %s may not be run: chmod +x it, and mount its folder without noexec", path)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("the GPU reader %s is for another kind of machine than this (%s/%s)", path, runtime.GOOS, runtime.GOARCH)
	default:
		return fmt.Errorf("start the GPU reader: %w", err)
	}
}

// complaint keeps the beginning of what a process complains of as it ends: a
// crash says its cause first, and then thousands of lines of where.
type complaint struct{ text []byte }

const longestComplaint = 200

func (c *complaint) Write(text []byte) (int, error) {
	room := longestComplaint - len(c.text)
	c.text = append(c.text, text[:min(room, len(text))]...)
	return len(text), nil
}

func (c *complaint) String() string {
	lines := strings.FieldsFunc(string(c.text), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines, "; ")
}
