package warehousetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// SmallCompany returns a warehouse of November 2026: six chat models of rising
// intensity in two business units, a training run, idle energy, and four
// accelerators. now is when its events are written.
func SmallCompany(t testing.TB, now time.Time) *pgxpool.Pool {
	t.Helper()
	pool := Open(t)
	var events []warehouse.Event
	for i := range 6 {
		for _, month := range []time.Month{10, 11} {
			e := Event(fmt.Sprint("chat", i, month), time.Date(2026, month, 10+i, 9, 0, 0, 0, time.UTC))
			e.Model, e.Project, e.Requests = fmt.Sprint("chat-", i), fmt.Sprint("project-", i%2), 10_000
			e.ITEnergy = kpi.KilowattHours(0.2 * float64(i+1))
			e.Measured = i%2 == 0
			events = append(events, e)
		}
	}
	training := Event("training", time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC))
	training.Duration, training.Workload, training.Requests, training.InputTokens, training.OutputTokens = 5*time.Hour, kpi.WorkloadTraining, 0, 0, 0
	training.Model, training.Project, training.ITEnergy, training.RunID = "chat-0", "project-0", 40, "run-1"
	idle := Event("idle", time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC))
	idle.Model, idle.Project, idle.Workload, idle.Requests, idle.InputTokens, idle.OutputTokens, idle.ITEnergy = kpi.Idle, kpi.Idle, kpi.WorkloadIdle, 0, 0, 0, 5
	Write(t, pool, now, append(events, training, idle)...)
	Refresh(t, pool)
	Exec(t, pool,
		`UPDATE wattscore.model SET task_class = 'chat', provider = 'Acme', business_criticality = 20 * right(name, 1)::int WHERE name LIKE 'chat-%'`,
		`UPDATE wattscore.project SET business_unit = 'Unit ' || right(name, 1), team = 'Team ' || right(name, 1) WHERE name LIKE 'project-%'`,
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'electricity_price', '2026-01-01', 0.1, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1'`,
		`INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'grid_market', '2026-01-01', 50, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1'`,
		`SELECT wattscore.fill_factor_periods(1)`,
		`INSERT INTO wattscore.hardware_asset (serial, accelerator, region_id, business_unit, purchase_cost_usd, lifetime_years)
			SELECT 'GPU-' || n, 'NVIDIA H100 SXM', region_id, 'Unit ' || n % 2, 30000, 4 FROM wattscore.region, generate_series(1, 4) n WHERE code = 'us-central1'`,
		`INSERT INTO wattscore.hardware_event SELECT asset_id, '2022-06-01', 'procured', 'test' FROM wattscore.hardware_asset`,
		`INSERT INTO wattscore.hardware_event SELECT asset_id, '2022-07-01', 'deployed', 'test' FROM wattscore.hardware_asset`,
		`INSERT INTO wattscore.hardware_event SELECT asset_id, '2026-11-15', 'decommissioned', 'test' FROM wattscore.hardware_asset WHERE serial IN ('GPU-1', 'GPU-2')`,
		`INSERT INTO wattscore.hardware_event SELECT asset_id, '2026-11-20', 'recycled', 'test' FROM wattscore.hardware_asset WHERE serial = 'GPU-1'`,
	)
	return pool
}
