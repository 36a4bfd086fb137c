// Package project knows where the project's files are and what its manifest says.
package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Root is the folder of go.mod, found from the working directory upwards.
func Root() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for start := directory; ; {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return directory, nil
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", fmt.Errorf("no go.mod in %s or above: run this inside the project", start)
		}
		directory = parent
	}
}

// Cache returns a folder for things that are made once and can be made again,
// such as the PostgreSQL binaries. Git ignores it.
func Cache(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(root, ".cache")
	directory := filepath.Join(cache, name)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	ignore := filepath.Join(cache, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o644); err != nil {
			return "", err
		}
	}
	return directory, nil
}

// Manifest is what plugin.json and package.json say of the plugin.
type Manifest struct {
	ID         string `json:"id"`
	Executable string `json:"executable"`
	Version    string `json:"-"` // of package.json, as the Grafana tools have it
}

// ReadManifest reads the manifest of the project at root.
func ReadManifest(root string) (Manifest, error) {
	var manifest Manifest
	if err := readJSON(filepath.Join(root, "plugin.json"), &manifest); err != nil {
		return Manifest{}, err
	}
	var npmPackage struct {
		Version string `json:"version"`
	}
	if err := readJSON(filepath.Join(root, "package.json"), &npmPackage); err != nil {
		return Manifest{}, err
	}
	manifest.Version = npmPackage.Version
	if manifest.ID == "" || manifest.Executable == "" || manifest.Version == "" {
		return Manifest{}, fmt.Errorf("plugin.json in %s needs an id and an executable, package.json a version", root)
	}
	return manifest, nil
}

// BinaryName is the file name of the plugin's executable on a platform.
func (m Manifest) BinaryName(platform Platform) string {
	return m.Executable + "_" + platform.OS + "_" + platform.Arch + platform.ExecutableSuffix()
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// Platform is an operating system and a processor, in Go's names.
type Platform struct{ OS, Arch string }

// ThisPlatform is the one this process runs on.
func ThisPlatform() Platform { return Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }

// ExecutableSuffix is ".exe" on Windows.
func (p Platform) ExecutableSuffix() string {
	if p.OS == "windows" {
		return ".exe"
	}
	return ""
}

func (p Platform) String() string { return p.OS + "/" + p.Arch }
