// Command gpureader reads the NVIDIA GPUs of this machine and writes what it sees
// to standard output, a snapshot of JSON a line.
//
// It is a program of its own so that a fault in the driver's library ends nothing
// else, and so that the plugin needs no C library to start; see
// docs/decisions/0004-nvml-in-a-process-of-its-own.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

func main() {
	runtime.GOMAXPROCS(1) // a round is short work, and waking more threads for it costs more than it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the program and returns its exit code: 0 when it was told to end, 1 if
// it cannot go on, 2 if it was called wrongly.
func run(ctx context.Context, arguments []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gpureader", flag.ContinueOnError)
	flags.SetOutput(stderr)
	interval := flags.Duration("interval", time.Second, "the time from one reading to the next")
	report := flags.Duration("report", time.Second, "the time from one line to the next, where that is longer")
	library := flags.String("library", "", "the file of NVIDIA's management library (default libnvidia-ml.so.1)")
	once := flags.Bool("once", false, "write one snapshot and end")
	followStdin := flags.Bool("until-stdin-closes", false, "end when standard input does, as the process that started this one may")
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 || *interval < 10*time.Millisecond {
		fmt.Fprintln(stderr, "gpureader takes no arguments, and an interval of at least 10ms; gpureader -h lists its flags")
		return 2
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if *followStdin {
		go func() {
			_, _ = io.Copy(io.Discard, stdin) // until it closes, for whatever reason
			cancel()
		}()
	}
	open := func() (gpu.Reader, error) { return gpu.OpenNVML(gpu.NVMLOptions{Library: *library}) }
	feed := gpu.StartSampler(ctx, open, gpu.SamplerOptions{Interval: *interval})
	code := 0
	var next time.Time
	lines := json.NewEncoder(stdout)
	for snapshot := range feed.Watch(ctx) {
		if snapshot.Time.Before(next) {
			continue // its energy is in the next
		}
		next = snapshot.Time.Add(*report - *interval/2) // between two readings, so that neither is missed for being early
		if err := lines.Encode(snapshot); err != nil {  // nobody reads any more
			fmt.Fprintln(stderr, "gpureader:", err)
			code = 1
			break
		}
		if *once {
			break
		}
	}
	cancel()
	<-feed.Done()
	return code
}
