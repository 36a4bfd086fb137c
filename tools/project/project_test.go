package project_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

func TestRootIsFoundFromBelow(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "pkg", "kpi")
	require.NoError(t, os.MkdirAll(below, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n"), 0o644))
	t.Chdir(below)

	found, err := project.Root()

	require.NoError(t, err)
	assert.Equal(t, realPath(t, root), realPath(t, found))
}

func TestOutsideTheProjectThereIsNoRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := project.Root()
	assert.ErrorContains(t, err, "run this inside the project")
}

func TestCacheIsIgnoredByGit(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n"), 0o644))
	t.Chdir(root)

	directory, err := project.Cache("postgres")

	require.NoError(t, err)
	assert.DirExists(t, directory)
	ignored, err := os.ReadFile(filepath.Join(root, ".cache", ".gitignore"))
	require.NoError(t, err)
	assert.Equal(t, "*\n", string(ignored))
}

func TestReadManifest(t *testing.T) {
	tests := map[string]struct {
		plugin, npm string
		wantError   string
	}{
		"complete":      {`{"id":"a-b-datasource","executable":"gpx_a"}`, `{"version":"1.2.3"}`, ""},
		"no version":    {`{"id":"a-b-datasource","executable":"gpx_a"}`, `{}`, "package.json a version"},
		"no executable": {`{"id":"a-b-datasource"}`, `{"version":"1.2.3"}`, "needs an id and an executable"},
		"not JSON":      {`{`, `{}`, "plugin.json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(root, "plugin.json"), []byte(test.plugin), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(root, "package.json"), []byte(test.npm), 0o644))

			manifest, err := project.ReadManifest(root)

			if test.wantError != "" {
				assert.ErrorContains(t, err, test.wantError)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, project.Manifest{ID: "a-b-datasource", Executable: "gpx_a", Version: "1.2.3"}, manifest)
			assert.Equal(t, "gpx_a_windows_arm64.exe", manifest.BinaryName(project.Platform{OS: "windows", Arch: "arm64"}))
			assert.Equal(t, "gpx_a_linux_amd64", manifest.BinaryName(project.Platform{OS: "linux", Arch: "amd64"}))
		})
	}
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	resolved, err := filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return resolved
}
