package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServeOTLPBringsCallsIntoTheWarehouse(t *testing.T) {
	c := onWarehouse(t)
	program, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(program, "serve", "otlp", "--region", "us-central1", "--grpc", "", "--http", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		"--energy", "../../ingest/testdata/mlenergy.json", "--gpu", "H100")
	command.Env = append(os.Environ(), "WATTCTL_TEST_COLLECT=1", dsnVariable+"="+c.env[dsnVariable])
	said := &saying{said: make(chan struct{}, 1)}
	command.Stderr = said
	require.NoError(t, command.Start())
	address := regexp.MustCompile(`OTLP/HTTP on ([^,]+),`)
	require.Eventually(t, func() bool { return address.MatchString(said.String()) }, time.Minute, 20*time.Millisecond, "it says that it began: %s", said)
	measured, err := os.ReadFile("../../ingest/testdata/mlenergy.json")
	require.NoError(t, err)
	var energy struct {
		Configurations []struct {
			ModelID string `json:"model_id"`
		} `json:"configurations"`
	}
	require.NoError(t, json.Unmarshal(measured, &energy))
	model := energy.Configurations[0].ModelID

	text, err := os.ReadFile("../../ingest/otlp/testdata/openlit-langchain-traces.json")
	require.NoError(t, err)
	body := strings.ReplaceAll(string(text), "gpt-3.5-turbo-0125", model)
	for range 2 {
		response, err := http.Post("http://"+address.FindStringSubmatch(said.String())[1]+"/v1/traces", "application/json", bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "2025-05-01T00:00:00Z", "--to", "2025-06-01T00:00:00Z", "--group-by", "model", "--format", "json"), c.err)
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(c.out), &rows), c.out)
		require.Len(t, rows, 1)
		assert.Equal(t, model, rows[0]["model"])
		assert.InDelta(t, 2, rows[0]["requests"], 0, "the framework's spans of the same requests do not count")
		assert.Greater(t, rows[0]["kwh_per_1k_requests"], 0.0)
		assert.NotNil(t, rows[0]["score"])
	}
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, command.Wait(), "it ends with exit code 0: %s", said)
	assert.Regexp(t, `^Receiving: OTLP/HTTP on 127.0.0.1:\d+, metrics on http://127.0.0.1:\d+/metrics, 0 rules, region us-central1, \d+ models measured on H100, no TLS, 0 tokens\.\n`+
		`Stopped\. What was acknowledged is stored\.\n$`, said.String())
}

func TestServeOTLPSaysWhatIsWrong(t *testing.T) {
	c := onWarehouse(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close() //nolint:errcheck // nothing was written
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{"--grpc", "", "--http", ""}, exitUsage, "--grpc and --http are both empty"},
		{[]string{"--max-body", "1"}, exitUsage, "--max-body 1"},
		{[]string{"--at-once", "0"}, exitUsage, "--at-once 0"},
		{[]string{"--energy", "x.json"}, exitUsage, "--energy and --gpu go together"},
		{[]string{"--tls-key", "key.pem"}, exitUsage, "--tls-cert and --tls-key go together"},
		{[]string{"--mapping", file(t, "mapping.yaml", "projct: {}")}, exitUsage, "projct"},
		{[]string{"--token-file", file(t, "tokens", "short")}, exitUsage, "16 characters"},
		{[]string{"--energy", "../../ingest/testdata/mlenergy.json", "--gpu", "H3000"}, exitUsage, "was not measured on"},
		{[]string{"--region", "mars"}, exitFailed, `no region "mars"`},
		{[]string{"--grpc", "127.0.0.1:none"}, exitFailed, "the address for OTLP/gRPC"},
		{[]string{"--grpc", "", "--http", taken.Addr().String()}, exitFailed, "address already in use"},
	} {
		assert.Equal(t, test.code, c.run(append([]string{"serve", "otlp"}, test.arguments...)...), test.arguments)
		assert.Contains(t, c.err, test.says)
	}
	assert.Equal(t, exitUsage, c.run("serve"))
	assert.Contains(t, c.err, "needs one of: otlp")
}
