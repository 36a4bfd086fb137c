package otlp

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var somewhere = &surroundings{regions: map[string]bool{"us-central1": true, "FRA": true}}

func recordedTraces(t testing.TB, name string) ptraceotlp.ExportRequest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+"-traces.json"))
	require.NoError(t, err)
	request := ptraceotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalJSON(text))
	return request
}

func recordedMetrics(t testing.TB, name string) pmetricotlp.ExportRequest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+"-metrics.json"))
	require.NoError(t, err)
	request := pmetricotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalJSON(text))
	return request
}

// callsOf returns the calls of traces that count.
func callsOf(t testing.TB, m Mapping, request ptraceotlp.ExportRequest) ([]*call, tally) {
	t.Helper()
	spans, counted := m.readSpans(request.Traces(), somewhere)
	k := kinship{known: map[uuid.UUID]warehouse.Kinship{}, changed: map[uuid.UUID]warehouse.Kinship{}}
	calls, _ := k.decide(spans)
	return calls, counted
}

func TestRecordedTraces(t *testing.T) {
	type want struct {
		model, project, endpoint, provider string
		input, output                      int64
		latency                            time.Duration
	}
	mapping := mappingOf(t, "").WithRegion("us-central1")
	for name, test := range map[string]struct {
		calls   []want
		ignored int
	}{
		// The framework's own spans count 124 and 399 tokens of the same two requests.
		"openlit-langchain": {[]want{
			{"gpt-3.5-turbo-0125", "default", "api.openai.com", "openai", 38, 110, 1_214_892_000},
			{"gpt-3.5-turbo-0125", "default", "api.openai.com", "openai", 39, 7, 1_178_271_000},
		}, 0},
		"openllmetry-langchain": {[]want{
			{"gpt-3.5-turbo-0125", "unknown_service", "", "Langchain", 38, 93, 1_066_870_000},
			{"gpt-3.5-turbo-0125", "unknown_service", "", "Langchain", 39, 7, 1_491_077_000},
		}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			calls, counted := callsOf(t, mapping, recordedTraces(t, name))
			assert.Zero(t, counted.rejected.count, counted.rejected.reasons)
			assert.Equal(t, test.ignored, counted.ignored)
			var got []want
			for _, c := range calls {
				e := c.event
				require.NotNil(t, e.Latency)
				got = append(got, want{e.Model, e.Project, e.Endpoint, c.place.provider, e.InputTokens, e.OutputTokens, *e.Latency})
				assert.Equal(t, int64(1), e.Requests)
				assert.Equal(t, kpi.WorkloadInference, e.Workload)
				assert.Equal(t, 2025, e.Time.Year())
			}
			assert.ElementsMatch(t, test.calls, roundedLatencies(got, func(w *want) *time.Duration { return &w.latency }))
		})
	}
}

func roundedLatencies[T any](all []T, latency func(*T) *time.Duration) []T {
	for i := range all {
		*latency(&all[i]) = latency(&all[i]).Round(time.Microsecond)
	}
	return all
}

func TestRecordedMetrics(t *testing.T) {
	type sums struct{ requests, input, output, events int }
	sum := func(points []point) (s sums) {
		state := noStreams()
		for _, p := range points {
			step, counted, err := state.advance(p)
			require.NoError(t, err)
			if counted {
				_, works := step.events()
				for _, w := range works {
					s.requests, s.input, s.output, s.events = s.requests+int(w.requests), s.input+int(w.input), s.output+int(w.output), s.events+1
				}
			}
		}
		return s
	}
	byMetrics := mappingOf(t, "count: client_metrics").WithRegion("us-central1")

	points, counted, _ := byMetrics.readPoints(recordedMetrics(t, "openllmetry-langchain").Metrics(), somewhere)
	assert.Zero(t, counted.rejected.count, counted.rejected.reasons)
	assert.Equal(t, sums{requests: 2, input: 77, output: 100, events: 3}, sum(points))

	// OpenLIT does not say which tokens it counts, and counts the framework's call and
	// the SDK's, which a rule tells apart.
	points, counted, _ = byMetrics.readPoints(recordedMetrics(t, "openlit-langchain").Metrics(), somewhere)
	assert.Equal(t, 2, counted.rejected.count)
	assert.Contains(t, counted.rejected.reasons[0], "gen_ai.token.type")
	assert.Equal(t, 2, counted.ignored, "time to the first token is no request")
	assert.Equal(t, 4, sum(points).requests)
	withRule := mappingOf(t, "{count: client_metrics, rules: [{match: {gen_ai.provider.name: ^langchain$}, drop: true}]}").WithRegion("us-central1")
	points, counted, _ = withRule.readPoints(recordedMetrics(t, "openlit-langchain").Metrics(), somewhere)
	assert.Equal(t, 2, sum(points).requests)
	assert.Equal(t, 1, counted.dropped)

	bySpans := mappingOf(t, "").WithRegion("us-central1")
	points, counted, uncounted := bySpans.readPoints(recordedMetrics(t, "openllmetry-langchain").Metrics(), somewhere)
	assert.Empty(t, points)
	assert.Equal(t, 3, counted.notCounted)
	assert.Equal(t, []string{"unknown_service"}, uncounted)
}
