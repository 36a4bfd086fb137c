//go:build linux && cgo && nvml

package main

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// The numbers of pkg/gpu/testdata/fakenvml.c.
const (
	header, cells = 16, 16

	initReturns = 0
	count       = 1
	crash       = 2
)

const (
	returns = iota
	powerMilliwatts
	energyMillijoules
	limitMilliwatts
	utilization
	memoryUsed
	temperature
	migInstances
	hang
	moduleOnly
	ecc
	remapped
	pid
	reasons
)

const (
	notSupported    = -1
	driverNotLoaded = 9
	gpuIsLost       = 15
	versionMismatch = 18
)

// libraries are the fake driver's, compiled once: the new and the old.
var libraries = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "fakenvml")
	if err != nil {
		return "", err
	}
	cleanUp = func() { _ = os.RemoveAll(folder) }
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		return "", err
	}
	headers := filepath.Join(strings.TrimSpace(string(module)), "pkg", "nvml")
	for name, define := range map[string]string{"new.so": "-DNEW", "old.so": "-DOLD"} {
		compiler := exec.Command("gcc", "-shared", "-fPIC", "-O1", define, "-I", headers, "-o", filepath.Join(folder, name), "../../gpu/testdata/fakenvml.c")
		if output, err := compiler.CombinedOutput(); err != nil {
			return "", &exec.Error{Name: string(output), Err: err}
		}
	}
	return folder, nil
})

// driver is a fake driver that its test holds the strings of.
type driver struct {
	t     testing.TB
	file  *os.File
	which string
}

func newDriver(t testing.TB, which string, gpus int) *driver {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("NOT TESTED: reading GPUs through a real library needs gcc, and there is none")
	}
	folder, err := libraries()
	require.NoError(t, err, "compile the fake driver")
	file, err := os.Create(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	require.NoError(t, file.Truncate(8*(header+16*cells)))
	d := &driver{t: t, file: file, which: filepath.Join(folder, which)}
	d.write(count, int64(gpus))
	for i := range gpus {
		for cell, value := range map[int]int64{powerMilliwatts: 312_000, energyMillijoules: 5_000_000, limitMilliwatts: 700_000, utilization: 87, memoryUsed: 40 << 30,
			temperature: 61, ecc: 3, remapped: 2, pid: 4242, reasons: 1 | 4 | 64} {
			d.set(i, cell, value)
		}
	}
	return d
}

func (d *driver) write(place int, value int64) {
	d.t.Helper()
	_, err := d.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(value)), int64(8*place))
	require.NoError(d.t, err)
}

func (d *driver) set(device, cell int, value int64) {
	d.t.Helper()
	d.write(header+device*cells+cell, value)
}

// start runs the program on the driver until the test ends.
func (d *driver) start(interval time.Duration) *gpu.Feed {
	d.t.Helper()
	feed, stop := d.follow(interval, interval)
	d.t.Cleanup(stop)
	return feed
}

// follow runs the program on the driver, as the plugin would.
func (d *driver) follow(interval, report time.Duration) (feed *gpu.Feed, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	feed = gpu.StartReader(ctx, os.Args[0], gpu.ReaderOptions{
		Interval: interval, Report: report, Library: d.which, Environment: []string{asReader + "=1", "FAKE_NVML_STATE=" + d.file.Name()},
	})
	return feed, func() {
		cancel()
		<-feed.Done()
	}
}

// await waits for a snapshot that is as wanted.
func await(t testing.TB, feed *gpu.Feed, what string, wanted func(gpu.Snapshot) bool) gpu.Snapshot {
	t.Helper()
	deadline := time.After(time.Minute)
	snapshots := feed.Watch(t.Context())
	for {
		select {
		case snapshot := <-snapshots:
			if wanted(snapshot) {
				return snapshot
			}
		case <-deadline:
			require.FailNow(t, "never came: "+what, "%+v", feed.Snapshot())
		}
	}
}

func hasDevices(n int) func(gpu.Snapshot) bool {
	return func(s gpu.Snapshot) bool { return len(s.Devices) == n }
}

const pace = 20 * time.Millisecond

func TestEverythingADeviceTells(t *testing.T) {
	d := newDriver(t, "new.so", 2)
	got := await(t, d.start(pace), "readings", hasDevices(2))

	assert.Empty(t, got.Problem)
	assert.Equal(t, "580.65.06", got.DriverVersion)
	r := got.Devices[1]
	assert.Equal(t, gpu.Identity{UUID: "GPU-1", Index: 1, Name: "NVIDIA Fake", Serial: "SN1", BoardPartNumber: "900-2G520", VBIOS: "96.00.1",
		PCIAddress: "00000000:41:00.0", MemoryTotalBytes: new(int64(80 << 30))}, r.Identity)
	assert.Equal(t, 312.0, *r.PowerWatts)
	assert.Equal(t, 700.0, *r.PowerLimit)
	assert.Equal(t, gpu.ScopeGPU, r.PowerScope)
	assert.Equal(t, int64(5_000_000), *r.EnergyCounterMillijoules)
	assert.Equal(t, int64(0), *r.EnergyMillijoules)
	assert.Equal(t, gpu.MethodCounter, r.EnergyMethod)
	assert.Equal(t, 0.87, *r.Utilization)
	assert.Equal(t, int64(40<<30), *r.MemoryUsedBytes)
	assert.Equal(t, 61.0, *r.TemperatureC)
	assert.Equal(t, []gpu.Process{{PID: 4242, MemoryUsedBytes: new(int64(1 << 30)), Utilization: new(0.75)}, {PID: 4243, Utilization: new(0.0)}}, r.Processes)
	assert.Equal(t, gpu.Health{CorrectedECC: new(int64(3)), UncorrectedECC: new(int64(3)), RemappedRows: new(int64(3)), RemapPending: new(true), RemapFailed: new(false),
		ThrottleReasons: []string{"sw_power_cap", "hw_thermal_slowdown"}, ThrottledNanosecs: new(int64(7e9))}, r.Health)
	assert.Empty(t, r.Lost)
	// This library lists no processes that draw.
	assert.Equal(t, map[string]string{"processes": "the driver's library has no nvmlDeviceGetGraphicsRunningProcesses; a newer driver may"}, r.Unavailable)
}

func TestWhatADeviceDoesNotTellIsNotZero(t *testing.T) {
	d := newDriver(t, "new.so", 1)
	for _, cell := range []int{powerMilliwatts, energyMillijoules, limitMilliwatts, utilization, memoryUsed, temperature, ecc, remapped, reasons} {
		d.set(0, cell, notSupported)
	}
	r := await(t, d.start(pace), "readings", hasDevices(1)).Devices[0]
	assert.Nil(t, r.PowerWatts)
	assert.Nil(t, r.PowerLimit)
	assert.Nil(t, r.EnergyMillijoules)
	assert.Nil(t, r.Utilization)
	assert.Nil(t, r.MemoryUsedBytes)
	assert.Nil(t, r.TemperatureC)
	assert.Nil(t, r.Health.UncorrectedECC)
	assert.Equal(t, int64(2), *r.Health.RetiredPages, "for the rows it does not remap")
	for _, measure := range []string{"power_watts", "power_limit_watts", "energy_counter_mj", "utilization", "memory_used_bytes", "temperature_c",
		"ecc_corrected", "ecc_uncorrected", "remapped_rows", "throttle_reasons"} {
		assert.Equal(t, "the device does not give it", r.Unavailable[measure], measure)
	}
	assert.Empty(t, r.Lost, "it answers, if only that")
}

func TestEnergyThroughAReload(t *testing.T) {
	d := newDriver(t, "new.so", 1)
	feed := d.start(pace)
	await(t, feed, "readings", hasDevices(1))
	d.set(0, energyMillijoules, 5_000_500)
	await(t, feed, "what the counter moved by", func(s gpu.Snapshot) bool { return *s.Devices[0].EnergyMillijoules == 500 })
	d.set(0, energyMillijoules, 40)
	r := await(t, feed, "the reload", func(s gpu.Snapshot) bool { return s.Devices[0].Gaps == 1 }).Devices[0]
	assert.Equal(t, int64(540), *r.EnergyMillijoules)
}

func TestAnOldDriver(t *testing.T) {
	d := newDriver(t, "old.so", 1)
	feed := d.start(pace)
	r := await(t, feed, "integrated energy", func(s gpu.Snapshot) bool {
		return len(s.Devices) == 1 && s.Devices[0].EnergyMillijoules != nil && *s.Devices[0].EnergyMillijoules > 0
	}).Devices[0]
	assert.Equal(t, gpu.MethodIntegrated, r.EnergyMethod)
	assert.Equal(t, "the driver's library has no nvmlDeviceGetTotalEnergyConsumption; a newer driver may", r.Unavailable["energy_counter_mj"])
	assert.Contains(t, r.Unavailable["remapped_rows"], "nvmlDeviceGetRemappedRows")
	assert.Contains(t, r.Unavailable["retired_pages"], "nvmlDeviceGetRetiredPages")
	assert.Equal(t, int64(40<<30), *r.MemoryUsedBytes, "as the older function has it")
	assert.Equal(t, []string{"sw_power_cap", "hw_thermal_slowdown"}, r.Health.ThrottleReasons, "by the name it had")
	assert.Equal(t, []gpu.Process{{PID: 4242, MemoryUsedBytes: new(int64(1 << 30))}, {PID: 4243}}, r.Processes)
	assert.Empty(t, r.BoardPartNumber)
}

func TestALostGPU(t *testing.T) {
	d := newDriver(t, "new.so", 2)
	feed := d.start(pace)
	await(t, feed, "readings", hasDevices(2))
	d.set(0, returns, gpuIsLost)
	lost := await(t, feed, "the loss", func(s gpu.Snapshot) bool { return s.Devices[0].Lost != "" })
	assert.Contains(t, lost.Devices[0].Lost, "fallen off the bus")
	assert.Equal(t, 312.0, *lost.Devices[0].PowerWatts)
	assert.Empty(t, lost.Devices[1].Lost)
	d.set(0, returns, 0)
	back := await(t, feed, "its return", func(s gpu.Snapshot) bool { return s.Devices[0].Lost == "" })
	assert.Equal(t, 1, back.Devices[0].Gaps)
	assert.Empty(t, back.Problem)
}

func TestAGPUThatHangsInTheDriver(t *testing.T) {
	d := newDriver(t, "new.so", 2)
	feed := d.start(pace)
	await(t, feed, "readings", hasDevices(2))
	d.set(0, hang, 1)
	d.set(1, energyMillijoules, 5_000_700)
	got := await(t, feed, "the loss", func(s gpu.Snapshot) bool { return s.Devices[0].Lost != "" })
	assert.Contains(t, got.Devices[0].Lost, "has not answered")
	assert.Equal(t, int64(700), *got.Devices[1].EnergyMillijoules, "the other goes on")
	d.set(0, hang, 0)
	await(t, feed, "its return", func(s gpu.Snapshot) bool { return s.Devices[0].Lost == "" })
}

func TestInstancesOfAGPU(t *testing.T) {
	d := newDriver(t, "new.so", 2)
	d.set(0, migInstances, 2)
	devices := await(t, d.start(pace), "readings", hasDevices(4)).Devices
	assert.Equal(t, []string{"GPU-0", "MIG-0-1", "MIG-0-2", "GPU-1"}, []string{devices[0].UUID, devices[1].UUID, devices[2].UUID, devices[3].UUID})
	assert.Equal(t, "the device does not give it", devices[0].Unavailable["utilization"])
	assert.Equal(t, 312.0, *devices[0].PowerWatts)
	instance := devices[1]
	assert.Equal(t, "GPU-0", instance.Parent)
	assert.Nil(t, instance.PowerWatts)
	assert.Nil(t, instance.EnergyMillijoules)
	assert.Equal(t, int64(40<<30), *instance.MemoryUsedBytes)
	assert.Equal(t, 4242, instance.Processes[0].PID)
	assert.Nil(t, instance.Processes[0].Utilization)
}

func TestAModule(t *testing.T) {
	d := newDriver(t, "new.so", 1)
	d.set(0, moduleOnly, 1)
	feed := d.start(pace)
	assert.Equal(t, gpu.ScopeModule, await(t, feed, "readings", hasDevices(1)).Devices[0].PowerScope)
	d.set(0, powerMilliwatts, notSupported)
	await(t, feed, "the power of the module's own field", func(s gpu.Snapshot) bool { return *s.Devices[0].PowerWatts == 555 })
}

func TestADriverThatIsNotThere(t *testing.T) {
	tests := map[string]struct {
		library string
		returns int64
		want    string
	}{
		"no library":      {"/nowhere/libnvidia-ml.so.1", 0, "/nowhere/libnvidia-ml.so.1: cannot open shared object file: No such file or directory"},
		"another library": {"libc.so.6", 0, "libc.so.6 is not NVIDIA's management library: it has no nvml"},
		"not loaded":      {"", driverNotLoaded, "the NVIDIA driver is not loaded"},
		"upgraded":        {"", versionMismatch, "restart the machine or reload the driver"},
		"no GPUs":         {"", 0, "sees no GPU"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, "new.so", 0)
			d.write(initReturns, test.returns)
			if test.library != "" {
				d.which = test.library
			}
			got := await(t, d.start(pace), "the problem", func(s gpu.Snapshot) bool { return s.Problem != "" })
			assert.Contains(t, got.Problem, test.want)
			assert.Empty(t, got.Devices)
		})
	}
}

func TestADriverThatIsLoadedLater(t *testing.T) {
	d := newDriver(t, "new.so", 1)
	d.write(initReturns, driverNotLoaded)
	feed := d.start(pace)
	await(t, feed, "the problem", func(s gpu.Snapshot) bool { return s.Problem != "" })
	d.write(initReturns, 0)
	assert.Empty(t, await(t, feed, "readings", hasDevices(1)).Problem)
}

// A fault in the driver's library ends the reader, which is started again, and
// the counter bridges the time in between.
func TestAFaultInTheDriver(t *testing.T) {
	d := newDriver(t, "new.so", 1)
	feed := d.start(pace)
	first := await(t, feed, "readings", hasDevices(1))
	d.set(0, energyMillijoules, 5_000_500)
	await(t, feed, "what the counter moved by", func(s gpu.Snapshot) bool { return *s.Devices[0].EnergyMillijoules == 500 })
	d.write(crash, 1)
	fault := await(t, feed, "the fault", func(s gpu.Snapshot) bool { return s.Problem != "" })
	assert.Contains(t, fault.Problem, "is started again")
	assert.Contains(t, fault.Problem, "SIGSEGV")
	assert.Len(t, fault.Devices, 1, "the last known")
	d.set(0, energyMillijoules, 5_000_800)
	d.write(crash, 0)
	back := await(t, feed, "its return", func(s gpu.Snapshot) bool { return s.Problem == "" })
	assert.Equal(t, int64(800), *back.Devices[0].EnergyMillijoules)
	assert.Zero(t, back.Devices[0].Gaps)
	assert.True(t, first.Since.Equal(back.Since))
}
