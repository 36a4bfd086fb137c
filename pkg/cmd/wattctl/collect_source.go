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
func openGPUs(context.Context) (gpuSource, error) {
	path, err := gpu.FindReader()
	if err != nil {
		return gpuSource{}, err
	}
	reader := gpu.StartReader(path)
	return gpuSource{watcher: reader, handler: gpu.Handler(reader), close: reader.Close}, nil
}
