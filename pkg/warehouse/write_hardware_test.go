package warehouse_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestWriteHardware(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	assets := []warehouse.HardwareAsset{
		{Serial: "gpu-1", Accelerator: "H100", Region: "FRA", BusinessUnit: "Research", PurchaseCost: pointer(30000.5), LifetimeYears: 5,
			EmbodiedKilograms: pointer(164.0), EmbodiedLow: pointer(150.0), EmbodiedHigh: pointer(575.0),
			EmbodiedBoundary: "cradle to gate", EmbodiedSource: "vendor", EmbodiedYear: 2025},
		{Serial: "gpu-2", Accelerator: "H100"},
		{Serial: "gpu-3", Accelerator: "H100", Region: "mars"},
		{Serial: "gpu-4", Accelerator: "H100", EmbodiedKilograms: pointer(1.0)},
		{Serial: "gpu-5", Accelerator: "H100", LifetimeYears: -1},
		{Serial: "gpu-6", Accelerator: "H100", PurchaseCost: pointer(-1.0)},
		{Serial: "gpu-7"},
	}
	events := []warehouse.HardwareEvent{
		{Serial: "gpu-1", Time: january(2025), Stage: "procured", Source: "inventory"},
		{Serial: "gpu-1", Time: january(2026), Stage: "deployed", Source: "inventory"},
		{Serial: "gpu-3", Time: january(2025), Stage: "procured", Source: "inventory"},
		{Serial: "gpu-1", Time: january(2025), Stage: "lost", Source: "inventory"},
		{Serial: "gpu-1", Time: january(1970), Stage: "procured", Source: "inventory"},
		{Serial: "gpu\x00", Time: january(2025), Stage: "procured", Source: "inventory"},
	}
	for _, stored := range []int{1, 0} {
		assetResult, eventResult, err := store.WriteHardware(ctx, assets, events)
		require.NoError(t, err)
		assertCounts(t, 2*stored, 2-2*stored, 5, assetResult)
		for i, reason := range []string{`unknown region "mars"`, "boundary and source", "lifetime", "negative", "accelerator"} {
			assert.ErrorContains(t, assetResult.Rejected[i].Reason, reason)
		}
		assertCounts(t, 2*stored, 2-2*stored, 4, eventResult)
		for i, reason := range []string{"no asset", `unknown stage "lost"`, "before 2000", "no asset"} {
			assert.ErrorContains(t, eventResult.Rejected[i].Reason, reason)
		}
	}
	assert.Equal(t, "(4)", row(t, pool, "SELECT lifetime_years FROM wattscore.hardware_asset WHERE serial = 'gpu-2'"))

	assetResult, _, err := store.WriteHardware(ctx, []warehouse.HardwareAsset{{Serial: "gpu-1", Accelerator: "H100", BusinessUnit: "Search"}}, nil)
	require.NoError(t, err)
	assertCounts(t, 1, 0, 0, assetResult)
	assert.Equal(t, "(Search,30000.5,5,164,150,575)", row(t, pool, `SELECT business_unit, purchase_cost_usd, lifetime_years, embodied_kg,
		embodied_low_kg, embodied_high_kg FROM wattscore.hardware_asset WHERE serial = 'gpu-1'`), "what is not said stays")
}
