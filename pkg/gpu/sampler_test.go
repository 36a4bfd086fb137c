package gpu

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// machine is a Reader over devices that a test makes up.
type machine struct {
	mu      sync.Mutex
	devices []Identity
	read    map[string]func() (Reading, error)
	listErr error
	closed  bool
}

func (m *machine) Identify() ([]Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.devices, m.listErr
}

func (m *machine) Read(device Identity) (Reading, error) {
	m.mu.Lock()
	read := m.read[device.UUID]
	m.mu.Unlock()
	return read()
}

func (m *machine) DriverVersion() string { return "580.1" }

func (m *machine) Close() error {
	m.closed = true
	return nil
}

func (m *machine) put(uuid string, index int, read func() (Reading, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read == nil {
		m.read = map[string]func() (Reading, error){}
	}
	if m.read[uuid] == nil {
		m.devices = append(m.devices, Identity{UUID: uuid, Index: index})
	}
	m.read[uuid] = read
}

// drawing is a device that draws steadily and counts what it draws.
func drawing(watts float64) func() (Reading, error) {
	start := time.Now()
	return func() (Reading, error) {
		now := time.Now()
		counter := int64(now.Sub(start).Seconds() * watts * 1000)
		return Reading{Time: now, PowerWatts: &watts, EnergyCounterMillijoules: &counter}, nil
	}
}

func sample(t *testing.T, m *machine, test func(t *testing.T, s *Sampler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := NewSampler(m, time.Second)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		defer func() { // also when the test fails, else its clock runs for ever
			stop()
			assert.NoError(t, <-ended)
			assert.True(t, m.closed)
		}()
		test(t, s)
	})
}

func after(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

func TestSamplerKeepsTheLatestOfEachDevice(t *testing.T) {
	m := &machine{}
	sample(t, m, func(t *testing.T, s *Sampler) {
		m.put("a", 0, drawing(300))
		after(rediscover + 5*time.Second)
		snapshot := s.Snapshot()
		require.Len(t, snapshot.Devices, 1, "a device that comes later is found")
		assert.Empty(t, snapshot.Problem)
		m.put("b", 1, drawing(100))
		after(rediscover + 10*time.Second)
		snapshot = s.Snapshot()
		require.Len(t, snapshot.Devices, 2)
		assert.Equal(t, 300.0, *snapshot.Devices[0].PowerWatts)
		before := snapshot.Devices[0]
		after(10 * time.Second)
		later := s.Snapshot().Devices[0]
		assert.True(t, later.Time.After(before.Time))
		assert.InDelta(t, later.Time.Sub(before.Time).Seconds()*300_000, float64(*later.EnergyMillijoules-*before.EnergyMillijoules), 1, "300 W")
	})
}

func TestADeviceThatHangsHoldsUpNoOther(t *testing.T) {
	m := &machine{}
	sample(t, m, func(t *testing.T, s *Sampler) {
		release := make(chan struct{})
		m.put("good", 0, drawing(300))
		answers := drawing(100)
		m.put("bad", 1, answers)
		after(rediscover + 5*time.Second)
		m.put("bad", 1, func() (Reading, error) {
			<-release
			return answers()
		})
		after(30 * time.Second)
		snapshot := s.Snapshot()
		require.Len(t, snapshot.Devices, 2)
		assert.Less(t, time.Since(snapshot.Devices[0].Time), 2*time.Second, "the good one is read on")
		assert.Contains(t, snapshot.Devices[1].Lost, "has not answered for")
		assert.Equal(t, 100.0, *snapshot.Devices[1].PowerWatts, "what was last known")
		m.put("bad", 1, answers)
		close(release)
		after(3 * time.Second)
		assert.Empty(t, s.Snapshot().Devices[1].Lost, "it is back")
		assert.Zero(t, s.Snapshot().Devices[1].Gaps, "its counter went on, so nothing is missing")
	})
}

func TestALostDeviceIsAGapAndComesBack(t *testing.T) {
	m := &machine{}
	sample(t, m, func(t *testing.T, s *Sampler) {
		answers := drawing(300)
		m.put("a", 0, answers)
		after(rediscover + 5*time.Second)
		drawn := *s.Snapshot().Devices[0].EnergyMillijoules
		m.put("a", 0, func() (Reading, error) { return Reading{}, ErrLost })
		after(20 * time.Second)
		lost := s.Snapshot().Devices[0]
		assert.Equal(t, ErrLost.Error(), lost.Lost)
		assert.GreaterOrEqual(t, *lost.EnergyMillijoules, drawn)
		m.put("a", 0, answers)
		after(5 * time.Second)
		back := s.Snapshot().Devices[0]
		assert.Empty(t, back.Lost)
		assert.Equal(t, 1, back.Gaps, "one loss is one gap, however long")
		assert.Greater(t, *back.EnergyMillijoules, drawn+20*300_000, "the counter went on meanwhile")
	})
}

func TestSamplerSaysWhyThereIsNothing(t *testing.T) {
	m := &machine{listErr: errors.New("the driver is gone")}
	sample(t, m, func(t *testing.T, s *Sampler) {
		after(3 * time.Second)
		assert.Equal(t, "the driver is gone", s.Snapshot().Problem)
		m.mu.Lock()
		m.listErr = nil
		m.mu.Unlock()
		after(rediscover + time.Second)
		assert.Equal(t, "The driver is there and knows no GPU.", s.Snapshot().Problem)
	})
}

func TestASlowWatcherGetsTheNewest(t *testing.T) {
	m := &machine{}
	sample(t, m, func(t *testing.T, s *Sampler) {
		m.put("a", 0, drawing(300))
		ctx, stop := context.WithCancel(t.Context())
		watch := s.Watch(ctx)
		after(30 * time.Second)
		newest := <-watch
		assert.Less(t, time.Since(newest.Time), 2*time.Second)
		stop()
		after(time.Second)
		_, open := <-watch
		assert.False(t, open, "a watcher that leaves is closed")
	})
}
