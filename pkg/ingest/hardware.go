package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var hardwareColumns = columns{
	required: []string{"serial", "accelerator", "procured"},
	optional: []string{"region", "business_unit", "purchase_cost_usd", "lifetime_years", "embodied_kg", "embodied_low_kg", "embodied_high_kg",
		"embodied_boundary", "embodied_source", "embodied_year", "deployed", "decommissioned", "reused", "recycled", "e_waste"},
}

const hardwareSource = "hardware inventory"

// Hardware imports an inventory, an asset a record:
//
//	serial,accelerator,region,business_unit,purchase_cost_usd,lifetime_years,
//	embodied_kg,embodied_low_kg,embodied_high_kg,embodied_boundary,embodied_source,embodied_year,
//	procured,deployed,decommissioned,reused,recycled,e_waste
//
// The last six are the days (in zone) the asset came to a stage. All but serial,
// accelerator and procured may be left out: then the asset takes its
// accelerator's embodied carbon and a lifetime of 4 years. An inventory says what
// has happened, so a day in the future is rejected.
func Hardware(ctx context.Context, store *warehouse.Store, file File, zone *time.Location, now time.Time) (Report, error) {
	var report Report
	parser := hardwareParser{zone: zone, now: now, lines: map[string]int{}}
	all, err := readTable(ctx, &report, file, hardwareColumns, func(rec record) ([]hardwareRecord, error) {
		parsed, err := parser.record(rec)
		return []hardwareRecord{parsed}, err
	})
	if err != nil {
		return report, err
	}
	assets := make([]warehouse.HardwareAsset, 0, len(all.items))
	var events []warehouse.HardwareEvent
	var eventOwners []int
	for i, item := range all.items {
		assets = append(assets, item.asset)
		for _, event := range item.events {
			events = append(events, event)
			eventOwners = append(eventOwners, i)
		}
	}
	assetResult, eventResult, err := store.WriteHardware(ctx, assets, events)
	if err != nil {
		return report, err
	}
	// A record is its asset and what happened to it.
	for _, rejection := range eventResult.Rejected {
		assetResult.Rejected = append(assetResult.Rejected, warehouse.Rejection{Index: eventOwners[rejection.Index], Reason: rejection.Reason})
	}
	for _, index := range eventResult.StoredItems {
		assetResult.StoredItems = append(assetResult.StoredItems, eventOwners[index])
	}
	return report, all.settle(&report, file, assetResult)
}

type hardwareRecord struct {
	asset  warehouse.HardwareAsset
	events []warehouse.HardwareEvent
}

type hardwareParser struct {
	zone  *time.Location
	now   time.Time
	lines map[string]int // of each serial number
}

func (p *hardwareParser) record(rec record) (hardwareRecord, error) {
	asset, err := parseAsset(rec)
	if err != nil {
		return hardwareRecord{}, err
	}
	events, err := p.life(rec, asset.Serial)
	if err != nil {
		return hardwareRecord{}, err
	}
	if line, seen := p.lines[asset.Serial]; seen {
		return hardwareRecord{}, fmt.Errorf("serial %q is in line %d already", excerpt([]byte(asset.Serial)), line)
	}
	p.lines[asset.Serial] = rec.line
	return hardwareRecord{asset, events}, nil
}

func parseAsset(rec record) (warehouse.HardwareAsset, error) {
	asset := warehouse.HardwareAsset{Region: rec.text("region"), BusinessUnit: rec.text("business_unit"),
		EmbodiedBoundary: rec.text("embodied_boundary"), EmbodiedSource: rec.text("embodied_source")}
	var err, failed error
	if asset.Serial, err = rec.required("serial"); err != nil {
		return asset, err
	}
	if asset.Accelerator, err = rec.required("accelerator"); err != nil {
		return asset, err
	}
	optional := func(column string) *float64 {
		amount, err := rec.optionalAmount(column)
		failed = errors.Join(failed, err)
		return amount
	}
	asset.PurchaseCost = optional("purchase_cost_usd")
	asset.EmbodiedKilograms, asset.EmbodiedLow, asset.EmbodiedHigh = optional("embodied_kg"), optional("embodied_low_kg"), optional("embodied_high_kg")
	if lifetime := optional("lifetime_years"); lifetime != nil {
		if asset.LifetimeYears = *lifetime; *lifetime == 0 {
			failed = errors.Join(failed, errors.New("lifetime_years is 0"))
		}
	}
	if year := optional("embodied_year"); year != nil {
		asset.EmbodiedYear = int(min(*year, 9999))
	}
	return asset, failed
}

// life reads the days of the stages, which must be in the order of a life.
func (p *hardwareParser) life(rec record, serial string) ([]warehouse.HardwareEvent, error) {
	if _, err := rec.required(string(kpi.HardwareProcured)); err != nil {
		return nil, err
	}
	var events []warehouse.HardwareEvent
	for _, stage := range kpi.HardwareStages() {
		if rec.text(string(stage)) == "" {
			continue
		}
		day, err := rec.day(string(stage))
		if err != nil {
			return nil, err
		}
		at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, p.zone)
		if at.After(p.now.Add(24 * time.Hour)) {
			return nil, fmt.Errorf("%s %s is in the future: an inventory says what has happened", stage, day.Format(time.DateOnly))
		}
		if len(events) > 0 {
			before := events[len(events)-1]
			if at.Before(before.Time) {
				return nil, fmt.Errorf("%s %s is before %s %s", stage, day.Format(time.DateOnly), before.Stage, before.Time.Format(time.DateOnly))
			}
			if !stage.MayFollow(kpi.HardwareStage(before.Stage)) {
				return nil, fmt.Errorf("it cannot be %s and %s too", before.Stage, stage)
			}
		}
		events = append(events, warehouse.HardwareEvent{Serial: serial, Time: at, Stage: string(stage), Source: hardwareSource})
	}
	return events, nil
}
