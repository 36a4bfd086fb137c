package company

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func count(t *testing.T, pool *pgxpool.Pool, query string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), query).Scan(&n))
	return n
}

// early in its month, the company has few of the finest slots.
var early = time.Date(2025, 11, 5, 15, 0, 0, 0, time.UTC)

func TestLoadTwice(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	c := generate(1, early, 2)
	tables := []string{"inference_energy_fact", "model", "project", "training_run", "hardware_asset", "hardware_event",
		"business_metric", "cost_budget", "carbon_budget", "region_factor", "factor_version", "provider_figure", "provider_import"}
	var first map[string]int
	for range 2 {
		done, total := 0, 0
		require.NoError(t, c.Load(t.Context(), store, early, func(d, n int) {
			assert.Greater(t, d, done)
			done, total = d, n
		}))
		assert.Equal(t, len(c.Events), total)
		assert.Equal(t, total, done)
		counts := map[string]int{}
		for _, table := range tables {
			counts[table] = count(t, pool, "SELECT count(*) FROM wattscore."+table)
		}
		if first == nil {
			first = counts
			assert.Equal(t, len(c.HardwareEvents), counts["hardware_event"])
			assert.Equal(t, len(c.CostBudgets), counts["cost_budget"])
			assert.NotZero(t, counts["provider_figure"])
			assert.Equal(t, len(c.CarbonStatements)+len(c.Bills), counts["provider_figure"])
			assert.Equal(t, 0, count(t, pool, "SELECT count(*) FROM wattscore.hardware_asset LEFT JOIN wattscore.accelerator a USING (accelerator) WHERE a IS NULL"))
			continue
		}
		assert.Equal(t, first, counts, "the second time nothing is stored")
	}
	result, err := store.WriteEvents(t.Context(), c.Events[:batch], early)
	require.NoError(t, err)
	assert.Zero(t, result.Stored)
	assert.Equal(t, batch, result.Unchanged)
}

func TestLoadedFactorsPriceAsTheBudgetsDo(t *testing.T) {
	pool := warehousetest.Open(t)
	c := generate(1, early, 2)
	require.NoError(t, c.Load(t.Context(), warehouse.OpenStore(pool), early, nil))
	usd, kilograms := 0.0, 0.0
	for _, a := range c.spending(weekOf, every)[company] {
		usd, kilograms = usd+a.usd, kilograms+a.kilograms
	}
	var stored struct{ usd, kilograms float64 }
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT sum(cost_usd), sum(carbon_location_kg) FROM wattscore.event").Scan(&stored.usd, &stored.kilograms))
	assert.InEpsilon(t, usd, stored.usd, 1e-6)
	assert.InEpsilon(t, kilograms, stored.kilograms, 1e-6)
}

func TestLoadPutsFactorsInForceAmongEvents(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, early, warehousetest.Event("somebody", early.AddDate(0, 0, -3)))
	c := generate(1, early, 1)
	require.NoError(t, c.Load(t.Context(), warehouse.OpenStore(pool), early, nil))
	assert.Equal(t, 1, count(t, pool, "SELECT count(*) FROM wattscore.factor_version WHERE in_force AND name = '"+Name+"'"))
}

func TestLoadRejects(t *testing.T) {
	c := generate(1, early, 1)
	err := c.Load(t.Context(), warehouse.OpenStore(warehousetest.Open(t)), c.Start, nil)
	require.ErrorContains(t, err, "in the future")
	assert.ErrorContains(t, err, "loading the demo company")
}
