package ingest

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestBudgets(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{5, 0} {
		file := testdata(t, "budgets.csv")
		report, err := Budgets(context.Background(), store, file)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 16, Stored: stored, Unchanged: 5 - stored, Rejected: 11}, report)
		assert.ElementsMatch(t, []string{
			"7: date 2026-02-15 is not the first of a month: write 2026-02-01",
			"8: date 2026-03-11 is not a Monday, as a week begins with one: write 2026-03-09",
			`9: period "month": a carbon budget is of a week, dated with its Monday`,
			`10: period "year" is not day, week or month`,
			"11: line 2 sets another budget for the same time and business unit: keep the one that is right",
			"12: day 1970-01-01 is before 2015",
			"13: day 2099-01-01 is after 2045, where the calendar ends",
			"14: amount -10 is negative",
			"15: amount has fractions of a cent",
			`16: kind "water" is neither cost nor carbon`,
			"17: amount 1e+15 is too large",
		}, rejected(t, file))
	}
	assert.Equal(t, []string{`(2026-02-01,2026-02-28,28,1000.00,35.71,35.72,"")`, `(2026-03-02,2026-03-02,1,99.99,99.99,99.99,"")`, "(2026-03-02,2026-03-08,7,70.03,10,10.01,Consumer)"},
		lines(t, pool, `SELECT min(day), max(day), count(*), sum(usd), min(usd), max(usd), business_unit FROM wattscore.cost_budget
			GROUP BY business_unit, date_trunc('month', day) ORDER BY 1, 2`), "a month is spread to the cent")
	assert.Equal(t, []string{`(2026-03-02,"",500)`, "(2026-03-09,Consumer,450.5)"},
		lines(t, pool, "SELECT week, business_unit, kg FROM wattscore.carbon_budget ORDER BY 1"))
}

func TestSpreadCents(t *testing.T) {
	for _, dollars := range []float64{0, 0.01, 0.29, 1000, 99.99, 1e6 + 0.07, 123456789.12, 1e10} {
		for _, parts := range []int{1, 7, 28, 29, 30, 31} {
			shares, err := spreadCents(dollars, parts)
			require.NoError(t, err, dollars)
			var cents int64
			for i, share := range shares {
				c := math.Round(share * 100)
				assert.InDelta(t, c, share*100, 1e-3)
				cents += int64(c)
				if i > 0 {
					assert.LessOrEqual(t, share, shares[i-1])
				}
			}
			assert.Equal(t, int64(math.Round(dollars*100)), cents, "%g over %d days", dollars, parts)
		}
	}
}

func FuzzBudgets(f *testing.F) {
	seed(f, "budgets.csv")
	f.Fuzz(func(t *testing.T, text string) {
		parser := budgetParser{source: "fuzz", seen: map[string]budgetLine{}}
		fuzzTable(t, text, budgetColumns, parser.budget)
	})
}
