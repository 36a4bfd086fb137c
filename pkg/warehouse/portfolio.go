package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/models.sql
var modelsSQL string

//go:embed statements/hardware.sql
var hardwareSQL string

//go:embed statements/accelerators.sql
var acceleratorsSQL string

// PortfolioModel is what the company says of a model. A pointer is nil and a
// text empty where it says nothing.
type PortfolioModel struct {
	Name                string
	Provider            string
	TaskClass           string
	Stage               string
	BusinessCriticality *float64 // 0..100
	Accuracy            *float64
	AccuracyMetric      string
	ParametersBillion   *float64
	Family              string
	LatencySLO          *float64 // milliseconds
}

// Models lists the models by name, without the members for idle and unallocated
// energy.
func (r *Reader) Models(ctx context.Context) (models []PortfolioModel, err error) {
	err = r.read(ctx, AndModels(&models))
	return models, err
}

// AndModels reads what Models does.
func AndModels(models *[]PortfolioModel) And {
	return And{
		what: "the models", statement: modelsSQL,
		args: func(kpi.Calendar) pgx.NamedArgs {
			return pgx.NamedArgs{"reserved": []string{kpi.Idle, kpi.Unallocated}}
		},
		collect: func(rows pgx.Rows, _ kpi.Calendar) (err error) {
			*models, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PortfolioModel])
			return err
		},
	}
}

// Asset is a piece of hardware and what has happened to it, oldest first.
type Asset struct {
	Serial            string
	Accelerator       string
	Region            string // empty: not placed
	BusinessUnit      string // empty: shared
	PurchaseCost      *kpi.USD
	LifetimeYears     float64
	EmbodiedKilograms *kpi.KilogramsCO2e // cradle to gate unless EmbodiedBoundary says otherwise
	EmbodiedLow       *kpi.KilogramsCO2e
	EmbodiedHigh      *kpi.KilogramsCO2e
	EmbodiedBoundary  string
	EmbodiedSource    string
	Stages            []string
	StagesAt          []time.Time // the time of each of Stages
	// Health is that of its GPUs as an agent last saw them; all of it unknown where none did.
	Health kpi.HardwareHealth
}

// Hardware lists the assets with their life up to a time; assets that were not
// there yet are left out. Filters on business unit and region apply.
func (r *Reader) Hardware(ctx context.Context, until time.Time, filters kpi.Filters) ([]Asset, error) {
	args := filterArguments(filters)
	args["until"] = until
	rows, err := r.pool.Query(ctx, hardwareSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading the hardware: %w", err)
	}
	assets, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Asset, err error) {
		h := &a.Health
		err = row.Scan(&a.Serial, &a.Accelerator, &a.Region, &a.BusinessUnit, &a.PurchaseCost, &a.LifetimeYears,
			&a.EmbodiedKilograms, &a.EmbodiedLow, &a.EmbodiedHigh, &a.EmbodiedBoundary, &a.EmbodiedSource, &a.Stages, &a.StagesAt,
			&h.UncorrectedECC, &h.RemappedRows, &h.RetiredPages, &h.RemapPending, &h.RemapFailed, &h.Lost)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the hardware: %w", err)
	}
	return assets, nil
}

// HardwareSQL is the statement behind Hardware, for an answer's metadata.
func HardwareSQL() string { return hardwareSQL }

// Accelerator is the published embodied carbon of a kind of accelerator. The
// figures differ several-fold between methods, so each has its range and source.
type Accelerator struct {
	Name              string
	EmbodiedKilograms kpi.KilogramsCO2e
	EmbodiedLow       kpi.KilogramsCO2e
	EmbodiedHigh      kpi.KilogramsCO2e
	EmbodiedBoundary  string
	EmbodiedSource    string
}

// Accelerators lists the accelerators with an embodied figure, by name.
func (r *Reader) Accelerators(ctx context.Context) ([]Accelerator, error) {
	rows, err := r.pool.Query(ctx, acceleratorsSQL)
	if err != nil {
		return nil, fmt.Errorf("reading the accelerators: %w", err)
	}
	accelerators, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Accelerator])
	if err != nil {
		return nil, fmt.Errorf("reading the accelerators: %w", err)
	}
	return accelerators, nil
}
