package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// risingGPU is a GPU whose counter rises by 1 J with each snapshot of a quarter of a
// second.
type risingGPU struct {
	mu      sync.Mutex
	counter int64
}

func (r *risingGPU) Snapshot() gpu.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, counter, memory, yes := time.Now(), r.counter, int64(80<<30), false
	power, utilization, corrected := 4.0, 0.5, int64(12)
	return gpu.Snapshot{Host: "node-7", Time: now, DriverVersion: "580.1", Devices: []gpu.Reading{{
		Identity: gpu.Identity{UUID: "GPU-7a", Name: "NVIDIA H100 80GB HBM3", Serial: "1652924", MemoryTotalBytes: &memory},
		Time:     now, PowerWatts: &power, PowerScope: gpu.ScopeGPU, EnergyCounterMillijoules: &counter, EnergyMillijoules: &counter,
		EnergyMethod: gpu.MethodCounter, Utilization: &utilization, Health: gpu.Health{CorrectedECC: &corrected, RemapPending: &yes},
	}}}
}

func (r *risingGPU) Watch(ctx context.Context) <-chan gpu.Snapshot {
	snapshots := make(chan gpu.Snapshot)
	go func() {
		defer close(snapshots)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.mu.Lock()
				r.counter += 1000
				r.mu.Unlock()
				select {
				case snapshots <- r.Snapshot():
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return snapshots
}

// TestMain makes this test binary be wattctl where a test runs it as one, with a GPU
// that is not there.
func TestMain(m *testing.M) {
	if os.Getenv("WATTCTL_TEST_COLLECT") != "" {
		openSource = func(context.Context) (gpuSource, error) {
			return gpuSource{watcher: &risingGPU{}, close: func() error { return nil }}, nil
		}
		main()
	}
	os.Exit(m.Run())
}

// saying is what a program has said so far.
type saying struct {
	mu   sync.Mutex
	text bytes.Buffer
	said chan struct{}
}

func (s *saying) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.said <- struct{}{}:
	default:
	}
	return s.text.Write(text)
}

func (s *saying) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestCollectBringsAGPUIntoTheWarehouseAndTheInventory(t *testing.T) {
	c := onWarehouse(t)
	program, err := os.Executable()
	require.NoError(t, err)
	spool := filepath.Join(t.TempDir(), "spool")
	start := func() (*exec.Cmd, *saying) {
		command := exec.Command(program, "collect", "--region", "us-central1", "--host", "node-7", "--every", "1s", "--spool", spool, "--listen", "127.0.0.1:0")
		command.Env = append(os.Environ(), "WATTCTL_TEST_COLLECT=1", dsnVariable+"="+c.env[dsnVariable])
		said := &saying{said: make(chan struct{}, 1)}
		command.Stderr = said
		require.NoError(t, command.Start())
		return command, said
	}
	addressIn := func(said *saying) string {
		address := regexp.MustCompile(`http://[^/]+`)
		require.Eventually(t, func() bool { return address.MatchString(said.String()) }, time.Minute, 20*time.Millisecond, "it says that it began")
		return address.FindString(said.String())
	}
	get := func(url string) (int, string) {
		response, err := http.Get(url)
		if err != nil {
			return 0, ""
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	hasStored := func(address string) {
		some := regexp.MustCompile(`(?m)^wattscore_collect_samples_stored_total [2-9]`)
		require.Eventually(t, func() bool {
			_, metrics := get(address + "/metrics")
			return some.MatchString(metrics)
		}, time.Minute, 50*time.Millisecond, "samples are in the warehouse")
	}

	killed, said := start()
	hasStored(addressIn(said))
	require.NoError(t, killed.Process.Kill())
	_ = killed.Wait() // it says that it was killed

	stopped, said := start()
	address := addressIn(said)
	hasStored(address)
	status, health := get(address + "/healthz")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, health, "ok;")
	require.NoError(t, stopped.Process.Signal(syscall.SIGTERM))
	require.NoError(t, stopped.Wait(), "it ends with exit code 0: %s", said)
	assert.Regexp(t, `^Collecting: host node-7 in region us-central1, every 1s, 0 rules, spool .* with \d+ records, answering on http://127.0.0.1:\d+/metrics\.\n`+
		`Stopped\. The warehouse has everything\.\n$`, said.String())

	require.Equal(t, exitDone, c.run("query", "hardwareLifecycle", "--from", "now-1d", "--to", "now", "--option", "view=assets", "--format", "json"), c.err)
	var assets []map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.out), &assets), c.out)
	require.Len(t, assets, 1)
	assert.Equal(t, []any{"1652924", "NVIDIA H100 SXM", "Deployed", "us-central1", 164.0, "Sound"},
		[]any{assets[0]["serial"], assets[0]["accelerator"], assets[0]["stage"], assets[0]["region"], assets[0]["embodied_kg"], assets[0]["health"]})
}

func TestCollectSaysWhatIsWrong(t *testing.T) {
	c := onWarehouse(t)
	spool := t.TempDir()
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{}, exitUsage, "--region is missing"},
		{[]string{"--region", "FRA", "--every", "1ms"}, exitUsage, "not between 1s and 1h"},
		{[]string{"--region", "FRA", "--spool-size", "0"}, exitUsage, "1 MiB or more"},
		{[]string{"--region", "FRA", "--rules", file(t, "rules.yaml", "rules: [{project: x}]")}, exitUsage, "rule 1 (): match states no condition"},
		{[]string{"--region", "mars"}, exitFailed, `no region "mars"`},
		{[]string{"--region", "FRA"}, exitFailed, "GPU"},
	} {
		assert.Equal(t, test.code, c.run(append([]string{"collect", "--spool", spool}, test.arguments...)...), test.arguments)
		assert.Contains(t, c.err, test.says)
	}
}
