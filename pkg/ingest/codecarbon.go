package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// CodeCarbonOptions say what a CodeCarbon file does not.
type CodeCarbonOptions struct {
	// Zone is that of the machine that wrote the file; its times name none.
	Zone *time.Location
	// Model is what the runs trained; empty is unallocated.
	Model    string
	Workload kpi.Workload
	// Region is for the records whose own region and country are unknown.
	Region string
}

// CodeCarbon imports an emissions.csv of CodeCarbon 1 to 3, or the file of its
// tasks, by the names of its columns.
//
//   - energy_consumed (kWh) has the tracker's PUE in it, which is divided out:
//     the warehouse stores IT energy.
//   - emissions (kg CO2e) are location-based and kept as they are stated, the
//     tracker's PUE included.
//   - timestamp is the local time of the END of what was measured; it began
//     duration seconds before.
//   - A tracker that is flushed writes its run several times, each time with the
//     totals so far. Of such a record only the increment over the run's last good
//     record counts: see codeCarbonRuns.
//   - A record with fewer fields than the header is rejected: CodeCarbon 3 drops
//     empty columns when it appends, which shifts the others.
//
// All records of a run must be in one file, in the order they were written, and
// a file written with on_csv_write="update" is to be imported when its runs are
// over: a record that is replaced later would count beside the one it replaces.
func CodeCarbon(ctx context.Context, store *warehouse.Store, file File, options CodeCarbonOptions, now time.Time) (Report, error) {
	if !slices.Contains(kpi.Workloads(), options.Workload) {
		return Report{}, optionError("unknown workload %q: it must be one of %v", options.Workload, kpi.Workloads())
	}
	regions, err := regionCodes(ctx, store)
	if err != nil {
		return Report{}, err
	}
	if options.Region != "" && !regions[options.Region] {
		return Report{}, optionError("unknown region %q: import its factors first, or correct the code", options.Region)
	}
	parser := newCodeCarbonParser(options, regions, now)
	defer parser.ids.close()
	report, err := importEvents(ctx, store, file, now, codeCarbonColumns, parser.event)
	if err != nil {
		return report, err
	}
	return report, parser.runs.upsert(ctx, store)
}

var codeCarbonColumns = columns{
	required: []string{"timestamp", "duration", "energy_consumed"},
	optional: []string{"project_name", "run_id", "task_name", "emissions", "country_iso_code", "cloud_region", "gpu_count", "gpu_model", "pue"},
}

const codeCarbonSource = "codecarbon"

func regionCodes(ctx context.Context, store *warehouse.Store) (map[string]bool, error) {
	regions, err := store.Regions(ctx)
	codes := make(map[string]bool, len(regions))
	for _, region := range regions {
		codes[region.Code] = true
	}
	return codes, err
}

type codeCarbonParser struct {
	options CodeCarbonOptions
	regions map[string]bool
	now     time.Time
	ids     *identities
	runs    *codeCarbonRuns
}

func newCodeCarbonParser(options CodeCarbonOptions, regions map[string]bool, now time.Time) *codeCarbonParser {
	return &codeCarbonParser{options: options, regions: regions, now: now, ids: newIdentities(), runs: newCodeCarbonRuns(options)}
}

func (p *codeCarbonParser) event(rec record) (warehouse.Event, error) {
	reading, err := p.reading(rec)
	if err != nil {
		return warehouse.Event{}, err
	}
	region, err := p.region(rec)
	if err != nil {
		return warehouse.Event{}, err
	}
	increment, err := p.runs.increment(reading)
	if err != nil {
		return warehouse.Event{}, err
	}
	event := warehouse.Event{
		Time: increment.start, Duration: increment.end.Sub(increment.start),
		Model: p.options.Model, Project: reading.project, Region: region, Workload: p.options.Workload, RunID: reading.runID,
		ITEnergy: increment.itEnergy, Measured: true, CarbonLocation: increment.carbon,
		GPUHours: increment.gpuHours, Source: codeCarbonSource,
	}
	if err := identify(&event, p.now, p.ids, content(rec)...); err != nil {
		return event, err
	}
	p.runs.remember(reading)
	return event, nil
}

// codeCarbonReading is what a tracker says when it writes: its totals since it
// was started.
type codeCarbonReading struct {
	project, runID string
	task           bool // of a task, which has totals of its own
	start, end     time.Time
	duration       time.Duration
	itEnergy       kpi.KilowattHours
	carbon         *kpi.KilogramsCO2e
	gpuCount       int64
	gpuModel       string
	hasRunID       bool // the file has the column, though it may be empty
	line           int
}

func (p *codeCarbonParser) reading(rec record) (codeCarbonReading, error) {
	r := codeCarbonReading{
		project: rec.text("project_name"), runID: rec.text("run_id"), task: rec.text("task_name") != "",
		gpuModel: rec.text("gpu_model"), hasRunID: rec.header.has("run_id"), line: rec.line,
	}
	energy, err := rec.amount("energy_consumed")
	if err != nil {
		return r, err
	}
	seconds, err := rec.amount("duration")
	if err != nil {
		return r, err
	}
	const mostSeconds = 366 * 24 * 3600
	if seconds > mostSeconds {
		return r, fmt.Errorf("duration %g is more than a year of seconds", seconds)
	}
	r.duration = time.Duration(seconds * float64(time.Second))
	if r.end, err = rec.time("timestamp", p.options.Zone); err != nil {
		return r, err
	}
	r.start = r.end.Add(-r.duration)
	pue, err := rec.optionalAmount("pue")
	if err != nil {
		return r, err
	}
	r.itEnergy = kpi.KilowattHours(energy)
	if pue != nil && *pue > 1 {
		r.itEnergy /= kpi.KilowattHours(*pue)
	}
	emissions, err := rec.optionalAmount("emissions")
	if err != nil {
		return r, err
	}
	r.carbon = (*kpi.KilogramsCO2e)(emissions)
	if rec.text("gpu_count") == "" {
		return r, nil
	}
	r.gpuCount, err = rec.count("gpu_count")
	if err == nil && r.gpuCount > mostGPUs {
		err = fmt.Errorf("gpu_count %d is more than a run can have", r.gpuCount)
	}
	return r, err
}

const mostGPUs = 1_000_000

// region prefers the cloud region, whose factors are nearer than the country's.
func (p *codeCarbonParser) region(rec record) (string, error) {
	named := []string{rec.text("cloud_region"), strings.ToUpper(rec.text("country_iso_code"))}
	for _, code := range append(named, p.options.Region) {
		if p.regions[code] {
			return code, nil
		}
	}
	return "", fmt.Errorf("neither the cloud region %q nor the country %q is known: import factors for it, or name a region for such records with --region",
		excerpt([]byte(named[0])), excerpt([]byte(named[1])))
}

// content is what a record says, by column: the same when a newer version adds
// columns to the file.
func content(rec record) []string {
	var said []string
	for i, name := range rec.header.names {
		if text := strings.TrimSpace(rec.fields[i]); text != "" {
			said = append(said, fold(name)+"="+text)
		}
	}
	slices.Sort(said)
	return said
}
