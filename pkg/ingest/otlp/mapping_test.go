package otlp

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func mappingOf(t testing.TB, text string) Mapping {
	t.Helper()
	mapping, err := ParseMapping([]byte(text))
	require.NoError(t, err)
	return mapping
}

func attributesOf(t testing.TB, own, resource map[string]any) attributes {
	t.Helper()
	a := attributes{pcommon.NewMap(), pcommon.NewMap()}
	require.NoError(t, a.own.FromRaw(own))
	require.NoError(t, a.resource.FromRaw(resource))
	return a
}

func TestMappingIsStrict(t *testing.T) {
	for _, test := range []struct{ text, says string }{
		{"projekt: {from: [service.name]}", "projekt"},
		{"count: both", "unknown count"},
		{"project: {from: ['']}", "no name"},
		{"project: {from: [gen_ai.prompt.0.content]}", "never stored"},
		{"project: {from: [gen_ai.input.messages]}", "never stored"},
		{"project: {default: __idle__}", "reserved"},
		{"rules: [{name: a, project: x}]", "match states no attribute"},
		{"rules: [{name: a, match: {service.name: x}}]", "states nothing"},
		{"rules: [{name: a, match: {service.name: '('}, project: x}]", "missing closing"},
		{"rules: [{name: a, match: {service.name: }, project: x}]", "no expression"},
		{"rules: [{name: a, match: {input.value: x}, project: x}]", "never stored"},
		{"rules: [{name: a, match: {gen_ai.provider.name: x}, count: spans}]", "resource attributes only"},
		{"rules: [{name: a, match: {service.name: x}, workload: idle}]", "unknown workload"},
		{"rules: [{name: a, match: {service.name: x}, energy: free}]", "unknown energy"},
		{"models: [{name: x}]", "no expression"},
		{"models: [{match: x}]", "give a name"},
		{"energy: {intensities: [{model: x, joules_per_output_token: 1}]}", "source is missing"},
		{"energy: {intensities: [{model: x, source: s}]}", "give joules_per_output_token"},
		{"energy: {intensities: [{model: x, source: s, joules_per_output_token: -1}]}", "no intensity"},
		{"energy: {intensities: [{model: x, source: s, joules_per_output_token: .inf}]}", "no intensity"},
	} {
		_, err := ParseMapping([]byte(test.text))
		assert.ErrorContains(t, err, test.says, test.text)
	}
}

func TestTheSampleMappingIsRead(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/otlp-mapping.yaml")
	require.NoError(t, err)
	mapping := mappingOf(t, string(text))
	assert.NotZero(t, mapping.Rules())
}

func TestPlacement(t *testing.T) {
	resource := map[string]any{"service.name": "chat-api", "deployment.environment": "prod", "cloud.region": "eastus"}
	call := map[string]any{"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06", "server.address": "api.openai.com"}
	rules := `
region: {default: FRA, names: {eastus: azure-eastus}}
models: [{match: '^gpt-4o(-\d|$)', name: gpt-4o, task_class: chat}]
rules:
  - {name: staging, match: {deployment.environment.name: ^staging$}, drop: true}
  - {name: hosted, match: {gen_ai.provider.name: ^openai$}, region: USA, energy: intensity}
  - {name: mine, match: {service.name: ^chat-}, project: helpdesk, workload: batch, region: FRA}
`
	for _, test := range []struct {
		name, mapping string
		own, resource map[string]any
		want          placement
		drop          bool
	}{
		{"defaults, by former names", "", call, resource, placement{model: "gpt-4o-2024-08-06", project: "chat-api", endpoint: "api.openai.com",
			regionGiven: "eastus", provider: "openai", taskClass: "chat", workload: kpi.WorkloadInference}, false},
		{"rules: the first that states a thing says it", rules, call, resource, placement{model: "gpt-4o", project: "helpdesk", endpoint: "api.openai.com", region: "USA",
			provider: "openai", taskClass: "chat", workload: kpi.WorkloadBatch, energy: EnergyIntensity}, false},
		{"dropped", rules, call, map[string]any{"deployment.environment": "staging"}, placement{}, true},
		{"names put for others", rules, map[string]any{}, map[string]any{"cloud.region": "eastus"}, placement{region: "FRA", regionGiven: "azure-eastus",
			taskClass: "chat", workload: kpi.WorkloadInference}, false},
		{"our own attributes go first", "", map[string]any{"wattscore.project": "billing"}, map[string]any{"service.name": "x", "wattscore.endpoint": "gw", "wattscore.region": "FRA"},
			placement{project: "billing", endpoint: "gw", regionGiven: "FRA", taskClass: "chat", workload: kpi.WorkloadInference}, false},
		{"what is not there is not a name", "", map[string]any{"server.address": "NOT_FOUND", "gen_ai.request.model": []any{"a"}}, map[string]any{"service.name": " "},
			placement{taskClass: "chat", workload: kpi.WorkloadInference}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, drop, err := mappingOf(t, test.mapping).place(attributesOf(t, test.own, test.resource), "chat")
			require.NoError(t, err)
			assert.Equal(t, test.drop, drop)
			if !drop {
				assert.Equal(t, test.want, got)
			}
		})
	}
}

func TestNamesThatCannotBeAreRefused(t *testing.T) {
	for _, name := range []string{"a\x00b", "\xff", string(make([]byte, 501)), kpi.Idle} {
		_, _, err := mappingOf(t, "").place(attributesOf(t, map[string]any{}, map[string]any{"wattscore.project": name}), "chat")
		assert.Error(t, err, "%q", name)
	}
}

func TestRegions(t *testing.T) {
	around := &surroundings{regions: map[string]bool{"FRA": true, "us-central1": true}}
	for _, test := range []struct{ given, fallback, want, says string }{
		{"us-central1", "FRA", "us-central1", ""},
		{"mars", "FRA", "FRA", ""},
		{"", "FRA", "FRA", ""},
		{"mars", "", "", "does not have the region"},
		{"", "", "", "names no region"},
		{"", "mars", "", `no region "mars"`},
	} {
		p := placement{regionGiven: test.given, region: test.fallback}
		err := p.resolveRegion(around)
		if test.says != "" {
			assert.ErrorContains(t, err, test.says)
			continue
		}
		assert.NoError(t, err)
		assert.Equal(t, test.want, p.region)
	}
}
