package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func gpuSample(uuid string, end time.Time, sequence, energy int64) warehouse.GPUSample {
	return warehouse.GPUSample{
		UUID: uuid, Start: end.Add(-10 * time.Second), Time: end, Sequence: sequence, Host: "node-1", Region: "us-central1",
		Name: "NVIDIA H100 80GB HBM3", DriverVersion: "580.1", PowerWatts: pointer(350.25), Scope: "gpu", Energy: &energy,
		Attributed: pointer(energy / 2), Idle: pointer(energy / 4), SplitMeasured: true, Method: "counter",
		Utilization: pointer(0.75), MemoryUsedBytes: pointer(int64(40 << 30)), MemoryTotalBytes: pointer(int64(80 << 30)),
	}
}

func gpuDevice(uuid string, seen time.Time) warehouse.GPUDevice {
	return warehouse.GPUDevice{
		UUID: uuid, Host: "node-1", Region: "us-central1", Name: "NVIDIA H100 80GB HBM3", Accelerator: "NVIDIA H100 SXM", Serial: "165" + uuid,
		SeenAt: seen, Health: warehouse.GPUHealth{CorrectedECC: pointer(int64(3)), RemapPending: pointer(false), ThrottleReasons: []string{"power cap", "thermal"}},
	}
}

func TestWriteGPUSamplesTwiceChangesNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	month := time.Date(2026, 11, 30, 23, 59, 55, 0, time.UTC)
	unknownMethod, unknownRegion, overshared := gpuSample("GPU-a", month, 9, 1), gpuSample("GPU-a", month, 9, 1), gpuSample("GPU-a", month, 9, 100)
	unknownMethod.Method, unknownRegion.Region, overshared.Attributed = "guess", "mars", pointer(int64(99))
	batch := warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{gpuDevice("GPU-a", month), gpuDevice("GPU-b", month), {UUID: "GPU-c", SeenAt: month}},
		Samples: []warehouse.GPUSample{
			gpuSample("GPU-a", month, 1, 1_000_001), gpuSample("GPU-a", month.Add(10*time.Second), 2, 7), gpuSample("GPU-b", month, 1, 5),
			gpuSample("GPU-a", month, 3, 11), // the clock was set back to the same moment
			unknownMethod, unknownRegion, overshared,
		},
	}
	for i, stored := range []int{4, 0} {
		result, err := store.WriteGPUSamples(ctx, batch)
		require.NoError(t, err)
		assert.Equal(t, []int{stored, 4 - stored}, []int{result.Stored, result.Unchanged})
		require.Len(t, result.Rejected, 3)
		for i, reason := range []string{`unknown method "guess"`, `unknown region "mars"`, "not parts"} {
			assert.ErrorContains(t, result.Rejected[i].Reason, reason)
		}
		require.Len(t, result.RejectedDevices, 1)
		assert.ErrorContains(t, result.RejectedDevices[0].Reason, "host and name")
		if i == 0 {
			assert.Equal(t, []string{"165GPU-a", "165GPU-b"}, result.Deployed)
		} else {
			assert.Empty(t, result.Deployed)
		}
		assert.Equal(t, "(4,1000024,4)", row(t, pool, "SELECT count(*), sum(energy_nwh), count(region_id) FROM wattscore.gpu_sample"))
		assert.Equal(t, "(1000024,3)", row(t, pool, "SELECT sum(energy_nwh), count(*) FROM wattscore.gpu_energy"), "by quarter of an hour, as much")
		assert.Equal(t, "(2,2,2)", row(t, pool, "SELECT count(*), count(asset_id), count(DISTINCT asset_id) FROM wattscore.gpu_device"))
		assert.Equal(t, "(2)", row(t, pool, "SELECT count(*) FROM wattscore.hardware_event WHERE stage = 'deployed'"))
		assert.Equal(t, `(3,f,"{""power cap"",thermal}",2)`, row(t, pool, `SELECT min(ecc_corrected), bool_or(remap_pending), min(throttle_reasons), count(*)
			FROM wattscore.gpu_health_day WHERE day = '2026-11-30'`))
	}
}

func TestGPUHealthIsKeptByDayAndOldReadingsChangeNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	write := func(seen time.Time, corrected int64, lost string) {
		device := gpuDevice("GPU-a", seen)
		device.Health.CorrectedECC, device.Lost = &corrected, lost
		_, err := store.WriteGPUSamples(context.Background(), warehouse.GPUBatch{Devices: []warehouse.GPUDevice{device}})
		require.NoError(t, err)
	}
	monday := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	write(monday, 1, "")
	write(monday.Add(8*time.Hour), 4, "")
	write(monday.Add(7*time.Hour), 3, "") // late
	write(monday.Add(30*time.Hour), 9, "")
	write(monday.Add(31*time.Hour), 9, "it fell off the bus")
	assert.Equal(t, `("{4,9}")`, row(t, pool, "SELECT array_agg(ecc_corrected ORDER BY day) FROM wattscore.gpu_health_day"))
	assert.Equal(t, `(9,"it fell off the bus",t,t)`, row(t, pool, `SELECT ecc_corrected, lost, first_seen = '2026-11-16 09:00Z', last_seen = '2026-11-17 16:00Z'
		FROM wattscore.gpu_device`))
}

func TestGPUsComeIntoTheInventoryAndLeaveWhatItSays(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	seen := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	asset := func(serial string) warehouse.HardwareAsset {
		return warehouse.HardwareAsset{Serial: serial, Accelerator: "H100 as bought", BusinessUnit: "Research"}
	}
	_, _, err := store.WriteHardware(ctx, []warehouse.HardwareAsset{asset("165bought"), asset("165used"), asset("165scrapped"), asset("165later")},
		[]warehouse.HardwareEvent{
			{Serial: "165bought", Time: seen.AddDate(0, -1, 0), Stage: "procured", Source: "inventory"},
			{Serial: "165used", Time: seen.AddDate(0, -1, 0), Stage: "deployed", Source: "inventory"},
			{Serial: "165scrapped", Time: seen.AddDate(0, -1, 0), Stage: "recycled", Source: "inventory"},
			{Serial: "165later", Time: seen.AddDate(0, -1, 0), Stage: "deployed", Source: "inventory"},
			{Serial: "165later", Time: seen.AddDate(0, 1, 0), Stage: "decommissioned", Source: "inventory"},
		})
	require.NoError(t, err)
	noSerial, foreign, instance := gpuDevice("GPU-geforce", seen), gpuDevice("new", seen), gpuDevice("MIG-1", seen)
	noSerial.Serial, noSerial.Name, noSerial.Accelerator = "", "NVIDIA GeForce RTX 4090", ""
	foreign.Name, foreign.Accelerator = "NVIDIA L40S", "NVIDIA L40S"
	instance.Parent = "new"
	devices := []warehouse.GPUDevice{gpuDevice("bought", seen), gpuDevice("used", seen), gpuDevice("scrapped", seen), gpuDevice("later", seen),
		gpuDevice("sxm", seen), noSerial, foreign, instance}
	result, err := store.WriteGPUSamples(ctx, warehouse.GPUBatch{Devices: devices})
	require.NoError(t, err)
	assert.Equal(t, []string{"165bought", "165new", "165sxm", "GPU-geforce"}, result.Deployed)
	for serial, want := range map[string]string{
		"165bought":   `("H100 as bought",Research,"{procured,deployed}",bought)`,
		"165used":     `("H100 as bought",Research,{deployed},used)`,
		"165scrapped": `("H100 as bought",Research,{recycled},scrapped)`,
		"165later":    `("H100 as bought",Research,"{deployed,decommissioned}",later)`,
		"165sxm":      `("NVIDIA H100 SXM",,{deployed},sxm)`,
		"165new":      `("NVIDIA L40S",,{deployed},new)`,
		"GPU-geforce": `("NVIDIA GeForce RTX 4090",,{deployed},GPU-geforce)`,
	} {
		assert.Equal(t, want, row(t, pool, `SELECT accelerator, business_unit, array_agg(stage ORDER BY ts), max(gpu_uuid)
			FROM wattscore.hardware_asset JOIN wattscore.hardware_event USING (asset_id) JOIN wattscore.gpu_device USING (asset_id)
			WHERE hardware_asset.serial = $1 GROUP BY 1, 2`, serial), serial)
	}

	// It went into the store and comes back in another host.
	_, _, err = store.WriteHardware(ctx, nil, []warehouse.HardwareEvent{{Serial: "165sxm", Time: seen.Add(time.Hour), Stage: "decommissioned", Source: "inventory"}})
	require.NoError(t, err)
	back := gpuDevice("sxm", seen.Add(2*time.Hour))
	result, err = store.WriteGPUSamples(ctx, warehouse.GPUBatch{Devices: []warehouse.GPUDevice{back}})
	require.NoError(t, err)
	assert.Empty(t, result.Deployed, "an inventory by day says a GPU is gone while it still runs")
	back.Host, back.SeenAt = "node-2", seen.Add(3*time.Hour)
	result, err = store.WriteGPUSamples(ctx, warehouse.GPUBatch{Devices: []warehouse.GPUDevice{back}})
	require.NoError(t, err)
	assert.Equal(t, []string{"165sxm"}, result.Deployed)
}

func TestGPUFleet(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	now := time.Now().UTC().Truncate(time.Microsecond)
	instance := gpuDevice("MIG-1", now)
	instance.Parent, instance.Index = "GPU-a", 3
	unmetered := warehouse.GPUSample{UUID: "MIG-1", Start: now.Add(-10 * time.Second), Time: now, Sequence: 1, Host: "node-1", Region: "us-central1",
		Name: "MIG 1g.10gb", MemoryUsedBytes: pointer(int64(1 << 30))}
	old := gpuDevice("GPU-old", now.AddDate(0, 0, -2))
	lastWeek := now.AddDate(0, 0, -2)
	_, err := store.WriteGPUSamples(ctx, warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{gpuDevice("GPU-a", now), instance, old},
		Samples: []warehouse.GPUSample{
			gpuSample("GPU-a", lastWeek, 1, 1e12), gpuSample("GPU-a", now.Add(-10*time.Second), 2, 3e9), gpuSample("GPU-a", now, 3, 1e9),
			unmetered, gpuSample("GPU-old", lastWeek, 1, 1),
		},
	})
	require.NoError(t, err)
	fleet, err := warehouse.NewReader(pool).GPUFleet(ctx, now.Add(-time.Hour))
	require.NoError(t, err)
	require.Len(t, fleet, 2, "a GPU without a sample since then is not there")
	a := fleet[0]
	assert.Equal(t, []any{"GPU-a", "NVIDIA H100 80GB HBM3", "node-1", "us-central1", "gpu", "counter", "580.1"},
		[]any{a.UUID, a.Name, a.Host, a.Region, a.Scope, a.Method, a.DriverVersion})
	assert.True(t, now.Equal(a.SampledAt), "the newest sample")
	assert.GreaterOrEqual(t, a.Age, time.Duration(0))
	assert.Equal(t, []any{350.25, 0.75, int64(40 << 30), int64(80 << 30)}, []any{*a.PowerWatts, *a.Utilization, *a.MemoryUsedBytes, *a.MemoryTotalBytes})
	assert.Nil(t, a.TemperatureC)
	require.NotNil(t, a.DayEnergy)
	require.NotNil(t, a.HourEnergy)
	assert.LessOrEqual(t, *a.HourEnergy, *a.DayEnergy)
	if now.Add(-10 * time.Second).Truncate(time.Hour).Equal(now.Truncate(time.Hour)) { // both samples are of this hour
		assert.InDelta(t, 0.004, float64(*a.HourEnergy), 1e-15)
	}
	require.NotNil(t, a.PUE)
	require.NotNil(t, a.GridLocation)
	assert.NotZero(t, a.FactorVersionID)
	mig := fleet[1]
	assert.Equal(t, "GPU-a", mig.Parent)
	assert.Nil(t, mig.PowerWatts)
	assert.Nil(t, mig.DayEnergy)
	assert.Empty(t, mig.Method)
	assert.Equal(t, int64(1<<30), *mig.MemoryUsedBytes)
}

func TestTheWriterMayStoreGPUSamplesAndNotChangeThem(t *testing.T) {
	pool := warehousetest.Open(t)
	seen := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	config := pool.Config().Copy()
	config.ConnConfig.RuntimeParams["role"] = "wattscore_writer"
	asWriter := openPool(t, config)
	_, err := warehouse.OpenStore(asWriter).WriteGPUSamples(context.Background(), warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{gpuDevice("GPU-a", seen)}, Samples: []warehouse.GPUSample{gpuSample("GPU-a", seen, 1, 5)},
	})
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE wattscore.gpu_sample SET energy_nwh = 0", "DELETE FROM wattscore.gpu_sample",
		"UPDATE wattscore.gpu_device SET first_seen = now()", "DELETE FROM wattscore.gpu_device", "DELETE FROM wattscore.gpu_health_day",
		"UPDATE wattscore.gpu_energy SET bucket = now()",
	} {
		_, err := asWriter.Exec(context.Background(), statement)
		assert.ErrorContains(t, err, "42501", statement)
	}
	config = pool.Config().Copy()
	config.ConnConfig.RuntimeParams["role"] = "wattscore_reader"
	fleet, err := warehouse.NewReader(openPool(t, config)).GPUFleet(context.Background(), seen)
	require.NoError(t, err)
	assert.Len(t, fleet, 1)
}

func openPool(t *testing.T, config *pgxpool.Config) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}
