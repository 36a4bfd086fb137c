package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// figures.sql is what an analyst would write: the facts and the factors as they
// were imported, without roll-ups, periods or anything of package query.
//
//go:embed testdata/figures.sql
var figuresSQL string

// figure is what both sides compute of a project.
type figure struct {
	Requests, Energy, Cost, Carbon float64
}

// TestFiguresEqualPlainSQLOverTheFacts imports the two kinds of real input and
// computes the same figures on both sides.
func TestFiguresEqualPlainSQLOverTheFacts(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	require.Equal(t, exitDone, c.run("import", "trace", sample(t, "trace.csv"), "--energy", sample(t, "mlenergy.json"),
		"--model", "acme/Small-8B", "--gpu", "H100", "--max-num-seqs", "64", "--project", "helpdesk", "--region", "us-central1"), c.err)

	connection, err := pgx.Connect(context.Background(), c.env[dsnVariable])
	require.NoError(t, err)
	defer connection.Close(context.Background()) //nolint:errcheck // nothing depends on it
	rows, err := connection.Query(context.Background(), figuresSQL)
	require.NoError(t, err)
	want := map[string]figure{}
	for rows.Next() {
		var project string
		var f figure
		require.NoError(t, rows.Scan(&project, &f.Requests, &f.Energy, &f.Cost, &f.Carbon))
		want[project] = f
	}
	require.NoError(t, rows.Err())
	require.Contains(t, want, "helpdesk", "the trace is in")
	require.GreaterOrEqual(t, len(want), 2, "and so are the CodeCarbon runs")

	period := []string{"--from", "2026-01-01", "--to", "2026-07-01", "--group-by", "project", "--format", "json"}
	got := map[string]figure{}
	require.Equal(t, exitDone, c.run(append([]string{"query", "energyScore"}, period...)...), c.err)
	for _, row := range answer(t, c.out) {
		got[row["project"].(string)] = figure{row["requests"].(float64), row["energy_kwh"].(float64), row["cost_usd"].(float64), row["carbon_kg"].(float64)}
	}
	assert.Equal(t, want, got)

	require.Equal(t, exitDone, c.run(append([]string{"query", "carbonAttribution"}, period...)...), c.err)
	for _, row := range answer(t, c.out) {
		assert.InDelta(t, want[row["project"].(string)].Carbon/1000, row["total_t"], 1e-15, "tCO2e of %s", row["project"])
	}
}

func answer(t *testing.T, text string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &rows), text)
	return rows
}
