package ingest

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// ProviderMapping says which project and business unit a provider's figures are of. Its
// zero value knows none.
type ProviderMapping struct {
	// ProjectTags are the keys of tags whose value names a project: the first that is
	// there says it. UnitTags name a business unit, for what has no project.
	ProjectTags []string `yaml:"project_tags"`
	UnitTags    []string `yaml:"unit_tags"`
	// Projects puts a project's name here for the one a tag or the provider has.
	Projects map[string]string `yaml:"projects"`
	// Accounts names the project of an account, where no tag does.
	Accounts map[string]string `yaml:"accounts"`
}

// ParseProviderMapping reads a mapping in YAML. An error names what is wrong.
func ParseProviderMapping(text []byte) (ProviderMapping, error) {
	var mapping ProviderMapping
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&mapping); err != nil && !errors.Is(err, io.EOF) {
		return ProviderMapping{}, err
	}
	return mapping, nil
}

// project is the name here of what has these tags, or this project at its provider.
func (m ProviderMapping) project(tags map[string]string, theirs, account string) string {
	if tagged := firstTag(tags, m.ProjectTags); tagged != "" {
		theirs = tagged
	}
	if theirs == "" {
		return m.Accounts[account]
	}
	return orElse(m.Projects[theirs], theirs)
}

func (m ProviderMapping) unit(tags map[string]string) string { return firstTag(tags, m.UnitTags) }

func firstTag(tags map[string]string, keys []string) string {
	for _, key := range keys {
		if value := tags[key]; value != "" {
			return value
		}
	}
	return ""
}
