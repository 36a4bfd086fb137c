package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// facilityNumbers are what the KPIs say of FRA on 2 March 2026: 1 / PUE, IT and facility
// energy.
func (c *called) facilityNumbers(version string) (score, it, facility float64) {
	c.t.Helper()
	day := []string{"--from", "2026-03-02T00:00:00Z", "--to", "2026-03-03T00:00:00Z", "--filter", "region=FRA", "--factor-version", version, "--format", "json"}
	require.Equal(c.t, exitDone, c.run(append([]string{"query", "kpi"}, day...)...), c.err)
	for _, row := range answer(c.t, c.out) {
		if row["kpi"] == "Operational sustainability score" {
			score = row["value"].(float64)
		}
	}
	require.Equal(c.t, exitDone, c.run(append([]string{"query", "energyScore", "--option", "total=true", "--option", `also=["facility_kwh"]`}, day...)...), c.err)
	rows := answer(c.t, c.out)
	require.Len(c.t, rows, 1)
	return score, rows[0]["energy_kwh"].(float64), rows[0]["facility_kwh"].(float64)
}

// From kWh at a facility's meters to the KPIs: on 2 March the hall took 720.5 + 479.5 kWh
// and its IT 600 + 400 kWh, a PUE of 1200 / 1000 = 1.2, and a score of 1 / 1.2 = 0.8333.
// The CodeCarbon sample used 0.1 + 0.15 + 0.25 + 0.04 + 0.02 + 0.15 = 0.71 kWh of IT in
// FRA that day, so the facility took 0.71 × 1.2 = 0.852 kWh for it.
func TestAMeterOfAFacilityBecomesItsScore(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	before, it, _ := c.facilityNumbers("0")
	assert.InDelta(t, 0.71, it, 1e-12)
	assert.InDelta(t, 1/1.58, before, 1e-9, "the reference figure")

	readings := sample(t, "facility.json")
	require.Equal(t, exitRejected, c.run("import", "pue", readings), c.err)
	assert.Equal(t, "read 11, stored 4, unchanged 0, rejected 7\n", c.out)
	assert.Contains(t, c.err, "Metered PUE of FRA: 2026-03-02 1.2.\n")
	assert.Contains(t, c.err, "Too few readings for a figure, which takes 75 % of a day: 2026-03-01 has 4 %, 2026-03-03 has 4 %.\n")
	assert.Contains(t, c.err, "they wait in factor version 2 and no answer has changed. To compute answers with them, run: wattctl restate --version 2")
	still, _, _ := c.facilityNumbers("0")
	assert.InDelta(t, before, still, 0, "what was published stays")

	require.Equal(t, exitDone, c.run("restate"), c.err)
	assert.Contains(t, c.out, "Factor version 2 (Metered PUE) is in force.")
	score, it, facility := c.facilityNumbers("0")
	assert.InDelta(t, 0.71, it, 1e-12, "IT energy is what it was")
	assert.InDelta(t, 1/1.2, score, 1e-9)
	assert.InDelta(t, 0.852, facility, 1e-12)
	old, _, _ := c.facilityNumbers("1")
	assert.InDelta(t, before, old, 0, "the figures before stay readable")

	require.Equal(t, exitRejected, c.run("import", "pue", readings), c.err)
	assert.Equal(t, "read 11, stored 0, unchanged 4, rejected 7\n", c.out)
	require.Equal(t, exitDone, c.run("restate"))
	assert.Contains(t, c.out, "is in force already")
	require.Equal(t, exitDone, c.run("explain", "kpi", "--from", "2026-03-02", "--to", "2026-03-03", "--filter", "region=FRA"), c.err)
	assert.Contains(t, c.out, "metered", "the factor says how it came about")
}

func TestAGatewayIsFollowedUntilItIsStopped(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	outage, dsn := lineTo(t, c.env[dsnVariable])
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer a-token-of-the-gateway" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		day := `{"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z", "facility_kwh": 1250, "it_kwh": 1000}`
		if asked.Add(1) > 1 {
			day += `, {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "facility_kwh": 1300, "it_kwh": 1000}`
		}
		fmt.Fprintf(w, `{"version": 1, "region": "FRA", "source": "BMS", "readings": [%s]}`, day)
	}))
	defer server.Close()
	program, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(program, "import", "pue", "--url", server.URL, "--token-file", file(t, "token", "a-token-of-the-gateway\n"), "--follow", "--every", "1s", "--restate",
		"--rejects", filepath.Join(t.TempDir(), "rejects.csv"))
	command.Env = append(os.Environ(), "WATTCTL_TEST_COLLECT=1", dsnVariable+"="+dsn)
	out, said := &saying{said: make(chan struct{}, 1)}, &saying{said: make(chan struct{}, 1)}
	command.Stdout, command.Stderr = out, said
	require.NoError(t, command.Start())
	says := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(said.String(), text) }, time.Minute, 20*time.Millisecond, "%s: %s", text, said)
	}
	says("Factor version 2 (Metered PUE) is in force.")
	says("Factor version 3 (Metered PUE) is in force.")
	outage.setCut(true)
	says("It is asked again.")
	outage.setCut(false)
	says("The readings come again.")
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, command.Wait(), "it ends with exit code 0: %s", said)
	assert.Equal(t, "read 2, stored 2, unchanged 0, rejected 0\n", out.String())
	score, _, facility := c.facilityNumbers("0")
	assert.InDelta(t, 0.8, score, 1e-9, "1 / (1250 / 1000)")
	assert.InDelta(t, 0.71*1.25, facility, 1e-12)
}

func TestImportPUESaysWhatIsWrong(t *testing.T) {
	c := onWarehouse(t)
	closed := httptest.NewServer(http.NotFoundHandler())
	defer closed.Close()
	readings := sample(t, "facility.json")
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{nil, exitUsage, "takes a file or --url, one of them"},
		{[]string{readings, "--url", closed.URL}, exitUsage, "takes a file or --url, one of them"},
		{[]string{readings, "--follow"}, exitUsage, "go with --url, not with a file"},
		{[]string{"--url", "bms"}, exitUsage, `"bms" is not an address`},
		{[]string{"--url", closed.URL, "--every", "0s"}, exitUsage, "--every 0s"},
		{[]string{"--url", closed.URL, "--timeout", "0s"}, exitUsage, "--timeout 0s"},
		{[]string{"--url", closed.URL, "--since", "yesterday"}, exitUsage, `--since "yesterday" is not a day`},
		{[]string{"--url", closed.URL, "--token-file", readings}, exitUsage, "does not hold one token"},
		{[]string{"--url", closed.URL, "--token-file", readings + ".none"}, exitUsage, "the token cannot be read"},
		{[]string{"--url", closed.URL, "--tls-ca", readings}, exitUsage, "it holds no certificate in PEM"},
		{[]string{"--url", closed.URL, "--region", "mars"}, exitFailed, `no region "mars"`},
		{[]string{"--url", closed.URL}, exitFailed, "it answers 404 Not Found: check the address"},
		{[]string{readings, "--region", "mars"}, exitFailed, `no region "mars"`},
		{[]string{file(t, "x.json", "{}")}, exitFailed, "x.json: the answer has no version: it must be 1"},
	} {
		assert.Equal(t, test.code, c.run(append([]string{"import", "pue"}, test.arguments...)...), test.arguments)
		assert.Contains(t, c.err, test.says)
	}
}
