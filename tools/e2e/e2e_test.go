package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/grafana"
)

func TestWithoutAGrafanaItSaysWhatToSet(t *testing.T) {
	t.Setenv(URLVariable, "")
	t.Setenv(grafana.HomeVariable, "")
	var out strings.Builder

	require.NoError(t, Run(t.Context(), &out))

	assert.Contains(t, out.String(), "SKIPPED")
	assert.Contains(t, out.String(), URLVariable)
	assert.Contains(t, out.String(), grafana.HomeVariable)
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestTheBrowser(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("PATH", directory)
	executable := func(name string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
		return path
	}

	_, err := systemChromium()
	assert.ErrorContains(t, err, "playwright install chromium")

	chrome := executable("google-chrome")
	found, err := systemChromium()
	require.NoError(t, err)
	assert.Equal(t, chrome, found)

	chromium := executable("chromium")
	found, err = systemChromium()
	require.NoError(t, err)
	assert.Equal(t, chromium, found)

	t.Setenv(chromiumVariable, chrome)
	found, err = findChromium(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, chrome, found, "the one that is named")

	t.Setenv(chromiumVariable, filepath.Join(directory, "missing"))
	_, err = findChromium(t.Context(), nil)
	assert.ErrorContains(t, err, chromiumVariable)
}
