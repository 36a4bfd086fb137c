package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
)

// From the millijoules of DCGM's counter and the counts of vLLM, as their exporters write
// them, to kWh per 1,000 requests, by hand:
//
//	10 to 11 o'clock: (127712101025 − 126272101025) mJ = 1.44e9 mJ / 3.6e9 = 0.4 kWh,
//	                  (2800 − 1000) + (300 − 100) = 2000 requests: 0.2 kWh per 1,000
//	11 to 12 o'clock: (128792101025 − 127712101025) mJ = 1.08e9 mJ / 3.6e9 = 0.3 kWh,
//	                  (3750 − 2800) + (350 − 300) = 1000 requests: 0.3 kWh per 1,000
//	together:         0.7 kWh, 3000 requests: 0.2333… kWh per 1,000
//
// The other GPUs: 2 · 0.07 kWh idle; 2 · (0.2 + 0.045) kWh of projects without requests.
// All of it is 1.33 kWh.
func TestPrometheusFromMillijoulesToEnergyPerRequests(t *testing.T) {
	const llama = "meta-llama/Llama-3.1-8B-Instruct"
	recorded := prometheustest.Record(t, "dcgm", "vllm")
	for name, start := range map[string]func(*testing.T) string{
		"a fake of its API": func(t *testing.T) string { return (&prometheustest.Fake{Series: recorded}).URL(t) },
		"the real one":      func(t *testing.T) string { return prometheustest.StartServer(t, recorded) },
	} {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			c := onWarehouse(t)
			rejects := filepath.Join(t.TempDir(), "rejects.csv")
			pull := func(from, to string, more ...string) int {
				return c.run(append([]string{"import", "prometheus", "--url", url, "--from", from, "--to", to, "--region", "us-central1", "--rejects", rejects}, more...)...)
			}
			require.Equal(t, exitRejected, pull("2026-11-02T10:00:00Z", "2026-11-02T12:00:00Z"), c.err)
			assert.Equal(t, "read 18, stored 16, unchanged 0, rejected 2\n", c.out)
			assert.Contains(t, c.err, "Energy of 1.330 kWh on the meters: 1.190 kWh to models and projects, 0.140 kWh __idle__, 0.000 kWh __unallocated__.")
			assert.FileExists(t, rejects)

			for _, test := range []struct {
				from, to             string
				requests, kWh, per1k float64
			}{
				{"2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z", 2000, 0.4, 0.2},
				{"2026-11-02T11:00:00Z", "2026-11-02T12:00:00Z", 1000, 0.3, 0.3},
				{"2026-11-02T10:00:00Z", "2026-11-02T12:00:00Z", 3000, 0.7, 0.7 / 3},
			} {
				require.Equal(t, exitDone, c.run("query", "energyScore", "--from", test.from, "--to", test.to, "--group-by", "model", "--format", "json"), c.err)
				found := false
				for _, row := range answer(t, c.out) {
					if row["model"] == llama {
						found = true
						assert.Equal(t, test.requests, row["requests"])
						assert.InDelta(t, test.kWh, row["energy_kwh"], 1e-12)
						assert.InDelta(t, test.per1k, row["kwh_per_1k_requests"], 1e-12)
					}
				}
				assert.True(t, found, c.out)
			}
			assert.InDelta(t, 1.33, totalEnergy(t, c), 1e-12, "everything on the meters is somewhere")

			// 500 of 2000 requests took up to 0.5 s and 1500 of them up to 2 s: the median of
			// the first hour stands at √(1.5·2) = 1.732 s, within 1 %.
			require.Equal(t, exitDone, c.run("query", "latencyCost", "--from", "2026-11-02T10:00:00Z", "--to", "2026-11-02T11:00:00Z", "--format", "json"), c.err)
			assert.InEpsilon(t, 1732, answer(t, c.out)[0]["p50_ms"], 0.01)

			require.Equal(t, exitRejected, pull("2026-11-02T10:30:00Z", "2026-11-02T12:00:00Z"), c.err)
			assert.Equal(t, "read 18, stored 0, unchanged 16, rejected 2\n", c.out)
			assert.InDelta(t, 1.33, totalEnergy(t, c), 1e-12)

			mapping := file(t, "mapping.yaml", "models: [{match: Llama-3.1-8B, name: llama-8b, task_class: chat}]")
			require.Equal(t, exitRejected, pull("2026-11-02T10:00:00Z", "2026-11-02T12:00:00Z", "--mapping", mapping, "--replace"), c.err)
			assert.Equal(t, "read 18, stored 16, unchanged 0, rejected 2\n", c.out)
			assert.InDelta(t, 1.33, totalEnergy(t, c), 1e-12, "what was there is out")
			require.Equal(t, exitDone, c.run("rollup", "verify"), c.err)
		})
	}
}

func totalEnergy(t *testing.T, c *called) (all float64) {
	t.Helper()
	require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "2026-11-02T10:00:00Z", "--to", "2026-11-02T12:00:00Z", "--group-by", "project", "--format", "json"), c.err)
	for _, row := range answer(t, c.out) {
		all += row["energy_kwh"].(float64)
	}
	return all
}

func TestPrometheusThatIsCalledWrongly(t *testing.T) {
	c := onDatabase(t)
	for want, arguments := range map[string][]string{
		"--url is missing":              {"--from", "now-1h"},
		"--from is missing":             {"--url", "http://localhost:9090"},
		"write it as http://":           {"--url", "localhost:9090", "--from", "now-1h"},
		"the step 7m0s":                 {"--url", "http://localhost:9090", "--from", "now-1h", "--step", "7m"},
		"--every 1ms is not":            {"--url", "http://localhost:9090", "--follow", "--every", "1ms"},
		"--user and --password-file go": {"--url", "http://localhost:9090", "--from", "now-1h", "--user", "me"},
		"--token-file: stat nowhere":    {"--url", "http://localhost:9090", "--from", "now-1h", "--token-file", "nowhere"},
		"reading the mapping":           {"--url", "http://localhost:9090", "--from", "now-1h", "--mapping", "nowhere"},
		"--replace goes with":           {"--url", "http://localhost:9090", "--follow", "--replace"},
		"--http-config: open nowhere":   {"--url", "http://localhost:9090", "--from", "now-1h", "--http-config", "nowhere"},
		"--tls-cert and --tls-key go":   {"--url", "http://localhost:9090", "--from", "now-1h", "--tls-cert", "a"},
		"unknown command":               {"--url", "http://localhost:9090", "--from", "now-1h", "file"},
	} {
		assert.Equal(t, exitUsage, c.run(append([]string{"import", "prometheus"}, arguments...)...), want)
		assert.Contains(t, c.err, want)
	}
}

func TestPrometheusThatIsNotThere(t *testing.T) {
	c := onWarehouse(t)
	server := &prometheustest.Fake{Before: func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "no", http.StatusUnauthorized)
		return true
	}}
	url := strings.Replace(server.URL(t), "http://", "http://me:secret@", 1)
	assert.Equal(t, exitFailed, c.run("import", "prometheus", "--url", url, "--from", "2026-11-02", "--to", "2026-11-03", "--region", "us-central1"))
	assert.Contains(t, c.err, "refuses the credentials")
	assert.Equal(t, exitFailed, c.run("import", "prometheus", "--url", "http://127.0.0.1:1", "--tries", "1", "--from", "2026-11-02", "--to", "2026-11-03", "--region", "us-central1"))
	assert.Contains(t, c.err, "http://127.0.0.1:1 cannot be reached", "and not that the database cannot")
	assert.NotContains(t, c.err, "secret")
	assert.Equal(t, exitFailed, c.run("import", "prometheus", "--url", url, "--from", "2026-11-02", "--to", "2026-11-03", "--region", "moon"))
	assert.Contains(t, c.err, `the warehouse has no region "moon"`)
}

func TestPrometheusIsFollowed(t *testing.T) {
	c := onWarehouse(t)
	last := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	recorded := prometheustest.Record(t, "vllm")
	recorded.Shift(time.Now().Add(-time.Minute).Truncate(time.Hour).Sub(last))
	url := (&prometheustest.Fake{Series: recorded}).URL(t)
	program, err := os.Executable()
	require.NoError(t, err)
	for range 2 { // the second start goes on where the first ended
		command := exec.Command(program, "import", "prometheus", "--url", url, "--follow", "--every", "1s", "--settle", "1s", "--listen", "127.0.0.1:0", "--from", "now-3h", "--region", "us-central1",
			"--rejects", filepath.Join(t.TempDir(), "rejects.csv"))
		command.Env = append(os.Environ(), "WATTCTL_TEST_COLLECT=1", dsnVariable+"="+c.env[dsnVariable])
		said := &saying{said: make(chan struct{}, 1)}
		command.Stderr = said
		require.NoError(t, command.Start())
		address := regexp.MustCompile(`answering on (http://\S+)/metrics`)
		require.Eventually(t, func() bool { return address.MatchString(said.String()) }, time.Minute, 20*time.Millisecond, "it says that it began: %s", said)
		require.Eventually(t, func() bool {
			require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "now-6h", "--to", "now", "--group-by", "model", "--format", "json"), c.err)
			rows := answer(t, c.out)
			return len(rows) == 1 && rows[0]["requests"] == 3000.0
		}, time.Minute, 50*time.Millisecond, "%s", said)
		response, err := http.Get(address.FindStringSubmatch(said.String())[1] + "/metrics")
		require.NoError(t, err)
		metrics, err := io.ReadAll(response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		assert.Contains(t, string(metrics), `wattscore_prometheus_pulls_total{outcome="failed"} 0`)
		require.NoError(t, command.Process.Signal(syscall.SIGTERM))
		require.NoError(t, command.Wait(), "it ends with exit code 0: %s", said)
		assert.Contains(t, said.String(), "Following "+url)
		assert.Contains(t, said.String(), "Stopped.")
	}
}
