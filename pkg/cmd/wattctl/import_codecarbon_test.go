package main

import (
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// line is a connection to a database that can be cut.
type line struct {
	mu     sync.Mutex
	cut    bool
	open   map[net.Conn]bool
	target string
}

// lineTo returns a line to the server of a DSN, and the DSN by way of it.
func lineTo(t *testing.T, dsn string) (*line, string) {
	t.Helper()
	address, err := url.Parse(dsn)
	require.NoError(t, err)
	l := &line{open: map[net.Conn]bool{}, target: address.Host}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		listener.Close() //nolint:errcheck // the test is over
		l.setCut(true)
	})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(connection)
		}
	}()
	address.Host = listener.Addr().String()
	return l, address.String()
}

func (l *line) carry(near net.Conn) {
	defer near.Close() //nolint:errcheck // whoever is at its end sees it
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // whoever is at its end sees it
	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		return
	}
	l.open[near], l.open[far] = true, true
	l.mu.Unlock()
	go io.Copy(far, near) //nolint:errcheck // it ends when either end does
	io.Copy(near, far)    //nolint:errcheck // as above
}

func (l *line) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for connection := range l.open {
		connection.Close() //nolint:errcheck // that is the outage
	}
	l.open = map[net.Conn]bool{}
}

// The recorded run of CodeCarbon 3.3.0 was flushed at 19:37:29 and :32 and stopped at
// :35, with 2.5095784144512187e-05, 3.823297383808899e-05 and 5.14787354818382e-05 kWh so
// far. It comes in steps, through an outage of the database and a restart, and so does a
// run with tasks; the KPIs say what the final files do.
func TestFollowingCodeCarbonBringsEachKilowattHourOnce(t *testing.T) {
	c := onWarehouse(t)
	outage, dsn := lineTo(t, c.env[dsnVariable])
	program, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	start := func() (*exec.Cmd, *saying, *saying) {
		command := exec.Command(program, "import", "codecarbon", folder, "--follow", "--rescan", "1s")
		command.Env = append(os.Environ(), "WATTCTL_TEST_COLLECT=1", dsnVariable+"="+dsn)
		out, said := &saying{said: make(chan struct{}, 1)}, &saying{said: make(chan struct{}, 1)}
		command.Stdout, command.Stderr = out, said
		require.NoError(t, command.Start())
		return command, out, said
	}
	energy := func() float64 {
		if c.run("query", "energyScore", "--from", "2026-08-01", "--to", "2026-09-30", "--option", "total=true", "--format", "json") != exitDone {
			return -1
		}
		rows := answer(t, c.out)
		if len(rows) == 0 {
			return 0
		}
		return rows[0]["energy_kwh"].(float64)
	}
	reaches := func(said *saying, kWh float64) {
		t.Helper()
		require.Eventually(t, func() bool { got := energy(); return got > kWh-5e-13 && got < kWh+5e-13 }, time.Minute, 50*time.Millisecond, "%g kWh, not %g: %s", kWh, energy(), said)
	}
	records := strings.SplitAfter(recordedCodeCarbon(t, "v3.3.0-flushed.csv"), "\n")
	emissions := filepath.Join(folder, "emissions.csv")

	require.NoError(t, os.WriteFile(emissions, []byte(records[0]+records[1]+records[2][:40]), 0o600))
	command, out, said := start()
	reaches(said, 2.5095784e-05) // the half-written second record waits
	outage.setCut(true)
	require.NoError(t, os.WriteFile(emissions, []byte(records[0]+records[1]+records[2]), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "Nothing could be stored: ") }, time.Minute, 20*time.Millisecond, "it says that the database is away: %s", said)
	outage.setCut(false)
	reaches(said, 3.8232974e-05)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, command.Wait(), "it ends with exit code 0: %s", said)
	assert.Equal(t, "read 2, stored 2, unchanged 0, rejected 0\n", out.String())
	assert.NotContains(t, said.String(), "interrupted")

	// While nothing follows, the tracker puts its last total over the others.
	require.NoError(t, os.WriteFile(emissions, []byte(records[0]+records[3]), 0o600))
	command, out, said = start()
	reaches(said, 5.1478735e-05)
	// A run with tasks writes its total and its tasks: 0.020313776297 kWh, not more.
	require.NoError(t, os.WriteFile(filepath.Join(folder, "emissions_study_2ab8fba5.csv"), []byte(recordedCodeCarbon(t, "v3.3.0-tasks.csv")), 0o600))
	reaches(said, 5.1478735e-05+0.001655909260+0.000005199448+0.000011501896)
	with := strings.SplitAfter(recordedCodeCarbon(t, "v3.3.0-with-tasks.csv"), "\n")[1]
	require.NoError(t, os.WriteFile(emissions, []byte(records[0]+records[3]+with), 0o600))
	reaches(said, 5.1478735e-05+0.020313776297)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, command.Wait(), "%s", said)
	assert.Equal(t, "read 5, stored 5, unchanged 0, rejected 0\n", out.String())
}

func recordedCodeCarbon(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "ingest", "testdata", "codecarbon", name))
	require.NoError(t, err)
	return string(text)
}

func TestFollowingCodeCarbonSaysWhatIsWrong(t *testing.T) {
	c := onWarehouse(t)
	folder := t.TempDir()
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{folder}, exitFailed, "is a folder: name a file, or follow the folder with --follow"},
		{[]string{folder, "--follow", "--rescan", "1ms"}, exitUsage, "--rescan 1ms is not between 1s and 1h"},
		{[]string{folder, "--follow", "--workload", "mining"}, exitUsage, `unknown workload "mining"`},
		{[]string{folder, "--follow", "--region", "mars"}, exitFailed, `no region "mars"`},
		{[]string{folder, "--follow", "--rejects", folder + "/none"}, exitUsage, "is not a folder"},
		{[]string{folder, "--follow", "--pue", "0.9"}, exitUsage, "--pue 0.9 is less than 1"},
		{[]string{folder, "--follow", "--pue", "11"}, exitUsage, "the PUE 11 is not between 1 and 10"},
	} {
		assert.Equal(t, test.code, c.run(append([]string{"import", "codecarbon"}, test.arguments...)...), test.arguments)
		assert.Contains(t, c.err, test.says)
	}
}
