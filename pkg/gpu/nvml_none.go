//go:build !(linux && cgo && nvml)

package gpu

import "errors"

// OpenNVML opens the NVIDIA driver's library. This build has none of it: see nvml.go.
func OpenNVML(string) (Reader, error) {
	return nil, errors.New("this program was built without NVML: GPU readings take the reader program of the Linux package, or an agent on the GPU's host")
}
