package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/child"
)

// temporaryPrefix begins the name of a folder for one run; the id of the process
// that made it follows.
const temporaryPrefix = "wattscore-postgres-"

// place is where a server's files are and as whom it runs.
type place struct {
	account   *account // nil: the current user
	binaries  binaries
	directory string // data, password and log
	throwAway bool   // the folder goes when the server stops
	borrowed  string // a copy of the binaries that goes too, or ""
}

// choosePlace settles where the server's files go: the wanted folder, or where
// that is empty a temporary one, so long as the server's account reaches it.
func choosePlace(ctx context.Context, installed binaries, wanted string) (place, error) {
	serverAccount, err := serverAccount()
	if err != nil {
		return place{}, err
	}
	p := place{account: serverAccount, binaries: installed, directory: wanted, throwAway: wanted == ""}
	if p.account == nil {
		if p.throwAway {
			p.directory, err = temporaryDirectory(os.TempDir())
		} else {
			err = os.MkdirAll(p.directory, 0o755)
		}
		return p, err
	}
	return p, p.reach(ctx)
}

// reach moves what the account cannot reach to where it can.
func (p *place) reach(ctx context.Context) error {
	shelter, err := p.shelter(ctx)
	if err != nil {
		return err
	}
	if p.throwAway {
		if p.directory, err = temporaryDirectory(shelter); err != nil {
			return err
		}
	} else {
		if err := os.MkdirAll(p.directory, 0o755); err != nil {
			return err
		}
		if p.canReach(ctx, p.directory) != nil {
			if p.directory, err = shelteredDirectory(shelter, p.directory); err != nil {
				return err
			}
		}
	}
	if p.canRun(ctx, p.binaries) == nil {
		return nil
	}
	if p.borrowed, err = temporaryDirectory(shelter); err != nil {
		return err
	}
	if err := os.CopyFS(p.borrowed, os.DirFS(string(p.binaries))); err != nil {
		return err
	}
	if err := makeReadable(p.borrowed); err != nil {
		return err
	}
	p.binaries = binaries(p.borrowed)
	if err := p.canRun(ctx, p.binaries); err != nil {
		return fmt.Errorf("the user %s cannot run PostgreSQL: %w", p.account.name, err)
	}
	return nil
}

// shelter is a temporary folder that the account reaches.
func (p *place) shelter(ctx context.Context) (string, error) {
	var failure error
	for _, directory := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if failure = p.canReach(ctx, directory); failure == nil {
			return directory, nil
		}
	}
	return "", fmt.Errorf("the user %s, which PostgreSQL runs as because root may not, reaches no temporary folder: %w. "+
		"Set TMPDIR to a folder that every user may enter", p.account.name, failure)
}

func (p *place) canReach(ctx context.Context, directory string) error {
	return p.tryIn(ctx, directory, "true")
}

func (p *place) canRun(ctx context.Context, b binaries) error {
	return p.tryIn(ctx, "/", b.program("postgres"), "--version")
}

func (p *place) tryIn(ctx context.Context, directory, program string, arguments ...string) error {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = directory
	p.account.assume(command)
	return run(command)
}

// leave removes what was made for one run alone.
func (p *place) leave() error {
	var err error
	if p.borrowed != "" {
		err = os.RemoveAll(p.borrowed)
	}
	if p.throwAway {
		err = errors.Join(err, os.RemoveAll(p.directory))
	}
	return err
}

// temporaryDirectory makes a new folder and removes those of processes that
// were killed before they could.
func temporaryDirectory(parent string) (string, error) {
	left, err := filepath.Glob(filepath.Join(parent, temporaryPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, directory := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(directory), temporaryPrefix), "-")
		if owner, err := strconv.Atoi(id); err == nil && !child.Alive(owner) {
			_ = os.RemoveAll(directory) // another user's stays
		}
	}
	directory, err := os.MkdirTemp(parent, temporaryPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return "", err
	}
	return directory, os.Chmod(directory, 0o711) // the server's account passes through
}

// shelteredDirectory is the same folder at every run for the same wanted one.
// Its name can be guessed, so one that another user made first is refused.
func shelteredDirectory(shelter, wanted string) (string, error) {
	absolute, err := filepath.Abs(wanted)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(absolute))
	directory := filepath.Join(shelter, "wattscore-"+hex.EncodeToString(digest[:6]))
	if err := os.Mkdir(directory, 0o711); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(directory)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !ownedByCurrentUser(info) || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is not this user's alone: remove it and start again", directory)
	}
	return directory, os.Chmod(directory, fs.FileMode(0o711)) // a strict umask may have shut it
}
