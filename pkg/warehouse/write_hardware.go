package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// HardwareAsset is a piece of hardware. An empty text, a nil pointer and a
// number of 0 leave what is there.
type HardwareAsset struct {
	Serial        string
	Accelerator   string // its embodied figures count where the asset has none
	Region        string // must exist; empty: not placed
	BusinessUnit  string // empty: shared
	PurchaseCost  *float64
	LifetimeYears float64 // 0: 4 years when new
	// EmbodiedKilograms is the asset's own figure in kg CO2e, which names its
	// boundary and source; Low and High are its range.
	EmbodiedKilograms, EmbodiedLow, EmbodiedHigh *float64
	EmbodiedBoundary, EmbodiedSource             string
	EmbodiedYear                                 int
}

// HardwareEvent is the moment a piece of hardware came to a stage of its life.
type HardwareEvent struct {
	Serial string
	Time   time.Time
	Stage  string // one of kpi.HardwareStages
	Source string
}

//go:embed statements/upsert_hardware_assets.sql
var upsertHardwareAssetsSQL string

//go:embed statements/upsert_hardware_events.sql
var upsertHardwareEventsSQL string

// WriteHardware stores assets and what happened to them, in one transaction. An
// event's asset is one of the batch or of the warehouse; the event of an asset
// that was rejected is rejected with it.
func (s *Store) WriteHardware(ctx context.Context, assets []HardwareAsset, events []HardwareEvent) (WriteResult, WriteResult, error) {
	regions, err := collectTexts(ctx, s.pool, "SELECT code FROM wattscore.region ORDER BY 1")
	if err != nil {
		return WriteResult{}, WriteResult{}, fmt.Errorf("reading the regions: %w", err)
	}
	var assetResult, eventResult WriteResult
	acceptedAssets, assetResult := screen(assets, func(a HardwareAsset) string { return a.Serial },
		func(a HardwareAsset) error { return a.check(regions) })
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := assetResult.store(ctx, tx, upsertHardwareAssetsSQL, assetArguments(assets, acceptedAssets), acceptedAssets); err != nil {
			return err
		}
		known, err := knownSerials(ctx, tx, events)
		if err != nil {
			return err
		}
		for _, rejection := range assetResult.Rejected {
			serial := assets[rejection.Index].Serial
			if !slices.ContainsFunc(acceptedAssets, func(i int) bool { return assets[i].Serial == serial }) {
				delete(known, serial)
			}
		}
		accepted, result := screen(events, HardwareEvent.key, func(e HardwareEvent) error { return e.check(known) })
		eventResult = result
		return eventResult.store(ctx, tx, upsertHardwareEventsSQL, pgx.NamedArgs{
			"serial": column(events, accepted, func(e HardwareEvent) string { return e.Serial }),
			"ts":     column(events, accepted, func(e HardwareEvent) time.Time { return e.Time }),
			"stage":  column(events, accepted, func(e HardwareEvent) string { return e.Stage }),
			"source": column(events, accepted, func(e HardwareEvent) string { return e.Source }),
		}, accepted)
	})
	if err != nil {
		return WriteResult{}, WriteResult{}, fmt.Errorf("storing %d assets and %d hardware events: %w", len(assets), len(events), err)
	}
	return assetResult, eventResult, nil
}

func assetArguments(assets []HardwareAsset, accepted []int) pgx.NamedArgs {
	return pgx.NamedArgs{
		"serial":            column(assets, accepted, func(a HardwareAsset) string { return a.Serial }),
		"accelerator":       textColumn(assets, accepted, func(a HardwareAsset) string { return a.Accelerator }),
		"region":            textColumn(assets, accepted, func(a HardwareAsset) string { return a.Region }),
		"business_unit":     textColumn(assets, accepted, func(a HardwareAsset) string { return a.BusinessUnit }),
		"purchase_cost_usd": column(assets, accepted, func(a HardwareAsset) *float64 { return a.PurchaseCost }),
		"lifetime_years":    column(assets, accepted, func(a HardwareAsset) *float64 { return unlessZero(a.LifetimeYears) }),
		"embodied_kg":       column(assets, accepted, func(a HardwareAsset) *float64 { return a.EmbodiedKilograms }),
		"embodied_low_kg":   column(assets, accepted, func(a HardwareAsset) *float64 { return a.EmbodiedLow }),
		"embodied_high_kg":  column(assets, accepted, func(a HardwareAsset) *float64 { return a.EmbodiedHigh }),
		"embodied_boundary": textColumn(assets, accepted, func(a HardwareAsset) string { return a.EmbodiedBoundary }),
		"embodied_source":   textColumn(assets, accepted, func(a HardwareAsset) string { return a.EmbodiedSource }),
		"embodied_year":     column(assets, accepted, func(a HardwareAsset) *int { return unlessZero(a.EmbodiedYear) }),
	}
}

func knownSerials(ctx context.Context, tx pgx.Tx, events []HardwareEvent) (map[string]bool, error) {
	serials := make([]string, 0, len(events))
	for _, event := range events {
		if checkText(event.Serial) == nil {
			serials = append(serials, event.Serial)
		}
	}
	rows, err := tx.Query(ctx, "SELECT serial FROM wattscore.hardware_asset WHERE serial = ANY ($1)", serials)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	var serial string
	_, err = pgx.ForEachRow(rows, []any{&serial}, func() error {
		known[serial] = true
		return nil
	})
	return known, err
}

func (a HardwareAsset) check(regions []string) error {
	if a.Region != "" {
		if _, found := slices.BinarySearch(regions, a.Region); !found {
			return fmt.Errorf("unknown region %q: import its factors first, or correct the code", a.Region)
		}
	}
	switch {
	case a.Serial == "":
		return errors.New("the asset has no serial number")
	case a.Accelerator == "":
		return errors.New("the asset does not say its accelerator")
	case a.LifetimeYears != 0 && !(a.LifetimeYears > 0 && a.LifetimeYears <= 50):
		return fmt.Errorf("a lifetime of %g years is not between 0 and 50", a.LifetimeYears)
	case a.EmbodiedKilograms == nil && (a.EmbodiedLow != nil || a.EmbodiedHigh != nil):
		return errors.New("the range of the embodied carbon has no figure between its ends")
	case a.EmbodiedKilograms != nil && (a.EmbodiedBoundary == "" || a.EmbodiedSource == ""):
		return errors.New("the embodied carbon does not say its boundary and source, and figures differ several-fold between them")
	case a.EmbodiedLow != nil && *a.EmbodiedLow > *a.EmbodiedKilograms, a.EmbodiedHigh != nil && *a.EmbodiedHigh < *a.EmbodiedKilograms:
		return errors.New("the embodied carbon lies outside its own range")
	case a.EmbodiedYear != 0 && (a.EmbodiedYear < 1990 || a.EmbodiedYear >= calendarEnd.Year()):
		return fmt.Errorf("the embodied carbon's year %d is not between 1990 and %d", a.EmbodiedYear, calendarEnd.Year()-1)
	}
	return errors.Join(
		checkText(a.Serial, a.Accelerator, a.BusinessUnit, a.EmbodiedBoundary, a.EmbodiedSource),
		checkAmount("the purchase cost", a.PurchaseCost, 0),
		checkAmount("the embodied carbon", a.EmbodiedKilograms, 0),
		checkAmount("the low end of the embodied carbon", a.EmbodiedLow, 0),
		checkAmount("the high end of the embodied carbon", a.EmbodiedHigh, 0),
	)
}

func (e HardwareEvent) key() string {
	return keyOf(e.Serial, e.Stage, e.Time.UTC().Format(time.RFC3339Nano))
}

func (e HardwareEvent) check(known map[string]bool) error {
	if !slices.Contains(kpi.HardwareStages(), kpi.HardwareStage(e.Stage)) {
		names := make([]string, 0, len(kpi.HardwareStages()))
		for _, stage := range kpi.HardwareStages() {
			names = append(names, string(stage))
		}
		return fmt.Errorf("unknown stage %q: it must be one of %s", e.Stage, strings.Join(names, ", "))
	}
	switch {
	case !known[e.Serial]:
		return fmt.Errorf("there is no asset with serial number %q", e.Serial)
	case e.Source == "":
		return errNoSource
	}
	return errors.Join(checkDay(e.Stage, e.Time, earliestFigure), checkText(e.Source))
}

func unlessZero[T int | float64](value T) *T {
	if value == 0 {
		return nil
	}
	return &value
}
