package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	answer := func(code int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if kind == "" {
				http.Error(w, text, code)
				return true
			}
			prometheustest.Refuse(w, code, kind, text)
			return true
		}
	}
	for _, test := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"no credentials", answer(401, "", "Unauthorized"), "refuses the credentials (client error: 401): pass --token-file"},
		{"not allowed", answer(403, "", "Forbidden"), "refuses the credentials (client error: 403)"},
		{"not there", answer(404, "", "404 page not found"), "has no Prometheus API under it (client error: 404): the URL is the one before /api/v1"},
		{"a wrong query", answer(400, "bad_data", "1:2: parse error"), "does not understand the query (1:2: parse error): check select"},
		{"a login page", func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>Sign in</html>"); return true }, "is there a page to log in before it"},
		{"too many samples", answer(422, "execution", "query processing would load too many samples into memory in query execution"), "too much for http://"},
		{"a query that takes too long", answer(503, "timeout", "query timed out in expression evaluation"), "too much for http://"},
		{"a failing server", answer(500, "", "boom"), "fails (server error: 500: boom): look at its log"},
		{"no more queries", answer(429, "", "slow down"), "allows no more queries for now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := asking(t, &prometheustest.Fake{Before: test.before})
			_, _, err := client.Samples(context.Background(), "m", "", ten, eleven)
			var problem *Problem
			require.ErrorAs(t, err, &problem)
			assert.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, "reading m from 2026-11-02T10:00:00Z to 2026-11-02T11:00:00Z: ")
		})
	}
	client := clientOf(t, "http://127.0.0.1:1")
	_, _, err := client.Names(context.Background(), catalog, "", ten, eleven)
	assert.ErrorContains(t, err, "http://127.0.0.1:1 cannot be reached")
	assert.ErrorContains(t, err, "check --url")
}

func TestAURLThatIsNone(t *testing.T) {
	for _, url := range []string{"", "prometheus:9090", "ftp://prometheus", "http://", "http://a b"} {
		_, err := NewClient(Access{URL: url})
		assert.ErrorContains(t, err, "write it as http://prometheus.example.com:9090", url)
	}
	client, err := NewClient(Access{URL: "http://me:secret@prometheus:9090/prefix"})
	require.NoError(t, err)
	assert.NotContains(t, client.Address(), "secret")
}

func TestAServerThatIsAwayForAMomentIsAskedAgain(t *testing.T) {
	var asked atomic.Int32
	client := asking(t, &prometheustest.Fake{Series: prometheustest.Record(t, "vllm"), Before: func(w http.ResponseWriter, _ *http.Request) bool {
		if asked.Add(1) <= 3 {
			http.Error(w, "starting up", http.StatusServiceUnavailable)
			return true
		}
		return false
	}})
	names, _, err := client.Names(context.Background(), catalog, "", ten, eleven)
	require.NoError(t, err)
	assert.Len(t, names, 4)
	assert.Equal(t, int32(4), asked.Load())
}

func TestWhatIsTooMuchIsAskedInShorterSpans(t *testing.T) {
	f := &prometheustest.Fake{Series: prometheustest.Record(t, "dcgm", "vllm")}
	f.Before = func(w http.ResponseWriter, r *http.Request) bool {
		for _, long := range []string{"[3600s]", "[1800s]"} {
			if strings.HasSuffix(r.Form.Get("query"), long) {
				prometheustest.Refuse(w, http.StatusUnprocessableEntity, "execution", "query processing would load too many samples into memory in query execution")
				return true
			}
		}
		return false
	}
	store := &memory{}
	report := pull(t, puller(t, asking(t, f), store, mappingOf(t, "")), ten, twelve)
	sources["DCGM and vLLM"].check(t, store, report)
	for _, query := range f.Queries() {
		assert.NotContains(t, query, "[21600s]", "no span is longer than a chunk")
	}
}

func TestCredentialsAreSent(t *testing.T) {
	var authorization atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization.Store(r.Header.Get("Authorization"))
		(&prometheustest.Fake{}).ServeHTTP(w, r)
	}))
	defer server.Close()
	withUser := strings.Replace(server.URL, "http://", "http://me:secret@", 1)
	for _, test := range []struct {
		access Access
		want   string
	}{
		{Access{URL: server.URL, HTTP: config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer", Credentials: "t0ken"}}}, "Bearer t0ken"},
		{Access{URL: server.URL, HTTP: config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "me", Password: "secret"}}}, "Basic bWU6c2VjcmV0"},
		{Access{URL: withUser}, "Basic bWU6c2VjcmV0"},
		{Access{URL: server.URL}, ""},
	} {
		client, err := NewClient(test.access)
		require.NoError(t, err)
		_, _, err = client.Names(context.Background(), catalog, "", ten, eleven)
		require.NoError(t, err)
		assert.Equal(t, test.want, authorization.Load())
	}
}

func TestACertificateThatIsNotTrusted(t *testing.T) {
	server := httptest.NewTLSServer(&prometheustest.Fake{})
	defer server.Close()
	server.Config.ErrorLog = nil
	_, _, err := clientOf(t, server.URL).Names(context.Background(), catalog, "", ten, eleven)
	assert.ErrorContains(t, err, "name its authority with --tls-ca FILE")
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	client := asking(t, &prometheustest.Fake{Before: func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }})
	client.timeout, client.tries = 10*time.Millisecond, 2
	_, _, err := client.Names(context.Background(), catalog, "", ten, eleven)
	assert.ErrorContains(t, err, "did not answer within 10ms")
}

func TestWarningsAreToldAndHalfAnswersAreNotStored(t *testing.T) {
	store := &memory{}
	f := &prometheustest.Fake{Series: prometheustest.Record(t, "vllm"), Warnings: []string{"PromQL warning: mixed samples"}}
	report := pull(t, puller(t, asking(t, f), store, mappingOf(t, "")), ten, twelve)
	assert.Contains(t, report.Notes, "Prometheus warns: PromQL warning: mixed samples")
	f.Warnings = []string{"receive StoreAPI from store-2: partial response: no connection"}
	store = &memory{}
	_, err := puller(t, asking(t, f), store, mappingOf(t, "")).Pull(context.Background(), ten, twelve)
	assert.ErrorContains(t, err, "the answer is not whole")
	assert.Empty(t, store.windows)
}
