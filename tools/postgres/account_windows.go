package postgres

import (
	"io/fs"
	"os/exec"
)

// account is always nil: on Windows the server runs as the current user, who
// must not be an administrator.
type account struct{ name string }

func serverAccount() (*account, error) { return nil, nil }

func (a *account) assume(*exec.Cmd) {}

func (a *account) own(string) error { return nil }

func ownedByCurrentUser(fs.FileInfo) bool { return true }
