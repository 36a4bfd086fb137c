package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	path := filepath.Join(t.TempDir(), "report.html")
	require.Equal(t, exitDone, c.run("report", "--period", "2026", "--output", path), c.err)
	assert.Empty(t, c.out, "the report is in the file")
	assert.Contains(t, c.err, "2026-01-01 to 2026-12-31")
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(page), "1 January to 31 December 2026 (UTC)")
	assert.Contains(t, string(page), "Cloud Carbon Footprint constants", "the factors' sources are named")

	require.Equal(t, exitDone, c.run("report", "--period", "2026", "--format", "md"), c.err)
	assert.Contains(t, c.out, "## Business KPIs")
	require.Equal(t, exitDone, c.run("report", "--period", "2026", "--format", "csv"), c.err)
	assert.Contains(t, c.out, "section,item,measure,unit,value,previous\n")
}

func TestReportTeaches(t *testing.T) {
	c := onWarehouse(t)
	for _, test := range []struct {
		name      string
		arguments []string
		says      string
	}{
		{"no period", nil, `"period"`},
		{"a period that is none", []string{"--period", "summer"}, "write 2026-Q3 (a fiscal quarter)"},
		{"a period to come", []string{"--period", "2099-Q1"}, "begins on 1 January 2099"},
		{"an unknown format", []string{"--period", "2026-Q3", "--format", "pdf"}, "it must be html, md or csv"},
		{"an unknown dimension", []string{"--period", "2026-Q3", "--filter", "planet=x"}, `"planet" is not one of`},
		{"an unknown member", []string{"--period", "2026-Q3", "--filter", "model=x"}, "No such member"},
		{"a filter without a member", []string{"--period", "2026-Q3", "--filter", "model"}, "DIMENSION=MEMBER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, exitUsage, c.run(append([]string{"report"}, test.arguments...)...))
			assert.Contains(t, c.err, test.says)
			assert.Empty(t, c.out)
		})
	}
	assert.Equal(t, exitFailed, c.run("report", "--period", "2026-Q3", "--output", filepath.Join(t.TempDir(), "none", "report.html")))
	assert.Contains(t, c.err, "--output")
}
