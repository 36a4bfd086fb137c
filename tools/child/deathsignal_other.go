//go:build unix && !linux

package child

import "syscall"

// setDeathSignal does nothing: only Linux has such a signal.
func setDeathSignal(*syscall.SysProcAttr) {}
