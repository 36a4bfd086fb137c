package main

import (
	"context"
	"net/http"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// gpuSource is where GPU readings come from.
type gpuSource struct {
	watcher gpu.Watcher
	// handler gives the newest snapshot to others; nil: nobody gets it.
	handler http.Handler
	close   func() error
}

// openSource is openGPUs, but for tests on machines without a GPU.
var openSource = openGPUs

// openGPUs starts the GPU reader that stands beside this program. That a driver is
// missing or fails is no error: the agent says so and waits for it.
func openGPUs(ctx context.Context) (gpuSource, error) {
	path, err := gpu.FindReader()
	if err != nil {
		return gpuSource{}, err
	}
	// The agent takes readings until it has stopped, which is after ctx has ended.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	feed := gpu.StartReader(reading, path, gpu.ReaderOptions{})
	return gpuSource{watcher: feed, handler: gpu.Handler(feed), close: func() error {
		stop()
		<-feed.Done()
		return nil
	}}, nil
}
