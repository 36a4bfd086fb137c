package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var gpuLive = Type{
	Name:        "gpuLive",
	Label:       "Live GPUs",
	Description: "What each GPU draws, costs and emits right now, and how it fares",
	RestsOn:     []Evidence{EvidenceHardware},
	Formats:     []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics: []string{"power_w", "utilization", "temperature", "memory_used", "energy_kwh", "cost_usd_per_hour", "carbon_g_per_hour",
		"age_seconds", "deviation", "energy_hour_kwh", "usual_kwh"},
	Streams: true,
	live:    true,
	answer:  answerGPULive,
}

const (
	// fleetShown is how long ago an agent's last sample may be for its GPU to be shown.
	fleetShown = 15 * time.Minute
	// lateAfter is the age from which a reading is said to be late: several of an
	// agent's intervals.
	lateAfter = time.Minute
)

// LocalGPUs are the GPUs of the machine that answers, or of one agent.
type LocalGPUs struct {
	Source gpu.Source
	Region string // whose factors price them; empty where nobody said
	Remote bool   // it is an agent's machine
}

// gpuLiveOptions are the options of the query type. See src/types.ts.
type gpuLiveOptions struct {
	// Source local is the machine Grafana runs on, fleet what agents collected, and
	// auto the first of them that has GPUs.
	Source string `json:"source"`
	// View gpus is a row a GPU, total one row over them, unusual a row a GPU of the
	// fleet with its last full hour against the same hour of the days before.
	View string `json:"view"`
	Live bool   `json:"live"` // the panel follows the answer; nothing else is different
}

// liveGPU is a GPU's latest reading with what it takes to price it.
type liveGPU struct {
	gpu.Reading
	host, region string
	energy       *kpi.KilowattHours
}

func answerGPULive(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := gpuLiveOptions{Source: "auto", View: "gpus"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("source", options.Source, "auto", "local", "fleet"),
		oneOf("view", options.View, "gpus", "total", "unusual"),
	} {
		if err != nil {
			return nil, err
		}
	}
	if options.View != "gpus" && request.Format == FormatTimeSeries {
		return nil, BadRequest("The view %s has no series: ask for a table or a number, or for the view gpus.", options.View)
	}
	if options.View == "unusual" {
		if options.Source == "local" {
			return nil, BadRequest("What is usual is known of GPUs that agents collect: the view unusual is of the source fleet.")
		}
		return answerUnusualGPUs(ctx, source, request)
	}
	m := newMeta(request, kpi.Span{From: request.Now.Add(-fleetShown), To: request.Now}, warehouse.Provenance{}, time.UTC)
	gpus, notices, sql, err := readGPUs(ctx, source, request, options.Source, m)
	if err != nil {
		return nil, err
	}
	gpus, filterNotices := filterGPUs(gpus, request.Filters)
	notices = append(notices, filterNotices...)

	factors, err := factorsNow(ctx, source, request)
	if err != nil {
		if m.GPUSource != gpuSourceLocal { // readings of this machine are worth showing without a price
			return nil, err
		}
		notices = append(notices, warning("The GPUs cannot be priced: the warehouse does not answer."))
	}
	notices = append(notices, priceNotices(gpus, factors)...)
	m.Formulas = []formulaMeta{
		{"cost_usd_per_hour", "power × PUE × electricity price of the host's region"},
		{"carbon_g_per_hour", "power × PUE × grid intensity of the host's region, location-based"},
		{"energy_kwh", map[string]string{gpuSourceLocal: "energy counter, or power over time, since the reader began",
			gpuSourceFleet: "energy counter, or power over time, since midnight"}[m.GPUSource]},
	}
	frame := gpuFrame(gpus, factors, request.Now)
	if options.View == "total" {
		frame = gpuTotal(frame)
	}
	switch request.Format {
	case FormatTimeSeries:
		moments, err := momentsUntilNow(ctx, source, request, gpus, m.GPUSource)
		if err != nil {
			return nil, err
		}
		frame = gpuSeries(moments, factors, request)
	case FormatNumber: // what changes from one moment to the next is no label of an alert
		frame.Fields = slices.DeleteFunc(frame.Fields, func(f *data.Field) bool { return f.Name == "status" || f.Name == "method" })
	}
	return data.Frames{attach(frame, m, sql, notices)}, nil
}

// The places that readings come from, as the metadata names them.
const (
	gpuSourceLocal = "local"
	gpuSourceFleet = "fleet"
)

// readGPUs reads the place that the option says, and says in m which it was.
func readGPUs(ctx context.Context, source Source, request Request, from string, m *meta) ([]liveGPU, []data.Notice, string, error) {
	var local gpu.Snapshot
	if request.Local.Source != nil {
		local = request.Local.Source.Snapshot()
	} else {
		local.Problem = "whoever asks here reads no GPUs of its own"
	}
	if from == "local" || from == "auto" && len(local.Devices) > 0 {
		m.GPUSource = gpuSourceLocal
		var notices []data.Notice
		if local.Problem != "" {
			notices = append(notices, warning("There are no new readings: "+local.Problem+"."))
		}
		if len(local.Devices) > 0 {
			where := "where Grafana runs"
			if request.Local.Remote {
				where = "through its agent"
			}
			notices = append(notices, information(fmt.Sprintf("Read from NVML on %s, %s.", local.Host, where)))
		}
		for _, notice := range local.Notices {
			notices = append(notices, warning(notice))
		}
		var gpus []liveGPU
		for _, device := range local.Devices {
			g := liveGPU{Reading: device, host: local.Host, region: request.Local.Region}
			if device.EnergyMillijoules != nil {
				const millijoulesPerKilowattHour = 3.6e9
				energy := kpi.KilowattHours(float64(*device.EnergyMillijoules) / millijoulesPerKilowattHour)
				g.energy = &energy
			}
			gpus = append(gpus, g)
		}
		return gpus, notices, "", nil
	}
	m.GPUSource = gpuSourceFleet
	fleet, err := source.GPUFleet(ctx, request.Now.Add(-fleetShown))
	if err != nil {
		return nil, nil, "", err
	}
	var gpus []liveGPU
	hosts := map[string]bool{}
	for _, device := range fleet {
		hosts[device.Host] = true
		gpus = append(gpus, fromFleet(device))
	}
	notices := []data.Notice{information(fmt.Sprintf("Collected by agents on %d %s.", len(hosts), plural(len(hosts), "host", "hosts")))}
	if len(gpus) == 0 {
		notices = []data.Notice{information(fmt.Sprintf("No agent sent a sample in the last %.0f minutes. Run wattctl collect on each GPU host. As for this machine: %s.",
			fleetShown.Minutes(), local.Problem))}
	}
	return gpus, notices, warehouse.GPUFleetSQL(), nil
}

func plural(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}

func fromFleet(f warehouse.FleetGPU) liveGPU {
	return liveGPU{
		Reading: gpu.Reading{
			Identity: gpu.Identity{UUID: f.UUID, Index: f.Index, Name: f.Name, Serial: f.Serial, Parent: f.Parent, MemoryTotalBytes: f.MemoryTotalBytes},
			Time:     f.SampledAt, PowerWatts: f.PowerWatts, PowerLimit: f.PowerLimit, PowerScope: gpu.Scope(f.Scope), EnergyMethod: gpu.Method(f.Method),
			Gaps: f.Gaps, Utilization: f.Utilization, MemoryUsedBytes: f.MemoryUsedBytes, TemperatureC: f.TemperatureC, Lost: f.Lost,
		},
		host: f.Host, region: f.Region, energy: f.DayEnergy,
	}
}

// filterGPUs keeps the GPUs of the regions asked for. A GPU belongs to no business
// unit, model or endpoint, and the answer says so instead of going empty.
func filterGPUs(gpus []liveGPU, filters kpi.Filters) ([]liveGPU, []data.Notice) {
	var without []string
	for _, dimension := range kpi.FilterDimensions() {
		members := filters[dimension]
		switch {
		case len(members) == 0:
		case dimension == kpi.DimensionRegion:
			gpus = slices.DeleteFunc(gpus, func(g liveGPU) bool { return !slices.Contains(members, g.region) })
		default:
			without = append(without, strings.ToLower(DimensionLabel(dimension)))
		}
	}
	if len(without) == 0 {
		return gpus, nil
	}
	return gpus, []data.Notice{information("GPUs are shared, so the filter on " + strings.Join(without, " and ") + " leaves them all.")}
}

// factorsNow are the factors of each region at the moment.
func factorsNow(ctx context.Context, source Source, request Request) (map[string]warehouse.FactorPeriod, error) {
	periods, err := source.Factors(ctx, request.FactorVersion, kpi.Span{From: request.Now, To: request.Now.Add(time.Second)})
	if err != nil {
		return nil, err
	}
	factors := map[string]warehouse.FactorPeriod{}
	for _, period := range periods {
		if _, ok := factors[period.Region]; !ok {
			factors[period.Region] = period
		}
	}
	return factors, nil
}

// priceNotices say which GPUs cannot be priced, and what to do.
func priceNotices(gpus []liveGPU, factors map[string]warehouse.FactorPeriod) []data.Notice {
	nowhere := false
	incomplete := map[string]bool{}
	for _, g := range gpus {
		f, known := factors[g.region]
		switch {
		case g.region == "":
			nowhere = true
		case !known || f.PUE == nil || f.ElectricityPrice == nil || f.GridLocation == nil:
			incomplete[g.region] = true
		}
	}
	var notices []data.Notice
	if nowhere {
		notices = append(notices, warning("Nobody said in which region this machine stands, so its GPUs have no price and no carbon. Set the region in the data source's settings."))
	}
	for _, region := range slices.Sorted(maps.Keys(incomplete)) {
		notices = append(notices, warning(fmt.Sprintf("The factors of %s are not complete, so part of its cost or carbon is missing: wattctl import factors.", region)))
	}
	return notices
}

func (g liveGPU) status(now time.Time) string {
	switch {
	case g.Lost != "":
		return "lost: " + g.Lost
	case now.Sub(g.Time) > lateAfter:
		return "late"
	}
	return "live"
}

func asFloat(n *int64) *float64 {
	if n == nil {
		return nil
	}
	return number(float64(*n))
}

func gpuFrame(gpus []liveGPU, factors map[string]warehouse.FactorPeriod, now time.Time) *data.Frame {
	slices.SortStableFunc(gpus, func(a, b liveGPU) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.Index, b.Index), cmp.Compare(a.UUID, b.UUID))
	})
	n := len(gpus)
	texts := map[string][]string{}
	for _, name := range []string{"host", "uuid", "gpu_name", "region", "method", "status", "parent"} {
		texts[name] = make([]string, n)
	}
	numbers := map[string][]*float64{}
	for _, name := range []string{"power_w", "power_limit_w", "energy_kwh", "utilization", "memory_used", "memory_total", "temperature", "cost_usd_per_hour",
		"carbon_g_per_hour", "age_seconds"} {
		numbers[name] = make([]*float64, n)
	}
	for i, g := range gpus {
		texts["host"][i], texts["uuid"][i], texts["gpu_name"][i], texts["region"][i] = g.host, g.UUID, fmt.Sprintf("%s #%d", g.Name, g.Index), g.region
		texts["method"][i], texts["status"][i], texts["parent"][i] = string(g.EnergyMethod), g.status(now), g.Parent
		f := factors[g.region]
		if g.PowerWatts != nil {
			numbers["cost_usd_per_hour"][i] = kpi.PowerCostPerHour(*g.PowerWatts, f.PUE, f.ElectricityPrice)
			numbers["carbon_g_per_hour"][i] = kpi.PowerCarbonPerHour(*g.PowerWatts, f.PUE, f.GridLocation)
		}
		numbers["power_w"][i], numbers["power_limit_w"][i], numbers["energy_kwh"][i] = g.PowerWatts, g.PowerLimit, maybe(g.energy)
		numbers["utilization"][i], numbers["temperature"][i] = g.Utilization, g.TemperatureC
		numbers["memory_used"][i], numbers["memory_total"][i] = asFloat(g.MemoryUsedBytes), asFloat(g.MemoryTotalBytes)
		numbers["age_seconds"][i] = number(math.Round(max(0, now.Sub(g.Time).Seconds())))
	}
	frame := data.NewFrame("Live GPUs", textField("host", texts["host"]), textField("gpu_name", texts["gpu_name"]), textField("status", texts["status"]))
	for _, name := range []string{"power_w", "power_limit_w", "utilization", "memory_used", "memory_total", "temperature", "energy_kwh", "cost_usd_per_hour",
		"carbon_g_per_hour", "age_seconds"} {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	frame.Fields = append(frame.Fields, textField("method", texts["method"]), memberField(kpi.DimensionRegion, texts["region"]),
		textField("uuid", texts["uuid"]), textField("parent", texts["parent"]))
	return frame
}

// gpuTotal is one row over the GPUs of a frame: sums, the mean utilisation, the highest
// temperature and the greatest age. A sum that misses a GPU which draws power is null,
// not too small.
func gpuTotal(gpus *data.Frame) *data.Frame {
	values := func(name string) []*float64 {
		field, _ := gpus.FieldByName(name)
		of := make([]*float64, field.Len())
		for i := range of {
			of[i], _ = field.At(i).(*float64)
		}
		return of
	}
	power := values("power_w")
	drawing := 0.0
	for _, watts := range power {
		if watts != nil {
			drawing++
		}
	}
	sum := func(name string) *float64 {
		if drawing == 0 {
			return nil
		}
		total := new(float64)
		for i, value := range values(name) {
			if power[i] != nil { // of a MIG instance its GPU has it
				total = plus(total, value)
			}
		}
		return total
	}
	frame := data.NewFrame("Live GPUs, total", numberField("gpus", []*float64{number(drawing)}))
	frame.Fields[0].Config.Description = "GPUs whose power is read" // a run's are another thing
	for name, value := range map[string]*float64{
		"power_w": sum("power_w"), "energy_kwh": sum("energy_kwh"), "cost_usd_per_hour": sum("cost_usd_per_hour"), "carbon_g_per_hour": sum("carbon_g_per_hour"),
		"utilization": meanKnown(values("utilization")), "temperature": mostKnown(values("temperature")), "age_seconds": mostKnown(values("age_seconds")),
	} {
		frame.Fields = append(frame.Fields, numberField(name, []*float64{value}))
	}
	slices.SortFunc(frame.Fields[1:], func(a, b *data.Field) int { return cmp.Compare(a.Name, b.Name) })
	return frame
}

func meanKnown(values []*float64) *float64 {
	total, count := 0.0, 0.0
	for _, value := range values {
		if value != nil {
			total, count = total+*value, count+1
		}
	}
	if count == 0 {
		return nil
	}
	return number(total / count)
}

func mostKnown(values []*float64) *float64 {
	var most *float64
	for _, value := range values {
		if value != nil && (most == nil || *value > *most) {
			most = value
		}
	}
	return most
}
