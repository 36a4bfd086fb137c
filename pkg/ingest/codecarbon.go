package ingest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
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
	// PUE is what the tracker was given, for records that do not state it: those of
	// tasks never do. 0 is 1.
	PUE float64
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
//   - A tracker writes the totals of its run, with every flush anew. Only what they
//     grew by counts, whichever files and imports the run's records come in: see
//     codeCarbonRuns. A task's energy is in its run's total and counts once too.
//   - A record with fewer fields than the header is rejected: CodeCarbon 3 drops
//     empty columns when it appends, which shifts the others.
//
// The error is warehouse.ErrRunMoved where another import of the same runs came
// between; importing again counts what is still new.
func CodeCarbon(ctx context.Context, store *warehouse.Store, file File, options CodeCarbonOptions, now time.Time) (Report, error) {
	if err := options.Check(); err != nil {
		return Report{}, err
	}
	regions, err := regionCodes(ctx, store)
	if err != nil {
		return Report{}, err
	}
	if options.Region != "" && !regions[options.Region] {
		return Report{}, optionError("unknown region %q: import its factors first, or correct the code", options.Region)
	}
	var report Report
	parser := newCodeCarbonParser(options, regions, now)
	defer parser.ids.close()
	batch := codeCarbonBatch{store: store, now: now, file: file, report: &report, runs: newCodeCarbonRuns(options)}
	err = report.eachRecord(ctx, file, codeCarbonColumns, func(rec record) error {
		reading, err := parser.reading(rec)
		if err != nil {
			return err
		}
		return batch.add(ctx, reading)
	})
	if err == nil {
		err = batch.flush(ctx)
	}
	if err != nil {
		return report, err
	}
	return report, batch.runs.upsert(ctx, store)
}

// Check returns what of the options cannot be, an *OptionError, or nil.
func (o CodeCarbonOptions) Check() error {
	if !slices.Contains(kpi.Workloads(), o.Workload) {
		return optionError("unknown workload %q: it must be one of %v", o.Workload, kpi.Workloads())
	}
	if o.PUE != 0 && !(o.PUE >= 1 && o.PUE < 10) {
		return optionError("the PUE %g is not between 1 and 10", o.PUE)
	}
	return nil
}

var codeCarbonColumns = columns{
	required: []string{"timestamp", "duration", "energy_consumed"},
	optional: []string{"project_name", "run_id", "task_name", "emissions", "country_iso_code", "cloud_region", "gpu_count", "gpu_model", "pue"},
}

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
}

func newCodeCarbonParser(options CodeCarbonOptions, regions map[string]bool, now time.Time) *codeCarbonParser {
	return &codeCarbonParser{options: options, regions: regions, now: now, ids: newIdentities()}
}

// codeCarbonReading is what a tracker says when it writes: its totals since it
// was made.
type codeCarbonReading struct {
	project, runID string
	task           bool // of a task, which has totals of its own
	start, end     time.Time
	duration       time.Duration
	itEnergy       kpi.NanowattHours
	carbon         *int64 // µg CO2e
	gpuCount       int64
	gpuModel       string
	hasRunID       bool // the file has the column, though it may be empty
	line           int
	raw            string
	// event is the record taken by itself, as if nothing of its run had been counted.
	event warehouse.Event
}

// reading checks a record and reads it. What is added up later are parts of its event,
// so nothing is left that the warehouse could refuse.
func (p *codeCarbonParser) reading(rec record) (codeCarbonReading, error) {
	r := codeCarbonReading{
		project: rec.text("project_name"), runID: rec.text("run_id"), task: rec.text("task_name") != "",
		gpuModel: rec.text("gpu_model"), hasRunID: rec.header.has("run_id"), line: rec.line, raw: rec.original(),
	}
	itEnergy, err := p.itEnergy(rec)
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
	r.end = r.end.Truncate(time.Microsecond)
	r.start = r.end.Add(-r.duration)
	emissions, err := rec.optionalAmount("emissions")
	if err != nil {
		return r, err
	}
	if r.gpuCount, err = gpuCount(rec); err != nil {
		return r, err
	}
	region, err := p.region(rec)
	if err != nil {
		return r, err
	}
	r.event = warehouse.Event{
		Time: r.start, Duration: r.duration,
		Model: p.options.Model, Project: r.project, Region: region, Workload: p.options.Workload, RunID: r.runID,
		ITEnergy: itEnergy, Measured: true, CarbonLocation: (*kpi.KilogramsCO2e)(emissions),
		GPUHours: float64(r.gpuCount) * r.duration.Hours(), Source: warehouse.SourceCodeCarbon,
	}
	if r.task {
		r.event.Source = warehouse.SourceCodeCarbonTask
	}
	if err := identify(&r.event, p.now, p.ids, content(rec)...); err != nil {
		return r, err
	}
	r.itEnergy = kpi.NanowattHours(math.Round(float64(itEnergy) * nanowattHoursPerKilowattHour))
	if emissions != nil {
		micrograms := int64(math.Round(*emissions * microgramsPerKilogram))
		r.carbon = &micrograms
	}
	return r, nil
}

// The whole units that runs are counted in, which are those of the facts.
const (
	nanowattHoursPerKilowattHour = 1e12
	microgramsPerKilogram        = 1e9
)

func (p *codeCarbonParser) itEnergy(rec record) (kpi.KilowattHours, error) {
	energy, err := rec.amount("energy_consumed")
	if err != nil {
		return 0, err
	}
	pue, err := rec.optionalAmount("pue")
	if err != nil {
		return 0, err
	}
	inside := p.options.PUE
	if pue != nil {
		inside = *pue
	}
	if inside > 1 {
		energy /= inside
	}
	return kpi.KilowattHours(energy), nil
}

const mostGPUs = 1_000_000

func gpuCount(rec record) (int64, error) {
	if rec.text("gpu_count") == "" {
		return 0, nil
	}
	count, err := rec.count("gpu_count")
	if err == nil && count > mostGPUs {
		err = fmt.Errorf("gpu_count %d is more than a run can have", count)
	}
	return count, err
}

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
// columns to the file, and when CodeCarbon 2 writes the whole file anew to append to
// it, in which pandas turns 8 into 8.0 and moves the last digit of a number.
func content(rec record) []string {
	var said []string
	for i, name := range rec.header.names {
		if text := strings.TrimSpace(rec.fields[i]); text != "" {
			said = append(said, fold(name)+"="+sameNumber(text))
		}
	}
	slices.Sort(said)
	return said
}

// sameNumber writes numbers that differ past the ninth digit alike. That two records
// could look equal by it does no harm: equal ones are told apart by their ordinal.
func sameNumber(text string) string {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return text
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(number, 'e', 8, 64)
}
