package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/gpu_hours.sql
var gpuHoursSQL string

// GPUHours is the IT energy of a GPU in the hours asked for, in their order; nil
// where it has no sample.
type GPUHours struct {
	UUID, Name, Host string
	Index            int
	Region           string
	Energy           []*kpi.KilowattHours
}

// GPUHours lists the energy of the GPUs that agents have seen since a time, in each of
// some hours, with the statement that ran. MIG instances have none of their own and
// are left out.
func (r *Reader) GPUHours(ctx context.Context, hours []time.Time, since time.Time) ([]GPUHours, string, error) {
	rows, err := r.pool.Query(ctx, gpuHoursSQL, pgx.NamedArgs{"hours": hours, "since": since})
	if err != nil {
		return nil, "", fmt.Errorf("reading the GPUs' hours: %w", err)
	}
	gpus, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (GPUHours, error) {
		var g GPUHours
		err := row.Scan(&g.UUID, &g.Name, &g.Host, &g.Index, &g.Region, &g.Energy)
		return g, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("reading the GPUs' hours: %w", err)
	}
	return gpus, gpuHoursSQL, nil
}
