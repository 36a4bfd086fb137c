package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// driverDevice is there where an NVIDIA driver is.
const driverDevice = "/dev/nvidiactl"

// ReaderFileName is the reader program of a platform. It ends as Grafana's own
// program names do, which makes its installer mark the file as a program.
func ReaderFileName(goos, goarch string) string {
	return fmt.Sprintf("gpx_wattscore_aienergy_gpureader_%s_%s", goos, goarch)
}

// FindReader returns the reader program that stands beside this one. The error says
// why this machine has no GPU readings, and what to do.
func FindReader() (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("GPUs are read on Linux alone: on %s, follow an agent on the GPU machine by its address", runtime.GOOS)
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for the GPU reader beside this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(own), ReaderFileName(runtime.GOOS, runtime.GOARCH))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the GPU reader belongs beside this program and cannot be used: %w", err)
	}
	return path, nil
}

// Local reads the GPUs of this machine until ctx ends. Where it has no driver or the
// reader program is missing it starts none, and its snapshot says so.
func Local(ctx context.Context) *Feed { return localWith(ctx, driverDevice, FindReader) }

func localWith(ctx context.Context, device string, find func() (string, error)) *Feed {
	path, err := find()
	if _, missing := os.Stat(device); missing != nil {
		err = fmt.Errorf("this machine has no NVIDIA driver: %w", missing)
	}
	if err == nil {
		return StartReader(ctx, path, ReaderOptions{})
	}
	feed := newFeed(thisHost(), time.Now())
	feed.fail(err.Error())
	context.AfterFunc(ctx, func() { close(feed.done) })
	return feed
}
