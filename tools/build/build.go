// Package build makes what the project ships: the plugin's two halves, the
// command line wattctl, and the archive.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	sdk "github.com/grafana/grafana-plugin-sdk-go/build"
	"github.com/magefile/mage/target"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// Distribution is the folder of the built plugin, Binaries that of what is built
// beside it; both are in the project's root.
const (
	Distribution = "dist"
	Binaries     = "bin"
)

// Builder builds the project. It works in the project's root.
type Builder struct {
	Root     string
	Manifest project.Manifest
	Runner   step.Runner
}

// New returns a builder for the project that the working directory is in.
func New(log io.Writer) (*Builder, error) {
	root, err := project.Root()
	if err != nil {
		return nil, err
	}
	manifest, err := project.ReadManifest(root)
	if err != nil {
		return nil, err
	}
	return &Builder{Root: root, Manifest: manifest, Runner: step.Runner{Directory: root, Log: log}}, nil
}

// NodeModules installs what package-lock.json names, unless that is done.
func (b *Builder) NodeModules(ctx context.Context) error {
	lock, err := os.ReadFile(filepath.Join(b.Root, "package-lock.json"))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(lock)
	wanted := hex.EncodeToString(digest[:])
	installed := filepath.Join(b.Root, "node_modules", ".package-lock.sha256")
	if got, err := os.ReadFile(installed); err == nil && string(got) == wanted {
		return nil
	}
	if err := b.Runner.Run(ctx, "Install the frontend's packages", "npm", "ci", "--no-audit", "--no-fund"); err != nil {
		return err
	}
	return os.WriteFile(installed, []byte(wanted), 0o644)
}

// frontendSources are what the bundle is made of.
var frontendSources = []string{"src", "dashboards", ".config", "webpack.config.ts", "plugin.json",
	"package.json", "package-lock.json", "README.md", "CHANGELOG.md", "LICENSE"}

// Frontend bundles the TypeScript half into dist, unless it is newer than its sources.
func (b *Builder) Frontend(ctx context.Context) error {
	if err := b.NodeModules(ctx); err != nil {
		return err
	}
	stale, err := target.Dir(filepath.Join(b.Root, Distribution, "module.js"), b.paths(frontendSources)...)
	if err != nil {
		return err
	}
	if !stale {
		return nil
	}
	return b.Runner.Run(ctx, "Bundle the frontend", "npm", "run", "build")
}

func (b *Builder) paths(names []string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(b.Root, name)
	}
	return paths
}

// Backend builds the plugin's executable for the platforms into dist, with the
// build package of Grafana's SDK, which marks it with version and id.
func (b *Builder) Backend(platforms ...project.Platform) error {
	if err := b.atRoot(); err != nil {
		return err
	}
	for _, platform := range platforms {
		err := b.Runner.Do(fmt.Sprintf("Build the plugin for %s", platform), func() error {
			return sdk.Build{}.Custom(platform.OS, platform.Arch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// atRoot makes sure of what Grafana's build package takes for granted.
func (b *Builder) atRoot() error {
	directory, err := os.Getwd()
	if err != nil {
		return err
	}
	if directory != b.Root {
		return fmt.Errorf("run this in %s, not in %s", b.Root, directory)
	}
	return nil
}

// PluginExecutable is where Backend puts the executable for a platform.
func (b *Builder) PluginExecutable(platform project.Platform) string {
	return filepath.Join(b.Root, Distribution, b.Manifest.BinaryName(platform))
}

// CommandLine builds wattctl for this platform and returns its path.
func (b *Builder) CommandLine(ctx context.Context) (string, error) {
	path := filepath.Join(b.Root, Binaries, "wattctl"+project.ThisPlatform().ExecutableSuffix())
	return path, b.Runner.Run(ctx, "Build wattctl", "go", "build", "-o", path, "./pkg/cmd/wattctl")
}

// All builds the plugin for this platform, the GPU reader beside it, and wattctl.
func (b *Builder) All(ctx context.Context) error {
	_, err := b.CommandLine(ctx)
	return errors.Join(b.Frontend(ctx), b.Backend(project.ThisPlatform()), b.GPUReader(ctx, project.ThisPlatform()), err)
}
