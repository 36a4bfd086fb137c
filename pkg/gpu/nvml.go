//go:build linux && cgo && nvml

package gpu

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// nvmlReader reads through NVIDIA's management library.
type nvmlReader struct {
	library nvml.Interface
	driver  string

	mu      sync.Mutex
	handles map[string]nvml.Device
	has     map[string]bool // by symbol
	seen    map[string]uint64
	kept    map[string]slowly
}

// slowly is what changes slowly or costs the driver much: the health of a device, and
// what runs on it.
type slowly struct {
	healthAt, processesAt time.Time
	health                Health
	processes             []Process
	unavailable           map[string]string
}

const (
	healthEvery    = 30 * time.Second
	processesEvery = time.Second
)

// OpenNVML opens the NVIDIA driver's library, at a path or, if it is empty, where the
// system has it. The error says why there is none and what to do.
func OpenNVML(path string) (Reader, error) {
	if path == "" {
		return newNVMLReader(nvml.New())
	}
	return newNVMLReader(nvml.New(nvml.WithLibraryPath(path)))
}

func newNVMLReader(library nvml.Interface) (*nvmlReader, error) {
	if ret := library.Init(); ret != nvml.SUCCESS {
		return nil, explainInit(ret)
	}
	r := &nvmlReader{library: library, handles: map[string]nvml.Device{}, has: map[string]bool{}, seen: map[string]uint64{}, kept: map[string]slowly{}}
	if r.supports("nvmlSystemGetDriverVersion") {
		if version, ret := library.SystemGetDriverVersion(); ret == nvml.SUCCESS {
			r.driver = version
		}
	}
	return r, nil
}

func explainInit(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return errors.New("this machine has no NVIDIA driver: libnvidia-ml.so.1 is not there. Run an agent where the GPUs are: wattctl collect")
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return errors.New("the NVIDIA driver is installed and not loaded: nvidia-smi on this machine says why")
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return errors.New("the NVIDIA driver was upgraded and the old one is still loaded: reboot, or load it anew")
	case nvml.ERROR_NO_PERMISSION:
		return errors.New("this user may not use the NVIDIA driver: give it the devices /dev/nvidia*")
	}
	return fmt.Errorf("the NVIDIA driver does not start: %s", ret.Error())
}

// supports says whether the library has a function.
func (r *nvmlReader) supports(symbol string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, asked := r.has[symbol]
	if !asked {
		known = r.library.Extensions().LookupSymbol(symbol) == nil
		r.has[symbol] = known
	}
	return known
}

func (r *nvmlReader) DriverVersion() string { return r.driver }

func (r *nvmlReader) Close() error {
	if ret := r.library.Shutdown(); ret != nvml.SUCCESS {
		return ret
	}
	return nil
}

func (r *nvmlReader) Identify() ([]Identity, error) {
	count, ret := r.library.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("the driver does not count its GPUs: %s", ret.Error())
	}
	var found []Identity
	for index := range count {
		device, ret := r.library.DeviceGetHandleByIndex(index)
		if ret != nvml.SUCCESS {
			continue // lost: those that are followed say so themselves
		}
		identity, err := r.identify(device, index)
		if err != nil {
			continue
		}
		found = append(found, identity)
		found = append(found, r.instances(device, identity)...)
	}
	return found, nil
}

// text calls a function that the library may not have and the device not support.
func (r *nvmlReader) text(symbol string, call func() (string, nvml.Return)) string {
	if !r.supports(symbol) {
		return ""
	}
	if value, ret := call(); ret == nvml.SUCCESS {
		return value
	}
	return ""
}

func (r *nvmlReader) identify(device nvml.Device, index int) (Identity, error) {
	uuid, ret := device.GetUUID()
	if ret != nvml.SUCCESS {
		return Identity{}, ret
	}
	identity := Identity{
		UUID: uuid, Index: index,
		Name:            r.text("nvmlDeviceGetName", device.GetName),
		Serial:          r.text("nvmlDeviceGetSerial", device.GetSerial),
		BoardPartNumber: r.text("nvmlDeviceGetBoardPartNumber", device.GetBoardPartNumber),
		VBIOS:           r.text("nvmlDeviceGetVbiosVersion", device.GetVbiosVersion),
	}
	if r.supports("nvmlDeviceGetPciInfo_v3") {
		if pci, ret := device.GetPciInfo(); ret == nvml.SUCCESS {
			identity.PCIAddress = characters(pci.BusId[:])
		}
	}
	if r.supports("nvmlDeviceGetMemoryInfo") {
		if memory, ret := device.GetMemoryInfo(); ret == nvml.SUCCESS {
			total := int64(memory.Total)
			identity.MemoryTotalBytes = &total
		}
	}
	r.mu.Lock()
	r.handles[uuid] = device
	r.mu.Unlock()
	return identity, nil
}

func characters(text []int8) string {
	var b strings.Builder
	for _, c := range text {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

// instances are the MIG instances of a GPU.
func (r *nvmlReader) instances(device nvml.Device, parent Identity) []Identity {
	if !r.supports("nvmlDeviceGetMigMode") || !r.supports("nvmlDeviceGetMaxMigDeviceCount") || !r.supports("nvmlDeviceGetMigDeviceHandleByIndex") {
		return nil
	}
	if mode, _, ret := device.GetMigMode(); ret != nvml.SUCCESS || mode != nvml.DEVICE_MIG_ENABLE {
		return nil
	}
	count, ret := device.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return nil
	}
	var found []Identity
	for i := range count {
		instance, ret := device.GetMigDeviceHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue // a slot without an instance
		}
		if identity, err := r.identify(instance, parent.Index); err == nil {
			identity.Parent = parent.UUID
			found = append(found, identity)
		}
	}
	return found
}

func (r *nvmlReader) Read(device Identity) (Reading, error) {
	r.mu.Lock()
	handle := r.handles[device.UUID]
	r.mu.Unlock()
	if handle == nil {
		return Reading{}, fmt.Errorf("the driver has no device %s", device.UUID)
	}
	m := measuring{reader: r, device: handle, reading: Reading{Identity: device, Time: time.Now(), Unavailable: map[string]string{}}}
	if device.Parent == "" {
		m.power()
		m.load()
	} else {
		m.without("power_watts", "NVML measures no power of a MIG instance; its GPU has it")
		m.without("energy_mj", "NVML measures no energy of a MIG instance; its GPU has it")
	}
	m.memory()
	m.now(r.slowlyOf(device.UUID))
	return m.reading, m.err
}

func (r *nvmlReader) slowlyOf(uuid string) slowly {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[uuid]
}

// now reads what changes slowly if it is time, and keeps it for the readings between.
func (m *measuring) now(kept slowly) {
	processes := m.reading.Time.Sub(kept.processesAt) >= processesEvery
	health := m.reading.Parent == "" && m.reading.Time.Sub(kept.healthAt) >= healthEvery
	if processes || health {
		own := m.reading.Unavailable
		m.reading.Unavailable = maps.Clone(kept.unavailable)
		if m.reading.Unavailable == nil {
			m.reading.Unavailable = map[string]string{}
		}
		if processes {
			m.processes()
			kept.processes, kept.processesAt = m.reading.Processes, m.reading.Time
		}
		if health {
			m.health()
			kept.health, kept.healthAt = m.reading.Health, m.reading.Time
		}
		kept.unavailable = m.reading.Unavailable
		m.reading.Unavailable = own
		if m.err == nil { // what a lost device says is not kept
			m.reader.mu.Lock()
			m.reader.kept[m.reading.UUID] = kept
			m.reader.mu.Unlock()
		}
	}
	m.reading.Processes, m.reading.Health = kept.processes, kept.health
	maps.Copy(m.reading.Unavailable, kept.unavailable)
}

// measuring is one reading in the making.
type measuring struct {
	reader  *nvmlReader
	device  nvml.Device
	reading Reading
	err     error
}

func (m *measuring) without(measure, reason string) { m.reading.Unavailable[measure] = reason }

// call runs a function if the library has it, and notes why there is no answer.
func (m *measuring) call(measure, symbol string, call func() nvml.Return) bool {
	if m.err != nil {
		return false
	}
	if !m.reader.supports(symbol) {
		m.without(measure, "the driver is too old for it: "+symbol+" is missing")
		return false
	}
	switch ret := call(); ret {
	case nvml.SUCCESS:
		return true
	case nvml.ERROR_NOT_SUPPORTED:
		m.without(measure, "this GPU does not support it")
	case nvml.ERROR_NO_PERMISSION:
		m.without(measure, "this user may not read it")
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_RESET_REQUIRED:
		m.err = ErrLost
	case nvml.ERROR_NOT_FOUND: // nothing ran
	default:
		m.without(measure, ret.Error())
	}
	return false
}

func number[T int64 | float64](value T) *T { return &value }

// moduleScope asks for the power of a whole module, where there is one.
const moduleScope = 1

func (m *measuring) power() {
	var milliwatts uint32
	if m.call("power_watts", "nvmlDeviceGetPowerUsage", func() (ret nvml.Return) {
		milliwatts, ret = m.device.GetPowerUsage()
		return ret
	}) {
		m.reading.PowerWatts, m.reading.PowerScope = number(float64(milliwatts)/1000), ScopeGPU
		if strings.Contains(m.reading.Name, "GH200") || strings.Contains(m.reading.Name, "GB200") || strings.Contains(m.reading.Name, "GB300") {
			// The superchip's own field says whether the module is measured beside the GPU.
			fields := []nvml.FieldValue{{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: moduleScope}}
			if m.reader.supports("nvmlDeviceGetFieldValues") && m.device.GetFieldValues(fields) == nvml.SUCCESS && nvml.Return(fields[0].NvmlReturn) != nvml.SUCCESS {
				m.reading.PowerScope = ScopeModule
			}
		}
	}
	var millijoules uint64
	if m.call("energy_counter_mj", "nvmlDeviceGetTotalEnergyConsumption", func() (ret nvml.Return) {
		millijoules, ret = m.device.GetTotalEnergyConsumption()
		return ret
	}) {
		m.reading.EnergyCounterMillijoules = number(int64(millijoules))
	}
	var limit uint32
	if m.call("power_limit_watts", "nvmlDeviceGetEnforcedPowerLimit", func() (ret nvml.Return) {
		limit, ret = m.device.GetEnforcedPowerLimit()
		return ret
	}) {
		m.reading.PowerLimit = number(float64(limit) / 1000)
	}
}

func (m *measuring) memory() {
	var memory nvml.Memory
	if m.call("memory_used_bytes", "nvmlDeviceGetMemoryInfo", func() (ret nvml.Return) {
		memory, ret = m.device.GetMemoryInfo()
		return ret
	}) {
		m.reading.MemoryUsedBytes = number(int64(memory.Used))
	}
}

func (m *measuring) load() {
	var rates nvml.Utilization
	if m.call("utilization", "nvmlDeviceGetUtilizationRates", func() (ret nvml.Return) {
		rates, ret = m.device.GetUtilizationRates()
		return ret
	}) {
		m.reading.Utilization = number(float64(rates.Gpu) / 100)
	}
	var celsius uint32
	if m.call("temperature_c", "nvmlDeviceGetTemperature", func() (ret nvml.Return) {
		celsius, ret = m.device.GetTemperature(nvml.TEMPERATURE_GPU) //nolint:staticcheck // what old drivers have
		return ret
	}) {
		m.reading.TemperatureC = number(float64(celsius))
	}
}

// unknownMemory is what NVML says where it does not know a process's memory.
const unknownMemory = ^uint64(0)

func (m *measuring) processes() {
	var running []nvml.ProcessInfo
	if !m.reader.supports("nvmlDeviceGetComputeRunningProcesses_v3") && !m.reader.supports("nvmlDeviceGetComputeRunningProcesses_v2") {
		m.without("processes", "the driver is too old for it")
		return
	}
	if !m.call("processes", "nvmlInit_v2", func() (ret nvml.Return) {
		running, ret = m.device.GetComputeRunningProcesses()
		return ret
	}) {
		return
	}
	shares := m.shares()
	for _, process := range running {
		p := Process{PID: int(process.Pid)}
		if process.UsedGpuMemory != unknownMemory {
			p.MemoryUsedBytes = number(int64(process.UsedGpuMemory))
		}
		if shares != nil {
			p.Utilization = number(shares[process.Pid])
		}
		m.reading.Processes = append(m.reading.Processes, p)
	}
}

// shares are the parts of the device's time by process since the last reading, or nil
// where the device does not tell.
func (m *measuring) shares() map[uint32]float64 {
	if m.reading.Parent != "" {
		return nil // MIG knows none
	}
	r := m.reader
	r.mu.Lock()
	since := r.seen[m.reading.UUID]
	r.mu.Unlock()
	var samples []nvml.ProcessUtilizationSample
	found := m.call("process_utilization", "nvmlDeviceGetProcessUtilization", func() (ret nvml.Return) {
		samples, ret = m.device.GetProcessUtilization(since)
		return ret
	})
	if _, why := m.reading.Unavailable["process_utilization"]; why || m.err != nil {
		return nil
	}
	sums, counts := map[uint32]float64{}, map[uint32]float64{}
	if found {
		for _, s := range samples {
			if s.TimeStamp <= since || s.Pid == 0 {
				continue
			}
			sums[s.Pid] += float64(s.SmUtil) / 100
			counts[s.Pid]++
			r.mu.Lock()
			r.seen[m.reading.UUID] = max(r.seen[m.reading.UUID], s.TimeStamp)
			r.mu.Unlock()
		}
	}
	for pid := range sums {
		sums[pid] /= counts[pid]
	}
	return sums
}

// throttleReasons are the names of the bits that slow a device down.
var throttleReasons = []struct {
	bit  uint64
	name string
}{
	{nvml.ClocksEventReasonSwPowerCap, "power cap"}, {nvml.ClocksThrottleReasonHwSlowdown, "hardware slowdown"},
	{nvml.ClocksEventReasonSyncBoost, "sync boost"}, {nvml.ClocksEventReasonSwThermalSlowdown, "thermal slowdown"},
	{nvml.ClocksThrottleReasonHwThermalSlowdown, "hardware thermal slowdown"}, {nvml.ClocksThrottleReasonHwPowerBrakeSlowdown, "power brake"},
}

func (m *measuring) health() {
	health := &m.reading.Health
	for _, count := range []struct {
		measure string
		kind    nvml.MemoryErrorType
		into    **int64
	}{
		{"ecc_corrected", nvml.MEMORY_ERROR_TYPE_CORRECTED, &health.CorrectedECC},
		{"ecc_uncorrected", nvml.MEMORY_ERROR_TYPE_UNCORRECTED, &health.UncorrectedECC},
	} {
		var errors uint64
		if m.call(count.measure, "nvmlDeviceGetTotalEccErrors", func() (ret nvml.Return) {
			errors, ret = m.device.GetTotalEccErrors(count.kind, nvml.AGGREGATE_ECC)
			return ret
		}) {
			*count.into = number(int64(errors))
		}
	}
	var corrected, uncorrected int
	var pending, failed bool
	if m.call("remapped_rows", "nvmlDeviceGetRemappedRows", func() (ret nvml.Return) {
		corrected, uncorrected, pending, failed, ret = m.device.GetRemappedRows()
		return ret
	}) {
		health.RemappedRows, health.RemapPending, health.RemapFailed = number(int64(corrected+uncorrected)), &pending, &failed
	}
	pages := 0
	if m.call("retired_pages", "nvmlDeviceGetRetiredPages", func() nvml.Return {
		for _, cause := range []nvml.PageRetirementCause{nvml.PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS, nvml.PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR} {
			retired, ret := m.device.GetRetiredPages(cause)
			if ret != nvml.SUCCESS {
				return ret
			}
			pages += len(retired)
		}
		return nvml.SUCCESS
	}) {
		health.RetiredPages = number(int64(pages))
	}
	var reasons uint64
	if m.call("throttle_reasons", "nvmlDeviceGetCurrentClocksThrottleReasons", func() (ret nvml.Return) {
		reasons, ret = m.device.GetCurrentClocksThrottleReasons() //nolint:staticcheck // what old drivers have
		return ret
	}) {
		for _, reason := range throttleReasons {
			if reasons&reason.bit != 0 {
				health.ThrottleReasons = append(health.ThrottleReasons, reason.name)
			}
		}
	}
	var violation nvml.ViolationTime
	if m.call("throttled_ns", "nvmlDeviceGetViolationStatus", func() (ret nvml.Return) {
		violation, ret = m.device.GetViolationStatus(nvml.PERF_POLICY_THERMAL)
		return ret
	}) {
		health.ThrottledNanosecs = number(int64(violation.ViolationTime))
	}
}
