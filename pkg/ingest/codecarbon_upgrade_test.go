package ingest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres/postgrestest"
)

// A warehouse at version 17 has a run as the version before wrote it: three increments of
// 0.1, 0.15 and 0.25 kWh under ids of that version, and its training run. A second run, of
// inference, has no end to be read. After the migration the same file adds nothing.
func TestAWarehouseThatHasRunsCountsThemNoMore(t *testing.T) {
	ctx, dsn := context.Background(), postgrestest.DSN(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	config.RuntimeParams["search_path"] = "wattscore"
	folder := filepath.Join("..", "warehouse")
	bootstrap, err := os.ReadFile(filepath.Join(folder, "statements", "bootstrap.sql"))
	require.NoError(t, err)
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, string(bootstrap)); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "SET ROLE wattscore_owner")
		return err
	}))
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(filepath.Join(folder, "migrations")), goose.WithTableName("schema_migration"))
	require.NoError(t, err)
	_, err = provider.UpTo(ctx, 17)
	require.NoError(t, err)
	for _, statement := range []string{
		"INSERT INTO project (name) VALUES ('ranking') ON CONFLICT DO NOTHING",
		"SELECT ensure_partitions('2026-03-01Z', '2026-03-31Z')",
		`INSERT INTO event (event_id, ts, project, region, workload, it_energy_kwh, carbon_location_kg, gpu_hours, quality, source, run_id)
		 SELECT gen_random_uuid(), ts, project, 'FRA', workload, kwh, kg, 0, 'measured', 'codecarbon', run FROM (VALUES
			('2026-03-02 08:00Z'::timestamptz, 'ranking', 'training', 0.1, 0.02, 'r'),
			('2026-03-02 08:10Z', 'ranking', 'training', 0.15, 0.03, 'r'), ('2026-03-02 08:20Z', 'ranking', 'training', 0.25, 0.04, 'r'),
			('2026-03-02 09:00Z', '', 'inference', 0.5, 0.05, 's')) AS v (ts, project, workload, kwh, kg, run)`,
		`INSERT INTO training_run (run_id, project_id, started_at, ended_at) SELECT 'r', project_id, '2026-03-02 08:00Z', '2026-03-02 08:40Z' FROM project WHERE name = 'ranking'`,
	} {
		_, err := db.ExecContext(ctx, statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, db.Close())
	plain, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	_, err = warehouse.Migrate(ctx, plain)
	require.NoError(t, err)
	pool, err := warehouse.OpenDSN(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)

	const header = "timestamp,project_name,run_id,duration,emissions,energy_consumed,country_iso_code\n"
	const text = header + "2026-03-02T08:10:00,ranking,r,600,0.02,0.1,FRA\n2026-03-02T08:20:00,ranking,r,1200,0.05,0.25,FRA\n2026-03-02T08:40:00,ranking,r,2400,0.09,0.5,FRA\n" +
		"2026-03-02T09:30:00,,s,1800,0.05,0.5,FRA\n"
	before := energyAndCarbon(t, pool)
	require.Equal(t, "(1000000000000,140000000)", before, "0.1 + 0.15 + 0.25 + 0.5 kWh")
	assert.Equal(t, Report{Read: 4, Unchanged: 4}, importCodeCarbon(t, pool, "emissions.csv", text))
	assert.Equal(t, before, energyAndCarbon(t, pool))
	// 0.2 kWh and 0.01 kg more of the one, 0.1 kWh and 0.01 kg of the other.
	importCodeCarbon(t, pool, "emissions.csv", text+"2026-03-02T09:00:00,ranking,r,3600,0.1,0.7,FRA\n2026-03-02T10:30:00,,s,5400,0.06,0.6,FRA\n")
	assert.Equal(t, "(1300000000000,160000000)", energyAndCarbon(t, pool), "what they grow by counts")
}
