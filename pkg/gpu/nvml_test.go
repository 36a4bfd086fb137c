//go:build linux && cgo && nvml

package gpu

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// NVIDIA's mock servers, with what they leave out.
func TestNVIDIAsOwnMockServers(t *testing.T) {
	for name, mock := range map[string]*server.Server{"DGX A100": dgxa100.New(), "DGX H100": dgxh100.New()} {
		t.Run(name, func(t *testing.T) {
			mock.LookupSymbolFunc = func(string) error { return nil }
			for i, device := range mock.Devices {
				complete(device.(*server.Device), i)
			}
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				feed := StartSampler(ctx, func() (Reader, error) { return openNVML(mock) }, SamplerOptions{})
				synctest.Wait()
				snapshot := feed.Snapshot()
				cancel()
				<-feed.Done()

				require.Len(t, snapshot.Devices, 8)
				assert.Equal(t, mock.DriverVersion, snapshot.DriverVersion)
				for i, r := range snapshot.Devices {
					expected := mock.Devices[i].(*server.Device)
					assert.Equal(t, expected.UUID, r.UUID)
					assert.Equal(t, i, r.Index)
					assert.Equal(t, expected.Config.Name, r.Name)
					assert.Equal(t, int64(expected.MemoryInfo.Total), *r.MemoryTotalBytes)
					assert.NotEmpty(t, r.PCIAddress)
					assert.Equal(t, 100.0+float64(i), *r.PowerWatts)
					assert.Equal(t, int64(1000*i), *r.EnergyCounterMillijoules)
					assert.Equal(t, ScopeGPU, r.PowerScope)
					assert.Equal(t, 0.5, *r.Utilization)
					assert.Empty(t, r.Processes)
					assert.Equal(t, "the device does not give it", r.Unavailable["ecc_corrected"])
					assert.Equal(t, "NVML answered ERROR_UNKNOWN (999)", r.Unavailable["temperature_c"])
				}
			})
		})
	}
}

// complete gives a mock device the functions that it lacks.
func complete(d *server.Device, index int) {
	none := func() (string, nvml.Return) { return "", nvml.ERROR_NOT_SUPPORTED }
	d.GetSerialFunc, d.GetBoardPartNumberFunc, d.GetVbiosVersionFunc = none, none, none
	d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return uint32(100_000 + 1000*index), nvml.SUCCESS }
	d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return uint64(1000 * index), nvml.SUCCESS }
	d.GetEnforcedPowerLimitFunc = func() (uint32, nvml.Return) { return 400_000, nvml.SUCCESS }
	d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 50}, nvml.SUCCESS }
	d.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) { return nvml.Memory_v2{}, nvml.ERROR_NOT_SUPPORTED }
	d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 0, nvml.ERROR_UNKNOWN }
	d.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) {
		return 0, nvml.ERROR_NOT_SUPPORTED
	}
	d.GetRemappedRowsFunc = func() (int, int, bool, bool, nvml.Return) { return 0, 0, false, false, nvml.SUCCESS }
	d.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) { return nvml.ClocksEventReasonGpuIdle, nvml.SUCCESS }
	d.GetFieldValuesFunc = func([]nvml.FieldValue) nvml.Return { return nvml.ERROR_NOT_SUPPORTED }
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS }
	d.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS }
	d.GetProcessUtilizationFunc = func(uint64) ([]nvml.ProcessUtilizationSample, nvml.Return) { return nil, nvml.ERROR_NOT_FOUND }
}

func TestFieldNumbers(t *testing.T) {
	tests := map[string]struct {
		kind   nvml.ValueType
		value  [8]byte
		want   int64
		wantOK bool
	}{
		"unsigned":        {nvml.VALUE_TYPE_UNSIGNED_INT, [8]byte{0xff, 0xff, 0xff, 0xff, 9}, 1<<32 - 1, true},
		"signed":          {nvml.VALUE_TYPE_SIGNED_INT, [8]byte{0xfe, 0xff, 0xff, 0xff, 9}, -2, true},
		"long":            {nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, [8]byte{0, 0, 0, 0, 1}, 1 << 32, true},
		"more than holds": {nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, [8]byte{255, 255, 255, 255, 255, 255, 255, 255}, -1, false},
		"a double":        {nvml.VALUE_TYPE_DOUBLE, [8]byte{1}, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := fieldNumber(nvml.FieldValue{ValueType: uint32(test.kind), Value: test.value})
			assert.Equal(t, test.wantOK, ok)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestOptionalFunctionsAreLookedUp(t *testing.T) {
	mock := dgxa100.New()
	lookedUp := map[string]bool{}
	mock.LookupSymbolFunc = func(symbol string) error {
		lookedUp[symbol] = true
		return assert.AnError
	}
	mock.SystemGetDriverVersionFunc = nil // calling what is not there would panic, as it would end a process
	reader, err := openNVML(mock)
	require.NoError(t, err)
	inventory, err := reader.Inventory()
	require.NoError(t, err)
	require.Len(t, inventory.Devices, 8)
	reading, err := reader.Read(inventory.Devices[3].UUID)
	require.NoError(t, err)
	assert.Nil(t, reading.PowerWatts)
	assert.Contains(t, reading.Unavailable["power_watts"], "has no nvmlDeviceGetPowerUsage")
	assert.True(t, lookedUp["nvmlDeviceGetTotalEnergyConsumption"])
	assert.True(t, lookedUp["nvmlDeviceGetComputeRunningProcesses_v3"])
	_, err = reader.Read("GPU-none")
	assert.ErrorContains(t, err, "does not list it")
	require.NoError(t, reader.Close())
}
