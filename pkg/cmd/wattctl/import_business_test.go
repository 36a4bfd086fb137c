package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// From an ERP's thousands of EUR to a KPI: the sample file says 36.000,00 thousand EUR of
// annual recurring revenue for 2026-03, which are 36,000,000 × 1.0843 = 39,034,800 USD.
// The CodeCarbon sample emitted 0.02 + 0.03 + 0.04 + 0.01 + 0.01 + 0.03 + 0.6 = 0.74 kg in
// March, 0.74 × 365 / 31 a year, by 1,000 USD of ARR.
func TestMappedRevenueBecomesTheCarbonIntensityOfRevenue(t *testing.T) {
	c := onWarehouse(t)
	require.Equal(t, exitRejected, c.run("import", "codecarbon", sample(t, "codecarbon.csv")), c.err)
	extract := sample(t, filepath.Join("business", "sap-items.csv"))
	require.Equal(t, exitRejected, c.run("import", "business", extract, "--mapping", filepath.Join("..", "..", "..", "deploy", "business-mapping.yaml")), c.err)
	assert.Equal(t, "read 13, stored 10, unchanged 1, rejected 2\n", c.out)
	assert.Contains(t, c.err, `1 rows are of nothing in metrics and were left out: "Materialaufwand".`)
	require.Equal(t, exitDone, c.run("query", "kpi", "--from", "2026-03-01", "--to", "2026-04-01", "--format", "json"), c.err)
	found := false
	for _, row := range answer(t, c.out) {
		if row["kpi"] == "Carbon intensity of revenue" {
			found = true
			assert.InDelta(t, 0.74*365/31.0/39_034_800*1000, row["value"], 1e-12)
		}
	}
	assert.True(t, found, c.out)
}

func TestABadMappingIsWrongUsage(t *testing.T) {
	c := onWarehouse(t)
	csv := file(t, "f.csv", "M,V\n2026-01,1\n")
	assert.Equal(t, exitUsage, c.run("import", "business", csv, "--mapping", file(t, "m.yaml", "delimitr: ;")))
	assert.Contains(t, c.err, `line 1: there is no key "delimitr" at the top: the keys there are business_unit, currency, file,`)
	assert.Equal(t, exitUsage, c.run("import", "business", csv, "--mapping", csv+".none"))
	assert.Contains(t, c.err, "reading the mapping: open ")
}
