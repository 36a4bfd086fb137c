package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// NVMLFlags are what a program that reads GPUs is built with on Linux; see
// gpu.OpenNVML for why symbols are bound lazily.
var NVMLFlags = []string{"-tags=nvml", "-ldflags=-extldflags=-Wl,-z,lazy"}

// crossCompilers are the C compilers for Linux on another processor, as Debian and
// Ubuntu name them.
var crossCompilers = map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}

// GPUReaderExecutable is where GPUReader puts the program for a platform: beside
// the plugin.
func (b *Builder) GPUReaderExecutable(platform project.Platform) string {
	return filepath.Join(b.Root, Distribution, gpu.ReaderFileName(platform.OS, platform.Arch))
}

// GPUReader builds the program that reads GPUs for those of the platforms that are
// Linux, each with a C compiler for it. Where there is none it says so and leaves
// the program out: the plugin does without, and says why when it is asked for GPUs.
func (b *Builder) GPUReader(ctx context.Context, platforms ...project.Platform) error {
	for _, platform := range platforms {
		if platform.OS != "linux" {
			continue
		}
		compiler, err := b.compilerFor(ctx, platform)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("the GPU reader for %s", platform)
		path := b.GPUReaderExecutable(platform)
		if _, err := exec.LookPath(compiler); err != nil {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // an older build's
				return err
			}
			fmt.Fprintf(b.Runner.Log, "• Leave out %s: it needs the C compiler %s, which is not installed\n", title, compiler)
			continue
		}
		runner := b.Runner
		runner.Environment = append(runner.Environment, "CGO_ENABLED=1", "GOOS="+platform.OS, "GOARCH="+platform.Arch, "CC="+compiler)
		arguments := append([]string{"build", "-trimpath", "-o", path}, NVMLFlags[0], NVMLFlags[1]+" -s -w", "./pkg/cmd/gpureader")
		if err := runner.Run(ctx, "Build "+title, "go", arguments...); err != nil {
			return err
		}
		if platform == project.ThisPlatform() { // wattctl looks for it beside itself
			if err := b.copyToBinaries(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// compilerFor is the C compiler for a platform: this machine's own for itself.
func (b *Builder) compilerFor(ctx context.Context, platform project.Platform) (string, error) {
	if platform.OS != runtime.GOOS || platform.Arch != runtime.GOARCH {
		return crossCompilers[platform.Arch], nil
	}
	output, err := b.Runner.Command(ctx, "go", "env", "CC").Output()
	if err != nil {
		return "", fmt.Errorf("ask Go for its C compiler: %w", err)
	}
	if words := strings.Fields(string(output)); len(words) > 0 {
		return words[0], nil
	}
	return "gcc", nil
}

func (b *Builder) copyToBinaries(program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	directory := filepath.Join(b.Root, Binaries)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, filepath.Base(program)), content, 0o755)
}
