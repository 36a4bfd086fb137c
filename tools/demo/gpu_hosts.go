package demo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	norrfold "github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/company"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const gpusPerHost = 8

// gpuHost is a host of the demo's company. As a sample names no source, the host's name
// says whose it is, as the serial numbers of the inventory do, and that it is a demo's.
// All figures of its GPUs are invented.
type gpuHost struct {
	name, region string
	utcOffset    int    // hours; its users' business hours follow it
	accelerator  string // as the company's inventory names it
	product      string // as NVML names it
	memory       int64  // bytes
	limit, idle  float64
}

func gpuHosts() []gpuHost {
	return []gpuHost{
		{"nrf-demo-1", "europe-west4", 1, "NVIDIA H100 SXM", "NVIDIA H100 80GB HBM3", 80 << 30, 700, 70},
		{"nrf-demo-2", "us-east4", -5, "NVIDIA H100 SXM", "NVIDIA H100 80GB HBM3", 80 << 30, 700, 70},
		{"nrf-demo-3", "europe-west9", 1, "NVIDIA A100 SXM 40GB", "NVIDIA A100-SXM4-40GB", 40 << 30, 400, 50},
	}
}

// The GPU on which somebody's job does not end.
const (
	runawayHost  = "nrf-demo-2"
	runawayIndex = 5
)

// runawaySince is when that job began: noon of the day before, so that at any time of
// the day its last full hour is a full one, and the same hour of nearly all days before
// is as ever.
func runawaySince(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
}

// demoGPU is a GPU that is in service by the company's inventory.
type demoGPU struct {
	device  warehouse.GPUDevice
	host    gpuHost
	number  uint64    // its own among all
	runaway time.Time // from when on it is never at rest; zero: it is not the one
}

// findGPUs takes the GPUs of the hosts from the company's inventory: boards that have
// been in service for as long as they are measured.
func findGPUs(ctx context.Context, reader *warehouse.Reader, now time.Time) ([]demoGPU, error) {
	assets, err := reader.Hardware(ctx, now, nil)
	if err != nil {
		return nil, err
	}
	var gpus []demoGPU
	taken := map[string]bool{}
	for _, host := range gpuHosts() {
		index := 0
		for _, asset := range assets {
			if index == gpusPerHost {
				break
			}
			if taken[asset.Serial] || asset.Region != host.region || asset.Accelerator != host.accelerator || !inService(asset, now) {
				continue
			}
			taken[asset.Serial] = true
			g := demoGPU{device: host.device(asset.Serial, index), host: host, number: uint64(len(gpus))}
			if host.name == runawayHost && index == runawayIndex {
				g.runaway = runawaySince(now)
			}
			gpus = append(gpus, g)
			index++
		}
		if index < gpusPerHost {
			return nil, fmt.Errorf("%s has %d of the %d %s in %s that the host %s needs: load the demo's company anew", norrfold.Name, index, gpusPerHost,
				host.accelerator, host.region, host.name)
		}
	}
	return gpus, nil
}

func inService(asset warehouse.Asset, now time.Time) bool {
	events := make([]kpi.HardwareEvent, len(asset.Stages))
	for i, stage := range asset.Stages {
		events[i] = kpi.HardwareEvent{Time: asset.StagesAt[i], Stage: kpi.HardwareStage(stage)}
	}
	life := kpi.NewHardwareLife(events...)
	before, _ := life.StageBefore(now.Add(-gpuPast))
	stage, _ := life.StageBefore(now)
	return before == kpi.HardwareDeployed && stage == kpi.HardwareDeployed
}

// device is a sound board with the inventory's serial number, so that the inventory
// gains nothing by it.
func (h gpuHost) device(serial string, index int) warehouse.GPUDevice {
	none, no := int64(0), false
	return warehouse.GPUDevice{
		UUID: "GPU-" + uuid.NewSHA1(uuid.NameSpaceOID, []byte(norrfold.Name+"/"+serial)).String(), Host: h.name, Region: h.region,
		Name: h.product, Index: index, Serial: serial, MemoryTotalBytes: &h.memory, Accelerator: h.accelerator,
		Health: warehouse.GPUHealth{CorrectedECC: &none, UncorrectedECC: &none, RemappedRows: &none, RemapPending: &no, RemapFailed: &no},
	}
}

// sample is the GPU over the steps from first to last. It depends on the GPU and the
// steps alone, and the energy of many steps is the sum of each one's.
func (g demoGPU) sample(first, last int64) warehouse.GPUSample {
	var milliwatts, energy int64
	var busy float64
	for step := first; step <= last; step++ {
		utilization := g.utilization(step)
		power := int64(math.Round(1000 * (g.host.idle + (0.95*g.host.limit-g.host.idle)*utilization)))
		milliwatts += power
		energy += power * int64(gpuStep/time.Second) * 1_000_000 / 3600 // nWh
		busy += utilization
	}
	count := float64(last - first + 1)
	watts, utilization := float64(milliwatts)/1000/count, busy/count
	used := int64(float64(g.host.memory) * (0.72 + 0.2*g.noise(noiseMemory, 0) + 0.03*g.noise(noiseMemoryHour, last/stepsPerHour)))
	temperature := math.Round(31 + 4*g.noise(noisePlace, 0) + 36*watts/g.host.limit)
	return warehouse.GPUSample{
		UUID: g.device.UUID, Start: endOf(first - 1), Time: endOf(last), Sequence: last, Host: g.host.name, Region: g.host.region, Name: g.host.product,
		PowerWatts: &watts, PowerLimit: &g.host.limit, Scope: "gpu", Energy: &energy, Method: "integrated", Utilization: &utilization,
		MemoryUsedBytes: &used, MemoryTotalBytes: &g.host.memory, TemperatureC: &temperature,
	}
}

// utilization is of 0 to 1: most at two in the afternoon where the host's users are,
// the same on all days but for a few percent, and restless from minute to minute.
func (g demoGPU) utilization(step int64) float64 {
	at := endOf(step)
	restless := 0.06*(g.noise(noiseMinute, step/6)-0.5) + 0.03*(g.noise(noiseStep, step)-0.5)
	if !g.runaway.IsZero() {
		if at.After(g.runaway) {
			return 0.97 + restless/3
		}
		return 0.22 + restless
	}
	const afternoon, width = 14, 4.5 // hours
	hour := math.Mod(float64(at.Unix())/3600+float64(g.host.utcOffset)+24, 24)
	away := math.Abs(hour - afternoon)
	away = min(away, 24-away) / width
	level := 0.25 + 0.15*g.noise(noiseLevel, 0) + 0.4*math.Exp(-away*away/2)
	return level*(1+0.06*(g.noise(noiseHour, step/stepsPerHour)-0.5)) + restless
}

// What a GPU has noise of.
const (
	noiseLevel uint64 = iota
	noisePlace
	noiseMemory
	noiseMemoryHour
	noiseHour
	noiseMinute
	noiseStep
)

// noise is a number in [0, 1) of the GPU's own: the same whenever it is asked.
func (g demoGPU) noise(kind uint64, n int64) float64 {
	return rand.New(rand.NewPCG(g.number<<8|kind, uint64(n))).Float64()
}
