package ingest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestBusinessMetrics(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{3, 0} {
		file := testdata(t, "business.csv")
		report, err := Business(context.Background(), store, file, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 11, Stored: stored, Unchanged: 4 - stored, Rejected: 7}, report)
		assert.ElementsMatch(t, []string{
			`5: unknown metric "profit": it must be one of revenue, arr, transactions, active_users`,
			`6: month "2026-13" is not a month: write it as 2026-01`,
			"7: month 1970-01-01 is before 2015",
			"8: month 2099-01 is in the future: these are figures of what was",
			"9: value -1 is negative",
			`10: value "1,250,000" is not a number: write it with a decimal point and without separators, like 1234.5`,
			"12: an earlier entry for 2026-01, revenue says otherwise: keep the one that is right",
		}, rejected(t, file))
	}
	assert.Equal(t, []string{"(2026-01-01,active_users,\"\",41000,ERP)", "(2026-01-01,revenue,\"\",1250000.5,ERP)", "(2026-01-01,revenue,Consumer,250000,business.csv)"},
		lines(t, pool, "SELECT month, metric, business_unit, value, source FROM wattscore.business_metric ORDER BY 2, 3"))
}

func FuzzBusiness(f *testing.F) {
	seed(f, "business.csv")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzTable(t, text, businessColumns, func(rec record) ([]warehouse.BusinessMetric, error) {
			metric, err := parseBusinessMetric(rec, "fuzz", now)
			return []warehouse.BusinessMetric{metric}, err
		})
	})
}
