//go:build linux && cgo && nvml

package gpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// OpenNVML begins to read GPUs through NVIDIA's management library. Link a program
// that calls it with -ldflags=-extldflags=-Wl,-z,lazy: a toolchain that binds all
// symbols at the start makes one that cannot start without the newest driver.
//
// Functions that a driver's library lacks end the process when they are called, so
// each is looked up before.
func OpenNVML(options NVMLOptions) (Reader, error) {
	path := options.Library
	if path == "" {
		path = "libnvidia-ml.so.1"
	}
	if err := checkLibrary(path); err != nil {
		return nil, err
	}
	return openNVML(nvml.New(nvml.WithLibraryPath(path)))
}

// checkLibrary looks whether the library is there and is what it should be, before
// NVML's own functions are called.
func checkLibrary(path string) error {
	library := dl.New(path, dl.RTLD_LAZY|dl.RTLD_LOCAL)
	if err := library.Open(); err != nil {
		return fmt.Errorf("load NVIDIA's management library: %w; is the NVIDIA driver installed, and in a container, is it given the GPUs (--gpus all)?", err)
	}
	defer library.Close() //nolint:errcheck // it was only looked at
	for _, symbols := range []string{"nvmlInit_v2|nvmlInit", "nvmlShutdown", "nvmlErrorString", "nvmlDeviceGetCount_v2|nvmlDeviceGetCount",
		"nvmlDeviceGetHandleByIndex_v2|nvmlDeviceGetHandleByIndex", "nvmlDeviceGetUUID"} {
		if !slices.ContainsFunc(strings.Split(symbols, "|"), func(symbol string) bool { return library.Lookup(symbol) == nil }) {
			return fmt.Errorf("%s is not NVIDIA's management library: it has no %s", path, symbols)
		}
	}
	return nil
}

// nvmlOptional are the functions that a driver may lack, by the names they go by.
var nvmlOptional = map[string][]string{
	"SystemGetDriverVersion":                nil,
	"DeviceGetName":                         nil,
	"DeviceGetSerial":                       nil,
	"DeviceGetBoardPartNumber":              nil,
	"DeviceGetVbiosVersion":                 nil,
	"DeviceGetPciInfo":                      {"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2"},
	"DeviceGetMemoryInfo":                   nil,
	"DeviceGetMemoryInfo_v2":                nil,
	"DeviceGetPowerUsage":                   nil,
	"DeviceGetEnforcedPowerLimit":           nil,
	"DeviceGetTotalEnergyConsumption":       nil,
	"DeviceGetFieldValues":                  nil,
	"DeviceGetUtilizationRates":             nil,
	"DeviceGetTemperature":                  nil,
	"DeviceGetTotalEccErrors":               nil,
	"DeviceGetRemappedRows":                 nil,
	"DeviceGetRetiredPages":                 nil,
	"DeviceGetCurrentClocksEventReasons":    nil,
	"DeviceGetCurrentClocksThrottleReasons": nil,
	"DeviceGetComputeRunningProcesses":      {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"},
	"DeviceGetGraphicsRunningProcesses":     {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"},
	"DeviceGetProcessUtilization":           nil,
	"DeviceGetMigMode":                      nil,
	"DeviceGetMaxMigDeviceCount":            nil,
	"DeviceGetMigDeviceHandleByIndex":       nil,
}

// nvmlReader reads through NVML.
type nvmlReader struct {
	library nvml.Interface
	has     map[string]bool // of nvmlOptional
	version string

	mu      sync.Mutex
	devices map[string]*nvmlDevice
}

func openNVML(library nvml.Interface) (Reader, error) {
	if ret := library.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("start NVIDIA's management library: %w", returned(ret))
	}
	r := &nvmlReader{library: library, has: map[string]bool{}, devices: map[string]*nvmlDevice{}}
	lookup := library.Extensions().LookupSymbol
	for name, versions := range nvmlOptional {
		r.has[name] = slices.ContainsFunc(append(versions, "nvml"+name), func(symbol string) bool { return lookup(symbol) == nil })
	}
	if r.has["SystemGetDriverVersion"] {
		if version, ret := library.SystemGetDriverVersion(); ret == nvml.SUCCESS {
			r.version = version
		}
	}
	return r, nil
}

func (r *nvmlReader) Close() error {
	if ret := r.library.Shutdown(); ret != nvml.SUCCESS {
		return fmt.Errorf("close NVIDIA's management library: %w", returned(ret))
	}
	return nil
}

// Inventory implements [Reader].
func (r *nvmlReader) Inventory() (Inventory, error) {
	inventory := Inventory{DriverVersion: r.version}
	count, ret := r.library.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return Inventory{}, fmt.Errorf("count the GPUs: %w", returned(ret))
	}
	found := map[string]*nvmlDevice{}
	for i := range count {
		handle, ret := r.library.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			inventory.Notices = append(inventory.Notices, fmt.Sprintf("GPU %d: %s", i, returned(ret)))
			continue
		}
		device, err := r.identify(handle, i, "")
		if err != nil {
			inventory.Notices = append(inventory.Notices, fmt.Sprintf("GPU %d: %s", i, err))
			continue
		}
		for _, d := range append([]*nvmlDevice{device}, r.instances(device)...) {
			found[d.UUID] = d
			inventory.Devices = append(inventory.Devices, d.Identity)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for uuid, d := range found {
		if _, known := r.devices[uuid]; !known { // a known one has its goroutine in it
			r.devices[uuid] = d
		}
	}
	for uuid := range r.devices {
		if found[uuid] == nil {
			delete(r.devices, uuid)
		}
	}
	return inventory, nil
}

// identify asks a device who it is.
func (r *nvmlReader) identify(handle nvml.Device, index int, parent string) (*nvmlDevice, error) {
	uuid, ret := handle.GetUUID()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("ask for its UUID: %w", returned(ret))
	}
	r.mu.Lock()
	known := r.devices[uuid]
	r.mu.Unlock()
	if known != nil && known.Index == index && known.Parent == parent {
		return known, nil
	}
	d := &nvmlDevice{reader: r, handle: handle, Identity: Identity{UUID: uuid, Index: index, Parent: parent}}
	text := func(name string, call func() (string, nvml.Return)) string {
		value, _ := ask(d, nil, "", name, call)
		return strings.TrimSpace(value)
	}
	d.Name = text("DeviceGetName", handle.GetName)
	if total, ok := ask(d, nil, "", "DeviceGetMemoryInfo", handle.GetMemoryInfo); ok {
		d.MemoryTotalBytes = whole(total.Total)
	}
	if parent != "" {
		return d, nil
	}
	d.Serial = text("DeviceGetSerial", handle.GetSerial)
	d.BoardPartNumber = text("DeviceGetBoardPartNumber", handle.GetBoardPartNumber)
	d.VBIOS = text("DeviceGetVbiosVersion", handle.GetVbiosVersion)
	if pci, ok := ask(d, nil, "", "DeviceGetPciInfo", handle.GetPciInfo); ok {
		d.PCIAddress = fmt.Sprintf("%08x:%02x:%02x.0", pci.Domain, pci.Bus, pci.Device)
	}
	d.scope = d.powerScope()
	return d, nil
}

// instances are a GPU's MIG instances.
func (r *nvmlReader) instances(gpu *nvmlDevice) []*nvmlDevice {
	if !r.has["DeviceGetMigMode"] || !r.has["DeviceGetMaxMigDeviceCount"] || !r.has["DeviceGetMigDeviceHandleByIndex"] {
		return nil
	}
	if mode, _, ret := gpu.handle.GetMigMode(); ret != nvml.SUCCESS || mode != nvml.DEVICE_MIG_ENABLE {
		return nil
	}
	most, ret := gpu.handle.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return nil
	}
	var list []*nvmlDevice
	for i := range most {
		handle, ret := gpu.handle.GetMigDeviceHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue // there is none of this number
		}
		if d, err := r.identify(handle, i, gpu.UUID); err == nil {
			list = append(list, d)
		}
	}
	return list
}

// Read implements [Reader].
func (r *nvmlReader) Read(uuid string) (Reading, error) {
	r.mu.Lock()
	d := r.devices[uuid]
	r.mu.Unlock()
	if d == nil {
		return Reading{}, errors.New("the driver does not list it")
	}
	return d.read()
}

// nvmlDevice is a device that one goroutine at a time reads.
type nvmlDevice struct {
	Identity
	reader *nvmlReader
	handle nvml.Device
	scope  Scope

	slow        Reading // what changes slowly, as it was at slow.Time
	processSeen uint64  // microseconds: process utilization up to here is known
	failed      error   // the device did not answer at all
}

// slowly is how often what changes slowly is read.
const slowly = 5 * time.Second

func (d *nvmlDevice) read() (Reading, error) {
	d.failed = nil
	if time.Since(d.slow.Time) >= slowly {
		d.slow = d.readSlow()
	}
	r := d.slow
	r.Time = time.Now()
	r.Unavailable = nil // a map that is shared must not be written
	why := func(measure, reason string) {
		if r.Unavailable == nil {
			r.Unavailable = map[string]string{}
			for m, reason := range d.slow.Unavailable {
				r.Unavailable[m] = reason
			}
		}
		r.Unavailable[measure] = reason
	}
	if d.Parent == "" {
		d.readPower(&r, why)
	}
	if use, ok := ask(d, why, "utilization", "DeviceGetUtilizationRates", d.handle.GetUtilizationRates); ok {
		r.Utilization = new(float64(use.Gpu) / 100)
	}
	if use, ok := d.memoryUsed(why); ok {
		r.MemoryUsedBytes = whole(use)
	}
	temperature := func() (uint32, nvml.Return) { return d.handle.GetTemperature(nvml.TEMPERATURE_GPU) }
	if celsius, ok := ask(d, why, "temperature_c", "DeviceGetTemperature", temperature); ok {
		r.TemperatureC = new(float64(celsius))
	}
	if r.Unavailable == nil {
		r.Unavailable = d.slow.Unavailable
	}
	if d.failed != nil {
		d.slow.Time = time.Time{} // the next reading is of a device that is back
	}
	return r, d.failed
}

// readPower reads what a GPU draws, and its counter, at the reading's Time.
func (d *nvmlDevice) readPower(r *Reading, why func(measure, reason string)) {
	r.PowerScope = d.scope
	if milliwatts, ok := ask(d, why, "power_watts", "DeviceGetPowerUsage", d.handle.GetPowerUsage); ok {
		r.PowerWatts = new(float64(milliwatts) / 1000)
	} else if d.scope == ScopeModule {
		if milliwatts, ok := d.fields(modulePower)[0]; ok {
			r.PowerWatts = new(float64(milliwatts) / 1000)
		}
	}
	if millijoules, ok := ask(d, why, "energy_counter_mj", "DeviceGetTotalEnergyConsumption", d.handle.GetTotalEnergyConsumption); ok {
		r.EnergyCounterMillijoules = whole(millijoules)
	}
	r.Time = time.Now()
}

// powerScope tells what the device's power takes in: a Grace Hopper answers for
// the whole module and not for its GPU.
func (d *nvmlDevice) powerScope() Scope {
	if _, ok := d.fields(nvml.FieldValue{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: uint32(nvml.POWER_SCOPE_GPU)})[0]; ok {
		return ScopeGPU
	}
	if _, ok := d.fields(modulePower)[0]; ok {
		return ScopeModule
	}
	return ScopeGPU
}

var modulePower = nvml.FieldValue{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: uint32(nvml.POWER_SCOPE_MODULE)}

func (d *nvmlDevice) memoryUsed(why func(measure, reason string)) (uint64, bool) {
	if d.reader.has["DeviceGetMemoryInfo_v2"] {
		if memory, ok := ask(d, nil, "", "DeviceGetMemoryInfo_v2", d.handle.GetMemoryInfo_v2); ok {
			return memory.Used, true
		}
	}
	memory, ok := ask(d, why, "memory_used_bytes", "DeviceGetMemoryInfo", d.handle.GetMemoryInfo)
	return memory.Used, ok
}

// readSlow reads limit, health and processes.
func (d *nvmlDevice) readSlow() Reading {
	r := Reading{Identity: d.Identity, Time: time.Now(), Unavailable: map[string]string{}}
	why := func(measure, reason string) { r.Unavailable[measure] = reason }
	r.Processes = d.processes(why)
	if d.Parent != "" {
		return r
	}
	if milliwatts, ok := ask(d, why, "power_limit_watts", "DeviceGetEnforcedPowerLimit", d.handle.GetEnforcedPowerLimit); ok {
		r.PowerLimit = new(float64(milliwatts) / 1000)
	}
	r.Health.CorrectedECC = d.eccErrors(nvml.MEMORY_ERROR_TYPE_CORRECTED, "ecc_corrected", why)
	r.Health.UncorrectedECC = d.eccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, "ecc_uncorrected", why)
	d.memoryRepairs(&r.Health, why)
	d.throttling(&r.Health, why)
	return r
}

// eccErrors are those of the device's life, or where it keeps none, since the driver was loaded.
func (d *nvmlDevice) eccErrors(kind nvml.MemoryErrorType, measure string, why func(measure, reason string)) *int64 {
	count := func(counter nvml.EccCounterType) func() (uint64, nvml.Return) {
		return func() (uint64, nvml.Return) { return d.handle.GetTotalEccErrors(kind, counter) }
	}
	if errors, ok := ask(d, nil, "", "DeviceGetTotalEccErrors", count(nvml.AGGREGATE_ECC)); ok {
		return whole(errors)
	}
	if errors, ok := ask(d, why, measure, "DeviceGetTotalEccErrors", count(nvml.VOLATILE_ECC)); ok {
		return whole(errors)
	}
	return nil
}

// memoryRepairs are remapped rows, and on devices before Ampere, retired pages.
func (d *nvmlDevice) memoryRepairs(h *Health, why func(measure, reason string)) {
	type rows struct {
		total           int
		pending, failed bool
	}
	remapped, ok := ask(d, why, "remapped_rows", "DeviceGetRemappedRows", func() (rows, nvml.Return) {
		corrected, uncorrected, pending, failed, ret := d.handle.GetRemappedRows()
		return rows{corrected + uncorrected, pending, failed}, ret
	})
	if ok {
		h.RemappedRows, h.RemapPending, h.RemapFailed = new(int64(remapped.total)), &remapped.pending, &remapped.failed
		return
	}
	total := int64(0)
	for _, cause := range []nvml.PageRetirementCause{nvml.PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS, nvml.PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR} {
		pages, ok := ask(d, why, "retired_pages", "DeviceGetRetiredPages", func() ([]uint64, nvml.Return) { return d.handle.GetRetiredPages(cause) })
		if !ok {
			return
		}
		total += int64(len(pages))
	}
	h.RetiredPages = &total
}

// throttleReasons are NVML's clocks event reasons, but for an idle device.
var throttleReasons = []struct {
	bit  uint64
	name string
}{
	{nvml.ClocksEventReasonApplicationsClocksSetting, "applications_clocks_setting"},
	{nvml.ClocksEventReasonSwPowerCap, "sw_power_cap"},
	{nvml.ClocksThrottleReasonHwSlowdown, "hw_slowdown"},
	{nvml.ClocksEventReasonSyncBoost, "sync_boost"},
	{nvml.ClocksEventReasonSwThermalSlowdown, "sw_thermal_slowdown"},
	{nvml.ClocksThrottleReasonHwThermalSlowdown, "hw_thermal_slowdown"},
	{nvml.ClocksThrottleReasonHwPowerBrakeSlowdown, "hw_power_brake_slowdown"},
	{nvml.ClocksEventReasonDisplayClockSetting, "display_clock_setting"},
	{nvml.ClocksEventReasonBoardLimit, "board_limit"},
	{nvml.ClocksEventReasonReliability, "reliability"},
}

func (d *nvmlDevice) throttling(h *Health, why func(measure, reason string)) {
	name, call := "DeviceGetCurrentClocksEventReasons", d.handle.GetCurrentClocksEventReasons
	if !d.reader.has[name] { // as it was called before driver 535
		name, call = "DeviceGetCurrentClocksThrottleReasons", d.handle.GetCurrentClocksThrottleReasons
	}
	if bits, ok := ask(d, why, "throttle_reasons", name, call); ok {
		for _, reason := range throttleReasons {
			if bits&reason.bit != 0 {
				h.ThrottleReasons = append(h.ThrottleReasons, reason.name)
			}
		}
	}
	// The reasons may hold at once, so the longest is the least that it was.
	times := d.fields(nvml.FieldValue{FieldId: nvml.FI_DEV_PERF_POLICY_THERMAL}, nvml.FieldValue{FieldId: nvml.FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN},
		nvml.FieldValue{FieldId: nvml.FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN}, nvml.FieldValue{FieldId: nvml.FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN})
	for _, nanoseconds := range times {
		if h.ThrottledNanosecs == nil || nanoseconds > *h.ThrottledNanosecs {
			h.ThrottledNanosecs = &nanoseconds
		}
	}
	if h.ThrottledNanosecs == nil {
		why("throttled_ns", "the device counts no time of it")
	}
}

// processes are those that compute or draw on the device.
func (d *nvmlDevice) processes(why func(measure, reason string)) []Process {
	byPID := map[uint32]*Process{}
	lists := []struct {
		name string
		call func() ([]nvml.ProcessInfo, nvml.Return)
	}{
		{"DeviceGetComputeRunningProcesses", d.handle.GetComputeRunningProcesses},
		{"DeviceGetGraphicsRunningProcesses", d.handle.GetGraphicsRunningProcesses},
	}
	for _, list := range lists {
		running, _ := ask(d, why, "processes", list.name, list.call)
		for _, process := range running {
			byPID[process.Pid] = &Process{PID: int(process.Pid), MemoryUsedBytes: whole(process.UsedGpuMemory)}
		}
	}
	shares, ok := ask(d, nil, "", "DeviceGetProcessUtilization", func() ([]nvml.ProcessUtilizationSample, nvml.Return) {
		samples, ret := d.handle.GetProcessUtilization(d.processSeen)
		if ret == nvml.ERROR_NOT_FOUND || ret == nvml.ERROR_INSUFFICIENT_SIZE && len(samples) == 0 { // how it says that there are none
			return nil, nvml.SUCCESS
		}
		return samples, ret
	})
	if ok {
		for _, process := range byPID {
			process.Utilization = new(0.0) // none since it was asked last
		}
	}
	slices.SortFunc(shares, func(a, b nvml.ProcessUtilizationSample) int { return int(int64(a.TimeStamp) - int64(b.TimeStamp)) })
	for _, share := range shares {
		d.processSeen = max(d.processSeen, share.TimeStamp)
		if process, running := byPID[share.Pid]; running && share.SmUtil <= 100 {
			process.Utilization = new(float64(share.SmUtil) / 100)
		}
	}
	var list []Process
	for _, process := range byPID {
		list = append(list, *process)
	}
	slices.SortFunc(list, func(a, b Process) int { return a.PID - b.PID })
	return list
}

// fields reads field values, by their place; those that the device does not give are left out.
func (d *nvmlDevice) fields(values ...nvml.FieldValue) map[int]int64 {
	read := map[int]int64{}
	_, ok := ask(d, nil, "", "DeviceGetFieldValues", func() (struct{}, nvml.Return) { return struct{}{}, d.handle.GetFieldValues(values) })
	if !ok {
		return read
	}
	for i, value := range values {
		if nvml.Return(value.NvmlReturn) != nvml.SUCCESS {
			continue
		}
		if number, ok := fieldNumber(value); ok {
			read[i] = number
		}
	}
	return read
}

// fieldNumber takes a whole number out of a field's union.
func fieldNumber(value nvml.FieldValue) (int64, bool) {
	bits := binary.NativeEndian.Uint64(value.Value[:])
	short := binary.NativeEndian.Uint32(value.Value[:])
	switch nvml.ValueType(value.ValueType) {
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return int64(short), true
	case nvml.VALUE_TYPE_SIGNED_INT:
		return int64(int32(short)), true
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return int64(bits), bits <= math.MaxInt64
	case nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return int64(bits), true
	default:
		return 0, false
	}
}

// ask calls a function of NVML if the driver's library has it. What it does not
// answer is told to why, if there is one; a device that answers nothing is failed.
func ask[T any](d *nvmlDevice, why func(measure, reason string), measure, name string, call func() (T, nvml.Return)) (T, bool) {
	var none T
	reason := ""
	if d.reader.has[name] {
		value, ret := call()
		if ret == nvml.SUCCESS {
			return value, true
		}
		if gone(ret) {
			d.failed = returned(ret)
		}
		reason = returned(ret).Error()
	} else {
		reason = fmt.Sprintf("the driver's library has no nvml%s; a newer driver may", name)
	}
	if why != nil {
		why(measure, reason)
	}
	return none, false
}

// gone tells that an answer is about the device or the driver, not about one measure.
func gone(ret nvml.Return) bool {
	return slices.Contains([]nvml.Return{nvml.ERROR_GPU_IS_LOST, nvml.ERROR_RESET_REQUIRED, nvml.ERROR_UNINITIALIZED,
		nvml.ERROR_DRIVER_NOT_LOADED, nvml.ERROR_LIB_RM_VERSION_MISMATCH, nvml.ERROR_GPU_NOT_FOUND}, ret)
}

// returned puts what NVML answered into words to act on.
func returned(ret nvml.Return) error {
	advice := map[nvml.Return]string{
		nvml.ERROR_NOT_SUPPORTED:           "the device does not give it",
		nvml.ERROR_NO_PERMISSION:           "the driver does not let this user read it",
		nvml.ERROR_GPU_IS_LOST:             "the GPU has fallen off the bus: look into the kernel log (dmesg, NVRM: Xid 79) and restart the machine",
		nvml.ERROR_RESET_REQUIRED:          "the GPU must be reset (nvidia-smi --gpu-reset)",
		nvml.ERROR_DRIVER_NOT_LOADED:       "the NVIDIA driver is not loaded (nvidia-smi on this machine would say so too)",
		nvml.ERROR_LIB_RM_VERSION_MISMATCH: "the NVIDIA driver was upgraded and the old one still runs: restart the machine or reload the driver",
		nvml.ERROR_LIBRARY_NOT_FOUND:       "the management library could not be loaded",
	}
	if text, known := advice[ret]; known {
		return errors.New(text)
	}
	return fmt.Errorf("NVML answered %w (%d)", ret, int(ret))
}

// whole is a count, unless it is what NVML says instead of one: 2^64−1.
func whole(count uint64) *int64 {
	if count > math.MaxInt64 {
		return nil
	}
	return new(int64(count))
}
