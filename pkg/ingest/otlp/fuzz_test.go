package otlp

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// FuzzTraces sends whatever bytes through the decoders and the mapping: each call that
// comes out could be stored, and has the id that its repetition has.
func FuzzTraces(f *testing.F) {
	for _, name := range []string{"openlit-langchain", "openllmetry-langchain"} {
		request := recordedTraces(f, name)
		text, err := request.MarshalJSON()
		require.NoError(f, err)
		wire, err := request.MarshalProto()
		require.NoError(f, err)
		f.Add(text, true)
		f.Add(wire, false)
	}
	mapping := mappingOf(f, "failed: true").WithRegion("us-central1")
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		read := func() (calls []*call, ok bool) {
			request := ptraceotlp.NewExportRequest()
			if decode(body, encodingOf(isJSON), request.UnmarshalProto, request.UnmarshalJSON) != nil {
				return nil, false
			}
			spans, _ := mapping.readSpans(request.Traces(), somewhere)
			k := kinship{known: map[uuid.UUID]warehouse.Kinship{}, changed: map[uuid.UUID]warehouse.Kinship{}}
			calls, nested := k.decide(spans)
			require.LessOrEqual(t, len(calls)+len(nested), len(spans))
			return calls, true
		}
		first, ok := read()
		if !ok {
			return
		}
		again, _ := read()
		require.Len(t, again, len(first))
		for i, c := range first {
			require.Equal(t, c.event.ID, again[i].event.ID)
			requireStorable(t, c.event)
		}
	})
}

// FuzzMetrics does the same with metrics.
func FuzzMetrics(f *testing.F) {
	for _, name := range []string{"openlit-langchain", "openllmetry-langchain"} {
		request := recordedMetrics(f, name)
		text, err := request.MarshalJSON()
		require.NoError(f, err)
		wire, err := request.MarshalProto()
		require.NoError(f, err)
		f.Add(text, true)
		f.Add(wire, false)
	}
	mapping := mappingOf(f, "{count: client_metrics, failed: true}").WithRegion("us-central1")
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		request := pmetricotlp.NewExportRequest()
		if decode(body, encodingOf(isJSON), request.UnmarshalProto, request.UnmarshalJSON) != nil {
			return
		}
		points, _, _ := mapping.readPoints(request.Metrics(), somewhere)
		state := noStreams()
		for _, p := range points {
			step, counted, err := state.advance(p)
			if err != nil || !counted {
				continue
			}
			events, works := step.events()
			require.LessOrEqual(t, len(events), mostEventsOfStep)
			var sum work
			for i, e := range events {
				requireStorable(t, e)
				sum = work{sum.requests + works[i].requests, sum.input + works[i].input, sum.output + works[i].output}
			}
			require.LessOrEqual(t, sum.requests, int64(mostCounted))
			kept, err := p.reading.encode()
			require.NoError(t, err)
			back, err := decodeReading(kept)
			require.NoError(t, err)
			require.Equal(t, p.reading.Count, back.Count)
		}
	})
}

func encodingOf(isJSON bool) string {
	if isJSON {
		return typeJSON
	}
	return typeProtobuf
}

// requireStorable demands that an event is one, whatever its time.
func requireStorable(t *testing.T, e warehouse.Event) {
	t.Helper()
	e.Time = now.Add(-48 * time.Hour)
	require.NoError(t, e.Validate(now))
	for _, name := range []string{e.Model, e.Project, e.Endpoint} {
		require.NoError(t, mapping.CheckName("name", name))
	}
	if e.Latency != nil {
		require.LessOrEqual(t, *e.Latency, longestCall)
	}
	require.LessOrEqual(t, e.InputTokens, int64(mostTokens))
}

// FuzzMapping reads whatever file: one that is accepted maps whatever there is.
func FuzzMapping(f *testing.F) {
	f.Add("count: spans", "service.name", "x")
	f.Add("rules: [{match: {service.name: a}, project: b}]", "service.name", "a")
	f.Add("models: [{match: '^(.*)$', name: m}]", "gen_ai.request.model", "\xff")
	f.Add("energy: {intensities: [{model: a, joules_per_output_token: 1e300, source: s}]}", "gen_ai.request.model", "a")
	f.Fuzz(func(t *testing.T, text, attribute, value string) {
		m, err := ParseMapping([]byte(text))
		if err != nil {
			return
		}
		a := attributesOf(t, map[string]any{attribute: value}, map[string]any{attribute: value})
		p, drop, err := m.place(a, "chat")
		if err != nil || drop {
			return
		}
		for _, name := range []string{p.model, p.project, p.endpoint} {
			require.NoError(t, mapping.CheckName("name", name))
		}
		energy, _, _ := estimator{settings: m.file.Energy}.energy(p, work{1, 1, 1}, now, &surroundings{})
		require.False(t, math.IsNaN(float64(energy)) || energy < 0)
	})
}
