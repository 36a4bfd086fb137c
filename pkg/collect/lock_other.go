//go:build !unix

package collect

import "os"

// lockFile opens the file only: agents run on Linux.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
