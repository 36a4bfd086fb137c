package gpu

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sampled runs a test of a sampler that reads the machine once a second.
func sampled(t *testing.T, m *machine, test func(t *testing.T, feed *Feed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		feed := StartSampler(ctx, m.open, SamplerOptions{Host: "node7"})
		test(t, feed)
		cancel()
		<-feed.Done()
		synctest.Wait()
		assert.Empty(t, m.abused)
		assert.Equal(t, m.opened, m.closed, "every reader that was opened is closed")
	})
}

// after lets time pass, and everything that happens in it.
func after(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

func TestASamplerReadsAllDevices(t *testing.T) {
	m := newMachine(gpuNumber(1), gpuNumber(0))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		synctest.Wait()
		first := feed.Snapshot()
		assert.Equal(t, "node7", first.Host)
		assert.Equal(t, "580.65.06", first.DriverVersion)
		assert.Empty(t, first.Problem)
		require.Len(t, first.Devices, 2)
		assert.Equal(t, "GPU-0", first.Devices[0].UUID, "by index")
		assert.Equal(t, 300.0, *first.Devices[0].PowerWatts)
		assert.Equal(t, int64(0), *first.Devices[0].EnergyMillijoules)

		m.set(func() { *m.gpus[0].counter += 250_000 })
		after(time.Second)

		second := feed.Snapshot()
		assert.Equal(t, int64(250_000), *second.Devices[1].EnergyMillijoules)
		assert.Equal(t, time.Second, second.Time.Sub(first.Time))
		assert.Equal(t, first.Since, second.Since)
		assert.Equal(t, int64(0), *first.Devices[1].EnergyMillijoules, "what was handed out does not change")
	})
}

func TestAFeedWithoutAReadingSaysThatItHasJustBegun(t *testing.T) {
	m := newMachine(gpuNumber(0))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		opening := make(chan struct{})
		feed := StartSampler(ctx, func() (Reader, error) { <-opening; return m.open() }, SamplerOptions{})
		synctest.Wait()
		assert.Contains(t, feed.Snapshot().Problem, "just begun")
		close(opening)
		synctest.Wait()
		assert.Empty(t, feed.Snapshot().Problem)
		cancel()
		<-feed.Done()
	})
}

func TestADeviceThatHangsHoldsUpNoOther(t *testing.T) {
	m := newMachine(gpuNumber(0), gpuNumber(1))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		synctest.Wait()
		release := make(chan struct{})
		m.set(func() { m.gpus[0].hang = release })
		for second := range 20 {
			after(time.Second)
			m.set(func() { m.gpus[1].counter = new(*m.gpus[1].counter + 300_000) })
			snapshot := feed.Snapshot()
			assert.LessOrEqual(t, time.Since(snapshot.Devices[1].Time), time.Second, "the other is fresh at second %d", second)
		}
		hung := feed.Snapshot().Devices[0]
		assert.Contains(t, hung.Lost, "has not answered about it since")
		assert.Equal(t, 300.0, *hung.PowerWatts, "the last known")
		assert.Equal(t, 1, hung.Gaps)
		assert.Empty(t, feed.Snapshot().Devices[1].Lost)
		assert.Equal(t, 1, m.opened, "the driver is not closed under the call that hangs in it")

		close(release)
		after(time.Second)
		back := feed.Snapshot().Devices[0]
		assert.Empty(t, back.Lost)
		assert.Equal(t, 1, back.Gaps)
	})
}

func TestALostDeviceIsMarkedAndTheDriverOpenedAnew(t *testing.T) {
	m := newMachine(gpuNumber(0), gpuNumber(1))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(3 * time.Second)
		m.set(func() { m.gpus[0].err = errors.New("GPU is lost") })
		after(time.Minute)
		lost := feed.Snapshot()
		assert.Equal(t, "GPU is lost", lost.Devices[0].Lost)
		assert.Equal(t, 300.0, *lost.Devices[0].PowerWatts, "the last known")
		assert.Less(t, lost.Devices[0].Time, lost.Time, "and as old as it is")
		assert.Equal(t, 1, lost.Devices[0].Gaps, "one, however long it lasts")
		assert.Empty(t, lost.Devices[1].Lost)
		assert.Empty(t, lost.Problem)
		assert.Greater(t, m.opened, 3)
		assert.Less(t, m.opened, 10, "with growing pauses in between")

		m.set(func() { m.gpus[0].err, m.gpus[0].counter = nil, new(int64(40_000)) }) // reset, and back
		after(2 * time.Minute)
		back := feed.Snapshot().Devices[0]
		assert.Empty(t, back.Lost)
		assert.Equal(t, int64(40_000), *back.EnergyMillijoules, "the least it can have used")
		assert.Equal(t, 1, back.Gaps)
		opened := m.opened
		after(10 * time.Minute)
		assert.Equal(t, opened, m.opened, "what works is left alone")

		m.set(func() { m.gpus[0].err = errors.New("GPU is lost") })
		after(4 * time.Second)
		assert.Greater(t, m.opened, opened, "the next loss is a new one, with short pauses first")
	})
}

func TestTheDriverIsNotClosedUnderACall(t *testing.T) {
	m := newMachine(gpuNumber(0), gpuNumber(1))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(3 * time.Second)
		release := make(chan struct{})
		m.set(func() { m.gpus[0].hang, m.gpus[1].err = release, errors.New("GPU is lost") })
		after(time.Minute)
		assert.NotEmpty(t, feed.Snapshot().Devices[0].Lost)
		assert.NotEmpty(t, feed.Snapshot().Devices[1].Lost)
		assert.Equal(t, 1, m.opened, "though one device waits for it")
		close(release)
		after(2 * time.Second)
		assert.Equal(t, 2, m.opened, "as soon as no call is in it")
	})
}

func TestADriverThatComesLater(t *testing.T) {
	m := newMachine(gpuNumber(0))
	m.openErr = errors.New("driver not loaded")
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(30 * time.Second)
		assert.Equal(t, "driver not loaded", feed.Snapshot().Problem)
		assert.Empty(t, feed.Snapshot().Devices)
		assert.Less(t, time.Since(feed.Snapshot().Time), 2*time.Second, "and it is known that this still is so")
		m.set(func() { m.openErr = nil })
		after(2 * time.Minute)
		assert.Empty(t, feed.Snapshot().Problem)
		assert.Len(t, feed.Snapshot().Devices, 1)
	})
}

func TestADriverThatGoesAway(t *testing.T) {
	m := newMachine(gpuNumber(0))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(3 * time.Second)
		m.set(func() { m.openErr, m.listErr = errors.New("driver not loaded"), errors.New("driver was unloaded") })
		after(2 * time.Minute)
		gone := feed.Snapshot()
		assert.Equal(t, "driver not loaded", gone.Problem)
		require.Len(t, gone.Devices, 1)
		assert.Equal(t, "driver not loaded", gone.Devices[0].Lost)
		assert.Equal(t, 1, gone.Devices[0].Gaps)
		m.set(func() { m.openErr, m.listErr = nil, nil })
		after(2 * time.Minute)
		assert.Empty(t, feed.Snapshot().Problem)
		assert.Empty(t, feed.Snapshot().Devices[0].Lost)
	})
}

func TestADriverThatHangsWhenOpened(t *testing.T) {
	release := make(chan struct{})
	m := newMachine(gpuNumber(0))
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		feed := StartSampler(ctx, func() (Reader, error) { <-release; return m.open() }, SamplerOptions{})
		after(time.Minute)
		assert.Contains(t, feed.Snapshot().Problem, "the NVIDIA driver has not answered since")
		close(release)
		after(2 * time.Second)
		assert.Empty(t, feed.Snapshot().Problem)
		assert.Len(t, feed.Snapshot().Devices, 1)
		cancel()
		<-feed.Done()
	})
}

func TestDevicesComeAndGo(t *testing.T) {
	m := newMachine(gpuNumber(0))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(3 * time.Second)
		m.set(func() { m.gpus = append(m.gpus, gpuNumber(1)) })
		after(time.Minute)
		require.Len(t, feed.Snapshot().Devices, 2, "one that appears is read")
		assert.Equal(t, int64(0), *feed.Snapshot().Devices[1].EnergyMillijoules)
		m.set(func() { m.gpus = m.gpus[1:] })
		after(time.Minute)
		require.Len(t, feed.Snapshot().Devices, 2, "one that disappears stays known")
		assert.NotEmpty(t, feed.Snapshot().Devices[0].Lost)
		m.set(func() { m.gpus = nil })
		after(time.Minute)
		assert.Contains(t, feed.Snapshot().Problem, "sees no GPU")
	})
}

func TestAMachineWithoutGPUs(t *testing.T) {
	sampled(t, newMachine(), func(t *testing.T, feed *Feed) {
		synctest.Wait()
		assert.Contains(t, feed.Snapshot().Problem, "the NVIDIA driver 580.65.06 runs and sees no GPU")
		assert.NotNil(t, feed.Snapshot().Devices, "a list without devices, not no list")
	})
}

func TestADeviceThatDoesNotTellWhoItIs(t *testing.T) {
	m := newMachine(gpuNumber(0))
	m.notices = []string{"GPU 1: fallen off the bus"}
	sampled(t, m, func(t *testing.T, feed *Feed) {
		synctest.Wait()
		assert.Equal(t, m.notices, feed.Snapshot().Notices)
		assert.Empty(t, feed.Snapshot().Problem, "the other can be read")
	})
	m = newMachine()
	m.notices = []string{"GPU 0: fallen off the bus"}
	sampled(t, m, func(t *testing.T, feed *Feed) {
		synctest.Wait()
		assert.Equal(t, "no GPU can be read: GPU 0: fallen off the bus", feed.Snapshot().Problem)
	})
}

func TestInstancesHaveNoEnergyOfTheirOwn(t *testing.T) {
	slice := gpuNumber(0)
	slice.UUID, slice.Parent = "MIG-0", "GPU-1"
	m := newMachine(slice, gpuNumber(1), gpuNumber(0))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		after(3 * time.Second)
		devices := feed.Snapshot().Devices
		require.Len(t, devices, 3)
		assert.Equal(t, []string{"GPU-0", "GPU-1", "MIG-0"}, []string{devices[0].UUID, devices[1].UUID, devices[2].UUID}, "behind its GPU")
		instance := devices[2]
		assert.Nil(t, instance.PowerWatts)
		assert.Nil(t, instance.EnergyMillijoules)
		assert.Nil(t, instance.EnergyCounterMillijoules)
		assert.Empty(t, instance.EnergyMethod)
		assert.Contains(t, instance.Unavailable["power_watts"], "GPU-1")
		assert.NotNil(t, devices[1].EnergyMillijoules)

		m.set(func() { m.gpus = m.gpus[1:] })
		after(time.Minute)
		assert.Len(t, feed.Snapshot().Devices, 2, "an instance that was taken apart is not lost, it is no more")
	})
}

func TestWatchers(t *testing.T) {
	m := newMachine(gpuNumber(0))
	sampled(t, m, func(t *testing.T, feed *Feed) {
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		slow, eager := feed.Watch(t.Context()), feed.Watch(ctx)
		for range 5 {
			got := <-eager
			assert.Equal(t, time.Duration(0), time.Since(got.Time), "each as it is made")
			after(time.Second)
		}
		assert.Equal(t, feed.Snapshot(), <-slow, "one that sleeps gets the newest")
		cancel()
		synctest.Wait()
		<-eager // what had been sent
		_, open := <-eager
		assert.False(t, open, "the channel is closed when its context ends")
	})
}
