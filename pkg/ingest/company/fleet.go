package company

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// accelerator is a kind of GPU, by the name the warehouse knows its embodied
// carbon by.
type accelerator struct {
	name      string
	price     float64 // USD
	lifetime  float64 // years
	memory    float64 // GiB
	kilowatts float64 // when serving, with its share of the host
	rent      float64 // USD per GPU hour, at the end of 2025
}

var (
	a100PCIe = accelerator{"NVIDIA A100 PCIe 40GB", 12000, 4, 40, 0.33, 2.2}
	a100     = accelerator{"NVIDIA A100 SXM 40GB", 12000, 4, 40, 0.45, 2.2}
	h100     = accelerator{"NVIDIA H100 SXM", 30000, 5, 80, 0.66, 2.9}
	b200     = accelerator{"NVIDIA B200 SXM", 45000, 5, 180, 0.95, 3.8}
	l4       = accelerator{"NVIDIA L4", 3000, 5, 24, 0.09, 0.7}
)

// hourlyUSD is the rent of the year: GPUs became cheaper.
func (a accelerator) hourlyUSD(at time.Time) float64 {
	return a.rent * min(1.3, 1+0.08*max(0, float64(2025-at.Year())))
}

// purchase is a number of GPUs bought together.
type purchase struct {
	accelerator  accelerator
	count        int
	monthsAgo    int
	region, unit string
	retired      float64 // share that is out of service by now
}

func purchases() []purchase {
	return []purchase{
		{a100PCIe, 72, 60, virginia, "", 0.9},
		{a100, 32, 52, iowa, unitSearch, 0.6},
		{a100, 28, 50, eemshaven, unitSearch, 0.5},
		{l4, 48, 40, iowa, unitSearch, 0.2},
		{l4, 40, 36, eemshaven, unitSupplyChain, 0.05},
		{h100, 36, 31, virginia, unitCare, 0.03},
		{a100, 16, 30, paris, unitCare, 0},
		{h100, 30, 25, eemshaven, unitSupplyChain, 0.03},
		{h100, 24, 16, paris, unitMarketing, 0},
		{l4, 16, 11, finland, "", 0},
		{h100, 16, 7, finland, unitMarketing, 0},
		{b200, 16, 4, eemshaven, unitSupplyChain, 0},
		{b200, 32, 0, eemshaven, "", 0},
	}
}

// hallEmbodied is what the supplier of the hall's H100 servers declared of each
// GPU, in kg CO2e. It is invented, and larger than the published figure of the
// bare board, which holds where nobody declared any.
var hallEmbodied = struct{ value, low, high float64 }{243, 205, 310}

// equip makes the hardware of five years. What was bought this month is still
// in its boxes.
func (c *Company) equip() {
	for i, p := range purchases() {
		r := c.random(fmt.Sprintf("purchase %d", i))
		bought := c.current.AddDate(0, -p.monthsAgo, 0)
		for n := range p.count {
			price := p.accelerator.price
			serial := fmt.Sprintf("NRF-%s-%02d%03d", bought.Format("0601"), i+1, n+1)
			asset := warehouse.HardwareAsset{
				Serial: serial, Accelerator: p.accelerator.name, Region: p.region, BusinessUnit: p.unit,
				PurchaseCost: &price, LifetimeYears: p.accelerator.lifetime,
			}
			if p.accelerator == h100 && p.region == eemshaven {
				declared := hallEmbodied
				asset.EmbodiedKilograms, asset.EmbodiedLow, asset.EmbodiedHigh = &declared.value, &declared.low, &declared.high
				asset.EmbodiedBoundary = "cradle-to-gate, the GPU and its eighth of the server"
				asset.EmbodiedSource, asset.EmbodiedYear = Name+", declaration of the hall's supplier", bought.Year()
			}
			c.HardwareAssets = append(c.HardwareAssets, asset)
			c.HardwareEvents = append(c.HardwareEvents, c.life(serial, bought, p.retired, r)...)
		}
	}
	c.HardwareEvents = slices.DeleteFunc(c.HardwareEvents, func(e warehouse.HardwareEvent) bool { return !e.Time.Before(c.End) })
}

// life is what happened to one GPU. Of those retired, some work on for another
// team, most are recycled, and a few are thrown away.
func (c *Company) life(serial string, bought time.Time, retired float64, r *rand.Rand) []warehouse.HardwareEvent {
	var events []warehouse.HardwareEvent
	add := func(at time.Time, stage kpi.HardwareStage) time.Time {
		events = append(events, warehouse.HardwareEvent{Serial: serial, Time: at, Stage: string(stage), Source: source})
		return at
	}
	days := func(least, most int) time.Duration { return time.Duration(least+r.IntN(most-least)) * 24 * time.Hour }
	deployed := add(bought, kpi.HardwareProcured).Add(days(31, 60))
	add(deployed, kpi.HardwareDeployed)
	if r.Float64() >= retired {
		return events
	}
	service := c.current.Sub(deployed)
	out := add(deployed.Add(time.Duration((0.6+0.38*r.Float64())*float64(service))), kpi.HardwareDecommissioned)
	switch next := r.Float64(); {
	case next < 0.15: // on the shelf
	case next < 0.40:
		add(out.Add(days(10, 60)), kpi.HardwareReused)
	case next < 0.90:
		add(out.Add(days(20, 120)), kpi.HardwareRecycled)
	default:
		add(out.Add(days(5, 60)), kpi.HardwareEWaste)
	}
	return events
}

// The share of a region's energy in work that its GPUs draw idle, at mean load.
const idleShare = 0.12

// unallocatedShare is what the meter of a region shows beyond its projects.
const unallocatedShare = 0.016

// meter adds the energy that no project answers for, every six hours: what GPUs
// drew idle, more when there is less to do, and what nobody claims.
func (c *Company) meter() {
	const window = 6 * time.Hour
	worked := map[string]map[time.Time]kpi.KilowattHours{}
	for i := range c.Events {
		eachPart(&c.Events[i], window, func(at time.Time, part float64) {
			if worked[c.Events[i].Region] == nil {
				worked[c.Events[i].Region] = map[time.Time]kpi.KilowattHours{}
			}
			worked[c.Events[i].Region][at] += c.Events[i].ITEnergy * kpi.KilowattHours(part)
		})
	}
	for _, region := range regions() {
		r := c.random("meter " + region)
		mean := monthlyMeans(worked[region])
		for at := c.Start; !at.Add(window).After(c.End); at = at.Add(window) {
			average := float64(mean[monthOf(at)])
			if average == 0 {
				continue
			}
			load := min(1.8, float64(worked[region][at])/average)
			years := at.Sub(c.current).Hours() / hoursPerYear
			idle := average * (idleShare - 0.02*years) * (1.5 - 0.5*load) * around(r, 0.06)
			c.Events = append(c.Events, warehouse.Event{
				ID: c.eventID("idle/"+region, at), Time: at, Model: kpi.Idle, Project: kpi.Idle, Region: region, Workload: kpi.WorkloadIdle,
				ITEnergy: kpi.KilowattHours(idle), Measured: true, GPUHours: idle / 0.11, Source: source,
			}, warehouse.Event{
				ID: c.eventID("unallocated/"+region, at), Time: at, Region: region, Workload: kpi.WorkloadBatch,
				ITEnergy: kpi.KilowattHours(average * unallocatedShare * around(r, 0.2)), Measured: true, Source: source,
			})
		}
	}
}

// monthlyMeans are the means of the windows of each month.
func monthlyMeans(windows map[time.Time]kpi.KilowattHours) map[time.Time]kpi.KilowattHours {
	sums, counts := map[time.Time]float64{}, map[time.Time]float64{}
	times := make([]time.Time, 0, len(windows))
	for at := range windows {
		times = append(times, at)
	}
	// In order, because a sum of floats depends on it.
	slices.SortFunc(times, time.Time.Compare)
	for _, at := range times {
		sums[monthOf(at)] += float64(windows[at])
		counts[monthOf(at)]++
	}
	means := map[time.Time]kpi.KilowattHours{}
	for month, sum := range sums {
		means[month] = kpi.KilowattHours(sum / counts[month])
	}
	return means
}

// eachPart cuts an event at whole windows and gives each window's share of it.
func eachPart(e *warehouse.Event, window time.Duration, give func(at time.Time, part float64)) {
	first := e.Time.Truncate(window)
	if !e.Time.Add(e.Duration).After(first.Add(window)) {
		give(first, 1)
		return
	}
	end := e.Time.Add(e.Duration)
	for at := first; at.Before(end); at = at.Add(window) {
		from, to := at, at.Add(window)
		if from.Before(e.Time) {
			from = e.Time
		}
		if to.After(end) {
			to = end
		}
		give(at, float64(to.Sub(from))/float64(e.Duration))
	}
}
