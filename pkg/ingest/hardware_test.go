package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestHardwareInventory(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	for _, stored := range []int{3, 0} {
		file := testdata(t, "hardware.csv")
		report, err := Hardware(context.Background(), store, file, newYork, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 16, Stored: stored, Unchanged: 3 - stored, Rejected: 13}, report)
		assert.ElementsMatch(t, []string{
			"5: deployed 2024-01-01 is before procured 2024-05-01",
			"6: it cannot be recycled and e_waste too",
			"7: procured 2027-05-01 is in the future: an inventory says what has happened",
			"8: procured 1970-01-01 is before 2000",
			"9: procured 2099-01-01 is in the future: an inventory says what has happened",
			`10: unknown region "atlantis1": import its factors first, or correct the code`,
			"11: purchase_cost_usd -1 is negative",
			"12: the embodied carbon does not say its boundary and source, and figures differ several-fold between them",
			"13: lifetime_years is 0",
			"14: serial is empty",
			"15: accelerator is empty",
			"16: procured is empty",
			`17: serial "GPU-0001" is in line 2 already`,
		}, rejected(t, file))
	}
	assert.Equal(t, []string{
		`(GPU-0001,procured,"2024-01-15 05:00:00")`, `(GPU-0001,deployed,"2024-03-01 05:00:00")`,
		`(GPU-0002,procured,"2020-01-15 05:00:00")`, `(GPU-0002,deployed,"2020-03-01 05:00:00")`,
		`(GPU-0002,decommissioned,"2025-02-01 05:00:00")`, `(GPU-0002,reused,"2025-04-01 04:00:00")`,
		`(GPU-0003,procured,"2019-05-01 04:00:00")`, `(GPU-0003,decommissioned,"2024-01-01 05:00:00")`, `(GPU-0003,recycled,"2024-02-01 05:00:00")`,
	}, lines(t, pool, `SELECT serial, stage, ts AT TIME ZONE 'UTC' FROM wattscore.hardware_event
		JOIN wattscore.hardware_asset h USING (asset_id) WHERE serial <= 'GPU-0003' ORDER BY 1, 3`), "days begin at the company's midnight")
	assert.Equal(t, []string{
		`("H100 SXM",us-central1,Research,30000,5,164,150,575,"cradle to gate","Vendor PCF",2025)`, `("H100 SXM",us-central1,Research,30000,5,,,,,,)`, `("A100 SXM",,,,4,,,,,,)`,
	}, lines(t, pool, `SELECT accelerator, r.code, business_unit, purchase_cost_usd, lifetime_years, embodied_kg, embodied_low_kg, embodied_high_kg,
		embodied_boundary, embodied_source, embodied_year FROM wattscore.hardware_asset h LEFT JOIN wattscore.region r USING (region_id)
		WHERE serial <= 'GPU-0003' ORDER BY serial`))
}

func TestTheLeastAnInventorySays(t *testing.T) {
	pool := warehousetest.Open(t)
	report, err := Hardware(context.Background(), warehouse.OpenStore(pool), inMemory(t, "h.csv", "Serial,Accelerator,Procured\nA,H100,2024-01-01\n"), time.UTC, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 1, Stored: 1}, report)
}

func FuzzHardware(f *testing.F) {
	seed(f, "hardware.csv")
	f.Fuzz(func(t *testing.T, text string) {
		parser := hardwareParser{zone: time.UTC, now: now, lines: map[string]int{}}
		fuzzTable(t, text, hardwareColumns, func(rec record) ([]hardwareRecord, error) {
			parsed, err := parser.record(rec)
			return []hardwareRecord{parsed}, err
		})
	})
}
