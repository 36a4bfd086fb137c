package warehouse_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// companysOwn are the tables and views that every login sees whole: nothing in them is a
// business unit's. A new table is in this list, under a policy, or not granted.
var companysOwn = []string{"accelerator", "calendar_day", "calendar_setting", "facility_pue_reading", "facility_reading", "factor_period", "factor_restatement",
	"factor_version", "reference_intensity", "region", "region_factor", "rollup_family", "rollup_state", "schema_migration", "task_class", "workload"}

// others are the names of Unit 1 and of what is its own in the small company.
var others = []string{"Unit 1", "Team 1", "project-1", "chat-1", "chat-3", "chat-5", "GPU-1", "GPU-3", "GPU-of-1", "run-of-1", "endpoint-1"}

func scopedCompany(t *testing.T) (owner, scoped *warehouse.Store, query func(sql string, args ...any) ([][]any, error)) {
	t.Helper()
	now := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	pool := warehousetest.SmallCompany(t, now)
	late := warehousetest.Event("late", now.Add(-time.Hour)) // not rolled up
	late.Project, late.Model, late.Endpoint, late.RunID, late.Workload = "project-1", "chat-5", "endpoint-1", "run-of-1", kpi.WorkloadTraining
	late.Requests, late.InputTokens, late.OutputTokens = 0, 0, 0
	warehousetest.Write(t, pool, now, late)
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.business_metric (month, metric, business_unit, value, source) SELECT '2026-11-01', 'revenue', u, 7, u FROM unnest(ARRAY['', 'Unit 0', 'Unit 1']) u`,
		`INSERT INTO wattscore.cost_budget (day, business_unit, usd, source) SELECT '2026-11-01', u, 7, u FROM unnest(ARRAY['', 'Unit 0', 'Unit 1']) u`,
		`INSERT INTO wattscore.gpu_device (gpu_uuid, host, region_id, gpu_index, name, asset_id, first_seen, last_seen)
			SELECT 'GPU-of-' || right(business_unit, 1) || '-' || asset_id, 'node', region_id, asset_id, 'H100', asset_id, now(), now() FROM wattscore.hardware_asset`,
		`INSERT INTO wattscore.gpu_energy SELECT gpu_uuid, date_bin('15 minutes', now(), '2000-01-01Z'), 5 FROM wattscore.gpu_device`,
		`DELETE FROM wattscore.event WHERE event_id = (SELECT min(event_id::text)::uuid FROM wattscore.event WHERE project = 'project-1')`)
	as := warehousetest.ScopedTo(t, pool, "Unit 0")
	return warehouse.OpenStore(pool), warehouse.OpenStore(as), func(sql string, args ...any) ([][]any, error) {
		rows, err := as.Query(context.Background(), sql, args...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	}
}

// Every table and view there is, whoever made it, by direct SQL.
func TestAScopedLoginSeesNoRowOfOtherUnits(t *testing.T) {
	_, _, query := scopedCompany(t)
	relations, err := query(`SELECT c.relname::text, c.relkind::text, has_table_privilege(c.oid, 'SELECT'), c.relrowsecurity,
			EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'wattscore' AND p.tablename = c.relname AND p.policyname = 'scope' AND p.permissive = 'RESTRICTIVE'),
			c.reloptions::text, c.relispartition
		FROM pg_class c WHERE c.relnamespace = 'wattscore'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1`)
	require.NoError(t, err)
	seen := 0
	for _, relation := range relations {
		name, kind, granted := relation[0].(string), relation[1].(string), relation[2].(bool)
		rows, err := query("SELECT t::text FROM wattscore." + name + " t")
		if !granted {
			assert.ErrorContains(t, err, "permission denied", name)
			continue
		}
		require.NoError(t, err, name)
		seen++
		assert.False(t, relation[6].(bool), "%s: a partition is read through its table", name)
		switch {
		case strings.HasPrefix(name, "seen_"): // goes by who logged in, as the rows above and the counts below show
		case kind == "v":
			options, _ := relation[5].(string)
			assert.Contains(t, options, "security_invoker=true", name)
		default:
			public := false
			for _, own := range companysOwn {
				public = public || own == name
			}
			assert.NotEqual(t, public, relation[3].(bool) && relation[4].(bool), "%s: is it the company's own, or under the policy?", name)
		}
		for _, row := range rows {
			for _, other := range others {
				assert.NotContains(t, row[0], other, name)
			}
		}
	}
	assert.Greater(t, seen, 30)
	for sql, want := range map[string]any{
		"SELECT count(*) FROM wattscore.seen_inference_energy_fact":   int64(12), // six requests, and a training run of five hours in six slices
		"SELECT count(*) FROM wattscore.project":                      int64(1),
		"SELECT count(*) FROM wattscore.model":                        int64(3),
		"SELECT count(*) FROM wattscore.hardware_asset":               int64(2),
		"SELECT count(*) FROM wattscore.gpu_device":                   int64(2),
		"SELECT count(*) FROM wattscore.gpu_energy":                   int64(2),
		"SELECT count(*) FROM wattscore.business_metric":              int64(1),
		"SELECT count(DISTINCT project) FROM wattscore.seen_event":    int64(1),
		"SELECT count(DISTINCT project_id) FROM wattscore.rollup_day": int64(1),
		"SELECT count(*) FROM wattscore.rollup_run_day":               int64(2), // a run of five hours, over midnight
	} {
		rows, err := query(sql)
		require.NoError(t, err, sql)
		assert.Equal(t, want, rows[0][0], sql)
	}
}

func TestAScopedLoginCannotWidenItself(t *testing.T) {
	owner, _, query := scopedCompany(t)
	for _, sql := range []string{
		"SET ROLE wattscore_reader", "SET ROLE wattscore_writer", "SET ROLE wattscore_owner", "SET SESSION AUTHORIZATION postgres",
		"SELECT * FROM wattscore.reader_scope", "INSERT INTO wattscore.reader_scope VALUES (session_user, 'Unit 1')", "DELETE FROM wattscore.reader_scope",
		"SELECT * FROM wattscore.verify_rollups()", "SELECT wattscore.refresh_rollups()", "SELECT wattscore.read_views_as_who_asks()",
		"ALTER TABLE wattscore.project DISABLE ROW LEVEL SECURITY", "DROP POLICY scope ON wattscore.project",
		"UPDATE wattscore.project SET business_unit = 'Unit 0'", "INSERT INTO wattscore.project (name, business_unit) VALUES ('x', 'Unit 0')",
		"SELECT * FROM wattscore.inference_energy_fact", "SELECT * FROM wattscore.fact_removal", "SELECT * FROM wattscore.event", "SELECT * FROM wattscore.fact_measure",
		"SELECT * FROM wattscore.rollup_model_day", "SELECT * FROM wattscore.rollup_site_day", "SELECT * FROM wattscore.rollup_latency_day",
		"SELECT * FROM wattscore.rollup_breach_day",
		"SELECT wattscore.add_to_rollups(0, 1, NULL, NULL)",
	} {
		_, err := query(sql)
		assert.ErrorContains(t, err, "42501", sql)
	}
	_, err := query("SET row_security = off")
	require.NoError(t, err)
	for range 8 { // one of the pool's sessions has it
		rows, err := query("SELECT name FROM wattscore.project")
		if err == nil {
			assert.Equal(t, [][]any{{"project-0"}}, rows)
		}
	}
	_, err = query("SET ROLE wattscore_scoped")
	require.NoError(t, err)
	for range 8 {
		rows, err := query("SELECT name FROM wattscore.project")
		if err == nil {
			assert.Equal(t, [][]any{{"project-0"}}, rows)
		}
	}
	// Functions that run with the owner's rights are a way around policies.
	functions, err := query(`SELECT proname::text FROM pg_proc WHERE pronamespace = 'wattscore'::regnamespace AND prosecdef
		AND has_function_privilege(oid, 'EXECUTE') AND prorettype <> 'trigger'::regtype ORDER BY 1`)
	if err == nil {
		assert.Equal(t, [][]any{{"current_ingest_xid"}, {"scope"}, {"scope_projects"}, {"was_restored"}}, functions)
	}
	logins, err := owner.Logins(context.Background())
	require.NoError(t, err)
	for _, login := range logins {
		if strings.HasPrefix(login.Name, "scoped_") && len(login.Scope) > 0 {
			assert.Equal(t, []string{"wattscore_scoped"}, login.Roles)
			assert.Equal(t, []string{"Unit 0"}, login.Scope)
		}
	}
}

func TestALoginIsScopedAndNoLonger(t *testing.T) {
	pool := warehousetest.SmallCompany(t, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	store, ctx := warehouse.OpenStore(pool), context.Background()
	as := warehousetest.ScopedTo(t, pool, "Unit 1", kpi.Idle)
	name := as.Config().ConnConfig.User
	units, err := warehouse.NewReader(as).Scope(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"Unit 1", kpi.Idle}, units)
	var projects []string
	require.NoError(t, as.QueryRow(ctx, "SELECT array_agg(name ORDER BY name) FROM wattscore.project").Scan(&projects))
	assert.Equal(t, []string{kpi.Idle, "project-1"}, projects)

	_, err = store.PutLogin(ctx, name, warehouse.RoleReader, "")
	require.NoError(t, err)
	as.Reset()
	units, err = warehouse.NewReader(as).Scope(ctx)
	require.NoError(t, err)
	assert.Nil(t, units)
	require.NoError(t, as.QueryRow(ctx, "SELECT array_agg(name ORDER BY name) FROM wattscore.project WHERE name LIKE 'project-%'").Scan(&projects))
	assert.Equal(t, []string{"project-0", "project-1"}, projects)

	_, err = store.PutLogin(ctx, name, warehouse.RoleScoped, "")
	assert.ErrorContains(t, err, "at least one business unit")
	_, err = store.PutLogin(ctx, name, warehouse.RoleScoped, "", "Unit 9")
	assert.ErrorContains(t, err, "Unit 9")
}

// A condition that fails on a value tells the value, so it must not run on others' rows.
func TestAConditionOfAScopedLoginRunsOnItsOwnRowsOnly(t *testing.T) {
	pool := warehousetest.SmallCompany(t, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	as := warehousetest.ScopedTo(t, pool, "Unit 0")
	for column, own := range map[string]string{"project": "project-0", "model": "chat-", "region": "us-central1"} {
		_, err := as.Exec(context.Background(), "SELECT count(*) FROM wattscore.seen_event WHERE "+column+"::int = 1")
		assert.ErrorContains(t, err, `"`+own, "the first value that it sees is its own")
	}
	rows, err := as.Query(context.Background(), `SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'wattscore'::regnamespace
		AND c.relname LIKE 'seen\_%' AND NOT coalesce(c.reloptions::text LIKE '%security_barrier=true%', false)`)
	require.NoError(t, err)
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	assert.Empty(t, open, "views without a barrier")
}

func TestALoginThatCouldSeeMoreIsNotLimited(t *testing.T) {
	pool := warehousetest.SmallCompany(t, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	store, ctx := warehouse.OpenStore(pool), context.Background()
	name := warehousetest.ScopedTo(t, pool, "Unit 0").Config().ConnConfig.User
	inner, outer := name+"_inner", name+"_outer"
	warehousetest.Exec(t, pool, "CREATE ROLE "+inner+" NOLOGIN", "CREATE ROLE "+outer+" NOLOGIN", "GRANT wattscore_reader TO "+inner, "GRANT "+inner+" TO "+outer)
	t.Cleanup(func() { warehousetest.Exec(t, pool, "DROP ROLE "+outer, "DROP ROLE "+inner) })
	for give, take := range map[string]string{
		"GRANT " + outer + " TO " + name:     "REVOKE " + outer + " FROM " + name,
		"GRANT pg_read_all_data TO " + name:  "REVOKE pg_read_all_data FROM " + name,
		"ALTER ROLE " + name + " CREATEROLE": "ALTER ROLE " + name + " NOCREATEROLE",
		"ALTER ROLE " + name + " BYPASSRLS":  "ALTER ROLE " + name + " NOBYPASSRLS",
	} {
		warehousetest.Exec(t, pool, give)
		_, err := store.PutLogin(ctx, name, warehouse.RoleScoped, "", "Unit 1")
		assert.ErrorContains(t, err, "could see more than its business units", give)
		var units []string
		require.NoError(t, pool.QueryRow(ctx, "SELECT array_agg(business_unit) FROM wattscore.reader_scope WHERE login = $1", name).Scan(&units))
		assert.Equal(t, []string{"Unit 0"}, units, "nothing was changed")
		warehousetest.Exec(t, pool, take)
	}
	_, err := store.PutLogin(ctx, name, warehouse.RoleScoped, "", "Unit 1")
	assert.NoError(t, err)
}
