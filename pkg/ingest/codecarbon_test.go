package ingest

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
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
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// inMemory is a file to import, whose rejects end with the test.
func inMemory(t testing.TB, name, text string) File {
	t.Helper()
	rejects := NewRejects(filepath.Join(t.TempDir(), "rejects.csv"), name)
	t.Cleanup(func() { assert.NoError(t, rejects.Close()) })
	return File{Name: name, Reader: strings.NewReader(text), Rejects: rejects}
}

func testdata(t testing.TB, name string) File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return inMemory(t, name, string(text))
}

// rejected returns the lines and reasons that a file was rejected for.
func rejected(t testing.TB, file File) []string {
	t.Helper()
	require.NoError(t, file.Rejects.Close())
	if file.Rejects.Path() == "" {
		return nil
	}
	text, err := os.Open(file.Rejects.Path())
	require.NoError(t, err)
	defer text.Close() //nolint:errcheck // only read
	records, err := csv.NewReader(text).ReadAll()
	require.NoError(t, err)
	var reasons []string
	for _, fields := range records[1:] {
		reasons = append(reasons, fields[0]+": "+fields[1])
	}
	return reasons
}

// lines reads rows as PostgreSQL writes them as text.
func lines(t testing.TB, pool *pgxpool.Pool, statement string) []string {
	t.Helper()
	rows, err := pool.Query(context.Background(), "SELECT x::text FROM ("+statement+") AS x")
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

var trainingInUTC = CodeCarbonOptions{Zone: time.UTC, Workload: kpi.WorkloadTraining}

func TestCodeCarbonCountsARunThatWasFlushedOnce(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for run, stored := range []int{7, 0} {
		file := testdata(t, "codecarbon.csv")
		report, err := CodeCarbon(context.Background(), store, file, trainingInUTC, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 8, Stored: stored, Unchanged: 7 - stored, Rejected: 1}, report, "import %d", run+1)
		assert.Equal(t, []string{"4: energy_consumed is empty"}, rejected(t, file))
	}
	assert.Equal(t, []string{
		// A run of 2400 s, flushed at 600 and 1200 s; the reading at 1800 s is bad,
		// so that what follows counts from 1200 s on.
		`("2026-03-02 07:59:59.75",0.1,0.02,0.333472)`,
		`("2026-03-02 08:10:00",0.15,0.03,0.333611)`,
		`("2026-03-02 08:20:00",0.25,0.04,0.666250)`,
		// No run id, but the clock agrees: the second adds to the first.
		`("2026-03-02 08:55:00",0.04,0.01,0.000000)`,
		`("2026-03-02 09:00:00",0.02,0.01,0.000000)`,
		// The same run id, but another start: a run of its own.
		`("2026-03-02 10:45:00",0.15,0.03,0.500000)`,
		// PUE 1.2 is divided out of the energy; an hour and a half is two rows.
		`("2026-03-03 10:30:00",0.333333333333,0.2,4.000000)`,
		`("2026-03-03 11:00:00",0.666666666667,0.4,8.000000)`,
	}, lines(t, pool, `SELECT to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || rtrim(to_char(ts, '.MS'), '.0') AS at,
		trim_scale(it_energy_kwh::numeric) AS kwh, trim_scale(carbon_location_kg::numeric) AS kg, round(gpu_hours::numeric, 6) AS gpu_hours
		FROM wattscore.event ORDER BY ts`))
	assert.Equal(t, []string{"(FRA,6)", "(us-central1,1)"}, lines(t, pool, "SELECT region, count(DISTINCT event_id) FROM wattscore.event GROUP BY 1 ORDER BY 1"))
	assert.Equal(t, []string{
		`(1f0e6b9c-6a11-4a53-9b3e-0d8a4a7a9b01,ranking,"2 x H100",2,"2026-03-02 07:59:59.75","2026-03-02 11:00:00")`,
		`(77aa0c7e-93a5-4c39-8f0b-54b7f3f0d702,search,"8 x A100",8,"2026-03-03 10:30:00","2026-03-03 12:00:00")`,
	}, lines(t, pool, `SELECT run_id, p.name, gpu_model, gpu_count, started_at AT TIME ZONE 'UTC', ended_at AT TIME ZONE 'UTC'
		FROM wattscore.training_run JOIN wattscore.project p USING (project_id) ORDER BY 1`))
}

func TestCodeCarbonOfEveryVersion(t *testing.T) {
	for name, test := range map[string]struct {
		text   string
		energy string
		events int
	}{
		"1, without run ids": {"timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_name,country_iso_code,region,on_cloud,cloud_provider,cloud_region\n" +
			"2026-03-02T08:10:00,e,p,600,0.1,1,France,FRA,,N,,\n2026-03-02T08:20:00,e,p,1200,0.1,2,France,FRA,,N,,\n", "(3)", 2},
		"3, with columns of its own": {"timestamp,project_name,run_id,experiment_id,duration,emissions,energy_consumed,water_consumed,country_iso_code,cloud_region,gpu_count,pue,wue\n" +
			"2026-03-02T08:10:00,p,r,e,600,0.1,1.5,0.3,USA,us-east4,8,1.5,0.2\n", "(1)", 1},
		"tasks, each with totals of its own": {"task_name,timestamp,project_name,run_id,duration,emissions,energy_consumed,country_iso_code\n" +
			"load,2026-03-02T08:10:00,p,r,0.5,0.1,1,FRA\nfit,2026-03-02T08:10:01,p,r,1.5,0.1,2,FRA\n", "(3)", 2},
		"columns in any order and case": {"ENERGY_CONSUMED,Duration,Country_ISO_Code,TimeStamp\n2,60,fra,2026-03-02T08:10:00\n", "(2)", 1},
		"a region it misspells":         {"timestamp,duration,energy_consumed,cloud_region,country_iso_code\n2026-03-02T08:10:00,60,2,me-cenrtal1,QAT\n", "(2)", 1},
	} {
		t.Run(name, func(t *testing.T) {
			pool := warehousetest.Open(t)
			report, err := CodeCarbon(context.Background(), warehouse.OpenStore(pool), inMemory(t, "emissions.csv", test.text), trainingInUTC, now)
			require.NoError(t, err)
			assert.Equal(t, Report{Read: test.events, Stored: test.events}, report)
			assert.Equal(t, []string{test.energy}, lines(t, pool, "SELECT trim_scale(sum(it_energy_kwh)::numeric) FROM wattscore.event"))
		})
	}
}

func TestCodeCarbonIDsOutliveNewColumns(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	ctx := context.Background()
	first, err := CodeCarbon(ctx, store, inMemory(t, "a.csv", "timestamp,duration,energy_consumed,country_iso_code\n2026-03-02T08:10:00,60,2,FRA\n"), trainingInUTC, now)
	require.NoError(t, err)
	assert.Equal(t, 1, first.Stored)
	second, err := CodeCarbon(ctx, store, inMemory(t, "b.csv", "country_iso_code,wue,timestamp,duration,energy_consumed\r\nFRA,,2026-03-02T08:10:00,60,\"2\"\r\n"), trainingInUTC, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 1, Unchanged: 1}, second)
}

func TestCodeCarbonTimesAreOfTheTrackersZone(t *testing.T) {
	pool := warehousetest.Open(t)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	_, err = CodeCarbon(context.Background(), warehouse.OpenStore(pool), inMemory(t, "a.csv", "timestamp,duration,energy_consumed,country_iso_code\n2026-03-02T08:10:00,60,2,JPN\n"),
		CodeCarbonOptions{Zone: tokyo, Workload: kpi.WorkloadFineTuning, Model: "coder"}, now)
	require.NoError(t, err)
	assert.Equal(t, []string{`("2026-03-01 23:09:00",coder,__unallocated__,fine_tuning)`},
		lines(t, pool, "SELECT ts AT TIME ZONE 'UTC', model, project, workload FROM wattscore.event"))
}

// badCodeCarbon are records that cannot be used, with why.
var badCodeCarbon = []struct{ record, reason string }{
	{"2026-03-02T08:10:00,60,-1,FRA,,1,r1,", "energy_consumed -1 is negative"},
	{"2026-03-02T08:10:00,60,NaN,FRA,,1,r2,", "energy_consumed is NaN, not a number"},
	{"2026-03-02T08:10:00,60,inf,FRA,,1,r3,", "energy_consumed is infinite"},
	{"2026-03-02T08:10:00,60,0x1F,FRA,,1,r4,", `energy_consumed "0x1F" is hexadecimal: write it as a decimal number`},
	{"2026-03-02T08:10:00,60,,FRA,,1,r5,", "energy_consumed is empty"},
	{"2026-03-02T08:10:00,-60,1,FRA,,1,r6,", "duration -60 is negative"},
	{"2026-03-02T08:10:00,99999999,1,FRA,,1,r7,", "duration 9.9999999e+07 is more than a year of seconds"},
	{"1970-01-01T00:02:00,60,1,FRA,,1,r8,", "time 1970-01-01T00:01:00Z is before 2015"},
	{"2099-01-01T00:02:00,60,1,FRA,,1,r9,", "time 2099-01-01T00:02:00Z is in the future"},
	{"yesterday,60,1,FRA,,1,r10,", `timestamp "yesterday" is not a time: write it as 2026-01-31T12:00:00`},
	{"2026-03-02T08:10:00,60,1,XXX,moon1,1,r11,", `neither the cloud region "moon1" nor the country "XXX" is known: import factors for it, or name a region for such records with --region`},
	{"2026-03-02T08:10:00,60,1,FRA,,-1,r12,", "pue -1 is negative"},
	{"2026-03-02T08:10:00,60,1,FRA,,1,r13,9999999", "gpu_count 9999999 is more than a run can have"},
	{"2026-03-02T08:10:00,60,1e30,FRA,,1,r14,", "energy 1e+30 is larger than a single event can be"},
	{"2026-03-02T08:10:00,60,1,FRA,,1," + strings.Repeat("r", 501) + ",", `the name "` + strings.Repeat("r", 200) + `…" is longer than 500 bytes`},
	{"2026-03-02T08:10:00,60,1,FRA,,1", "it has 6 fields and the header has 8"},
	{"2026-03-02T08:10:00,60,1,FRA\xff,,1,r15,", "it is not valid UTF-8"},
}

const badCodeCarbonHeader = "timestamp,duration,energy_consumed,country_iso_code,cloud_region,pue,run_id,gpu_count\n"

func TestCodeCarbonRejectsWhatCannotBeTrueAndKeepsTheRest(t *testing.T) {
	text := badCodeCarbonHeader
	var want []string
	for i, bad := range badCodeCarbon {
		text += bad.record + "\n"
		want = append(want, "x: "+bad.reason)
		want[i] = strings.Replace(want[i], "x", strconv.Itoa(i+2), 1)
	}
	text += "2026-03-02T08:10:00,60,1,FRA,,1,good,\n"
	file := inMemory(t, "emissions.csv", text)
	report, err := CodeCarbon(context.Background(), warehouse.OpenStore(warehousetest.Open(t)), file, trainingInUTC, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: len(badCodeCarbon) + 1, Stored: 1, Rejected: len(badCodeCarbon)}, report)
	assert.Equal(t, want, rejected(t, file))
}

func TestCodeCarbonReadingsOutOfOrder(t *testing.T) {
	header := "timestamp,run_id,duration,energy_consumed,country_iso_code\n"
	for name, test := range map[string]struct{ text, reason string }{
		"an earlier reading of a run without an id after a later one": {header + "2026-03-02T08:20:00,,1200,2,FRA\n2026-03-02T08:10:00,,600,1,FRA\n",
			"3: it is an earlier reading of the run whose later one, in line 2, has counted it already"},
		"totals of a run without an id that fall": {header + "2026-03-02T08:10:00,,600,2,FRA\n2026-03-02T08:20:00,,1200,1,FRA\n",
			"3: the energy of its run has fallen since line 2, though a run's records hold the totals since its start"},
		"totals that fall": {header + "2026-03-02T08:10:00,r,600,2,FRA\n2026-03-02T08:20:00,r,1200,1,FRA\n",
			"3: the energy of its run has fallen from 2 kWh, though a run's records hold the totals since its start"},
	} {
		t.Run(name, func(t *testing.T) {
			file := inMemory(t, "emissions.csv", test.text)
			report, err := CodeCarbon(context.Background(), warehouse.OpenStore(warehousetest.Open(t)), file, trainingInUTC, now)
			require.NoError(t, err)
			assert.Equal(t, Report{Read: 2, Stored: 1, Rejected: 1}, report)
			assert.Equal(t, []string{test.reason}, rejected(t, file))
		})
	}
}

func TestFilesThatAreNoCodeCarbon(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	for want, text := range map[string]string{
		"emissions.csv: the file is empty":                                      "",
		`emissions.csv: the column "energy_consumed" is missing; the file has `: "timestamp,duration,emissions\n",
		"emissions.csv: the columns are separated by semicolons":                "timestamp;duration;energy_consumed\n",
		"emissions.csv: the columns are separated by tabs":                      "timestamp\tduration\tenergy_consumed\n",
	} {
		_, err := CodeCarbon(context.Background(), store, inMemory(t, "emissions.csv", text), trainingInUTC, now)
		assert.ErrorContains(t, err, want)
	}
	report, err := CodeCarbon(context.Background(), store, inMemory(t, "emissions.csv", "timestamp,duration,energy_consumed\n"), trainingInUTC, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Notes: []string{"emissions.csv has a header and no records."}}, report)
	_, err = CodeCarbon(context.Background(), store, inMemory(t, "emissions.csv", ""), CodeCarbonOptions{Workload: "mining"}, now)
	assert.ErrorContains(t, err, `unknown workload "mining"`)
	_, err = CodeCarbon(context.Background(), store, inMemory(t, "emissions.csv", ""), CodeCarbonOptions{Workload: "training", Region: "moon1"}, now)
	assert.ErrorContains(t, err, `unknown region "moon1"`)
}

// What the ids of a large file wait in is gone when the import ends.
func TestCodeCarbonLeavesNoFileBehind(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	defer func(usual int) { remembered = usual }(remembered)
	remembered = 1
	report := importCodeCarbon(t, warehousetest.Open(t), "emissions.csv",
		"timestamp,duration,energy_consumed,country_iso_code\n2026-03-02T08:10:00,1,1,FRA\n2026-03-02T08:10:00,1,2,FRA\n2026-03-02T08:10:00,1,3,FRA\n")
	require.Equal(t, Report{Read: 3, Stored: 3}, report)
	left, err := filepath.Glob(filepath.Join(folder, "wattctl-identities-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func FuzzCodeCarbon(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join("testdata", "codecarbon.csv"))
	require.NoError(f, err)
	f.Add(string(sample))
	for _, bad := range badCodeCarbon {
		f.Add(badCodeCarbonHeader + bad.record + "\n" + bad.record + "\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		parser := newCodeCarbonParser(trainingInUTC, map[string]bool{"FRA": true, "us-central1": true}, now)
		runs := newCodeCarbonRuns(trainingInUTC)
		runs.know(nil, nil)
		fuzzEvents(t, text, codeCarbonColumns, func(rec record) (warehouse.Event, error) {
			reading, err := parser.reading(rec)
			if err != nil {
				return warehouse.Event{}, err
			}
			return runs.count(reading)
		})
	})
}

// fuzzEvents checks that whatever a parser accepts, the warehouse takes.
func fuzzEvents(t *testing.T, text string, wanted columns, parse func(record) (warehouse.Event, error)) {
	var report Report
	file := inMemory(t, "fuzz.csv", text)
	good := 0
	err := report.eachRecord(context.Background(), file, wanted, func(rec record) error {
		event, err := parse(rec)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return err
		}
		good++
		assert.NoError(t, event.Validate(now))
		return nil
	})
	if err == nil {
		assert.Equal(t, report.Read, good+report.Rejected, "every record is counted once")
	}
}
