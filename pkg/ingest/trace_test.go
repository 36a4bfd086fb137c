package ingest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func mlEnergy(t testing.TB) MLEnergy {
	t.Helper()
	file, err := os.Open("testdata/mlenergy.json")
	require.NoError(t, err)
	defer file.Close() //nolint:errcheck // only read
	energy, err := ReadMLEnergy(file)
	require.NoError(t, err)
	return energy
}

func traceOptions(t testing.TB) TraceOptions {
	t.Helper()
	energy := mlEnergy(t)
	chosen, _, err := energy.Choose("acme/Small-8B", "H100", 64)
	require.NoError(t, err)
	return TraceOptions{Configuration: chosen, Task: energy.Task, Project: "helpdesk", Endpoint: "chat", Region: "us-central1"}
}

func TestTraceJoinsRequestsWithMeasuredEnergy(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{5, 0} {
		file := testdata(t, "trace.csv")
		report, err := Trace(context.Background(), store, file, traceOptions(t), now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 5, Stored: stored, Unchanged: 5 - stored}, report)
	}
	assert.Equal(t, []string{
		// 44 tokens × 0.36 J = 15.84 J = 4.4e-6 kWh; 44/1000 s = 12 millionths of an hour.
		`("2026-03-02 18:15:46.68059",acme/Small-8B,helpdesk,us-central1,chat,inference,1,374,44,0.0000044,0.000012,trace,estimated,)`,
		`("2026-03-02 18:15:50.995169",acme/Small-8B,helpdesk,us-central1,chat,inference,1,396,109,0.0000109,0.000030,trace,estimated,)`,
		`("2026-03-02 18:15:50.995169",acme/Small-8B,helpdesk,us-central1,chat,inference,1,396,109,0.0000109,0.000031,trace,estimated,)`,
		`("2026-03-02 18:16:01",acme/Small-8B,helpdesk,us-central1,chat,inference,1,0,0,0,0.000000,trace,estimated,)`,
		`("2026-03-02 18:17:12.5",acme/Small-8B,helpdesk,us-central1,chat,inference,1,1030,434,0.0000434,0.000120,trace,estimated,)`,
	}, lines(t, pool, `SELECT ts AT TIME ZONE 'UTC', model, project, region, endpoint, workload, requests, input_tokens, output_tokens,
		trim_scale(it_energy_kwh::numeric), round(gpu_hours::numeric, 6), source, quality, latency_ms FROM wattscore.event ORDER BY ts, gpu_hours`))
	assert.Equal(t, []string{"(acme/Small-8B,acme,chat,8)"},
		lines(t, pool, "SELECT name, provider, task_class, parameters_billion FROM wattscore.model WHERE name LIKE 'acme%'"))

	elsewhere := traceOptions(t)
	elsewhere.Endpoint = "chat-2"
	report, err := Trace(context.Background(), store, testdata(t, "trace.csv"), elsewhere, now)
	require.NoError(t, err)
	assert.Equal(t, 5, report.Stored, "the requests of another endpoint are other requests")
}

func TestTraceGPUHoursAddUp(t *testing.T) {
	parser := traceParser{options: traceOptions(t), now: now, ids: newIdentities()}
	parser.options.Configuration.OutputTokensPerSecond = 20_000
	var text strings.Builder
	text.WriteString("TIMESTAMP,ContextTokens,GeneratedTokens\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "2026-03-02 18:%02d:%02d,1,%d\n", i/60%60, i%60, 1+i%37)
	}
	var report Report
	var sum, exact float64
	require.NoError(t, report.eachRecord(context.Background(), inMemory(t, "t.csv", text.String()), traceColumns, func(rec record) error {
		event, err := parser.event(rec)
		sum += event.GPUHours
		exact += parser.options.Configuration.gpuHours(event.OutputTokens)
		return err
	}))
	assert.InDelta(t, exact, sum, 1e-6, "to the unit, though each request is rounded to it")
}

// badTrace are records that cannot be used, with why.
var badTrace = []struct{ record, reason string }{
	{"2026-03-02 18:15:46,-1,44", "ContextTokens -1 is negative"},
	{"2026-03-02 18:15:46,374,NaN", "GeneratedTokens is NaN, not a number"},
	{"2026-03-02 18:15:46,374,4.5", "GeneratedTokens 4.5 is not a whole number"},
	{"2026-03-02 18:15:46,374,", "GeneratedTokens is empty"},
	{"1970-01-01 00:00:00,374,44", "time 1970-01-01T00:00:00Z is before 2015"},
	{"2099-01-01 00:00:00,374,44", "time 2099-01-01T00:00:00Z is in the future"},
	{"18:15:46,374,44", `TIMESTAMP "18:15:46" is not a time: write it as 2026-01-31T12:00:00`},
	{"2026-03-02 18:15:46,374", "it has 2 fields and the header has 3"},
	{"2026-03-02 18:15:46,374,\xff", "it is not valid UTF-8"},
}

func TestTraceRejectsWhatCannotBeTrue(t *testing.T) {
	text := "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	var want []string
	for i, bad := range badTrace {
		text += bad.record + "\n"
		want = append(want, fmt.Sprintf("%d: %s", i+2, bad.reason))
	}
	store := warehouse.OpenStore(warehousetest.Open(t))
	file := inMemory(t, "trace.csv", text+"2026-03-02 18:15:46,374,44\n")
	report, err := Trace(context.Background(), store, file, traceOptions(t), now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: len(badTrace) + 1, Stored: 1, Rejected: len(badTrace)}, report)
	assert.Equal(t, want, rejected(t, file))

	options := traceOptions(t)
	options.Region = "moon1"
	_, err = Trace(context.Background(), store, testdata(t, "trace.csv"), options, now)
	assert.ErrorContains(t, err, `unknown region "moon1"`)
}

func TestChooseAConfiguration(t *testing.T) {
	energy := mlEnergy(t)
	for _, test := range []struct {
		name, model, gpu string
		seqs             int
		joules           float64
		said             string // in the note or in the error
	}{
		{"the only one on the GPU", "acme/Small-8B", "B200", 0, 0.2, ""},
		{"by the batch size", "acme/Small-8B", "H100", 128, 0.18, ""},
		{"whatever the case", "ACME/small-8b", "h100", 64, 0.36, ""},
		{"the least energy of those that differ in nothing asked for", "acme/Big-200B", "H100", 64, 3.1,
			"Of 2 configurations of acme/Big-200B on H100 with 64 sequences, the one with the least energy per token was taken: 16 GPUs, fp8, tensor/expert/data parallel 8/1/2, 3.1 J per token."},
		{"and so without a batch size, when they have one alike", "acme/Big-200B", "H100", 0, 3.1, "Of 2 configurations"},
		{"the middle of several batch sizes", "acme/Small-8B", "H100", 0, 0.36,
			"64 (0.36 J per token), 128 (0.18 J per token). The middle one, 64, was taken; choose another with --max-num-seqs."},
		{"no such batch size", "acme/Small-8B", "H100", 7, 0, "not measured with 7 sequences at most: choose one of 64"},
		{"no such GPU", "acme/Small-8B", "A100", 0, 0, `acme/Small-8B was not measured on "A100": it was on H100, B200`},
		{"no such model, some like it", "small", "H100", 0, 0, `no model "small" was measured; the nearest are acme/Small-8B`},
		{"no such model, none like it", "xyzzy", "H100", 0, 0, "those that were are acme/Small-8B, acme/Big-200B, other/Broken"},
		{"a configuration without figures", "other/Broken", "H100", 0, 0, "lacks its energy per token"},
	} {
		chosen, note, err := energy.Choose(test.model, test.gpu, test.seqs)
		if test.joules == 0 {
			assert.ErrorContains(t, err, test.said, test.name)
			continue
		}
		require.NoError(t, err, test.name)
		assert.Equal(t, test.joules, chosen.EnergyPerTokenJoules, test.name)
		assert.Contains(t, note, test.said, test.name)
		assert.Equal(t, test.said == "", note == "", test.name)
	}
}

func TestFilesThatAreNoMLEnergy(t *testing.T) {
	for want, text := range map[string]string{
		"it is not the JSON of the ML.ENERGY Leaderboard": "a,b\n1,2\n",
		`it has no "configurations"`:                      "{}",
		"unexpected end":                                  "",
	} {
		_, err := ReadMLEnergy(strings.NewReader(text))
		assert.ErrorContains(t, err, want)
	}
	_, err := ReadMLEnergy(&endless{1 << 40})
	assert.ErrorContains(t, err, "larger than 16 MiB")
}

func FuzzTrace(f *testing.F) {
	sample, err := os.ReadFile("testdata/trace.csv")
	require.NoError(f, err)
	f.Add(string(sample))
	for _, bad := range badTrace {
		f.Add("TIMESTAMP,ContextTokens,GeneratedTokens\n" + bad.record)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parser := traceParser{options: traceOptions(t), now: now, ids: newIdentities()}
		fuzzEvents(t, text, traceColumns, parser.event)
	})
}

func FuzzMLEnergy(f *testing.F) {
	sample, err := os.ReadFile("testdata/mlenergy.json")
	require.NoError(f, err)
	f.Add(string(sample), "acme/Small-8B", "H100", 64)
	f.Add("{}", "", "", 0)
	f.Fuzz(func(t *testing.T, text, model, gpu string, seqs int) {
		energy, err := ReadMLEnergy(strings.NewReader(text))
		if err != nil {
			return
		}
		chosen, _, err := energy.Choose(model, gpu, seqs)
		if err == nil {
			assert.Positive(t, chosen.EnergyPerTokenJoules)
			assert.Positive(t, chosen.OutputTokensPerSecond)
		}
	})
}
