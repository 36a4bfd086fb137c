package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/gpu_fleet.sql
var gpuFleetSQL string

// GPUFleetSQL is the statement that GPUFleet sends.
func GPUFleetSQL() string { return gpuFleetSQL }

// FleetGPU is a GPU by its newest sample. A nil measure is not known.
type FleetGPU struct {
	UUID, Name, Host string
	Index            int
	Serial           string
	Parent           string // the GPU that a MIG instance is a part of
	Region, Location string // the host's

	SampledAt time.Time
	Age       time.Duration // of the sample, by the database's clock

	PowerWatts, PowerLimit *float64
	Scope                  string   // "gpu", "module" or empty
	Utilization            *float64 // 0 to 1
	MemoryUsedBytes        *int64
	MemoryTotalBytes       *int64
	TemperatureC           *float64
	Method                 string // "counter", "integrated" or empty

	// HourEnergy and DayEnergy are of this hour and this day of the company's calendar,
	// IT energy; nil where nothing was stored in them yet.
	HourEnergy, DayEnergy *kpi.KilowattHours
	Gaps                  int // of the newest sample
	DriverVersion         string
	Lost                  string // why the device does not answer

	// The factors of the host's region at the sample's time.
	PUE              *float64
	ElectricityPrice *float64 // USD per kWh
	GridLocation     *float64 // g CO2e per kWh
	GridMarket       *float64 // g CO2e per kWh
	FactorVersionID  int      // 0: none is in force
	FactorVersion    string
}

// GPUFleet lists the GPUs that agents have sent a sample of since a time, by host and
// index, each with its newest sample.
func (r *Reader) GPUFleet(ctx context.Context, since time.Time) ([]FleetGPU, error) {
	rows, err := r.pool.Query(ctx, gpuFleetSQL, pgx.NamedArgs{"since": since})
	if err != nil {
		return nil, fmt.Errorf("reading the GPU fleet: %w", err)
	}
	fleet, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (FleetGPU, error) {
		var g FleetGPU
		var age float64
		err := row.Scan(&g.UUID, &g.Name, &g.Host, &g.Index, &g.Serial, &g.Parent, &g.Region, &g.Location, &g.SampledAt, &age,
			&g.PowerWatts, &g.PowerLimit, &g.Scope, &g.Utilization, &g.MemoryUsedBytes, &g.MemoryTotalBytes, &g.TemperatureC, &g.Method,
			&g.HourEnergy, &g.DayEnergy, &g.Gaps, &g.DriverVersion, &g.Lost,
			&g.PUE, &g.ElectricityPrice, &g.GridLocation, &g.GridMarket, &g.FactorVersionID, &g.FactorVersion)
		g.Age = time.Duration(age * float64(time.Second))
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the GPU fleet: %w", err)
	}
	return fleet, nil
}
