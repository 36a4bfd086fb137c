package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// requestOf holds calls numbered from a first one.
func requestOf(first, calls int, change func(ptrace.Span)) ptraceotlp.ExportRequest {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "chat-api")
	scope := resource.ScopeSpans().AppendEmpty()
	for i := range calls {
		s := scope.Spans().AppendEmpty()
		n := uint64(first + i + 1)
		s.SetTraceID(pcommon.TraceID{0xcd, 14: byte(n >> 8), 15: byte(n)})
		s.SetSpanID(pcommon.SpanID{5: byte(n >> 16), 6: byte(n >> 8), 7: byte(n)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Hour)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Hour + time.Second)))
		s.Attributes().PutStr("gen_ai.operation.name", "chat")
		s.Attributes().PutStr("gen_ai.request.model", "m")
		s.Attributes().PutInt("gen_ai.usage.input_tokens", 10)
		if change != nil {
			change(s)
		}
	}
	return ptraceotlp.NewExportRequestFromTraces(traces)
}

func dial(t testing.TB, r *running) ptraceotlp.GRPCClient {
	t.Helper()
	connection, err := grpc.NewClient(r.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	return ptraceotlp.NewGRPCClient(connection)
}

// post sends a body and returns what came back.
func post(t testing.TB, r *running, path string, body []byte, headers ...string) (code int, header http.Header, answer []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.http+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", typeProtobuf)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, answer
}

func retryDelay(t testing.TB, err error) time.Duration {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.RetryDelay.AsDuration()
		}
	}
	return 0
}

func TestNothingIsAcknowledgedThatIsNotCommitted(t *testing.T) {
	for _, fromTheStart := range []bool{true, false} {
		t.Run(fmt.Sprint("away from the start: ", fromTheStart), func(t *testing.T) {
			fake := newFakeWarehouse()
			r := start(t, Options{Warehouse: fake})
			client, body := dial(t, r), requestOf(0, 3, nil)
			wire, err := body.MarshalProto()
			require.NoError(t, err)
			if !fromTheStart {
				_, err := client.Export(t.Context(), requestOf(100, 1, nil))
				require.NoError(t, err)
			}
			before := fake.stored()
			fake.set(errAway)
			for range 3 {
				_, err = client.Export(t.Context(), body)
				assert.Equal(t, codes.Unavailable, status.Code(err))
				assert.Equal(t, 5*time.Second, retryDelay(t, err), "RetryInfo: %v", err)
				code, header, answer := post(t, r, "/v1/traces", wire)
				assert.Equal(t, http.StatusServiceUnavailable, code)
				assert.Equal(t, "5", header.Get("Retry-After"))
				var problem statuspb.Status
				require.NoError(t, proto.Unmarshal(answer, &problem))
				assert.Contains(t, problem.Message, "try again")
				assert.NotContains(t, problem.Message, "connection refused", "senders learn nothing of the database")
			}
			assert.Equal(t, before, fake.stored())
			code, health := ask(t, r, "/healthz")
			assert.Equal(t, http.StatusOK, code, "starting anew would not help")
			assert.Contains(t, health, "the warehouse is away")

			fake.set(nil)
			for range 2 {
				_, err = client.Export(t.Context(), body)
				require.NoError(t, err)
			}
			assert.Equal(t, before+3, fake.stored())
			if !fromTheStart {
				assert.Equal(t, 1, strings.Count(r.sayings(), "The warehouse takes nothing"), "told once an outage")
				assert.Equal(t, 1, strings.Count(r.sayings(), "takes what comes again"))
			}
		})
	}
}

func ask(t testing.TB, r *running, path string) (int, string) {
	t.Helper()
	response, err := http.Get("http://" + r.own + path)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestARealExporterTriesAgainByItself(t *testing.T) {
	t.Parallel()
	fake := newFakeWarehouse()
	fake.set(errAway)
	r := start(t, Options{Warehouse: fake})
	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure())
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- exporter.ExportSpans(context.Background(), spansOf(llmCall{trace: 1, span: 1, attributes: chatTo("m", 1, 1)}))
	}()
	refused := func() bool {
		_, text := ask(t, r, "/metrics")
		return strings.Contains(text, `wattscore_otlp_requests_total{outcome="unavailable",signal="traces",transport="grpc"} 1`)
	}
	require.Eventually(t, refused, time.Minute, 10*time.Millisecond)
	fake.set(nil)
	require.NoError(t, <-done)
	assert.Equal(t, 1, fake.stored())
	require.NoError(t, exporter.Shutdown(t.Context()))
}

// A flood while the warehouse hangs: as many requests are in memory as there are
// places, the others are told to try again at once, and all go in when it answers.
func TestAFloodIsBounded(t *testing.T) {
	const places, senders = 4, 60
	fake := newFakeWarehouse()
	fake.entered, fake.proceed = make(chan struct{}, 1), make(chan struct{})
	r := start(t, Options{Warehouse: fake, AtOnce: places})
	body, err := requestOf(0, 50, nil).MarshalProto()
	require.NoError(t, err)
	client := dial(t, r)
	// Fill the places: one is being written, the others wait.
	var held sync.WaitGroup
	outcomes := make(chan error, places)
	for i := range places {
		held.Go(func() {
			_, err := client.Export(context.Background(), requestOf(1000*(i+1), 50, nil))
			outcomes <- err
		})
	}
	<-fake.entered
	require.Eventually(t, func() bool { return len(r.receiver.slots) == places }, time.Minute, time.Millisecond)
	for range senders {
		if code, header, _ := post(t, r, "/v1/traces", body); assert.Equal(t, http.StatusTooManyRequests, code) {
			assert.Equal(t, "1", header.Get("Retry-After"))
		}
		_, err := dial(t, r).Export(t.Context(), requestOf(0, 50, nil))
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assert.Equal(t, time.Second, retryDelay(t, err), "RetryInfo: %v", err)
		assert.LessOrEqual(t, len(r.receiver.slots), places)
		assert.LessOrEqual(t, len(r.receiver.queue), places)
	}
	_, text := ask(t, r, "/metrics")
	assert.Contains(t, text, fmt.Sprintf("wattscore_otlp_requests_in_flight %d", places))
	assert.Contains(t, text, fmt.Sprintf(`wattscore_otlp_requests_total{outcome="busy",signal="traces",transport="http"} %d`, senders))
	close(fake.proceed)
	held.Wait()
	for range places {
		require.NoError(t, <-outcomes)
	}
	assert.Equal(t, places*50, fake.stored())
	require.Eventually(t, func() bool { return len(r.receiver.slots) == 0 }, time.Minute, time.Millisecond, "every place is free again")
	for i := range 5 * places {
		_, err := client.Export(t.Context(), requestOf(10_000+i, 1, nil))
		require.NoError(t, err, "request %d", i)
		require.Eventually(t, func() bool { return len(r.receiver.slots) == 0 }, time.Minute, time.Millisecond)
	}
	assert.Less(t, fake.largest, batchEvents+places*50)
}

func TestStoppingAnswersWhatWasBegun(t *testing.T) {
	fake := newFakeWarehouse()
	fake.entered, fake.proceed = make(chan struct{}, 1), make(chan struct{})
	r := start(t, Options{Warehouse: fake})
	client := dial(t, r)
	answered := make(chan error, 1)
	go func() {
		_, err := client.Export(context.Background(), requestOf(0, 3, nil))
		answered <- err
	}()
	<-fake.entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	require.Eventually(t, func() bool { code, _ := ask(t, r, "/healthz"); return code == http.StatusServiceUnavailable }, time.Minute, time.Millisecond)
	close(fake.proceed)
	require.NoError(t, <-answered, "what was committed is acknowledged")
	require.NoError(t, <-stopped)
	assert.Equal(t, 3, fake.stored())
}

func TestWhatTheDatabaseRefusesDoesNotHoldUpTheOthers(t *testing.T) {
	fake := newFakeWarehouse()
	fake.entered, fake.proceed = make(chan struct{}, 1), make(chan struct{}, 100)
	r := start(t, Options{Warehouse: fake})
	client := dial(t, r)
	outcomes := make([]error, 5)
	var all sync.WaitGroup
	send := func(i int) {
		all.Go(func() {
			_, outcomes[i] = client.Export(context.Background(), requestOf(1000*i, 2, func(s ptrace.Span) {
				if i == 2 {
					s.Attributes().PutStr("wattscore.project", refusedProject)
				}
			}))
		})
	}
	send(0)
	<-fake.entered // the others wait together
	for i := 1; i < 5; i++ {
		send(i)
	}
	require.Eventually(t, func() bool { return len(r.receiver.queue) == 4 }, time.Minute, time.Millisecond)
	close(fake.proceed)
	all.Wait()
	for i, err := range outcomes {
		if i == 2 {
			assert.Equal(t, codes.InvalidArgument, status.Code(err), "never to be sent again")
			assert.Zero(t, retryDelay(t, err))
			continue
		}
		assert.NoError(t, err)
	}
	assert.Equal(t, 8, fake.stored())
}

func TestHTTPRequestsThatCannotBe(t *testing.T) {
	r := start(t, Options{Warehouse: newFakeWarehouse(), Largest: 64 << 10})
	packed := func(text []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	huge := bytes.Repeat([]byte{0}, 10<<20)
	whole, err := requestOf(0, 2, nil).MarshalProto()
	require.NoError(t, err)
	deep := []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":` + strings.Repeat(`{"arrayValue":{"values":[`, 900) + strings.Repeat(`]}}`, 900) + `}]}}]}`)
	for _, test := range []struct {
		name    string
		path    string
		body    []byte
		headers []string
		code    int
	}{
		{"no telemetry", "/v1/traces", nil, nil, http.StatusOK},
		{"packed", "/v1/traces", packed(whole), []string{"Content-Encoding", "gzip"}, http.StatusOK},
		{"JSON", "/v1/traces", []byte(`{"resourceSpans":[]}`), []string{"Content-Type", "application/json; charset=utf-8"}, http.StatusOK},
		{"of another kind", "/v1/traces", whole, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		{"no protobuf", "/v1/traces", []byte("hello"), nil, http.StatusBadRequest},
		{"no JSON", "/v1/metrics", []byte("{"), []string{"Content-Type", typeJSON}, http.StatusBadRequest},
		{"cut off", "/v1/traces", whole[:len(whole)-3], nil, http.StatusBadRequest},
		{"not packed", "/v1/traces", whole, []string{"Content-Encoding", "gzip"}, http.StatusBadRequest},
		{"packing cut off", "/v1/traces", packed(whole)[:40], []string{"Content-Encoding", "gzip"}, http.StatusBadRequest},
		{"packed some other way", "/v1/traces", whole, []string{"Content-Encoding", "zstd"}, http.StatusBadRequest},
		{"too large", "/v1/traces", huge, nil, http.StatusRequestEntityTooLarge},
		{"too large unpacked", "/v1/traces", packed(huge), []string{"Content-Encoding", "gzip"}, http.StatusRequestEntityTooLarge},
		{"logs", "/v1/logs", nil, nil, http.StatusNotFound},
		{"another path", "/", nil, nil, http.StatusNotFound},
		{"deep", "/v1/traces", deep, []string{"Content-Type", typeJSON}, http.StatusOK},
	} {
		code, _, answer := post(t, r, test.path, test.body, test.headers...)
		assert.Equal(t, test.code, code, "%s: %q", test.name, answer)
	}
	response, err := http.Get("http://" + r.http + "/v1/traces")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	_, err = dial(t, r).Export(t.Context(), requestOf(0, 2000, nil))
	assert.Equal(t, codes.ResourceExhausted, status.Code(err))
	assert.Zero(t, retryDelay(t, err), "without a time to try again it is for good")
	require.Eventually(t, func() bool { return len(r.receiver.slots) == 0 }, time.Minute, time.Millisecond, "every place is free again")
}

// What people wrote and models answered is nowhere: not in a table, not in a message,
// not in a metric.
func TestNoContentIsKept(t *testing.T) {
	const secret = "the patient's name is Orphée"
	pool := warehousetest.Open(t)
	r := start(t, Options{Warehouse: warehouse.OpenStore(pool), Mapping: mappingOf(t, "failed: true").WithRegion("us-central1")})
	request := requestOf(0, 3, func(s ptrace.Span) {
		s.SetName(secret)
		s.Status().SetMessage(secret)
		for _, name := range append([]string{"gen_ai.prompt.0.content", "gen_ai.completion.0.content", "user.question", "gen_ai.agent.description"}, contentNames...) {
			s.Attributes().PutStr(name, secret)
		}
		s.Attributes().PutEmptySlice("gen_ai.input.messages").AppendEmpty().SetStr(secret)
		for _, name := range []string{"gen_ai.content.prompt", "gen_ai.user.message"} {
			s.Events().AppendEmpty().SetName(name)
			s.Events().At(s.Events().Len()-1).Attributes().PutStr("gen_ai.prompt", secret)
		}
	})
	// One that is rejected, so that its reason is seen too.
	request.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(2).Attributes().PutStr("gen_ai.usage.input_tokens", secret)
	response, err := dial(t, r).Export(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, int64(1), response.PartialSuccess().RejectedSpans())
	assert.Equal(t, int64(2), usage(t, pool)[""].Requests)
	_, metrics := ask(t, r, "/metrics")
	assert.NotContains(t, response.PartialSuccess().ErrorMessage()+r.sayings()+metrics, secret)

	rows, err := pool.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'wattscore' AND table_type = 'BASE TABLE'`)
	require.NoError(t, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, rows.Err())
	require.Contains(t, tables, "telemetry_span")
	for _, table := range tables {
		var found int
		require.NoError(t, pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM wattscore.%q t WHERE t::text LIKE '%%Orphée%%'`, table)).Scan(&found))
		assert.Zero(t, found, table)
	}
}

func TestModelsWithoutAnIntensityAreTold(t *testing.T) {
	r := start(t, Options{Warehouse: newFakeWarehouse(), Mapping: mappingOf(t, "energy: {reference: false}").WithRegion("us-central1")})
	for range 2 {
		_, err := dial(t, r).Export(t.Context(), requestOf(0, 3, nil))
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(r.sayings(), `No intensity is known of the model "m"`))
	_, text := ask(t, r, "/metrics")
	assert.Contains(t, text, "wattscore_otlp_requests_without_energy_total 6")
	assert.Contains(t, text, `wattscore_otlp_items_total{outcome="counted",signal="traces"} 6`)
	assert.Contains(t, text, "wattscore_otlp_events_stored_total 3")
	assert.Contains(t, text, "wattscore_otlp_events_unchanged_total 3")
}
