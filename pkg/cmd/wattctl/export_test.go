package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exec arranges a warehouse.
func (c *called) exec(statements ...string) {
	c.t.Helper()
	connection, err := pgx.Connect(context.Background(), c.env[dsnVariable])
	require.NoError(c.t, err)
	defer connection.Close(context.Background()) //nolint:errcheck // nothing depends on it
	for _, statement := range statements {
		_, err := connection.Exec(context.Background(), statement)
		require.NoError(c.t, err, statement)
	}
}

// fullWarehouse has what is hard to take out: an event of several hours, amounts that
// no float64 holds, figures that are stated and derived, nulls, idle energy, texts with
// commas, quotes and line ends.
func fullWarehouse(t *testing.T) *called {
	t.Helper()
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	require.Equal(t, exitDone, c.run("import", "trace", sample(t, "trace.csv"), "--energy", sample(t, "mlenergy.json"),
		"--model", "acme/Small-8B", "--gpu", "H100", "--max-num-seqs", "64", "--project", "helpdesk", "--region", "us-central1"), c.err)
	c.exec(
		`INSERT INTO wattscore.event (event_id, ts, slice, model, project, region, workload, run_id, requests, it_energy_kwh, cost_usd, carbon_location_kg,
			carbon_market_kg, gpu_hours, gpu_memory_hours, latency_ms, quality, source) VALUES
			('11111111-1111-1111-1111-111111111111', '2026-03-31T23:59:59.999999Z', 0, 'large', E'R&D, "quoted"\nnext line', 'FRA', 'training', 'run ö', 0,
				2305843.009213693953, 123456789.123456789, 0.000000001, NULL, 0.000001, 81.5, NULL, 'measured', 'facility'),
			('11111111-1111-1111-1111-111111111111', '2026-04-01T00:00:00Z', 1, 'large', E'R&D, "quoted"\nnext line', 'FRA', 'training', 'run ö', 0,
				9007.199254740993, NULL, NULL, NULL, 0, 0, NULL, 'measured', 'facility'),
			('22222222-2222-2222-2222-222222222222', '2026-04-02T12:00:00.000001Z', 0, NULL, NULL, 'us-central1', 'inference', NULL, 3,
				0.000000000001, NULL, 1.5, 0, 0, 0, 0.001, 'estimated', 'gateway')`,
		`INSERT INTO wattscore.event (event_id, ts, model, project, region, workload, it_energy_kwh, quality, source)
			VALUES (gen_random_uuid(), '2026-04-02T13:00:00Z', '__idle__', '__idle__', 'us-central1', 'idle', 4, 'measured', 'collect')`,
		`UPDATE wattscore.model SET provider = 'Acme', task_class = 'chat', parameters_billion = 8.03, accuracy = 0.1 + 0.2, accuracy_metric = 'MMLU',
			business_criticality = 70, latency_slo_ms = 812.5, released_on = '2026-02-28' WHERE name = 'acme/Small-8B'`,
		`UPDATE wattscore.project SET business_unit = 'Care', team = 'Desk', cost_centre = '0042' WHERE name = 'helpdesk'`,
		`INSERT INTO wattscore.business_metric (month, metric, business_unit, value, source) VALUES ('2026-03-01', 'revenue', '', 41200000.55, 'ERP')`,
	)
	return c
}

// exported is the content of a table in a format.
func (c *called) exported(table, format string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), table+"."+format)
	require.Equal(c.t, exitDone, c.run("export", table, "--format", format, "--output", path), c.err)
	text, err := os.ReadFile(path)
	require.NoError(c.t, err)
	return string(text)
}

var exportedTables = []string{"events", "models", "projects", "regions", "training-runs", "factors", "business"}

func TestWhatIsExportedAndImportedIsTheSame(t *testing.T) {
	from := fullWarehouse(t)
	before := map[string]string{}
	for _, table := range exportedTables {
		before[table] = from.exported(table, "csv")
	}
	assert.Contains(t, before["events"], ",2305843.009213693953,")
	assert.Contains(t, before["events"], ",9007.199254740993,")
	for _, format := range []string{"parquet", "csv"} {
		t.Run(format, func(t *testing.T) {
			to := onWarehouse(t)
			for _, kind := range []string{"events", "models", "projects", "factors", "business"} {
				path := file(t, kind+"."+format, from.exported(kind, format))
				require.Equal(t, exitDone, to.run("import", kind, path), to.err)
				if kind == "events" {
					assert.Contains(t, to.err, "left to this warehouse's own factors: ")
					assert.NotContains(t, to.err, "not used")
				}
				// Into the same one: nothing changes.
				require.Equal(t, exitDone, from.run("import", kind, path), from.err)
				assert.Regexp(t, `^read (\d+), stored 0, unchanged \d+, rejected 0\n$`, from.out, kind)
			}
			for _, table := range []string{"events", "models", "projects", "regions", "factors", "business"} {
				assert.Equal(t, before[table], to.exported(table, "csv"), table)
				assert.True(t, from.exported(table, "parquet") == to.exported(table, "parquet"), "%s, byte for byte", table)
			}
			require.Equal(t, exitDone, to.run("rollup", "verify"), to.out)
		})
	}
}
