package warehouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestMigrateTwiceTakesNoStep(t *testing.T) {
	pool := warehousetest.Open(t)
	steps, err := warehouse.Migrate(context.Background(), pool.Config().ConnConfig)
	require.NoError(t, err)
	assert.Empty(t, steps)
	status, err := warehouse.MigrationStatus(context.Background(), pool.Config().ConnConfig)
	require.NoError(t, err)
	require.NotEmpty(t, status)
	assert.Equal(t, warehouse.SchemaVersion(), status[len(status)-1].Version)
	for _, step := range status {
		assert.False(t, step.AppliedAt.IsZero(), "%s is applied", step.File)
	}
}

// as runs a statement with the privileges of a role.
func as(t *testing.T, conn *pgx.Conn, role, statement string) error {
	t.Helper()
	tx, err := conn.Begin(context.Background())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.Background())) }()
	_, err = tx.Exec(context.Background(), "SET LOCAL ROLE "+role)
	require.NoError(t, err)
	_, err = tx.Exec(context.Background(), statement)
	return err
}

func TestRolesMayDoWhatTheyNeedAndNoMore(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("seed", now.Add(-time.Hour)))
	acquired, err := pool.Acquire(context.Background())
	require.NoError(t, err)
	defer acquired.Release()
	const insertFact = `INSERT INTO wattscore.inference_energy_fact (event_id, ts, model_id, project_id, region_id, endpoint_id, workload_id,
		measured, requests, input_tokens, output_tokens, it_energy_nwh, source%s)
		SELECT gen_random_uuid(), ts, model_id, project_id, region_id, endpoint_id, workload_id, true, 1, 0, 0, 1, 'test'%s
		FROM wattscore.inference_energy_fact LIMIT 1`
	for _, test := range []struct {
		role, statement string
		allowed         bool
	}{
		{"wattscore_reader", "SELECT count(*) FROM wattscore.rollup_day", true},
		{"wattscore_reader", "SELECT count(*) FROM wattscore.event", true},
		{"wattscore_reader", "UPDATE wattscore.region_factor SET value = 1", false},
		{"wattscore_reader", "INSERT INTO wattscore.model (name) VALUES ('x')", false},
		{"wattscore_reader", "SELECT wattscore.refresh_rollups()", false},
		{"wattscore_reader", "SELECT wattscore.put_factors_in_force(1)", false},
		{"wattscore_writer", fmt.Sprintf(insertFact, "", ""), true},
		{"wattscore_writer", fmt.Sprintf(insertFact, ", ingest_xid", ", 1"), false},
		{"wattscore_writer", "SELECT wattscore.refresh_rollups()", true},
		{"wattscore_writer", "INSERT INTO wattscore.telemetry_span (span, kinship) VALUES (gen_random_uuid(), 1)", true},
		{"wattscore_writer", "DELETE FROM wattscore.telemetry_stream", true},
		{"wattscore_reader", "DELETE FROM wattscore.telemetry_stream", false},
		{"wattscore_writer", "INSERT INTO wattscore.prometheus_window (source, started_at, ended_at, revision, content) VALUES ('a', now(), now() + interval '1 hour', 0, '')", true},
		{"wattscore_writer", "UPDATE wattscore.prometheus_window SET source = 'b'", false},
		{"wattscore_writer", "DELETE FROM wattscore.prometheus_window", false},
		{"wattscore_writer", "DELETE FROM wattscore.inference_energy_fact", false},
		{"wattscore_writer", "UPDATE wattscore.inference_energy_fact SET it_energy_nwh = 0", false},
		{"wattscore_writer", "UPDATE wattscore.rollup_state SET next_xid = 0", false},
		{"wattscore_writer", "SELECT wattscore.rebuild_rollups()", false},
		{"wattscore_writer", "DROP TABLE wattscore.model", false},
	} {
		err := as(t, acquired.Conn(), test.role, test.statement)
		if test.allowed {
			assert.NoError(t, err, "%s: %s", test.role, test.statement)
			continue
		}
		var refused *pgconn.PgError
		if assert.ErrorAs(t, err, &refused, "%s: %s", test.role, test.statement) {
			assert.Equal(t, "42501", refused.Code, "%s: %s: %s", test.role, test.statement, refused.Message)
		}
	}
}

func TestEventViewTakesAndGivesUnitsPeopleUse(t *testing.T) {
	pool := warehousetest.Open(t)
	const insert = `INSERT INTO wattscore.event (event_id, ts, model, project, region, workload, requests, latency_ms, it_energy_kwh, quality, source)
		VALUES ('00000000-0000-0000-0000-000000000001', '2026-11-19 10:00Z', 'coder', '', 'FRA', 'inference', 10, 250.5, 0.25, 'measured', 'sql')`
	for _, stored := range []int64{1, 0} {
		tag, err := pool.Exec(context.Background(), insert)
		require.NoError(t, err)
		assert.Equal(t, stored, tag.RowsAffected(), "the statement says whether the event is new")
	}
	var (
		project                           string
		latency, energy, facility, carbon float64
		count                             int
	)
	err := pool.QueryRow(context.Background(), `SELECT project, latency_ms, it_energy_kwh, facility_energy_kwh, carbon_location_kg, count(*) OVER ()
		FROM wattscore.event`).Scan(&project, &latency, &energy, &facility, &carbon, &count)
	require.NoError(t, err)
	assert.Equal(t, 1, count, "the same event twice is one event")
	assert.Equal(t, "__unallocated__", project)
	assert.Equal(t, 250.5, latency)
	assert.Equal(t, 0.25, energy)
	assert.InDelta(t, 0.25*1.58, facility, 1e-12)
	assert.InDelta(t, 0.25*1.58*0.056039, carbon, 1e-12)
	_, err = pool.Exec(context.Background(), `INSERT INTO wattscore.event (event_id, ts, region, workload, it_energy_kwh, quality)
		VALUES (gen_random_uuid(), now(), 'mars', 'inference', 1, 'measured')`)
	assert.ErrorContains(t, err, "unknown region mars")
}

func TestCalendarKnowsFiscalYears(t *testing.T) {
	pool := warehousetest.Open(t)
	for _, test := range []struct {
		start                int
		day                  string
		year, quarter, month int
	}{
		{1, "2026-12-31", 2026, 4, 12},
		{10, "2026-09-30", 2026, 4, 12},
		{10, "2026-10-01", 2027, 1, 1},
		{4, "2026-03-31", 2026, 4, 12},
		{4, "2026-05-31", 2027, 1, 2},
	} {
		warehousetest.Exec(t, pool, fmt.Sprintf("SELECT wattscore.set_calendar('UTC', %d::smallint)", test.start))
		var year, quarter, month int
		require.NoError(t, pool.QueryRow(context.Background(), "SELECT fiscal_year, fiscal_quarter, fiscal_month FROM wattscore.calendar_day WHERE day = $1", test.day).
			Scan(&year, &quarter, &month))
		assert.Equal(t, []int{test.year, test.quarter, test.month}, []int{year, quarter, month}, "%s with a fiscal year from month %d", test.day, test.start)
	}
}
