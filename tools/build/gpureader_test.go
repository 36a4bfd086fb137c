package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// readerBuilder builds the project's reader into a folder of the test's.
func readerBuilder(t *testing.T, environment ...string) (*Builder, *bytes.Buffer) {
	t.Helper()
	root, err := project.Root()
	require.NoError(t, err)
	log := &bytes.Buffer{}
	builder := &Builder{Root: t.TempDir(), Manifest: project.Manifest{ID: "a-b-datasource", Executable: "gpx_a"}}
	builder.Runner = step.Runner{Directory: root, Log: log, Environment: environment}
	require.NoError(t, os.Mkdir(filepath.Join(builder.Root, Distribution), 0o755))
	return builder, log
}

func TestWithoutACompilerTheGPUReaderIsLeftOut(t *testing.T) {
	builder, log := readerBuilder(t, "CC=no-such-compiler")
	t.Setenv("PATH", goFolder(t)) // no cross compilers either
	older := builder.GPUReaderExecutable(project.Platform{OS: "linux", Arch: runtime.GOARCH})
	require.NoError(t, os.WriteFile(older, nil, 0o755))

	require.NoError(t, builder.GPUReader(t.Context(), Platforms...))

	assert.Contains(t, log.String(), "Leave out the GPU reader for linux/amd64: it needs the C compiler ")
	assert.Contains(t, log.String(), "Leave out the GPU reader for linux/arm64: it needs the C compiler ")
	assert.NotContains(t, log.String(), "windows")
	assert.NoFileExists(t, older, "an older build's does not ship with a newer plugin")
}

// goFolder is where the go command is, and little else.
func goFolder(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	require.NoError(t, err)
	path, err = filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return filepath.Dir(path)
}

func TestTheGPUReaderIsBuilt(t *testing.T) {
	if _, err := exec.LookPath("gcc"); runtime.GOOS != "linux" || err != nil {
		t.Skip("NOT TESTED: the GPU reader is built on Linux with gcc")
	}
	builder, log := readerBuilder(t, "CC=gcc")
	require.NoError(t, builder.GPUReader(t.Context(), project.ThisPlatform()))
	assert.Contains(t, log.String(), "Build the GPU reader for linux/")
	output, err := exec.CommandContext(t.Context(), builder.GPUReaderExecutable(project.ThisPlatform()), "-once", "-library", "/nowhere/libnvidia-ml.so.1").Output()
	require.NoError(t, err)
	assert.Contains(t, string(output), "load NVIDIA's management library: /nowhere/libnvidia-ml.so.1", "it was built with NVML")
}
