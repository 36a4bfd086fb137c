package prometheustest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BinariesVariable names a folder with the programs prometheus and promtool, where they
// are not on the PATH.
const BinariesVariable = "WATTSCORE_PROMETHEUS"

const missing = "SKIPPED, the real Prometheus: there is no %s. Install Debian's package prometheus, or unpack a release of prometheus.io/download and name its folder in " +
	BinariesVariable + ". The same recordings were tested against a fake of its API."

// StartServer starts a real Prometheus on a loopback port that has the series, and stops
// it when the test ends. Where there is none the test is skipped, and says so.
func StartServer(t *testing.T, series Recorded) (url string) {
	t.Helper()
	server, tool := program(t, "prometheus"), program(t, "promtool")
	dir := t.TempDir()
	data, input, config := filepath.Join(dir, "data"), filepath.Join(dir, "series.om"), filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(input, series.OpenMetrics(), 0o600))
	require.NoError(t, os.WriteFile(config, []byte("global: {scrape_interval: 1h}\n"), 0o600))
	output, err := exec.CommandContext(t.Context(), tool, "tsdb", "create-blocks-from", "openmetrics", input, data).CombinedOutput()
	require.NoError(t, err, string(output))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, server, "--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=100y", "--web.listen-address="+address)
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = command.Wait() }() // it is killed
	t.Cleanup(func() { stop(); <-ended })

	url = "http://" + address
	require.NoError(t, ready(t.Context(), url+"/-/ready", ended), "%s", &log)
	return url
}

func program(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv(BinariesVariable); dir != "" {
		path := filepath.Join(dir, name)
		require.FileExists(t, path, BinariesVariable)
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(strings.Replace(missing, "%s", name, 1))
	}
	return path
}

// ready waits until an address answers.
func ready(ctx context.Context, url string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			if err := response.Body.Close(); err != nil || response.StatusCode == http.StatusOK {
				return err
			}
		}
		select {
		case <-ticks.C:
		case <-ended:
			return errors.New("prometheus has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
