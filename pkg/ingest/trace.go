package ingest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// TraceOptions say what a request trace does not.
type TraceOptions struct {
	Configuration MLEnergyConfiguration
	Task          string // of the ML.ENERGY Leaderboard
	// Project and Endpoint may be empty: then nobody answers for the requests.
	Project, Endpoint string
	Region            string
}

var traceColumns = columns{required: []string{"TIMESTAMP", "ContextTokens", "GeneratedTokens"}}

const traceSource = "trace"

// Trace imports a request trace as Azure publishes its own (AzurePublicDataset,
// LLM inference: TIMESTAMP in UTC, ContextTokens, GeneratedTokens), joined with
// the measured energy of the model that serves it:
//
//	IT energy = generated tokens × energy per output token of the configuration
//	GPU hours = generated tokens / throughput × number of GPUs
//
// The energy is estimated: measured elsewhere, under a steady load. There is no
// latency: what could be computed (tokens × time between tokens) leaves out the
// queue and the prefill, and would pass for a measurement in every SLO.
//
// A request is the same one when time, tokens, model, project, region and
// endpoint are: importing a trace for a second endpoint counts it anew.
func Trace(ctx context.Context, store *warehouse.Store, file File, options TraceOptions, now time.Time) (Report, error) {
	regions, err := regionCodes(ctx, store)
	if err != nil {
		return Report{}, err
	}
	if !regions[options.Region] {
		return Report{}, optionError("unknown region %q: import its factors first, or correct the code", options.Region)
	}
	if err := upsertServedModel(ctx, store, options); err != nil {
		return Report{}, err
	}
	parser := traceParser{options: options, now: now, ids: newIdentities()}
	defer parser.ids.close()
	return importEvents(ctx, store, file, now, traceColumns, parser.event)
}

func upsertServedModel(ctx context.Context, store *warehouse.Store, options TraceOptions) error {
	c := options.Configuration
	model := warehouse.Model{Name: c.ModelID, Provider: c.provider(), TaskClass: taskClasses[options.Task]}
	if c.TotalParamsBillions > 0 {
		model.ParametersBillion = &c.TotalParamsBillions
	}
	result, err := store.UpsertModels(ctx, []warehouse.Model{model})
	if err == nil && len(result.Rejected) > 0 {
		err = fmt.Errorf("model %s: %w", excerpt([]byte(c.ModelID)), result.Rejected[0].Reason)
	}
	return err
}

type traceParser struct {
	options TraceOptions
	now     time.Time
	ids     *identities
	// gpuHoursLeft is what rounding has left of the GPU time: a request takes
	// about as long as the warehouse's unit, a millionth of an hour, and the error
	// of thousands of them would add up.
	gpuHoursLeft float64
}

func (p *traceParser) event(rec record) (warehouse.Event, error) {
	at, err := rec.time("TIMESTAMP", time.UTC)
	if err != nil {
		return warehouse.Event{}, err
	}
	input, err := rec.count("ContextTokens")
	if err != nil {
		return warehouse.Event{}, err
	}
	output, err := rec.count("GeneratedTokens")
	if err != nil {
		return warehouse.Event{}, err
	}
	const unit = 1e-6
	gpuHours := p.options.Configuration.gpuHours(output) + p.gpuHoursLeft
	whole := math.Round(gpuHours/unit) * unit
	o := p.options
	event := warehouse.Event{
		Time: at, Model: o.Configuration.ModelID, Project: o.Project, Region: o.Region, Endpoint: o.Endpoint,
		Workload: kpi.WorkloadInference, Requests: 1, InputTokens: input, OutputTokens: output,
		ITEnergy: o.Configuration.energy(output), GPUHours: max(0, whole), Source: traceSource,
	}
	err = identify(&event, p.now, p.ids, rec.text("TIMESTAMP"), rec.text("ContextTokens"), rec.text("GeneratedTokens"),
		event.Model, event.Project, event.Region, event.Endpoint)
	if err == nil {
		p.gpuHoursLeft = gpuHours - event.GPUHours
	}
	return event, err
}
