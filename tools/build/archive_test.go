package build

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

func TestTheArchiveHoldsOneFolder(t *testing.T) {
	distribution := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"plugin.json": 0o600, "module.js": 0o644, "img/logo.svg": 0o644, "gpx_a_linux_amd64": 0o700, "gpx_a_gpureader_linux_amd64": 0o755, "gpx_a_windows_amd64.exe": 0o644,
	} {
		path := filepath.Join(distribution, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(name), mode))
	}
	path := filepath.Join(t.TempDir(), "a-b-datasource-1.0.0.zip")
	manifest := project.Manifest{ID: "a-b-datasource", Executable: "gpx_a", Version: "1.0.0"}

	require.NoError(t, writeArchive(path, manifest, distribution))

	first, err := os.ReadFile(path)
	require.NoError(t, err)
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer archive.Close() //nolint:errcheck // read only
	modes := map[string]string{}
	for _, file := range archive.File {
		modes[file.Name] = file.Mode().String()
	}
	assert.Equal(t, map[string]string{
		"a-b-datasource/plugin.json":                 "-rw-r--r--",
		"a-b-datasource/module.js":                   "-rw-r--r--",
		"a-b-datasource/img/logo.svg":                "-rw-r--r--",
		"a-b-datasource/gpx_a_linux_amd64":           "-rwxr-xr-x",
		"a-b-datasource/gpx_a_gpureader_linux_amd64": "-rwxr-xr-x",
		"a-b-datasource/gpx_a_windows_amd64.exe":     "-rwxr-xr-x",
	}, modes)

	require.NoError(t, os.Chtimes(filepath.Join(distribution, "module.js"), archive.File[0].Modified, archive.File[0].Modified))
	require.NoError(t, writeArchive(path, manifest, distribution))
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, second, "the same files make the same archive")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside the archive")
}
