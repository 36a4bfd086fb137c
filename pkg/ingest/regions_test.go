package ingest

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

const factorsOf = `SELECT r.code, f.quantity, f.valid_from, f.value, f.source, f.source_year, f.method, f.boundary
	FROM wattscore.region_factor f JOIN wattscore.region r USING (region_id) WHERE `

func TestGoogleRegionCarbonAsItIs(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{4, 0} {
		file := testdata(t, "region-carbon-2024.csv")
		report, err := Factors(context.Background(), store, file, 0)
		require.NoError(t, err)
		assert.Equal(t, []int{6, stored, 4 - stored, 2}, []int{report.Read, report.Stored, report.Unchanged, report.Rejected})
		assert.True(t, report.InForce)
		assert.Equal(t, []string{"6: google cfe 31 is more than 1", "7: grid carbon intensity (gco2eq / kwh) is empty"}, rejected(t, file))
		if stored > 0 {
			assert.Equal(t, []string{"New regions: europe-west77. They have no PUE and no electricity price yet: import them with wattctl import factors."}, report.Notes)
		} else {
			assert.Empty(t, report.Notes)
		}
	}
	assert.Equal(t, []string{
		`(asia-east2,grid_location,2024-01-01,505.02,"Google Cloud region-carbon-info 2024 (Apache-2.0)",2024,"average of the grid","operation of the power plants")`,
		`(europe-west6,carbon_free_share,2024-01-01,0.98,"Google Cloud region-carbon-info 2024 (Apache-2.0)",2024,"hourly share of carbon-free energy, contracts included","electricity consumed in the region")`,
		`(europe-west6,grid_location,2024-01-01,15,"Google Cloud region-carbon-info 2024 (Apache-2.0)",2024,"average of the grid","operation of the power plants")`,
	}, lines(t, pool, factorsOf+"f.source LIKE 'Google%' AND r.code IN ('asia-east2', 'europe-west6') ORDER BY 1, 2"))
	assert.Equal(t, []string{`(europe-west6,Zürich,CHE)`, `(europe-west77,Atlantis,)`},
		lines(t, pool, "SELECT code, location, country_code FROM wattscore.region WHERE code IN ('europe-west6', 'europe-west77') ORDER BY 1"))
}

func TestTheYearOfGooglesFigures(t *testing.T) {
	header := "Google Cloud Region,Location,Google CFE,Grid carbon intensity (gCO2eq / kWh)\nus-central1,Iowa,0.87,412.5\n"
	lifecycle := "Google Cloud Region,Location,Google CFE,Lifecycle grid carbon intensity (gCO2eq / kWh),Google Cloud net operational GHG emissions\nus-east1,Iowa,,500,0\n"
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, test := range []struct {
		name, text string
		year       int
		want       string
	}{
		{"latest.csv", header, 2023, "(us-central1,2023-01-01)"},
		{"2022.csv", header, 0, "(us-central1,2022-01-01)"},
		{"google-region-carbon-2021-final.csv", header, 0, "(us-central1,2021-01-01)"},
		{"2019.csv", lifecycle, 0, "(us-east1,2019-01-01)"},
	} {
		report, err := Factors(context.Background(), store, inMemory(t, test.name, test.text), test.year)
		require.NoError(t, err, test.name)
		assert.Equal(t, 1, report.Stored, test.name)
		assert.Contains(t, lines(t, pool, "SELECT r.code, f.valid_from FROM wattscore.region_factor f JOIN wattscore.region r USING (region_id) WHERE quantity = 'grid_location'"), test.want)
	}
	assert.Equal(t, []string{`("life cycle of generation")`}, lines(t, pool, "SELECT boundary FROM wattscore.region_factor WHERE valid_from = '2019-01-01' AND source LIKE 'Google%'"))
	_, err := Factors(context.Background(), store, inMemory(t, "latest20241.csv", header), 0)
	assert.ErrorContains(t, err, "pass it with --year")
	_, err = Factors(context.Background(), store, inMemory(t, "2024.csv", strings.ReplaceAll(header, ",", ";")), 0)
	assert.ErrorContains(t, err, "separated by semicolons")
}

func TestOurOwnFactors(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{3, 0} {
		file := testdata(t, "factors.csv")
		report, err := Factors(context.Background(), store, file, 0)
		require.NoError(t, err)
		assert.Equal(t, []int{14, stored, 4 - stored, 10}, []int{report.Read, report.Stored, report.Unchanged, report.Rejected})
		assert.ElementsMatch(t, []string{
			`5: unknown region "atlantis1": import the region first, or correct the code`,
			"6: pue 0.9 is less than 1",
			`7: unknown quantity "wue": it must be one of [grid_location grid_market pue electricity_price carbon_free_share]`,
			"8: value is NaN, not a number",
			"9: valid from 1970-01-01 is before 2000",
			"10: valid from 2099-01-01 is after 2045, where the calendar ends",
			`11: valid_from "01/02/2026" is not a date: write it as 2026-01-31`,
			"12: it does not say its source",
			`13: source_year "20x5" is not a number`,
			"15: an earlier entry for FRA, grid_market, 2026-01-01 says otherwise: keep the one that is right",
		}, rejected(t, file))
	}
	assert.Equal(t, []string{
		`(us-central1,electricity_price,2026-01-01,0.085,"Utility contract 12",2026,contract,"without taxes")`,
	}, lines(t, pool, factorsOf+"source = 'Utility contract 12'"))
}

func TestFactorsOfAnotherShape(t *testing.T) {
	_, err := Factors(context.Background(), warehouse.OpenStore(warehousetest.Open(t)), inMemory(t, "x.csv", "country,intensity\nFRA,56\n"), 0)
	assert.ErrorContains(t, err, `x.csv: the columns ["region" "quantity" "valid_from" "value" "source" "source_year"] are missing; the file has the columns "country", "intensity"`)
}

// fuzzTable checks that a parser of figures neither fails nor loses a record.
func fuzzTable[T any](t *testing.T, text string, wanted columns, parse func(record) ([]T, error)) {
	var report Report
	all, err := readTable(context.Background(), &report, inMemory(t, "fuzz.csv", text), wanted, parse)
	if err == nil {
		assert.Equal(t, report.Read, len(all.sources)+report.Rejected, "every record is counted once")
		assert.Len(t, all.owners, len(all.items))
	}
}

func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		sample, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(string(sample))
	}
}

func FuzzOwnFactors(f *testing.F) {
	seed(f, "factors.csv")
	f.Fuzz(func(t *testing.T, text string) { fuzzTable(t, text, ownFactorColumns, parseOwnFactor) })
}

func FuzzGoogleFactors(f *testing.F) {
	seed(f, "region-carbon-2024.csv")
	wanted := columns{required: []string{googleRegion, googleIntensity}, optional: []string{googleLocation, googleCFE}}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzTable(t, text, wanted, func(rec record) ([]warehouse.Factor, error) {
			factors, _, err := parseGoogleRecord(rec, googleIntensity, "", 2024)
			return factors, err
		})
	})
}
