//go:build !(linux && cgo && nvml)

package gpu

// OpenNVML returns [ErrNoNVML]: this program was built without NVML.
func OpenNVML(NVMLOptions) (Reader, error) { return nil, ErrNoNVML }
