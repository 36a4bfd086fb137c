//go:build linux && cgo && nvml

package gpu

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// library compiles the C library for tests. Each reader of it is a process of its own,
// because symbols are global in one.
func library(t testing.TB, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libnvml.so")
	output, err := exec.Command("gcc", append(flags, "-shared", "-fPIC", "-o", path, filepath.Join("testdata", "nvml.c"))...).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return path
}

// fake starts a reader over the library and returns what sets its state.
func fake(t *testing.T, path string, settings ...any) (*ReaderProcess, func(settings ...any)) {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	set := func(settings ...any) {
		text := ""
		for i := 0; i < len(settings); i += 2 {
			text += fmt.Sprintln(settings[i], settings[i+1])
		}
		require.NoError(t, os.WriteFile(state+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(state+".new", state))
	}
	set(settings...)
	t.Setenv("FAKE_NVML", state)
	t.Setenv(libraryVariable, path)
	p := StartReader(pretend(t, "nvml"))
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p, set
}

func bothRead(s Snapshot) bool { return len(s.Devices) >= 2 && s.Problem == "" }

func TestNVMLThroughARealLibrary(t *testing.T) {
	p, set := fake(t, library(t), "counter", 5000, "power", 300_000)
	s := until(t, p, "of both GPUs", bothRead)
	first, second := s.Devices[0], s.Devices[1]
	assert.Equal(t, "580.1", s.DriverVersion)
	assert.Equal(t, []string{"GPU-0", "Fake H100", "serial-0"}, []string{first.UUID, first.Name, first.Serial})
	assert.Equal(t, 300.0, *first.PowerWatts)
	assert.Equal(t, 700.0, *first.PowerLimit)
	assert.Equal(t, 0.75, *first.Utilization)
	assert.Equal(t, 40.0, *first.TemperatureC)
	assert.EqualValues(t, 20<<30, *first.MemoryUsedBytes)
	assert.EqualValues(t, 80<<30, *first.MemoryTotalBytes)
	assert.EqualValues(t, 5000, *first.EnergyCounterMillijoules)
	assert.EqualValues(t, 7, *first.Health.CorrectedECC)
	assert.Equal(t, MethodCounter, first.EnergyMethod)
	assert.Nil(t, second.EnergyCounterMillijoules, "not supported is no 0")
	assert.Equal(t, "this GPU does not support it", second.Unavailable["energy_counter_mj"])
	assert.Equal(t, MethodIntegrated, second.EnergyMethod)
	assert.Contains(t, first.Unavailable["remapped_rows"], "nvmlDeviceGetRemappedRows is missing", "a symbol that is not there is not called")

	set("counter", 15_000, "power", 300_000)
	until(t, p, "with what was drawn", func(s Snapshot) bool { return bothRead(s) && *s.Devices[0].EnergyMillijoules == 10_000 })
	set("counter", 2000, "power", 300_000)
	reset := until(t, p, "after a reset", func(s Snapshot) bool { return bothRead(s) && *s.Devices[0].EnergyMillijoules == 12_000 })
	assert.Equal(t, 1, reset.Devices[0].Gaps)
	set("counter", 2000, "power", 300_000, "lost", 0)
	lost := until(t, p, "with a lost GPU", func(s Snapshot) bool { return bothRead(s) && s.Devices[0].Lost != "" })
	assert.Empty(t, lost.Devices[1].Lost, "the other is read on")
	set("counter", 2000, "power", 300_000)
	until(t, p, "with the GPU back", func(s Snapshot) bool { return bothRead(s) && s.Devices[0].Lost == "" })
}

func TestNVMLOfAnOldDriver(t *testing.T) {
	p, _ := fake(t, library(t, "-DOLD"))
	first := until(t, p, "of both GPUs", bothRead).Devices[0]
	assert.Empty(t, first.Serial)
	assert.Nil(t, first.PowerLimit)
	assert.Contains(t, first.Unavailable["power_limit_watts"], "too old")
	assert.Equal(t, 300.0, *first.PowerWatts, "what it has is read")
}

func TestNVMLOfMIG(t *testing.T) {
	p, _ := fake(t, library(t), "mig", 1)
	s := until(t, p, "with an instance", func(s Snapshot) bool { return len(s.Devices) == 3 })
	for _, device := range s.Devices {
		if device.Parent == "" {
			continue
		}
		assert.Equal(t, "GPU-0", device.Parent)
		assert.Nil(t, device.PowerWatts, "its GPU has the power: counted once")
		assert.Nil(t, device.EnergyMillijoules)
		assert.EqualValues(t, 20<<30, *device.MemoryUsedBytes)
		return
	}
	assert.Fail(t, "no instance has a parent")
}

func TestNVMLSaysWhyThereIsNone(t *testing.T) {
	for name, c := range map[string]struct{ path, says string }{
		"no library":        {filepath.Join(t.TempDir(), "libnvidia-ml.so.1"), "has no NVIDIA driver"},
		"driver not loaded": {library(t), "installed and not loaded"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := fake(t, c.path, "init", 9)
			assert.Contains(t, until(t, p, "that says why", func(s Snapshot) bool { return s.Problem != "" && s.Problem != "The GPU reader is starting." }).Problem, c.says)
		})
	}
}

// extensions says of every function that it is there, as a mock has them all.
type extensions struct{}

func (extensions) LookupSymbol(string) error { return nil }

func TestNVMLOnMockedServers(t *testing.T) {
	dgx := dgxa100.New()
	dgx.ExtensionsFunc = func() nvml.ExtendedInterface { return extensions{} }
	dgx.SystemGetDriverVersionFunc = func() (string, nvml.Return) { return "550.54.15", nvml.SUCCESS }
	for i := range dgx.Devices {
		d := dgx.Devices[i].(*server.Device)
		none := nvml.ERROR_NOT_SUPPORTED
		d.GetSerialFunc = func() (string, nvml.Return) { return "", none }
		d.GetBoardPartNumberFunc = func() (string, nvml.Return) { return "", none }
		d.GetVbiosVersionFunc = func() (string, nvml.Return) { return "", none }
		d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 400_000, nvml.SUCCESS }
		d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, none }
		d.GetEnforcedPowerLimitFunc = func() (uint32, nvml.Return) { return 0, none }
		d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 50}, nvml.SUCCESS }
		d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 0, none }
		d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
			return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: 1 << 30}, {Pid: 43, UsedGpuMemory: unknownMemory}}, nvml.SUCCESS
		}
		d.GetProcessUtilizationFunc = func(since uint64) ([]nvml.ProcessUtilizationSample, nvml.Return) {
			return []nvml.ProcessUtilizationSample{{Pid: 42, TimeStamp: since + 1, SmUtil: 30}, {Pid: 42, TimeStamp: since + 2, SmUtil: 50}}, nvml.SUCCESS
		}
		d.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) { return 0, none }
		d.GetRemappedRowsFunc = func() (int, int, bool, bool, nvml.Return) { return 2, 1, true, false, nvml.SUCCESS }
		d.GetRetiredPagesFunc = func(nvml.PageRetirementCause) ([]uint64, nvml.Return) { return nil, none }
		d.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) { return nvml.ClocksEventReasonSwPowerCap, nvml.SUCCESS }
		d.GetViolationStatusFunc = func(nvml.PerfPolicyType) (nvml.ViolationTime, nvml.Return) { return nvml.ViolationTime{}, none }
	}
	r, err := newNVMLReader(dgx)
	require.NoError(t, err)
	found, err := r.Identify()
	require.NoError(t, err)
	require.Len(t, found, 8)
	assert.Contains(t, found[0].Name, "A100")
	reading, err := r.Read(found[3])
	require.NoError(t, err)
	assert.Equal(t, 400.0, *reading.PowerWatts)
	assert.Nil(t, reading.TemperatureC)
	assert.EqualValues(t, 3, *reading.Health.RemappedRows)
	assert.True(t, *reading.Health.RemapPending)
	assert.Equal(t, []string{"power cap"}, reading.Health.ThrottleReasons)
	require.Len(t, reading.Processes, 2)
	assert.InDelta(t, 0.4, *reading.Processes[0].Utilization, 1e-9, "the mean of its samples")
	assert.Nil(t, reading.Processes[1].MemoryUsedBytes, "unknown is no number")
	assert.Zero(t, *reading.Processes[1].Utilization, "it ran nothing since")
}

// BenchmarkEightGPUsAtTenHertz is the share of a core that the reader program takes
// once it runs, through a real library that answers at once: what is ours, not the
// driver's.
func BenchmarkEightGPUsAtTenHertz(b *testing.B) {
	own, err := os.Executable()
	require.NoError(b, err)
	command := exec.Command(own)
	command.Env = append(os.Environ(), readerVariable+"=nvml", libraryVariable+"="+library(b), everyVariable+"=100ms", "FAKE_GPUS=8")
	input, err := command.StdinPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	const watched = 5 * time.Second
	time.Sleep(watched / 5) // it starts
	before, began := processorTime(b, command.Process.Pid), time.Now()
	for b.Loop() {
		time.Sleep(watched)
	}
	b.ReportMetric(100*(processorTime(b, command.Process.Pid)-before)/time.Since(began).Seconds(), "%core")
	require.NoError(b, input.Close())
	require.NoError(b, command.Wait())
}

// processorTime is how many seconds a process has computed, by the kernel's count in
// hundredths.
func processorTime(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var hundredths float64
	for _, field := range fields[11:13] { // in user mode and in the kernel
		ticks, err := strconv.ParseFloat(field, 64)
		require.NoError(b, err)
		hundredths += ticks
	}
	return hundredths / 100
}
