package main

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// TestUnitsOfProvidersReachTheReconciliation begins with files in each source's own
// unit and ends with what wattctl query says. Our side is 1,000 kWh of IT energy in
// March 2026 in each of two regions, with factors of our own:
//
//	facility energy  1,000 kWh × PUE 1.1            = 1,100 kWh
//	location-based   1,100 kWh × 400 g/kWh / 1000   = 440 kg
//	market-based     1,100 kWh × 100 g/kWh / 1000   = 110 kg
//	cost             1,100 kWh × 0.10 USD/kWh       = 110 USD
func TestUnitsOfProvidersReachTheReconciliation(t *testing.T) {
	c := onWarehouse(t)
	factors := "region,quantity,valid_from,value,source,source_year,method,boundary\n"
	for _, region := range []string{"us-central1", "us-east-1"} {
		factors += region + ",grid_location,2026-01-01,400,test,2026,m,b\n" + region + ",grid_market,2026-01-01,100,test,2026,m,b\n" +
			region + ",pue,2026-01-01,1.1,test,2026,m,b\n" + region + ",electricity_price,2026-01-01,0.1,test,2026,m,b\n"
	}
	require.Equal(t, exitDone, c.run("import", "factors", file(t, "factors.csv", factors)), c.err)
	connection, err := pgx.Connect(context.Background(), c.env[dsnVariable])
	require.NoError(t, err)
	defer connection.Close(context.Background()) //nolint:errcheck // nothing depends on it
	_, err = connection.Exec(context.Background(), `INSERT INTO wattscore.event (event_id, ts, model, project, region, workload, requests, it_energy_kwh, quality, source)
		SELECT gen_random_uuid(), '2026-03-10 12:00Z', 'assistant', 'search', r, 'inference', 1000, 1000, 'measured', 'test' FROM unnest(ARRAY['us-central1', 'us-east-1']) r`)
	require.NoError(t, err)
	for _, kind := range []struct{ name, sample string }{{"ccf", "ccf.json"}, {"google-carbon", "google-carbon.json"}, {"aws-carbon", "aws-carbon.csv"}, {"focus", "focus.csv"}} {
		require.Equal(t, exitRejected, c.run("import", kind.name, sample(t, kind.sample)), c.err)
	}

	type row struct {
		provider, ours, coverage float64
		version                  string
	}
	march := []string{"query", "reconciliation", "--from", "2026-03-01", "--to", "2026-04-01", "--format", "json"}
	answered := func(options ...string) map[string]row {
		require.Equal(t, exitDone, c.run(append(march, options...)...), c.err)
		rows := map[string]row{}
		for _, r := range answer(t, c.out) {
			if r["provider_value"] == nil || r["our_value"] == nil {
				continue
			}
			key := r["source"].(string) + " " + r["cloud"].(string) + " " + r["quantity"].(string)
			provider, ours := r["provider_value"].(float64), r["our_value"].(float64)
			rows[key] = row{provider, ours, r["coverage"].(float64), r["model_version"].(string)}
			assert.InDelta(t, ours-provider, r["difference"], 1e-9, key)
			assert.InDelta(t, (ours-provider)/provider, r["difference_pct"], 1e-12, key)
		}
		return rows
	}
	check := func(want, got map[string]row) {
		t.Helper()
		for key, w := range want {
			g, ok := got[key]
			require.True(t, ok, key)
			assert.InDelta(t, w.provider, g.provider, 1e-9, key)
			assert.InDelta(t, w.ours, g.ours, 1e-9, key)
			assert.InDelta(t, w.coverage, g.coverage, 1e-9, key)
			assert.Equal(t, w.version, g.version, key)
		}
		assert.Len(t, got, len(want))
	}
	want := map[string]row{
		// Metric tons: 0.45 t + 8.292e-7 t = 450.0008292 kg in us-east-1, and 0.52 t in us-central1.
		"ccf aws carbon": {450.0008292, 440, 1, ""},
		"ccf gcp carbon": {520, 440, 1, ""},
		// Kilograms, of model 14 alone. Location: totals 500 + 50 + 1 + 2 = 553 less scope
		// 3 of 79.5 + 9.65 + 0.19 + 0.5 = 89.84. Market: 233.75 less the same. In
		// us-central1, where our events are: 550 − 89.15 and 232.25 − 89.15.
		"google gcp carbon_location": {463.16, 440, 460.85 / 463.16, "14"},
		"google gcp carbon_market":   {143.91, 110, 143.1 / 143.91, "14"},
		// MTCO2e, of v3.0.0 alone: (0.5 − 0.099) + (0.01 − 0.002) + (0.000012345 − 0.000003345) t
		// = 401 + 8 + 0.009 kg; market (0.15 − 0.099) + (0.004 − 0.002) + (4.5e-6 − 3.5e-6) t
		// = 51 + 2 + 0.001 kg. 8 and 2 kg of it are global.
		"aws aws carbon_location": {409.009, 440, 401.009 / 409.009, "v3.0.0"},
		"aws aws carbon_market":   {53.001, 110, 51.001 / 53.001, "v3.0.0"},
		// Effective USD of March: 80.25 + 19.875 + 6.12e-7 + 12.5 unused + 0 + 3. Not the
		// tax, the credit, February's correction, or the 1,000 that was billed up front.
		"focus aws cost": {115.625000612, 110, 1, ""},
	}
	check(want, answered())

	// All scopes, and each version: v2.0.0 states 0.41 and 0.06 t, and is added to nothing.
	all := answered("--option", "scopes=all", "--option", `sources=["google","aws"]`)
	assert.InDelta(t, 553, all["google gcp carbon_location"].provider, 1e-9)
	assert.InDelta(t, 510.012345, all["aws aws carbon_location"].provider, 1e-9)
	require.Equal(t, exitDone, c.run(append(march, "--option", "versions=all", "--option", `sources=["aws"]`, "--option", `quantities=["carbon_location"]`)...), c.err)
	rows := answer(t, c.out)
	require.Len(t, rows, 2)
	assert.InDelta(t, 410, rows[1]["provider_value"], 1e-9)
	assert.Equal(t, "v2.0.0", rows[1]["model_version"])

	// What Cloud Carbon Footprint calls kilowatt-hours is compared when asked, and not
	// in the energy that was used.
	energy := answered("--option", `quantities=["energy"]`)
	check(map[string]row{"ccf aws energy": {1187.2521875, 1100, 1, ""}, "ccf gcp energy": {1090.5, 1100, 1, ""}}, energy)
	require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "2026-03-01", "--to", "2026-04-01", "--option", "total=true", "--format", "json"), c.err)
	total := answer(t, c.out)[0]
	assert.Equal(t, 2000.0, total["energy_kwh"])
	assert.InDelta(t, 880, total["carbon_kg"], 1e-9)
	assert.InDelta(t, 220, total["cost_usd"], 1e-9)

	require.Equal(t, exitDone, c.run("explain", "reconciliation", "--from", "2026-03-01", "--to", "2026-04-01", "--rows", "3"), c.err)
	assert.Contains(t, c.out, "wattscore.provider_figure that no later import restates")
	assert.Contains(t, c.out, "focus.csv")
}

// What a person sees.
func TestReconciliationInTheTerminal(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "google-carbon", sample(t, "google-carbon.json"), sample(t, "google-carbon.csv")), c.err)
	assert.Equal(t, "read 15, stored 8, unchanged 0, rejected 7\n", c.out)
	assert.Contains(t, c.err, "google-carbon.json.rejects.csv")
	assert.Contains(t, c.err, "google-carbon.csv.rejects.csv")
	require.Equal(t, exitDone, c.run("query", "reconciliation", "--from", "2026-03-01", "--to", "2026-05-01"), c.err)
	assert.Contains(t, c.out, "463.16")
	require.Equal(t, exitFailed, c.run("import", "focus", sample(t, "focus.csv"), "--mapping", file(t, "m.yaml", "project_tag: app\n")))
	assert.Contains(t, c.err, "project_tag")
}

// A login that is limited to business units is told its figures, and not the names of the
// files, which are the whole company's.
func TestAScopedLoginExplainsTheReconciliation(t *testing.T) {
	c := onWarehouse(t)
	ctx := context.Background()
	pool, err := warehouse.OpenDSN(ctx, c.env[dsnVariable])
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	warehousetest.Exec(t, pool, "INSERT INTO wattscore.project (name, business_unit) VALUES ('search', 'Search'), ('helpdesk', 'Care')")
	require.Equal(t, exitRejected, c.run("import", "focus", sample(t, "focus.csv"), "--project-tag", "project"), c.err)
	login := warehousetest.ScopedTo(t, pool, "Search").Config().ConnConfig
	address, err := url.Parse(c.env[dsnVariable])
	require.NoError(t, err)
	address.User = url.UserPassword(login.User, login.Password)
	c.env[dsnVariable] = address.String()
	require.Equal(t, exitDone, c.run("explain", "reconciliation", "--from", "2026-03-01", "--to", "2026-04-01"), c.err)
	assert.Contains(t, c.out, "figures in wattscore.provider_figure that no later import restates")
	assert.NotContains(t, c.out, "focus.csv")
	assert.NotContains(t, c.out, "The imports they came with")
}
