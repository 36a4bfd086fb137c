package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed statements/stage_gpu_samples.sql
	stageGPUSamplesSQL string
	//go:embed statements/insert_gpu_samples.sql
	insertGPUSamplesSQL string
	//go:embed statements/upsert_gpu_devices.sql
	upsertGPUDevicesSQL string
	//go:embed statements/register_gpu_assets.sql
	registerGPUAssetsSQL string
)

// gpuAssetSource is what a hardware event says that an agent brought about.
const gpuAssetSource = "wattctl collect"

// HasRegion says whether there is a region of that code, which events and samples need.
func (s *Store) HasRegion(ctx context.Context, code string) (bool, error) {
	var found bool
	err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM wattscore.region WHERE code = $1)", code).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("looking for region %q: %w", code, err)
	}
	return found, nil
}

// WriteGPUSamples stores a batch in one transaction. Samples that are there already
// stay as they are, so that a batch written twice changes nothing; one that cannot be
// stored is rejected with its reason and the others go in. A device that is new, or in
// another host than before, comes into the hardware inventory as deployed.
func (s *Store) WriteGPUSamples(ctx context.Context, batch GPUBatch) (GPUResult, error) {
	regions, err := s.regionKeys(ctx, batch)
	if err != nil {
		return GPUResult{}, err
	}
	result := GPUResult{}
	var samples []*GPUSample
	var first, last time.Time
	for i := range batch.Samples {
		sample := &batch.Samples[i]
		err := sample.Validate()
		if _, known := regions[sample.Region]; err == nil && !known {
			err = fmt.Errorf("unknown region %q: %w", sample.Region, errUnknownRegion)
		}
		if err != nil {
			result.Rejected = append(result.Rejected, Rejection{Index: i, Reason: err})
			continue
		}
		if len(samples) == 0 {
			first, last = sample.Time, sample.Time
		}
		first, last = earlier(first, sample.Time), later(last, sample.Time)
		samples = append(samples, sample)
	}
	var devices []GPUDevice
	for i, device := range batch.Devices {
		err := device.Validate()
		if _, known := regions[device.Region]; err == nil && !known {
			err = fmt.Errorf("unknown region %q: %w", device.Region, errUnknownRegion)
		}
		if err != nil {
			result.RejectedDevices = append(result.RejectedDevices, Rejection{Index: i, Reason: err})
			continue
		}
		devices = append(devices, device)
	}
	if len(samples) > 0 {
		// In a transaction of its own: a new month locks readers out while it is made.
		if _, err := s.pool.Exec(ctx, "SELECT wattscore.ensure_partitions($1, $2)", first, last); err != nil {
			return GPUResult{}, fmt.Errorf("making the months of %d GPU samples: %w", len(samples), err)
		}
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if result.Deployed, err = writeDevices(ctx, tx, devices); err != nil {
			return err
		}
		result.Stored, err = copySamples(ctx, tx, samples, regions)
		return err
	})
	if err != nil {
		return GPUResult{}, fmt.Errorf("storing %d GPU samples of %d devices: %w", len(samples), len(devices), err)
	}
	result.Unchanged = len(samples) - result.Stored
	return result, nil
}

// regionKeys returns the keys of the regions that a batch names.
func (s *Store) regionKeys(ctx context.Context, batch GPUBatch) (map[string]int32, error) {
	named := map[string]bool{}
	for _, device := range batch.Devices {
		named[device.Region] = true
	}
	for _, sample := range batch.Samples {
		named[sample.Region] = true
	}
	codes := []string{}
	for code := range named {
		if checkText(code) == nil {
			codes = append(codes, code)
		}
	}
	rows, err := s.pool.Query(ctx, "SELECT code, region_id FROM wattscore.region WHERE code = ANY ($1)", codes)
	if err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	keys := map[string]int32{}
	var code string
	var key int32
	if _, err := pgx.ForEachRow(rows, []any{&code, &key}, func() error {
		keys[code] = key
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	return keys, nil
}

func copySamples(ctx context.Context, tx pgx.Tx, samples []*GPUSample, regions map[string]int32) (stored int, err error) {
	if len(samples) == 0 {
		return 0, nil
	}
	if _, err := tx.Exec(ctx, stageGPUSamplesSQL); err != nil {
		return 0, err
	}
	columns := []string{"ts", "started_at", "sequence", "gpu_uuid", "host", "region_id", "gpu_name", "power_mw", "power_limit_mw", "scope",
		"energy_counter_mj", "energy_nwh", "attributed_nwh", "idle_nwh", "split_measured", "gaps", "utilization", "memory_used_bytes",
		"memory_total_bytes", "temperature_c", "method", "driver_version"}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"staged_gpu_sample"}, columns, pgx.CopyFromSlice(len(samples), func(i int) ([]any, error) {
		s := samples[i]
		var split *bool
		if s.Attributed != nil {
			split = &s.SplitMeasured
		}
		return []any{s.Time, s.Start, s.Sequence, s.UUID, s.Host, regions[s.Region], s.Name, milliwatts(s.PowerWatts), milliwatts(s.PowerLimit),
			textOrNil(s.Scope), s.EnergyCounterMillijoules, s.Energy, s.Attributed, s.Idle, split, int32(s.Gaps), single(s.Utilization),
			s.MemoryUsedBytes, s.MemoryTotalBytes, single(s.TemperatureC), textOrNil(s.Method), textOrNil(s.DriverVersion)}, nil
	}))
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, insertGPUSamplesSQL).Scan(&stored)
	return stored, err
}

// writeDevices returns the serial numbers of the assets that came into service.
func writeDevices(ctx context.Context, tx pgx.Tx, devices []GPUDevice) ([]string, error) {
	if len(devices) == 0 {
		return nil, nil
	}
	all := make([]int, len(devices))
	for i := range all {
		all[i] = i
	}
	text := func(field func(GPUDevice) string) []*string { return textColumn(devices, all, field) }
	count := func(field func(GPUDevice) *int64) []*int64 { return column(devices, all, field) }
	rows, err := tx.Query(ctx, upsertGPUDevicesSQL, pgx.NamedArgs{
		"gpu_uuid":           column(devices, all, func(d GPUDevice) string { return d.UUID }),
		"host":               column(devices, all, func(d GPUDevice) string { return d.Host }),
		"region":             column(devices, all, func(d GPUDevice) string { return d.Region }),
		"gpu_index":          column(devices, all, func(d GPUDevice) int32 { return int32(d.Index) }),
		"name":               column(devices, all, func(d GPUDevice) string { return d.Name }),
		"serial":             text(func(d GPUDevice) string { return d.Serial }),
		"board_part_number":  text(func(d GPUDevice) string { return d.BoardPartNumber }),
		"vbios":              text(func(d GPUDevice) string { return d.VBIOS }),
		"pci_address":        text(func(d GPUDevice) string { return d.PCIAddress }),
		"memory_total_bytes": count(func(d GPUDevice) *int64 { return d.MemoryTotalBytes }),
		"driver_version":     text(func(d GPUDevice) string { return d.DriverVersion }),
		"parent_uuid":        text(func(d GPUDevice) string { return d.Parent }),
		"seen_at":            column(devices, all, func(d GPUDevice) time.Time { return d.SeenAt }),
		"lost":               text(func(d GPUDevice) string { return d.Lost }),
		"ecc_corrected":      count(func(d GPUDevice) *int64 { return d.Health.CorrectedECC }),
		"ecc_uncorrected":    count(func(d GPUDevice) *int64 { return d.Health.UncorrectedECC }),
		"remapped_rows":      count(func(d GPUDevice) *int64 { return d.Health.RemappedRows }),
		"remap_pending":      column(devices, all, func(d GPUDevice) *bool { return d.Health.RemapPending }),
		"remap_failed":       column(devices, all, func(d GPUDevice) *bool { return d.Health.RemapFailed }),
		"retired_pages":      count(func(d GPUDevice) *int64 { return d.Health.RetiredPages }),
		"throttle_reasons":   text(func(d GPUDevice) string { return strings.Join(d.Health.ThrottleReasons, "\n") }),
		"throttled_ns":       count(func(d GPUDevice) *int64 { return d.Health.ThrottledNanosecs }),
	})
	if err != nil {
		return nil, err
	}
	arrived, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var boards, accelerators []string
	for _, device := range devices {
		// A MIG instance is no hardware of its own.
		if device.Parent == "" && slices.Contains(arrived, device.UUID) {
			boards, accelerators = append(boards, device.UUID), append(accelerators, device.Accelerator)
		}
	}
	if len(boards) == 0 {
		return nil, nil
	}
	rows, err = tx.Query(ctx, registerGPUAssetsSQL, pgx.NamedArgs{"gpu_uuid": boards, "accelerator": accelerators, "source": gpuAssetSource})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func milliwatts(watts *float64) *int64 {
	if watts == nil {
		return nil
	}
	mw := int64(math.Round(*watts * 1e3))
	return &mw
}

func single(value *float64) *float32 {
	if value == nil {
		return nil
	}
	narrowed := float32(*value)
	return &narrowed
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
