package gpu

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// until waits for a snapshot that is as wanted.
func until(t *testing.T, watcher Watcher, wanted string, is func(Snapshot) bool) Snapshot {
	t.Helper()
	late := time.After(30 * time.Second)
	watch := watcher.Watch(t.Context())
	if snapshot := watcher.Snapshot(); is(snapshot) {
		return snapshot
	}
	for {
		select {
		case snapshot := <-watch:
			if is(snapshot) {
				return snapshot
			}
		case <-late:
			require.Fail(t, "no snapshot "+wanted, "the last was %+v", watcher.Snapshot())
		}
	}
}

func energyOf(counter, added int64, method Method) Snapshot {
	return Snapshot{Time: began, Devices: []Reading{{Identity: Identity{UUID: "a"}, Time: began, EnergyCounterMillijoules: &counter, EnergyMillijoules: &added, EnergyMethod: method}}}
}

func TestEnergyGoesOnWhenItsReaderBeginsAnew(t *testing.T) {
	t.Run("by the device's counter", func(t *testing.T) {
		f := &follower{}
		f.receive(energyOf(1000, 0, MethodCounter))
		f.receive(energyOf(4000, 3000, MethodCounter))
		f.receive(energyOf(9000, 0, MethodCounter)) // the reader crashed and began at 0
		assert.EqualValues(t, 8000, *f.Snapshot().Devices[0].EnergyMillijoules)
		assert.Zero(t, f.Snapshot().Devices[0].Gaps, "the counter went on")
	})
	t.Run("by power over time", func(t *testing.T) {
		f := &follower{}
		for _, added := range []int64{0, 3000, 500} {
			s := energyOf(0, added, MethodIntegrated)
			s.Devices[0].EnergyCounterMillijoules = nil
			f.receive(s)
		}
		assert.EqualValues(t, 3500, *f.Snapshot().Devices[0].EnergyMillijoules)
		assert.Equal(t, 1, f.Snapshot().Devices[0].Gaps, "nobody knows what was drawn between")
	})
}

// pretend makes this test's program the reader program.
func pretend(t *testing.T, script string) string {
	t.Helper()
	t.Setenv(readerVariable, script)
	own, err := os.Executable()
	require.NoError(t, err)
	return own
}

func TestAReaderThatDiesIsStartedAgainAndSaysWhy(t *testing.T) {
	p := StartReader(pretend(t, `{"host":"node","time":"2026-11-20T12:00:00Z","devices":[{"uuid":"a","index":0,"name":"GPU","time":"2026-11-20T12:00:00Z","health":{}}]}`))
	died := until(t, p, "with its last words", func(s Snapshot) bool { return s.Problem != "" && len(s.Devices) > 0 })
	assert.Contains(t, died.Problem, "undefined symbol", "what ended it")
	assert.Equal(t, "node", died.Host, "the last readings stay, with their time")
	until(t, p, "of its second life", func(s Snapshot) bool { return s.Problem == "" && len(s.Devices) > 0 })
	require.NoError(t, p.Close())
	_, open := <-p.Watch(t.Context())
	assert.False(t, open, "whoever watches is told that it is over")
}

func TestAReaderThatIsNotThereOrSpeaksNonsense(t *testing.T) {
	missing := StartReader(filepath.Join(t.TempDir(), "reader"))
	assert.Contains(t, until(t, missing, "of a missing program", func(s Snapshot) bool { return s.Problem != "The GPU reader is starting." }).Problem, "wattctl collect")
	require.NoError(t, missing.Close())
	nonsense := StartReader(pretend(t, "hello"))
	assert.Contains(t, until(t, nonsense, "of nonsense", func(s Snapshot) bool { return s.Problem != "The GPU reader is starting." }).Problem, "no snapshot")
	require.NoError(t, nonsense.Close())
}

func TestAnAgentIsFollowedOverHTTP(t *testing.T) {
	source := &broadcast{}
	source.send(energyOf(1000, 0, MethodCounter))
	server := httptest.NewServer(Handler(source))
	defer server.Close()
	remote, err := Follow(server.URL)
	require.NoError(t, err)
	go func() { // the agent reads on
		for counter := int64(1000); t.Context().Err() == nil; counter += 500 {
			source.send(energyOf(counter, counter-1000, MethodCounter))
			time.Sleep(time.Millisecond)
		}
	}()
	until(t, remote, "that rises", func(s Snapshot) bool { return len(s.Devices) == 1 && *s.Devices[0].EnergyMillijoules >= 1000 })
	server.CloseClientConnections()
	until(t, remote, "that says so", func(s Snapshot) bool { return s.Problem != "" })
	until(t, remote, "after it connected again", func(s Snapshot) bool { return s.Problem == "" })
	require.NoError(t, remote.Close())

	for _, address := range []string{"", "gpu-node", "ftp://gpu-node", "http://"} {
		_, err := Follow(address)
		assert.ErrorContains(t, err, "http://gpu-node-1:9464", "%q", address)
	}
	other := httptest.NewServer(nil)
	defer other.Close()
	wrong, err := Follow(other.URL)
	require.NoError(t, err)
	until(t, wrong, "of something else", func(s Snapshot) bool {
		return len(s.Problem) > 0 && s.Problem != "Connecting to the agent at "+other.URL+"."
	})
	assert.Contains(t, wrong.Snapshot().Problem, "wattctl collect")
	require.NoError(t, wrong.Close())
}
