package warehouse_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres/postgrestest"
)

// foreign runs deploy/foreign-tables.sql in a database of its own, against the warehouse
// and with a login of a role.
func foreign(t *testing.T, pool *pgxpool.Pool, role warehouse.Role) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, postgrestest.DSN(t))
	require.NoError(t, err)
	t.Cleanup(func() { connection.Close(ctx) }) //nolint:errcheck // nothing depends on it
	var available bool
	require.NoError(t, connection.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw')").Scan(&available))
	if !available {
		t.Skip("SKIPPED: this server has no postgres_fdw, which is one of PostgreSQL's contrib modules, so the foreign tables were not tried")
	}
	login, password := "fdw_"+strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))+strconv.FormatInt(time.Now().UnixNano(), 36), "fdw-test"
	_, err = warehouse.OpenStore(pool).PutLogin(ctx, login, role, password)
	require.NoError(t, err)
	t.Cleanup(func() { warehousetest.Exec(t, pool, "DROP ROLE "+login) })

	recipe, err := os.ReadFile("../../deploy/foreign-tables.sql")
	require.NoError(t, err)
	config := pool.Config().ConnConfig
	statements := strings.NewReplacer(":'host'", "'"+config.Host+"'", ":'port'", "'"+strconv.Itoa(int(config.Port))+"'", ":'database'", "'"+config.Database+"'",
		":'login'", "'"+login+"'", ":'password'", "'"+password+"'").Replace(string(recipe))
	_, err = connection.Exec(ctx, statements)
	require.NoError(t, err, statements)
	return connection
}

func TestAnotherPostgreSQLReadsTheWarehouseLive(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	pool := warehousetest.SmallCompany(t, now)
	there := foreign(t, pool, warehouse.RoleReader)

	sum := func(ask func(context.Context, string, ...any) pgx.Row, event string) (n int64, energy, cost string) {
		require.NoError(t, ask(ctx, "SELECT count(*), sum(it_energy_kwh)::text, sum(cost_usd)::text FROM "+event+" WHERE ts >= '2026-11-01Z'").Scan(&n, &energy, &cost))
		return n, energy, cost
	}
	n, energy, cost := sum(there.QueryRow, "wattscore_live.event")
	wantN, wantEnergy, wantCost := sum(pool.QueryRow, "wattscore.event")
	assert.Equal(t, []any{wantN, wantEnergy, wantCost}, []any{n, energy, cost}, "to the last digit")
	assert.Greater(t, n, int64(0))

	// What is committed in the warehouse is in the next answer.
	event := warehousetest.Event("late", now.Add(-time.Hour))
	event.ITEnergy = 5
	warehousetest.Write(t, pool, now, event)
	more, _, _ := sum(there.QueryRow, "wattscore_live.event")
	assert.Equal(t, n+1, more)

	// Conditions and joins run in the warehouse, so that not every event comes over.
	rows, err := there.Query(ctx, `EXPLAIN (VERBOSE, COSTS OFF) SELECT e.it_energy_kwh FROM wattscore_live.event e JOIN wattscore_live.project p ON p.name = e.project
		WHERE e.ts >= '2026-11-01Z' AND p.business_unit = 'Unit 0'`)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	assert.Regexp(t, `Remote SQL: SELECT .* INNER JOIN .*ts >= '2026-11-01`, strings.Join(plan, "\n"))
	var units int
	require.NoError(t, there.QueryRow(ctx, "SELECT count(DISTINCT business_unit) FROM wattscore_live.project WHERE business_unit LIKE 'Unit %'").Scan(&units))
	assert.Equal(t, 2, units)

	_, err = there.Exec(ctx, `INSERT INTO wattscore_live.event (event_id, ts, region, workload, it_energy_kwh, quality, source)
		VALUES (gen_random_uuid(), '2026-11-30Z', 'us-central1', 'inference', 1, 'measured', 'bi')`)
	assert.ErrorContains(t, err, "permission denied", "a reader writes nothing")
}

func TestAnotherPostgreSQLWritesEventsLive(t *testing.T) {
	ctx := context.Background()
	pool := warehousetest.Open(t)
	there := foreign(t, pool, warehouse.RoleWriter)
	for range 2 { // an event that is there already is not inserted again
		_, err := there.Exec(ctx, `INSERT INTO wattscore_live.event (event_id, ts, model, project, region, workload, requests, it_energy_kwh, quality, source)
			SELECT md5(n::text)::uuid, timestamptz '2026-11-01Z' + n * interval '1 minute', 'assistant', 'helpdesk', 'us-central1', 'inference', 10, 0.07, 'measured', 'dwh'
			FROM generate_series(1, 500) n`)
		require.NoError(t, err)
	}
	answers, _, err := warehouse.NewReader(pool).Usage(ctx, warehouse.UsageRequest{
		Periods: []kpi.Span{{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}, GroupBy: []kpi.Dimension{kpi.DimensionProject}})
	require.NoError(t, err)
	require.Len(t, answers[0], 1)
	assert.EqualValues(t, 5000, answers[0][0].Requests)
	assert.InDelta(t, 35, float64(answers[0][0].ITEnergy), 1e-9, "500 × 0.07 kWh")
}
