package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ReaderName is the file name of the reader program without its platform.
const ReaderName = "wattscore_gpu_reader"

// ReaderFileName is the reader program of a platform as the package carries it.
func ReaderFileName(goos, goarch string) string {
	return fmt.Sprintf("%s_%s_%s", ReaderName, goos, goarch)
}

// ReaderProcess is a Watcher over a reader program of its own: a fault in the driver's
// library ends that program and not this one.
type ReaderProcess struct {
	follower
	path      string
	arguments []string
	stop      context.CancelFunc
	done      chan struct{}
}

// StartReader starts the reader program at a path and starts it again whenever it
// ends, with longer and longer pauses. The snapshot's Problem says why there are no
// readings. Close ends it.
func StartReader(path string, arguments ...string) *ReaderProcess {
	ctx, stop := context.WithCancel(context.Background())
	p := &ReaderProcess{path: path, arguments: arguments, stop: stop, done: make(chan struct{})}
	p.send(Snapshot{Time: time.Now(), Devices: []Reading{}, Problem: "The GPU reader is starting."})
	go func() {
		defer close(p.done)
		p.run(ctx, p.once)
	}()
	return p
}

// Close ends the program and waits for it.
func (p *ReaderProcess) Close() error {
	p.stop()
	<-p.done
	return nil
}

// lastWords keeps the end of what a program says before it dies.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

const mostWords = 2000

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	w.text = w.text[max(0, len(w.text)-mostWords):]
	return len(p), nil
}

// String is the last line.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.Split(string(bytes.TrimSpace(w.text)), "\n")
	return lines[len(lines)-1]
}

func (p *ReaderProcess) once(ctx context.Context, receive func(Snapshot)) error {
	command := exec.CommandContext(ctx, p.path, p.arguments...)
	command.WaitDelay = 2 * time.Second
	said := &lastWords{}
	command.Stderr = said
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	// The program reads its input to its end, which comes with ours.
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	defer input.Close()
	if err := command.Start(); err != nil {
		return p.explainStart(err)
	}
	lineErr := readLines(output, receive)
	if lineErr != nil {
		_ = command.Process.Kill() // it does not speak our language
	}
	err = command.Wait()
	switch words := said.String(); {
	case lineErr != nil:
		return lineErr
	case words != "":
		return errors.New(words)
	case err != nil:
		return fmt.Errorf("the GPU reader ended: %w", err)
	}
	return errors.New("the GPU reader ended without a word")
}

func (p *ReaderProcess) explainStart(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the GPU reader %s does not start here: it is not there, or this system has no glibc (Alpine). "+
			"Run wattctl collect on the GPU's host and follow it by its address", p.path)
	}
	return fmt.Errorf("the GPU reader does not start: %w", err)
}
