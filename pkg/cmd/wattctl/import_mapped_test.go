package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const gatewayMapping = `
columns:
  event_id: id
  ts: called_at
  model: llm
  project: {from: app, default: helpdesk, names: {'help,desk "1"': search}}
  region: {value: us-central1}
  workload: {value: inference}
  requests: {value: 1}
  input_tokens: prompt
  output_tokens: completion
  latency_ms: {from: elapsed, unit: s}
  it_energy_kwh: {from: joules, unit: J, pue: 1.2}
  cost_usd: {from: cents, unit: cents}
  source: {value: gateway}
  quality: {from: metered, names: {true: measured, false: estimated}}
ignore: [local_time, day, tags.list.element, hardware.gpu, hardware.count]
`

// TestJoulesInParquetEndAsAFigure goes from a file that DuckDB wrote to what wattctl
// query answers. The file has six requests of 3,600, 3,960 … 5,400 J at the meter, of a
// facility with a PUE of 1.2, and 0, 0.1 … 0.5 cents.
//
//	energy of IT  = (3600 + 3960 + 4320 + 4680 + 5040 + 5400) J / 1.2 / 3.6e6 J/kWh
//	              = 27,000 J / 1.2 / 3.6e6 = 22,500 / 3.6e6 = 0.00625 kWh
//	per 1k        = 0.00625 kWh / 6 requests × 1,000        = 1.041666… kWh
//	cost          = 1.5 cents                               = 0.015 USD
//	output tokens = 100 + 101 + … + 105 = 615: 0.00625 kWh / 615 × 10^6 = 10.16260… kWh per 1M
//	of help desk  = the one row without an app: 4,320 J / 1.2 = 3,600 J = 0.001 kWh
func TestJoulesInParquetEndAsAFigure(t *testing.T) {
	c := onWarehouse(t)
	arguments := []string{"import", "events", sample(t, "gateway.parquet"), "--mapping", file(t, "mapping.yaml", gatewayMapping)}
	require.Equal(t, exitDone, c.run(arguments...), c.err)
	assert.Equal(t, "read 6, stored 6, unchanged 0, rejected 0\n", c.out)
	require.Equal(t, exitDone, c.run(arguments...), c.err)
	assert.Equal(t, "read 6, stored 0, unchanged 6, rejected 0\n", c.out)
	assert.NotContains(t, c.err, "not used")

	ask := func(flags ...string) []map[string]any {
		require.Equal(t, exitDone, c.run(append([]string{"query", "energyScore", "--from", "2026-03-01", "--to", "2026-04-01", "--format", "json"}, flags...)...), c.err)
		return answer(t, c.out)
	}
	total := ask("--option", "total=true")
	require.Len(t, total, 1)
	assert.Equal(t, 6.0, total[0]["requests"])
	assert.Equal(t, 0.00625, total[0]["energy_kwh"])
	assert.InDelta(t, 1.0416666666666667, total[0]["kwh_per_1k_requests"], 1e-12)
	assert.InDelta(t, 10.16260162601626, total[0]["kwh_per_1m_tokens"], 1e-9)
	assert.Equal(t, 0.015, total[0]["cost_usd"])
	energy := map[any]any{}
	for _, row := range ask("--group-by", "project") {
		energy[row["project"]] = row["energy_kwh"]
	}
	assert.Equal(t, map[any]any{"helpdesk": 0.001, "search": 0.00525}, energy)
}

func TestABadRowOfParquetIsSetAsideByItsNumber(t *testing.T) {
	c := onWarehouse(t)
	path := sample(t, "gateway.parquet")
	mapping := file(t, "mapping.yaml", strings.Replace(gatewayMapping, "true: measured, false: estimated", "true: measured", 1))
	require.Equal(t, exitRejected, c.run("import", "events", path, "--mapping", mapping), c.err)
	assert.Equal(t, "read 6, stored 3, unchanged 0, rejected 3\n", c.out)
	assert.Contains(t, c.err, "The rejected records are in "+path+".rejects.csv, each with its row and the reason.")
	text, err := os.ReadFile(path + ".rejects.csv")
	require.NoError(t, err)
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 4)
	assert.Equal(t, []string{"row", "reason", "record"}, records[0])
	assert.Equal(t, []string{"2", `metered "false" is neither measured nor estimated: names in the mapping can say which it means`}, records[1][:2])
	assert.JSONEq(t, `{"id": "00000000-0000-4000-8000-000000000001", "called_at": "2026-03-02T09:01:30Z", "local_time": "2026-03-02T10:01:30", "day": "2026-03-02",
		"llm": "acme/Large-70B", "app": "help,desk \"1\"", "joules": 3960.000, "prompt": 1000, "completion": 101, "elapsed": 0.25, "cents": 0.1, "metered": false,
		"hardware.gpu": "H100", "hardware.count": 1}`, records[1][2])

	// A format is for texts, and these are times already.
	mapping = file(t, "mapping.yaml", strings.Replace(gatewayMapping, "ts: called_at", `ts: {from: called_at, format: "%Y-%m-%d"}`, 1))
	assert.Equal(t, exitFailed, c.run("import", "events", path, "--mapping", mapping))
	assert.Contains(t, c.err, `gateway.parquet: columns.ts: the column "called_at" holds times, not texts: leave format out`)
}

// A PUE that differs from row to row is divided out of each: 1.2 kWh with a PUE of 1.2
// and 1.5 kWh with one of 1.5 are 1 kWh of IT each, 2 kWh in all. What is longer than an
// hour is spread, and its energy stays.
func TestAPUEOfEachRow(t *testing.T) {
	c := onWarehouse(t)
	rows := file(t, "runs.csv", "ts,model,region,workload,duration_s,energy,pue_of_site,source,quality,requests\n"+
		"2026-07-01T10:00:00Z,a,us-central1,batch,9000,1.2,1.2,x,measured,4\n"+
		"2026-07-01T10:00:00Z,b,us-central1,batch,60,1.5,1.5,x,measured,4\n"+
		"2026-07-01T10:00:00Z,b,us-central1,batch,60,1.5,0.5,x,measured,4\n"+
		"2026-07-01T10:00:00Z,b,us-central1,batch,60,1.5,,x,measured,4\n")
	mapping := file(t, "mapping.yaml", "columns: {it_energy_kwh: {from: energy, pue_from: pue_of_site}}")
	require.Equal(t, exitRejected, c.run("import", "events", rows, "--mapping", mapping), c.err)
	assert.Equal(t, "read 4, stored 2, unchanged 0, rejected 2\n", c.out)
	assert.Contains(t, c.err, "Events that last over an hour, stored by the hour with their amounts spread evenly: 1.")
	require.Equal(t, exitDone, c.run("query", "energyScore", "--from", "2026-07-01", "--to", "2026-07-02", "--option", "total=true", "--format", "json"), c.err)
	assert.Equal(t, 2.0, answer(t, c.out)[0]["energy_kwh"])
	rejects, err := os.ReadFile(rows + ".rejects.csv")
	require.NoError(t, err)
	assert.Contains(t, string(rejects), "4,pue_of_site 0.5 is not between 1 and 10: it is the facility's energy over that of its IT")
	assert.Contains(t, string(rejects), `5,"pue_of_site is empty, and it is in the energy"`)
}

// The same rows in CSV, without an id of their own, are the same events whether the
// mapping is right at once or later.
func TestRowsOfCSVThroughAMapping(t *testing.T) {
	c := onWarehouse(t)
	path := file(t, "log.csv", "")
	mapping := file(t, "mapping.yaml", `
columns:
  ts: {from: started, format: "%d.%m.%Y %H:%M:%S", zone: Europe/Berlin}
  model: llm
  region: {value: us-central1}
  workload: {from: kind, names: {chat: inference}}
  requests: {value: 1}
  it_energy_kwh: {from: energy_mWh, unit: mWh}
  carbon_location_kg: {from: co2, unit: lb}
  source: {value: log}
  quality: {value: estimated}
`)
	run := func(text string) int {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return c.run("import", "events", path, "--mapping", mapping)
	}
	assert.Equal(t, exitFailed, run("started;llm\n"))
	assert.Contains(t, c.err, `log.csv: the columns are separated by semicolons`)
	assert.Equal(t, exitFailed, run("Started,llm,kind,energy_mwh,co_2\n"))
	assert.Contains(t, c.err, `log.csv: the column "co2" is missing; the file has the columns "Started", "llm", "kind", "energy_mwh", "co_2". `+
		`Say in a mapping where the events' carbon_location_kg comes from`)

	text := "Started,llm,kind,energy_mwh,co2,note\n" +
		"01.07.2026 10:00:00,small,chat,36000,0.001,a\n" +
		"01.07.2026 10:00:00,small,chat,36000,0.001,a\n" + // an equal request stays one
		"01.07.2026 10:00:01,small,dream,1,,\n" +
		"29.03.2026 02:30:00,small,chat,1,,\n" +
		"01.07.2026 10:00:02,small,chat,-1,,\n" +
		"01.07.2026 10:00:03,small,chat,,,\n" +
		"25.10.2026 02:30:00,small,chat,1,,\n"
	require.Equal(t, exitRejected, run(text), c.err)
	assert.Equal(t, "read 7, stored 3, unchanged 0, rejected 4\n", c.out)
	assert.Contains(t, c.err, `Times of the column "started" in the hour that clocks in Europe/Berlin show twice, of which the first was taken: 1.`)
	assert.Contains(t, c.err, `Of log.csv the one column "note" was not used.`)
	rejects, err := os.ReadFile(path + ".rejects.csv")
	require.NoError(t, err)
	for _, reason := range []string{
		`4,"unknown workload ""dream"": it must be one of`, "5,started 2026-03-29 02:30:00 is a time that clocks in Europe/Berlin skip",
		"6,energy_mWh -1 is negative", "7,energy_mWh is empty",
	} {
		assert.Contains(t, string(rejects), "\n"+reason)
	}
	require.Equal(t, exitRejected, run(text), c.err)
	assert.Equal(t, "read 7, stored 0, unchanged 3, rejected 4\n", c.out)
	out := filepath.Join(t.TempDir(), "events.csv")
	require.Equal(t, exitDone, c.run("export", "events", "--format", "csv", "--output", out, "--from", "2026-07-01", "--to", "2026-07-02"), c.err)
	assert.Equal(t, "wrote 2 events to "+out+"\n", c.out)
	exported, err := os.ReadFile(out)
	require.NoError(t, err)
	// 36,000 mWh = 0.036 kWh; 0.001 lb = 453,592.37 µg; 10:00 in Berlin's summer is 08:00Z.
	assert.Contains(t, string(exported), ",2026-07-01T08:00:00Z,0,small,__unallocated__,")
	assert.Contains(t, string(exported), ",0.036,")
	assert.Contains(t, string(exported), ",0.000453592,false,")
}

func TestModelsAndProjectsFromAFile(t *testing.T) {
	c := onWarehouse(t)
	models := file(t, "models.csv", "name,provider,task_class,parameters,latency_slo_ms,business_criticality,accuracy,released_on\n"+
		"small,Acme,chat,8030,812.5,70,0.71,2026-02-28\n"+
		"odd,Acme,dreams,1,1,1,1,\n"+
		"late,Acme,chat,1,1,101,1,\n"+
		"bad,Acme,chat,1,1,7.5,1,\n"+
		"__idle__,Acme,,,,,,\n")
	mapping := file(t, "mapping.yaml", "columns: {parameters_billion: {from: parameters, unit: 1M parameters}}")
	require.Equal(t, exitRejected, c.run("import", "models", models, "--mapping", mapping), c.err)
	assert.Equal(t, "read 5, stored 1, unchanged 0, rejected 4\n", c.out)
	require.Equal(t, exitRejected, c.run("import", "models", models, "--mapping", mapping), c.err)
	assert.Equal(t, "read 5, stored 0, unchanged 1, rejected 4\n", c.out)
	assert.Equal(t, "name,provider,family,task_class,parameters_billion,accuracy,accuracy_metric,business_criticality,stage,latency_slo_ms,released_on\n"+
		"small,Acme,,chat,8.03,0.71,,70,production,812.5,2026-02-28\n", c.exported("models", "csv"))

	projects := file(t, "projects.csv", "name,business_unit,team\nhelpdesk,Care,Desk\n,Care,Desk\n")
	require.Equal(t, exitRejected, c.run("import", "projects", projects), c.err)
	assert.Equal(t, "read 2, stored 1, unchanged 0, rejected 1\n", c.out)
	require.Equal(t, exitDone, c.run("import", "projects", file(t, "owners.csv", "name,owner\nhelpdesk,Ada\n")), c.err)
	assert.Equal(t, "name,team,business_unit,product_line,cost_centre,owner\nhelpdesk,Desk,Care,,,Ada\n", c.exported("projects", "csv"), "what a file leaves out stays")
}

func TestMappingAndExportSayWhatIsWrong(t *testing.T) {
	c := onWarehouse(t)
	empty := file(t, "events.csv", "ts\n")
	for want, arguments := range map[string][]string{
		"wrong.yaml: columns.it_energy_kwh: unknown unit":        {"import", "events", empty, "--mapping", file(t, "wrong.yaml", "columns: {it_energy_kwh: {from: a, unit: kW}}")},
		"reading the mapping: open nowhere.yaml":                 {"import", "events", empty, "--mapping", "nowhere.yaml"},
		`the mapping's region "mars" is unknown`:                 {"import", "events", empty, "--mapping", file(t, "mars.yaml", "columns: {region: {value: mars}}")},
		`required flag(s) "output" not set`:                      {"export", "events"},
		`--format "xml": it must be parquet or csv`:              {"export", "events", "--output", "x", "--format", "xml"},
		"--from and --to go together":                            {"export", "events", "--output", "x", "--from", "2026-01-01"},
		"--from 2026-01-02 is not before --to 2026-01-01":        {"export", "events", "--output", "x", "--from", "2026-01-02", "--to", "2026-01-01"},
		`--from: "soon" is not a time`:                           {"export", "events", "--output", "x", "--from", "soon", "--to", "now"},
		"unknown flag: --from":                                   {"export", "models", "--output", "x", "--from", "2026-01-02"},
		"wattctl export needs one of: business, events, factors": {"export"},
	} {
		assert.Equal(t, exitUsage, c.run(arguments...), want)
		assert.Contains(t, c.err, want)
	}
	assert.Equal(t, exitFailed, c.run("import", "events", empty))
	assert.Contains(t, c.err, `events.csv: the columns ["region" "workload" "it_energy_kwh" "source" "quality"] are missing; the file has the one column "ts". `+
		"Say in a mapping where the events' region, workload, it_energy_kwh, source, quality come from (--mapping FILE), or the same value for every row")
	assert.Equal(t, exitFailed, c.run("export", "events", "--output", filepath.Join(t.TempDir(), "no", "where.parquet")))
	assert.Contains(t, c.err, "cannot be written")

	folder := t.TempDir()
	kept := filepath.Join(folder, "events.parquet")
	require.NoError(t, os.WriteFile(kept, []byte("what was there"), 0o600))
	c.exec("ALTER VIEW wattscore.event RENAME COLUMN quality TO other") // the export fails half way
	assert.Equal(t, exitFailed, c.run("export", "events", "--output", kept, "--from", "2026-01-01", "--to", "2026-02-01"))
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "what was there", string(text), "a file that cannot be completed is not begun")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}
