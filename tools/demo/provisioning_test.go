package demo

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// readProvisioning reads a file of the provisioning folder, and its text. A key
// that is there twice is an error, as it is to Grafana.
func readProvisioning(t *testing.T, name string, into any) string {
	t.Helper()
	root, err := project.Root()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "provisioning", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
	return string(text)
}

func TestProvisioningIsWhatTheDemoReliesOn(t *testing.T) {
	var sources struct {
		Datasources []struct {
			UID, Type string
			IsDefault bool           `yaml:"isDefault"`
			JSONData  map[string]any `yaml:"jsonData"`
		}
	}
	text := readProvisioning(t, "datasources/wattscore.yaml", &sources)
	require.Len(t, sources.Datasources, 1)
	source := sources.Datasources[0]
	assert.Equal(t, DataSourceUID, source.UID)
	assert.Equal(t, plugin.ID, source.Type)
	assert.True(t, source.IsDefault)
	assert.Equal(t, carbonPrice, source.JSONData["carbonPriceUsdPerTonne"], "the summary charges what the dashboards charge")

	var dashboards struct {
		Providers []struct {
			Folder  string
			Options map[string]string
		}
	}
	text += readProvisioning(t, "dashboards/wattscore.yaml", &dashboards)
	require.Len(t, dashboards.Providers, 1)
	assert.Equal(t, "WattScore", dashboards.Providers[0].Folder)

	var read []string
	for _, match := range regexp.MustCompile(`: \$(\w+)`).FindAllStringSubmatch(text, -1) {
		read = append(read, match[1])
	}
	given := append(slices.Collect(maps.Keys(provisioningVariables("", ""))), "WATTSCORE_DASHBOARDS")
	assert.ElementsMatch(t, given, read, "the variables that the files read are those that the demo gives")
}
