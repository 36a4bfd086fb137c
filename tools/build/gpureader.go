package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// readerCompilers are the C compilers for the architectures that NVML runs on, by
// Go's name: the GPU reader is the one program that is linked with C.
var readerCompilers = map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}

// GPUReaders builds the GPU reader into dist, and beside wattctl, for each Linux
// architecture that there is a C compiler for, and says which it left out.
func (b *Builder) GPUReaders(ctx context.Context) error {
	for _, arch := range []string{"amd64", "arm64"} {
		name := gpu.ReaderFileName("linux", arch)
		compiler := readerCompilers[arch]
		own := runtime.GOOS == "linux" && runtime.GOARCH == arch
		if own {
			compiler = "gcc"
		}
		if _, err := exec.LookPath(compiler); err != nil {
			fmt.Fprintf(b.Runner.Log, "%s is left out: it needs %s\n", name, compiler)
			continue
		}
		path := filepath.Join(b.Root, Distribution, name)
		err := b.Runner.Do("Build the GPU reader for linux/"+arch, func() error {
			command := b.Runner.Command(ctx, "go", "build", "-tags=nvml", "-trimpath",
				// A function that an old driver lacks must not keep the program from starting.
				"-ldflags=-s -w -extldflags=-Wl,-z,lazy", "-o", path, "./pkg/cmd/gpureader")
			command.Env = append(command.Env, "CGO_ENABLED=1", "CGO_CFLAGS=-O2 -g -Wno-deprecated-declarations", "GOOS=linux", "GOARCH="+arch, "CC="+compiler)
			output, err := command.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, output)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if own {
			if err := copyProgram(path, filepath.Join(b.Root, Binaries, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, program, 0o755)
}
