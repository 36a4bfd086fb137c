package warehouse_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestWriteBusinessMetrics(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	metrics := []warehouse.BusinessMetric{
		{Month: june, Metric: "revenue", Value: 1234567.89, Source: "ERP"},
		{Month: june, Metric: "revenue", BusinessUnit: "Consumer", Value: 1000, Source: "ERP"},
		{Month: june, Metric: "Profit!", Value: 1, Source: "ERP"},
		{Month: june.AddDate(0, 0, 1), Metric: "arr", Value: 1, Source: "ERP"},
		{Month: january(1970), Metric: "arr", Value: 1, Source: "ERP"},
		{Month: june, Metric: "arr", Value: math.Inf(1), Source: "ERP"},
		{Month: june, Metric: "arr", Value: -1, Source: "ERP"},
		{Month: june, Metric: "arr", Value: 1},
	}
	for _, stored := range []int{2, 0} {
		result, err := store.WriteBusinessMetrics(context.Background(), metrics)
		require.NoError(t, err)
		assertCounts(t, stored, 2-stored, 6, result)
		for i, reason := range []string{`"Profit!" is no name of a metric`, "does not begin on the first", "before 2015", "not a number", "negative", "source"} {
			assert.ErrorContains(t, result.Rejected[i].Reason, reason)
		}
	}
	metrics[0].Value = 1234567.9
	result, err := store.WriteBusinessMetrics(context.Background(), metrics[:2])
	require.NoError(t, err)
	assertCounts(t, 1, 1, 0, result)
	assert.Equal(t, "(1234567.9)", row(t, pool, "SELECT value FROM wattscore.business_metric WHERE business_unit = ''"))
}

func TestWriteBudgets(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	monday := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	cost := []warehouse.CostBudget{
		{Day: monday, USD: 32.26, Source: "plan"}, {Day: monday, BusinessUnit: "Consumer", USD: 10, Source: "plan"},
		{Day: january(2099), USD: 1, Source: "plan"}, {Day: monday, USD: math.NaN(), Source: "plan"}, {USD: 1, Source: "plan"},
	}
	carbon := []warehouse.CarbonBudget{
		{Week: monday, Kilograms: 500, Source: "plan"}, {Week: monday.AddDate(0, 0, 1), Kilograms: 500, Source: "plan"},
	}
	for _, stored := range []int{1, 0} {
		result, err := store.WriteCostBudgets(ctx, cost)
		require.NoError(t, err)
		assertCounts(t, 2*stored, 2-2*stored, 3, result)
		result, err = store.WriteCarbonBudgets(ctx, carbon)
		require.NoError(t, err)
		assertCounts(t, stored, 1-stored, 1, result)
		assert.ErrorContains(t, result.Rejected[0].Reason, "does not begin on a Monday")
	}
	assert.Equal(t, "(42.26)", row(t, pool, "SELECT sum(usd) FROM wattscore.cost_budget"))
}
