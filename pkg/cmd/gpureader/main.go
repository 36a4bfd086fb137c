// Command wattscore_gpu_reader reads the GPUs of this machine through the NVIDIA
// driver's library and writes a snapshot a line, as JSON, until its input ends. It is
// a program of its own so that a fault in that library ends nothing else; see
// docs/decisions/0004-nvml-in-a-process-of-its-own.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

func main() {
	library := flag.String("library", "", "the driver's library; empty is where the system has it")
	every := flag.Duration("every", time.Second, "how often each GPU is read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // whoever started us is gone when our input ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := gpu.RunReader(ctx, os.Stdout, *library, *every); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
