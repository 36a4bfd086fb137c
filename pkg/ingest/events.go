package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Events imports events from CSV or Parquet, a row an event, by the names of the
// columns of the view wattscore.event or through a mapping.
//
//   - Amounts are exact: they are read as decimal numbers and rounded once, to the
//     warehouse's whole units.
//   - it_energy_kwh is IT energy. Where a PUE is inside, the mapping says which, and
//     it is divided out.
//   - An event is what its event_id says, a UUID as it is and any other text by its
//     hash with the source; without one it is the row's content and its place among
//     equal rows. Another mapping of the same rows gives the same events.
//   - cost_derived and its like say that a figure is the exporting warehouse's own
//     derivation: this one derives its own.
//   - Energy, region, workload, source and quality must be said for every row; a
//     column that is empty or missing says 0 requests, tokens and GPU hours, and no
//     latency, cost or carbon.
func Events(ctx context.Context, store *warehouse.Store, file File, mapping Mapping, now time.Time) (Report, error) {
	if err := checkRegion(ctx, store, mapping); err != nil {
		return Report{}, err
	}
	parser := eventParser{mapped: &mapped{shape: eventShape, mapping: mapping}, now: now, ids: newIdentities()}
	defer parser.ids.close()
	var report Report
	batch := eventBatch{store: store, now: now, file: file, report: &report}
	err := report.eachMapped(ctx, file, parser.mapped, func(rec record) error {
		event, err := parser.event(rec)
		if err != nil {
			return err
		}
		return batch.add(ctx, rec, event)
	})
	if err == nil {
		err = batch.flush(ctx)
	}
	if err == nil {
		report.Notes = append(report.Notes, parser.notes(report)...)
	}
	return report, err
}

// checkRegion looks whether a region that is the same for every row is known, before
// a large file is read for nothing.
func checkRegion(ctx context.Context, store *warehouse.Store, mapping Mapping) error {
	region := mapping.columns["region"].Value
	if region == nil {
		return nil
	}
	regions, err := regionCodes(ctx, store)
	if err == nil && !regions[*region] {
		err = optionError("the mapping's region %q is unknown: import its factors first, or correct the code", *region)
	}
	return err
}

type eventParser struct {
	*mapped
	now      time.Time
	ids      *identities
	requests bool // a row said some
	long     int  // events that are stored by the hour
	derived  int  // figures that were left to this warehouse
}

func (p *eventParser) event(rec record) (warehouse.Event, error) {
	event := warehouse.Event{
		Model: p.text(rec, "model"), Project: p.text(rec, "project"), Endpoint: p.text(rec, "endpoint"), RunID: p.text(rec, "run_id"),
		Workload: kpi.Workload(p.text(rec, "workload")),
	}
	var err error
	if event.Time, err = p.time(rec, "ts"); err != nil {
		return event, err
	}
	if event.Region, err = p.required(rec, "region"); err != nil {
		return event, err
	}
	if event.Source, err = p.required(rec, "source"); err != nil {
		return event, err
	}
	switch quality := p.text(rec, "quality"); quality {
	case "measured":
		event.Measured = true
	case "estimated":
	default:
		return event, fmt.Errorf("%s %q is neither measured nor estimated: names in the mapping can say which it means", p.columns["quality"].says, excerpt([]byte(quality)))
	}
	if err := p.counts(rec, &event); err != nil {
		return event, err
	}
	if event.Exact, err = p.measures(rec); err != nil {
		return event, err
	}
	if err := p.identify(rec, &event); err != nil {
		return event, err
	}
	p.requests = p.requests || event.Requests > 0
	if event.Duration > time.Hour {
		p.long++
	}
	return event, nil
}

func (p *eventParser) counts(rec record, event *warehouse.Event) error {
	for column, count := range map[string]*int64{"requests": &event.Requests, "input_tokens": &event.InputTokens, "output_tokens": &event.OutputTokens} {
		var err error
		if *count, err = p.count(rec, column); err != nil {
			return err
		}
	}
	slice, err := p.whole(rec, "slice")
	if err != nil {
		return err
	}
	if slice != nil {
		event.Slice = *slice
	}
	duration, err := p.amount(rec, "duration_s")
	if err != nil {
		return err
	}
	if duration != nil {
		event.Duration = time.Duration(*duration)
	}
	latency, err := p.amount(rec, "latency_ms")
	if err != nil || latency == nil {
		return err
	}
	const longest = 1 << 50 // µs, 35 years
	if *latency > longest {
		return fmt.Errorf("%s is longer than a request can take", p.columns["latency_ms"].says)
	}
	event.Latency = new(time.Duration)
	*event.Latency = time.Duration(*latency) * time.Microsecond
	return nil
}

func (p *eventParser) measures(rec record) (*warehouse.Measures, error) {
	var m warehouse.Measures
	if _, err := p.required(rec, "it_energy_kwh"); err != nil {
		return nil, err
	}
	for column, amount := range map[string]*int64{"it_energy_kwh": &m.ITEnergy, "gpu_hours": &m.GPUMicrohours, "gpu_memory_hours": &m.GPUMemoryMicrohours} {
		whole, err := p.amount(rec, column)
		if err != nil {
			return nil, err
		}
		if whole != nil {
			*amount = *whole
		}
	}
	for column, figure := range map[string]struct {
		amount  **int64
		derived string
	}{
		"cost_usd":           {&m.Cost, "cost_derived"},
		"carbon_location_kg": {&m.CarbonLocation, "carbon_location_derived"},
		"carbon_market_kg":   {&m.CarbonMarket, "carbon_market_derived"},
	} {
		derived, err := p.flag(rec, figure.derived)
		if err != nil {
			return nil, err
		}
		if derived {
			p.derived++
			continue
		}
		if *figure.amount, err = p.amount(rec, column); err != nil {
			return nil, err
		}
	}
	return &m, nil
}

// identify checks the event and gives it its id.
func (p *eventParser) identify(rec record, event *warehouse.Event) error {
	given := p.text(rec, "event_id")
	if given == "" {
		return identify(event, p.now, p.ids, p.content(rec)...)
	}
	event.ID = uuid.NewSHA1(eventNamespace, []byte(joined(event.Source, []string{"event_id", given})))
	if id, err := uuid.Parse(given); err == nil && len(given) == len(uuid.Nil.String()) {
		event.ID = id
	}
	return errors.Join(event.Validate(p.now), checkNames(event))
}

func (p *eventParser) notes(report Report) []string {
	var notes []string
	if !p.requests && report.Read > report.Rejected {
		notes = append(notes, `No row says requests, so no figure per 1,000 requests can come of them. Where a row is a request, map requests: {value: 1}.`)
	}
	if p.long > 0 {
		notes = append(notes, fmt.Sprintf("Events that last over an hour, stored by the hour with their amounts spread evenly: %d.", p.long))
	}
	if p.derived > 0 {
		notes = append(notes, fmt.Sprintf("Costs and carbon figures that are marked as derived, and so left to this warehouse's own factors: %d.", p.derived))
	}
	return notes
}
