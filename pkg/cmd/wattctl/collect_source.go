package main

import (
	"context"
	"errors"
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

// openGPUs opens the GPUs of this host.
func openGPUs(context.Context) (gpuSource, error) {
	return gpuSource{}, errors.New("this wattctl was built without a GPU reader")
}
