package warehouse

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/gpu_past.sql
var gpuPastSQL string

// GPUPast lists what the agents of some GPUs measured in the intervals that ended in a
// span, its end included and its beginning not, by the time of their ends. Of each
// sample it is the UUID, the time, the power, the utilisation, the memory in use and
// the temperature.
func (r *Reader) GPUPast(ctx context.Context, uuids []string, span kpi.Span) ([]GPUSample, error) {
	rows, err := r.pool.Query(ctx, gpuPastSQL, pgx.NamedArgs{"gpus": uuids, "from": span.From, "to": span.To})
	if err != nil {
		return nil, fmt.Errorf("reading the past of %d GPUs: %w", len(uuids), err)
	}
	samples, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s GPUSample, err error) {
		err = row.Scan(&s.UUID, &s.Time, &s.PowerWatts, &s.Utilization, &s.MemoryUsedBytes, &s.TemperatureC)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the past of %d GPUs: %w", len(uuids), err)
	}
	return samples, nil
}
