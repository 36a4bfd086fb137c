package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres/postgrestest"
)

// called is a database and what a command said.
type called struct {
	t        *testing.T
	env      map[string]string
	out, err string
}

// onDatabase is for commands on a new, empty database.
func onDatabase(t *testing.T) *called {
	t.Helper()
	return &called{t: t, env: map[string]string{dsnVariable: postgrestest.DSN(t)}}
}

// onWarehouse is for commands on a new warehouse.
func onWarehouse(t *testing.T) *called {
	t.Helper()
	c := onDatabase(t)
	require.Equal(t, exitDone, c.run("db", "migrate"), c.err)
	return c
}

func (c *called) run(arguments ...string) int { return c.runIn(context.Background(), arguments...) }

func (c *called) runIn(ctx context.Context, arguments ...string) int {
	c.t.Helper()
	var out, err bytes.Buffer
	code := run(ctx, arguments, console{out: &out, err: &err, getenv: func(name string) string { return c.env[name] }})
	c.out, c.err = out.String(), err.String()
	assert.NotContains(c.t, c.err, "goroutine", "never a stack trace")
	return code
}

// sample copies a file of the connectors' tests, because rejects go beside it.
func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "ingest", "testdata", name))
	require.NoError(t, err)
	return file(t, filepath.Base(name), string(text))
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestImportTwiceChangesNothing(t *testing.T) {
	c := onWarehouse(t)
	trace := []string{"--energy", sample(t, "mlenergy.json"), "--model", "acme/Small-8B", "--gpu", "H100", "--max-num-seqs", "64", "--project", "helpdesk", "--region", "us-central1"}
	hardware := file(t, "hardware.csv", "serial,accelerator,procured\nA,H100 SXM,2024-01-15\nB,H100 SXM,2099-01-01\n")
	for _, test := range []struct {
		kind, path    string
		flags         []string
		first, second string
		code          int
	}{
		{"codecarbon", sample(t, "codecarbon.csv"), nil, "read 8, stored 7, unchanged 0, rejected 1\n", "read 8, stored 0, unchanged 7, rejected 1\n", exitRejected},
		{"trace", sample(t, "trace.csv"), trace, "read 5, stored 5, unchanged 0, rejected 0\n", "read 5, stored 0, unchanged 5, rejected 0\n", exitDone},
		{"factors", sample(t, "factors.csv"), nil, "read 14, stored 3, unchanged 1, rejected 10\n", "read 14, stored 0, unchanged 4, rejected 10\n", exitRejected},
		{"regions", sample(t, "region-carbon-2024.csv"), []string{"--year", "2021"}, "read 6, stored 4, unchanged 0, rejected 2\n", "read 6, stored 0, unchanged 4, rejected 2\n", exitRejected},
		{"hardware", hardware, nil, "read 2, stored 1, unchanged 0, rejected 1\n", "read 2, stored 0, unchanged 1, rejected 1\n", exitRejected},
		{"business", sample(t, "business.csv"), nil, "read 11, stored 3, unchanged 1, rejected 7\n", "read 11, stored 0, unchanged 4, rejected 7\n", exitRejected},
		{"budgets", sample(t, "budgets.csv"), nil, "read 16, stored 5, unchanged 0, rejected 11\n", "read 16, stored 0, unchanged 5, rejected 11\n", exitRejected},
		{"ccf", sample(t, "ccf.json"), nil, "read 10, stored 5, unchanged 0, rejected 5\n", "read 10, stored 0, unchanged 5, rejected 5\n", exitRejected},
		{"google-carbon", sample(t, "google-carbon.json"), nil, "read 10, stored 5, unchanged 0, rejected 5\n", "read 10, stored 0, unchanged 5, rejected 5\n", exitRejected},
		{"aws-carbon", sample(t, "aws-carbon.csv"), nil, "read 9, stored 4, unchanged 0, rejected 5\n", "read 9, stored 0, unchanged 4, rejected 5\n", exitRejected},
		{"focus", sample(t, "focus.csv"), []string{"--project-tag", "project"}, "read 14, stored 9, unchanged 0, rejected 5\n", "read 14, stored 0, unchanged 9, rejected 5\n", exitRejected},
	} {
		t.Run(test.kind, func(t *testing.T) {
			for _, want := range []string{test.first, test.second} {
				code := c.run(append([]string{"import", test.kind, test.path}, test.flags...)...)
				assert.Equal(t, test.code, code, c.err)
				assert.Equal(t, want, c.out)
			}
			rejects := test.path + ".rejects.csv"
			if test.code == exitDone {
				assert.NoFileExists(t, rejects)
				return
			}
			assert.Contains(t, c.err, "The rejected records are in "+rejects)
			assert.FileExists(t, rejects)
		})
	}
	require.Equal(t, exitDone, c.run("rollup", "status"))
	assert.Regexp(t, `facts waiting +0\n`, c.out, "the roll-ups are fresh after an import")
}

func TestWrongUsage(t *testing.T) {
	c := onDatabase(t)
	csvFile := sample(t, "codecarbon.csv")
	energy := sample(t, "mlenergy.json")
	for _, test := range []struct{ arguments, want string }{
		{"", "wattctl needs one of: collect, db, demo-data, explain, export, import, query, report, restate, rollup"},
		{"improt", "did you mean import?"},
		{"import", "wattctl import needs one of: aws-carbon, budgets, business, ccf, codecarbon, events, factors, focus, google-carbon, hardware, models, projects, prometheus, pue, trace"},
		{"import codecabron x", "did you mean codecarbon?"},
		{"import codecarbon", "takes one file, not 0"},
		{"import codecarbon a b", "takes one file, not 2"},
		{"import codecarbon x --nope", "unknown flag: --nope"},
		{"import focus", "takes the files of a delivery, one or several"},
		{"import focus a b --rejects r", "--rejects names one file, and there are 2 to import"},
		{"import codecarbon x --time-zone Mars", `"Mars" is not a time zone`},
		{"import factors x --year 24", "--year 24"},
		{"import factors x --year soon", `invalid argument "soon"`},
		{"import trace x", `required flag(s) "energy", "gpu", "model", "project", "region" not set`},
		{"import trace x --energy " + energy + " --model nope --gpu H100 --project p --region r", `no model "nope" was measured`},
		{"db roles --reader a --writer b", "reader writer"},
		{"db nope", "wattctl db has no command"},
		{"query", "query takes one type, not 0; the types are: energyScore"},
		{"query energyScore", `required flag(s) "from", "to" not set`},
		{"query energyScore --from 2026-01-01 --to now --format xml", `--format "xml"`},
		{"query energyScore --from 2026-01-01 --to now --filter model", `--filter "model": write it as DIMENSION=MEMBER`},
		{"query energyScore --from 2026-01-01 --to now --option x", `--option "x": write it as NAME=VALUE`},
		{"demo-data --end soon", `--end "soon" is not a day`},
		{"demo-data --end 2099-01-01", "in the future"},
		{"demo-data --seed -1", "invalid argument"},
	} {
		code := c.run(strings.Fields(test.arguments)...)
		assert.Equal(t, exitUsage, code, test.arguments)
		assert.Contains(t, c.err, test.want, test.arguments)
		assert.Contains(t, c.err, "--help' for what it takes.", test.arguments)
		assert.Empty(t, c.out, test.arguments)
	}
	c.env = nil
	assert.Equal(t, exitUsage, c.run("import", "codecarbon", csvFile))
	assert.Contains(t, c.err, "no database is named: pass --dsn or set WATTSCORE_DSN")
}

func TestFailuresSayWhatToDo(t *testing.T) {
	c := onDatabase(t)
	path := sample(t, "codecarbon.csv")
	assert.Equal(t, exitFailed, c.run("import", "codecarbon", path))
	assert.Contains(t, c.err, "Run: wattctl db migrate")
	require.Equal(t, exitDone, c.run("db", "migrate"))

	assert.Equal(t, exitFailed, c.run("import", "codecarbon", filepath.Join(t.TempDir(), "missing.csv")))
	assert.Contains(t, c.err, "cannot be opened: no such file")
	assert.Equal(t, exitFailed, c.run("import", "codecarbon", t.TempDir()))
	assert.Contains(t, c.err, "is a folder: name a file")
	assert.Equal(t, exitFailed, c.run("import", "codecarbon", path, "--rejects", filepath.Join(t.TempDir(), "no", "where.csv")))
	assert.Contains(t, c.err, "the file for rejected records cannot be written")
	assert.Equal(t, exitFailed, c.run("import", "codecarbon", file(t, "x.csv", "timestamp;duration;energy_consumed\n")))
	assert.Contains(t, c.err, "x.csv: the columns are separated by semicolons")
	assert.Equal(t, exitUsage, c.run("import", "factors", file(t, "latest.csv", "Google Cloud Region,Grid carbon intensity (gCO2eq / kWh)\n")))
	assert.Contains(t, c.err, "pass it with --year")

	interrupted, cancel := context.WithCancel(context.Background())
	cancel()
	assert.Equal(t, exitFailed, c.runIn(interrupted, "import", "codecarbon", path))
	assert.Contains(t, c.err, "interrupted; what was stored stays")
}

func TestPasswordsAreNeverPrinted(t *testing.T) {
	c := &called{t: t, env: map[string]string{}}
	for _, dsn := range []string{
		"postgres://me:s3cret@127.0.0.1:1/energy?connect_timeout=2", "postgres://me:s3cret@host:port/energy", "postgres://me:s3cret%zz@host/energy",
		"host=127.0.0.1 port=1 password=s3cret user='me", "password=s3cret port=many", "postgres://me:s3 cret@[::1/energy",
	} {
		c.env[dsnVariable] = dsn
		assert.NotEqual(t, exitDone, c.run("db", "status"), dsn)
		assert.NotEmpty(t, c.err)
		assert.NotContains(t, c.err+c.out, "s3", dsn)
	}
}

func TestDatabaseCommands(t *testing.T) {
	c := onDatabase(t)
	require.Equal(t, exitDone, c.run("db", "status"))
	assert.Contains(t, c.out, "version 0 of ")
	assert.Contains(t, c.err, "Run: wattctl db migrate")
	require.Equal(t, exitDone, c.run("db", "migrate"))
	assert.Contains(t, c.out, "applied 00001_dimensions.sql\n")
	require.Equal(t, exitDone, c.run("db", "migrate"))
	assert.NotContains(t, c.out, "applied")
	require.Equal(t, exitDone, c.run("db", "status"))
	assert.Contains(t, c.out, "newest event  none")
	assert.Empty(t, c.err)

	require.Equal(t, exitDone, c.run("db", "calendar"))
	assert.Equal(t, "Days are those of UTC; the fiscal year begins with January.\n", c.out)
	require.Equal(t, exitDone, c.run("db", "calendar", "--time-zone", "Europe/Berlin", "--fiscal-year-start", "10"))
	require.Equal(t, exitDone, c.run("db", "calendar", "--fiscal-year-start", "4"))
	assert.Equal(t, "Days are those of Europe/Berlin; the fiscal year begins with April.\n", c.out)
	assert.Equal(t, exitUsage, c.run("db", "calendar", "--fiscal-year-start", "13"))
	assert.Equal(t, exitUsage, c.run("db", "calendar", "--time-zone", "Mars"))
}

func TestRoles(t *testing.T) {
	c := onWarehouse(t)
	owner := c.env[dsnVariable]
	name := "test_" + strings.ToLower(rand.Text()) // roles belong to the server and outlive the database
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), owner)
		require.NoError(t, err)
		defer conn.Close(context.Background()) //nolint:errcheck // the statement's error is what counts
		_, err = conn.Exec(context.Background(), "DROP ROLE IF EXISTS "+pgx.Identifier{name}.Sanitize())
		assert.NoError(t, err)
	})
	require.Equal(t, exitDone, c.run("db", "roles", "--reader", name), c.err)
	assert.Contains(t, c.out, name+" was made and is a member of wattscore_reader.\nIts password, which is shown this once: ")
	require.Equal(t, exitDone, c.run("db", "roles", "--reader", name), c.err)
	assert.Equal(t, name+" is now a member of wattscore_reader.\nIts password stays.\n", c.out)
	c.env[rolePasswordVariable] = "chosen"
	require.Equal(t, exitDone, c.run("db", "roles", "--writer", name), c.err)
	assert.NotContains(t, c.out, "chosen")
	require.Equal(t, exitDone, c.run("db", "roles"))
	assert.Regexp(t, name+` +wattscore_writer\n`, c.out)

	login, err := url.Parse(owner)
	require.NoError(t, err)
	login.User = url.UserPassword(name, "chosen")
	c.env[dsnVariable] = login.String()
	assert.Equal(t, exitDone, c.run("import", "business", file(t, "b.csv", "month,metric,value\n2026-01,revenue,1\n")), c.err)
	assert.Equal(t, exitFailed, c.run("db", "calendar", "--fiscal-year-start", "4"))
	assert.Contains(t, c.err, "the login may not do that")
	c.env[dsnVariable] = owner
	require.Equal(t, exitDone, c.run("db", "roles", "--reader", name), c.err)
	c.env[dsnVariable] = login.String()
	assert.Equal(t, exitFailed, c.run("import", "business", file(t, "b.csv", "month,metric,value\n2026-01,revenue,2\n")))
	assert.Contains(t, c.err, "wattctl db roles --writer NAME")

	c.env[dsnVariable] = owner
	assert.Equal(t, exitFailed, c.run("db", "roles", "--reader", name, "--scope", "Care"))
	assert.Contains(t, c.err, `no project has the business unit "Care"`)
	require.Equal(t, exitDone, c.run("db", "roles", "--reader", name, "--scope", kpi.Idle), c.err)
	assert.Contains(t, c.out, "It sees these business units only: __idle__.")
	require.Equal(t, exitDone, c.run("db", "roles"))
	assert.Regexp(t, name+` +wattscore_scoped +__idle__\n`, c.out)
	assert.Equal(t, exitUsage, c.run("db", "roles", "--scope", "Care"))
}

func TestRestate(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	factors := "region,quantity,valid_from,value,source,source_year\nFRA,pue,2026-01-01,2,Facility report,2025\n"
	require.Equal(t, exitDone, c.run("import", "factors", file(t, "pue.csv", factors)), c.err)
	assert.Contains(t, c.err, "they wait in factor version 2 and no answer has changed. To compute answers with them, run: wattctl restate --version 2")
	cost := func(version string) float64 {
		require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "2020-01-01", "--to", "2030-01-01", "--option", "total=true",
			"--filter", "region=FRA", "--factor-version", version, "--format", "json"), c.err)
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(c.out), &rows))
		return rows[0]["cost_usd"].(float64)
	}
	before, after := cost("1"), cost("2")
	require.Less(t, before, after)
	require.Equal(t, exitDone, c.run("restate", "--preview"), c.err)
	assert.Contains(t, c.out, "Nothing is changed. To put version 2 in force, run: wattctl restate --version 2")
	require.Equal(t, exitDone, c.run("restate"))
	assert.Contains(t, c.out, "Factor version 2 (pue.csv) is in force.\nVersion 1 (")
	assert.Regexp(t, `Facility energy +│ kWh +│ +[0-9.]+ +│ +[0-9.]+ +│ +\+[0-9.]+ %`, c.out, "both figures beside each other")
	assert.InDelta(t, before, cost("1"), 0, "the old version stays readable")
	assert.InDelta(t, after, cost("0"), 0, "the new one answers those who name none")
	require.Equal(t, exitDone, c.run("restate"))
	assert.Contains(t, c.out, "is in force already")
	assert.Equal(t, exitUsage, c.run("restate", "--version", "7"))
	assert.Contains(t, c.err, "there is no factor version 7: the newest is 2")
	require.Equal(t, exitDone, c.run("restate", "--version", "1"))
	assert.Contains(t, c.out, "Factor version 1 (")
}

func TestRestateFromAFile(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	header := "region,quantity,valid_from,value,source,source_year\n"
	wrong := file(t, "wrong.csv", header+"FRA,pue,2026-01-01,2,Facility report,2025\nFRA,pue,2026-02-01,0.5,Facility report,2025\n")
	assert.Equal(t, exitRejected, c.run("restate", wrong))
	assert.Contains(t, c.err, "nothing was put in force")
	require.Equal(t, exitDone, c.run("restate", "--preview"), c.err)
	assert.Contains(t, c.out, "version 2 (wrong.csv)", "the records that were right wait")
	require.Equal(t, exitDone, c.run("restate", file(t, "right.csv", header+"FRA,pue,2026-01-01,3,Facility report,2025\n")), c.err)
	assert.Contains(t, c.out, "Factor version 3 (right.csv) is in force.")
	assert.Equal(t, exitUsage, c.run("restate", wrong, "--version", "1"))
	assert.Contains(t, c.err, "not both")
	assert.Equal(t, exitFailed, c.run("restate", wrong+".none"))
	assert.Contains(t, c.err, "cannot be opened")
}

func TestExplainLeadsToTheRows(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitDone, c.run("import", "trace", sample(t, "trace.csv"), "--energy", sample(t, "mlenergy.json"), "--model", "acme/Small-8B", "--gpu", "H100",
		"--max-num-seqs", "64", "--project", "helpdesk", "--region", "us-central1"), c.err)
	period := []string{"--from", "2026-03-01", "--to", "2026-04-01"}
	explain := func(arguments ...string) int {
		return c.run(append(append([]string{"explain"}, arguments...), period...)...)
	}

	require.Equal(t, exitDone, explain("energyScore", "--field", "kwh_per_1k_requests", "--rows", "2"), c.err)
	for _, part := range []string{
		"IT energy × 1,000 / requests", // the formula
		"Factor version 1 (Reference figures 2024)",
		"us-central1 (figure of USA) │ grid_location", "Cloud Carbon Footprint", // the factor and its source
		"The rows: 2 of 5 in wattscore.event",                    // the rows
		"from 2026-03-01 00:00", "FROM wattscore.factor_version", // the period and the statement
	} {
		assert.Contains(t, c.out, part)
	}
	assert.NotContains(t, c.out, "cost_usd │", "the other fields are left out")

	for _, queryType := range query.Types() {
		require.Equal(t, exitDone, explain(queryType.Name), "%s: %s", queryType.Name, c.err)
		assert.Contains(t, c.out, "The rows: ", queryType.Name)
	}
	assert.Equal(t, exitUsage, explain("energyScore", "--field", "happiness"))
	assert.Contains(t, c.err, "the answer has the number fields requests, energy_kwh")
	assert.Equal(t, exitUsage, explain("energyScore", "--rows", "0"))
	assert.Equal(t, exitUsage, explain("energyScore", "--filter", "planet=mars"))
	assert.Equal(t, exitUsage, c.run("explain"))
	assert.Contains(t, c.err, "explain takes one type, not 0")
}

func TestQuery(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitDone, c.run("import", "trace", sample(t, "trace.csv"), "--energy", sample(t, "mlenergy.json"), "--model", "acme/Small-8B", "--gpu", "H100",
		"--max-num-seqs", "64", "--project", "helpdesk", "--region", "us-central1"), c.err)
	ask := func(flags ...string) int {
		return c.run(append([]string{"query", "energyScore", "--from", "2026-03-01", "--to", "2026-04-01"}, flags...)...)
	}

	require.Equal(t, exitDone, ask("--format", "json"), c.err)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.out), &rows))
	require.Len(t, rows, 1)
	assert.Equal(t, "acme/Small-8B", rows[0]["model"])
	assert.Equal(t, 5.0, rows[0]["requests"])
	assert.InDelta(t, 0.36*(44+109+109+434)/3.6e6, rows[0]["energy_kwh"], 1e-12)
	assert.Less(t, strings.Index(c.out, `"model"`), strings.Index(c.out, `"requests"`), "in the order of the frame")

	require.Equal(t, exitDone, ask("--format", "csv", "--group-by", "project,region"), c.err)
	records, err := csv.NewReader(strings.NewReader(c.out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 2)
	assert.Equal(t, []string{"project", "region", "requests"}, records[0][:3])
	assert.Equal(t, []string{"helpdesk", "us-central1", "5"}, records[1][:3])

	require.Equal(t, exitDone, ask(), c.err)
	assert.Contains(t, c.out, "│ acme/Small-8B │")

	require.Equal(t, exitDone, ask("--metric", "requests", "--format", "json"), c.err)
	assert.JSONEq(t, `[{"model": "acme/Small-8B", "requests": 5}]`, c.out)
	require.Equal(t, exitDone, ask("--metric", "requests", "--interval", "month", "--format", "json"), c.err)
	assert.JSONEq(t, `[{"time": "2026-03-01T00:00:00Z", "requests {model=acme/Small-8B}": 5}]`, c.out)

	require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "now-1h", "--to", "now", "--format", "json"), c.err)
	assert.Equal(t, "[]\n", c.out)
	assert.Contains(t, c.err, "info: ", "a notice is told beside the answer")

	for want, flags := range map[string][]string{
		"cannot be grouped by it":              {"--group-by", "colour"},
		`names "nobody", which does not exist`: {"--filter", "project=nobody"},
		`unknown field "colour"`:               {"--option", "colour=blue"},
		"has no metric":                        {"--metric", "colour"},
		"there is no such factor version":      {"--factor-version", "99"},
	} {
		assert.Equal(t, exitUsage, ask(flags...), want)
		assert.Contains(t, c.err, want)
	}
	assert.Equal(t, exitUsage, c.run("query", "energyscore", "--from", "2026-03-01", "--to", "2026-04-01"))
	assert.Contains(t, c.err, "The query types are energyScore")
	assert.Equal(t, exitUsage, c.run("query", "energyScore", "--from", "yesterday", "--to", "2026-04-01"))
	assert.Contains(t, c.err, `"yesterday" is not a time`)
}
