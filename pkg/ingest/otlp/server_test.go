package otlp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// now is when tests happen; their calls are of the hour before.
var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// running is a server under test.
type running struct {
	*Server
	grpc, http, own string
	stop            func() error

	mu   sync.Mutex
	said []string
}

func (r *running) sayings() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n")
}

// start runs a server on addresses of its own until the test ends.
func start(t testing.TB, options Options) *running {
	t.Helper()
	r := &running{}
	if len(options.Mapping.file.Operations) == 0 {
		options.Mapping = mappingOf(t, "").WithRegion("us-central1")
	}
	options.GRPC, options.HTTP, options.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	if options.Now == nil {
		options.Now = func() time.Time { return now }
	}
	options.Tell = func(format string, arguments ...any) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.said = append(r.said, fmt.Sprintf(format, arguments...))
	}
	server, err := New(options)
	require.NoError(t, err)
	r.Server = server
	address := func(a net.Addr) string { return a.String() }
	g, h, o := server.Addresses()
	r.grpc, r.http, r.own = address(g), address(h), address(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { assert.NoError(t, r.stop()) })
	return r
}

// llmCall is a span of a call to a model, as an SDK has it when it has ended.
type llmCall struct {
	trace, span, parent byte
	at                  time.Time
	took                time.Duration
	kind                trace.SpanKind
	attributes          []attribute.KeyValue
	status              codes.Code
}

func (c llmCall) stub(service ...attribute.KeyValue) tracetest.SpanStub {
	ids := func(span byte) trace.SpanContext {
		config := trace.SpanContextConfig{TraceID: trace.TraceID{0xab, 15: c.trace}, TraceFlags: trace.FlagsSampled}
		if span > 0 {
			config.SpanID = trace.SpanID{7: span}
		}
		return trace.NewSpanContext(config)
	}
	if c.took == 0 {
		c.took = 800 * time.Millisecond
	}
	if c.at.IsZero() {
		c.at = now.Add(-30 * time.Minute)
	}
	if c.kind == 0 {
		c.kind = trace.SpanKindClient
	}
	return tracetest.SpanStub{
		Name: "chat", SpanContext: ids(c.span), Parent: ids(c.parent), SpanKind: c.kind, StartTime: c.at, EndTime: c.at.Add(c.took),
		Attributes: c.attributes, Status: sdktrace.Status{Code: c.status},
		Resource: resource.NewSchemaless(append([]attribute.KeyValue{attribute.String("service.name", "chat-api")}, service...)...),
	}
}

func chatTo(model string, input, output int, more ...attribute.KeyValue) []attribute.KeyValue {
	return append([]attribute.KeyValue{
		attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.provider.name", "vllm"), attribute.String("gen_ai.request.model", model),
		attribute.Int("gen_ai.usage.input_tokens", input), attribute.Int("gen_ai.usage.output_tokens", output),
	}, more...)
}

func spansOf(calls ...llmCall) []sdktrace.ReadOnlySpan {
	var stubs tracetest.SpanStubs
	for _, c := range calls {
		stubs = append(stubs, c.stub())
	}
	return stubs.Snapshots()
}

func traceExporters(t testing.TB, r *running) map[string]*otlptrace.Exporter {
	t.Helper()
	overGRPC, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	require.NoError(t, err)
	overHTTP, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = overGRPC.Shutdown(context.Background()) // they may have lost the server
		_ = overHTTP.Shutdown(context.Background())
	})
	return map[string]*otlptrace.Exporter{"gRPC": overGRPC, "HTTP": overHTTP}
}

// usage answers from the day's facts and roll-ups, by model.
func usage(t testing.TB, pool *pgxpool.Pool, by ...kpi.Dimension) map[string]kpi.Measures {
	t.Helper()
	span := kpi.Span{From: now.Add(-12 * time.Hour), To: now.Add(time.Hour)}
	answers, _, err := warehouse.NewReader(pool).Usage(t.Context(), warehouse.UsageRequest{Periods: []kpi.Span{span}, GroupBy: by})
	require.NoError(t, err)
	measures := map[string]kpi.Measures{}
	for _, row := range answers[0] {
		measures[strings.Join(row.Members, " ")] = row.Measures
	}
	return measures
}

func TestSpansOfRealExportersBecomeRequestsOnce(t *testing.T) {
	for _, transport := range []string{"gRPC", "HTTP"} {
		t.Run(transport, func(t *testing.T) {
			pool := warehousetest.Open(t)
			mapping := mappingOf(t, "energy: {intensities: [{model: ^qwen, joules_per_output_token: 0.36, joules_per_input_token: 0.018, source: the test}]}").WithRegion("us-central1")
			r := start(t, Options{Warehouse: warehouse.OpenStore(pool), Mapping: mapping})
			exporter := traceExporters(t, r)[transport]
			var calls []llmCall
			for i := range byte(100) {
				calls = append(calls, llmCall{trace: 1, span: i + 1, attributes: chatTo("qwen-3", 2000, 100)})
			}
			calls = append(calls,
				llmCall{trace: 2, span: 1, attributes: chatTo("qwen-3", 0, 0, attribute.String("error.type", "429")), status: codes.Error},
				llmCall{trace: 2, span: 2, attributes: []attribute.KeyValue{attribute.String("http.request.method", "POST")}},
				llmCall{trace: 2, span: 3, attributes: []attribute.KeyValue{attribute.String("gen_ai.operation.name", "execute_tool"), attribute.Int("gen_ai.usage.input_tokens", 9)}},
			)
			for range 2 {
				require.NoError(t, exporter.ExportSpans(t.Context(), spansOf(calls...)))
				got := usage(t, pool, kpi.DimensionModel, kpi.DimensionProject, kpi.DimensionWorkload)
				require.Len(t, got, 1)
				m := got["qwen-3 chat-api inference"]
				assert.Equal(t, []int64{100, 200_000, 10_000}, []int64{m.Requests, m.InputTokens, m.OutputTokens})
				// 100 × (100 × 0.36 J + 2,000 × 0.018 J) = 7,200 J = 0.002 kWh, so 0.02 kWh per 1,000.
				intensity := kpi.EnergyPer1kRequests(m.ITEnergy, m.Requests)
				require.NotNil(t, intensity)
				assert.InDelta(t, 0.02, *intensity, 1e-12)
				assert.InDelta(t, 800, float64(m.LatencySum)/float64(m.LatencyRequests), 1e-9, "ms")
			}
			warehousetest.Refresh(t, pool)
			assert.Equal(t, int64(100), usage(t, pool)[""].Requests, "rolled up")
			var provider, class string
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT provider, task_class FROM wattscore.model WHERE name = 'qwen-3'").Scan(&provider, &class))
			assert.Equal(t, "vllm chat", provider+" "+class, "a new model is described")
		})
	}
}

func TestWhatSomebodySaysOfAModelStays(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	_, err := store.UpsertModels(t.Context(), []warehouse.Model{{Name: "m", Provider: "Acme", TaskClass: "reasoning"}})
	require.NoError(t, err)
	r := start(t, Options{Warehouse: store})
	require.NoError(t, traceExporters(t, r)["gRPC"].ExportSpans(t.Context(), spansOf(llmCall{trace: 1, span: 1, attributes: chatTo("m", 1, 1)})))
	var provider, class string
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT provider, task_class FROM wattscore.model WHERE name = 'm'").Scan(&provider, &class))
	assert.Equal(t, "Acme reasoning", provider+" "+class)
	assert.InDelta(t, 806.7/1e6, float64(usage(t, pool)[""].ITEnergy), 1e-12, "by the reference intensity of its task class")
}

func TestNestedCallsCountOnceAcrossRestarts(t *testing.T) {
	pool := warehousetest.Open(t)
	inner := llmCall{trace: 1, span: 3, parent: 2, attributes: chatTo("m", 10, 5)}
	between := llmCall{trace: 1, span: 2, parent: 1, attributes: []attribute.KeyValue{attribute.String("http.request.method", "POST")}}
	outer := llmCall{trace: 1, span: 1, attributes: chatTo("m", 999, 999)}
	server := llmCall{trace: 1, span: 4, parent: 3, kind: trace.SpanKindServer, attributes: chatTo("m", 10, 5)}
	for _, arrives := range []llmCall{inner, between, outer, server, inner} {
		r := start(t, Options{Warehouse: warehouse.OpenStore(pool)})
		require.NoError(t, traceExporters(t, r)["gRPC"].ExportSpans(t.Context(), spansOf(arrives)))
		require.NoError(t, r.stop())
		m := usage(t, pool)[""]
		assert.Equal(t, []int64{1, 10, 5}, []int64{m.Requests, m.InputTokens, m.OutputTokens})
	}
}

// The energy of a host whose counters are collected is in facts already: its requests
// bring none, and the sum is the counter's.
func TestRequestsOfACollectedHostLeaveTheSumToItsCounter(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	counter := int64(1_000_000_000_000) // 1 kWh in nWh
	began := now.Add(-2 * time.Hour)
	_, err := store.WriteGPUSamples(t.Context(), warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{{UUID: "GPU-1", Host: "gpu-1", Region: "us-central1", Name: "NVIDIA L4", SeenAt: began}},
		Samples: []warehouse.GPUSample{{UUID: "GPU-1", Start: began, Time: now.Add(-time.Hour), Host: "gpu-1", Region: "us-central1", Name: "NVIDIA L4", Energy: &counter, Method: "counter"}},
	})
	require.NoError(t, err)
	collected := warehousetest.Event("nvml", began.Add(30*time.Minute))
	collected.Model, collected.Project, collected.Endpoint, collected.ITEnergy, collected.Source = "llama-70b", "helpdesk", "helpdesk-chat", 1, "nvml"
	collected.Requests, collected.InputTokens, collected.OutputTokens = 0, 0, 0
	warehousetest.Write(t, pool, now, collected)

	mapping := mappingOf(t, `
energy: {intensities: [{model: llama, joules_per_output_token: 3600, source: the test}]}
rules: [{match: {server.address: ^gpu-1}, project: helpdesk, endpoint: helpdesk-chat}]`).WithRegion("us-central1")
	r := start(t, Options{Warehouse: store, Mapping: mapping})
	call := func(span byte, at time.Time, more ...attribute.KeyValue) llmCall {
		return llmCall{trace: 9, span: span, at: at, attributes: chatTo("llama-70b", 100, 10, more...)}
	}
	at := began.Add(10 * time.Minute)
	var calls []llmCall
	for i := range byte(50) {
		calls = append(calls, call(i+1, at, attribute.String("server.address", "gpu-1.cluster.local"), attribute.Int("server.port", 8000)))
	}
	require.NoError(t, traceExporters(t, r)["gRPC"].ExportSpans(t.Context(), spansOf(calls...)))
	m := usage(t, pool, kpi.DimensionModel, kpi.DimensionProject, kpi.DimensionEndpoint)["llama-70b helpdesk helpdesk-chat"]
	assert.Equal(t, kpi.KilowattHours(1), m.ITEnergy, "to the last nWh")
	assert.Equal(t, int64(50), m.Requests)
	intensity := kpi.EnergyPer1kRequests(m.ITEnergy, m.Requests)
	require.NotNil(t, intensity)
	assert.InDelta(t, 20, *intensity, 1e-12)

	// Elsewhere, and before anybody collected, tokens are all there is: 10 × 3,600 J = 0.01 kWh each.
	require.NoError(t, traceExporters(t, r)["gRPC"].ExportSpans(t.Context(), spansOf(
		call(101, at, attribute.String("server.address", "gpu-2")),
		call(102, began.Add(-time.Hour), attribute.String("server.address", "gpu-1")))))
	assert.InDelta(t, 1.02, float64(usage(t, pool)[""].ITEnergy), 1e-12)
	var measured, estimated int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE quality = 'measured'), count(*) FILTER (WHERE quality = 'estimated')
		FROM wattscore.event WHERE source = 'otlp'`).Scan(&measured, &estimated))
	assert.Equal(t, []int{50, 2}, []int{measured, estimated})
}

// genAIMetrics records calls with the SDK's own instruments.
type genAIMetrics struct {
	reader   *sdkmetric.ManualReader
	tokens   metric.Int64Histogram
	duration metric.Float64Histogram
}

func newGenAIMetrics(t testing.TB, temporality metricdata.Temporality, exponential bool) genAIMetrics {
	t.Helper()
	reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(func(sdkmetric.InstrumentKind) metricdata.Temporality { return temporality }))
	options := []sdkmetric.Option{sdkmetric.WithReader(reader), sdkmetric.WithResource(resource.NewSchemaless(attribute.String("service.name", "chat-api")))}
	if exponential {
		options = append(options, sdkmetric.WithView(sdkmetric.NewView(sdkmetric.Instrument{Name: "gen_ai.*"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}})))
	}
	meter := sdkmetric.NewMeterProvider(options...).Meter("test")
	tokens, err := meter.Int64Histogram(metricTokens, metric.WithUnit("{token}"))
	require.NoError(t, err)
	duration, err := meter.Float64Histogram(metricClientDuration, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(0.1, 0.4, 1.6, 6.4))
	require.NoError(t, err)
	return genAIMetrics{reader, tokens, duration}
}

func (m genAIMetrics) call(ctx context.Context, model string, input, output int64, seconds float64, more ...attribute.KeyValue) {
	common := append([]attribute.KeyValue{attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", model)}, more...)
	of := func(kind string) metric.MeasurementOption {
		return metric.WithAttributes(append([]attribute.KeyValue{attribute.String("gen_ai.token.type", kind)}, common...)...)
	}
	m.tokens.Record(ctx, input, of("input"))
	m.tokens.Record(ctx, output, of("output"))
	m.duration.Record(ctx, seconds, metric.WithAttributes(common...))
}

func (m genAIMetrics) collect(t testing.TB) *metricdata.ResourceMetrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &collected))
	return &collected
}

// metricExporter is what the two exporters of metrics have in common.
type metricExporter interface {
	Export(context.Context, *metricdata.ResourceMetrics) error
	Shutdown(context.Context) error
}

func metricExporters(t testing.TB, r *running) map[string]metricExporter {
	t.Helper()
	overGRPC, err := otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithEndpoint(r.grpc), otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
	require.NoError(t, err)
	overHTTP, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpoint(r.http), otlpmetrichttp.WithInsecure(), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	require.NoError(t, err)
	all := map[string]metricExporter{"gRPC": overGRPC, "HTTP": overHTTP}
	for _, e := range all {
		t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	}
	return all
}

func TestMetricsOfRealExportersBecomeRequestsOnce(t *testing.T) {
	for _, test := range []struct {
		name, transport string
		temporality     metricdata.Temporality
		exponential     bool
	}{
		{"cumulative", "gRPC", metricdata.CumulativeTemporality, false},
		{"delta", "HTTP", metricdata.DeltaTemporality, false},
		{"cumulative exponential", "HTTP", metricdata.CumulativeTemporality, true},
		{"delta exponential", "gRPC", metricdata.DeltaTemporality, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool := warehousetest.Open(t)
			store := warehouse.OpenStore(pool)
			mapping := mappingOf(t, "{count: client_metrics, energy: {intensities: [{model: ^qwen, joules_per_output_token: 3.6, source: the test}]}}").WithRegion("us-central1")
			now := time.Now().UTC().Truncate(time.Hour) // the SDK's own clock dates metrics
			total := func() kpi.Measures {
				answers, _, err := warehouse.NewReader(pool).Usage(t.Context(), warehouse.UsageRequest{Periods: []kpi.Span{{From: now.Add(-2 * time.Hour), To: now.Add(2 * time.Hour)}}})
				require.NoError(t, err)
				if len(answers[0]) == 0 {
					return kpi.Measures{}
				}
				return answers[0][0].Measures
			}
			open := func() (*running, metricExporter) {
				r := start(t, Options{Warehouse: store, Mapping: mapping, Now: time.Now})
				return r, metricExporters(t, r)[test.transport]
			}
			r, exporter := open()
			metrics := newGenAIMetrics(t, test.temporality, test.exponential)
			for range 10 {
				metrics.call(t.Context(), "qwen-3", 200, 20, 0.8)
			}
			first := metrics.collect(t)
			for range 2 {
				require.NoError(t, exporter.Export(t.Context(), first))
				m := total()
				assert.Equal(t, []int64{10, 2000, 200}, []int64{m.Requests, m.InputTokens, m.OutputTokens})
			}
			// Another receiver goes on where the first was.
			require.NoError(t, r.stop())
			_, exporter = open()
			metrics.call(t.Context(), "qwen-3", 100, 50, 3)
			metrics.call(t.Context(), "qwen-3", 100, 50, 3, attribute.String("error.type", "timeout"))
			second := metrics.collect(t)
			for _, again := range []*metricdata.ResourceMetrics{second, first, second} {
				require.NoError(t, exporter.Export(t.Context(), again))
			}
			m := total()
			assert.Equal(t, []int64{11, 2200, 300}, []int64{m.Requests, m.InputTokens, m.OutputTokens}, "a call that failed has used its tokens, and was none that was answered")
			assert.InDelta(t, 300*3.6/3.6e6, float64(m.ITEnergy), 1e-12)
			// 0.8 s lies between 0.4 and 1.6, 3 s between 1.6 and 6.4.
			relative := 0.005
			want := (10*0.8 + 3.2) * 1000
			if test.exponential {
				relative, want = 0.05, (10*0.8+3)*1000
			}
			assert.InEpsilon(t, want, float64(m.LatencySum), relative)
			assert.Equal(t, int64(11), m.LatencyRequests)

			// Its process starts anew, and counts from 0 again.
			metrics = newGenAIMetrics(t, test.temporality, test.exponential)
			metrics.call(t.Context(), "qwen-3", 5, 5, 1)
			require.NoError(t, exporter.Export(t.Context(), metrics.collect(t)))
			assert.Equal(t, int64(12), total().Requests)
		})
	}
}

// Two processes whose attributes are the same are two streams, because they began at
// two times.
func TestProcessesThatAreNotToldApartDoNotRunIntoOne(t *testing.T) {
	fake := newFakeWarehouse()
	r := start(t, Options{Warehouse: fake, Mapping: mappingOf(t, "count: client_metrics").WithRegion("us-central1"), Now: time.Now})
	exporter := metricExporters(t, r)["gRPC"]
	processes := []genAIMetrics{newGenAIMetrics(t, metricdata.CumulativeTemporality, false), newGenAIMetrics(t, metricdata.CumulativeTemporality, false)}
	for _, calls := range [][]int{{10, 3}, {2, 1}, {0, 4}} {
		for i, process := range processes {
			for range calls[i] {
				process.call(t.Context(), "m", 1, 1, 0.5)
			}
			require.NoError(t, exporter.Export(t.Context(), process.collect(t)))
		}
	}
	var requests int64
	for _, e := range fake.events {
		requests += e.Requests
	}
	assert.Equal(t, int64(20), requests)
}

func TestSpansAndMetricsOfOneServiceCountOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	r := start(t, Options{Warehouse: warehouse.OpenStore(pool), Now: time.Now})
	require.NoError(t, traceExporters(t, r)["HTTP"].ExportSpans(t.Context(), spansOf(llmCall{trace: 1, span: 1, attributes: chatTo("m", 10, 5)})))
	metrics := newGenAIMetrics(t, metricdata.CumulativeTemporality, false)
	metrics.call(t.Context(), "m", 10, 5, 0.8)
	err := metricExporters(t, r)["gRPC"].Export(t.Context(), metrics.collect(t))
	require.Error(t, err, "the sender is told")
	assert.ErrorContains(t, err, `the service "chat-api" do not count, because its spans do`)
	var events int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM wattscore.inference_energy_fact").Scan(&events))
	assert.Equal(t, 1, events)
}

func TestRejectedSpansAreToldAndTheOthersGoIn(t *testing.T) {
	pool := warehousetest.Open(t)
	r := start(t, Options{Warehouse: warehouse.OpenStore(pool)})
	err := traceExporters(t, r)["gRPC"].ExportSpans(t.Context(), spansOf(
		llmCall{trace: 1, span: 1, attributes: chatTo("m", 10, 5)},
		llmCall{trace: 1, span: 2, attributes: chatTo("m", -10, 5)},
		llmCall{trace: 1, span: 3, at: now.Add(72 * time.Hour), attributes: chatTo("m", 10, 5)},
		llmCall{trace: 1, span: 4, at: time.Unix(60, 0), attributes: chatTo("m", 10, 5)},
		llmCall{trace: 1, span: 5, took: -time.Second, attributes: chatTo("m", 10, 5)},
	))
	require.Error(t, err)
	for _, says := range []string{"4 spans", "-10 is negative", "ends before it begins", "in the future"} {
		assert.ErrorContains(t, err, says)
	}
	assert.Equal(t, int64(1), usage(t, pool)[""].Requests)
}

func TestTLSAndTokens(t *testing.T) {
	pool := warehousetest.Open(t)
	certificate, key, roots := selfSigned(t)
	secure, err := ReadCertificate(certificate, key)
	require.NoError(t, err)
	tokens, err := ReadTokens(writeFile(t, "tokens", "# the gateway's\n0123456789abcdef0123\n"))
	require.NoError(t, err)
	r := start(t, Options{Warehouse: warehouse.OpenStore(pool), TLS: secure, Tokens: tokens})
	spans := spansOf(llmCall{trace: 1, span: 1, attributes: chatTo("m", 10, 5)})
	config := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	for token, allowed := range map[string]bool{"0123456789abcdef0123": true, "0123456789abcdef0124": false} {
		headers := map[string]string{"Authorization": "Bearer " + token}
		overGRPC, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithTLSCredentials(credentialsOf(config)),
			otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
		require.NoError(t, err)
		overHTTP, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithTLSClientConfig(config),
			otlptracehttp.WithHeaders(headers), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
		require.NoError(t, err)
		for name, exporter := range map[string]*otlptrace.Exporter{"gRPC": overGRPC, "HTTP": overHTTP} {
			err := exporter.ExportSpans(t.Context(), spans)
			assert.Equal(t, allowed, err == nil, "%s, %v", name, err)
			require.NoError(t, exporter.Shutdown(context.Background()))
		}
	}
	assert.Equal(t, int64(1), usage(t, pool)[""].Requests)
}
