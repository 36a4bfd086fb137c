package warehouse_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestPlainPostgreSQLHasNothingToSay(t *testing.T) {
	scale, err := warehouse.NewReader(warehousetest.Open(t)).ProbeScaleOut(context.Background())
	require.NoError(t, err)
	assert.Equal(t, warehouse.ScaleOut{}, scale)
	assert.Empty(t, scale.String())
	assert.Empty(t, scale.Problem())
}

// TestDistributedFactsAreFound stands in for Citus with the one catalogue table
// of it that is asked; the extension itself is not to be had here.
func TestDistributedFactsAreFound(t *testing.T) {
	for _, test := range []struct {
		method  string // of Citus' pg_dist_partition: h hash, n reference or local
		problem bool
	}{{"h", true}, {"n", false}} {
		pool := warehousetest.Open(t)
		warehousetest.Exec(t, pool,
			`CREATE TABLE public.pg_dist_partition (logicalrelid regclass, partmethod "char")`,
			`INSERT INTO public.pg_dist_partition VALUES ('wattscore.inference_energy_fact', '`+test.method+`')`,
			`INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
			 SELECT 999999, 'citus', extowner, extnamespace, false, '13.0' FROM pg_extension WHERE extname = 'plpgsql'`)
		scale, err := warehouse.NewReader(pool).ProbeScaleOut(context.Background())
		require.NoError(t, err)
		assert.Equal(t, test.problem, scale.DistributedFacts)
		assert.Equal(t, test.problem, scale.Problem() != "")
		assert.Equal(t, "Citus 13.0", scale.String())
	}
}
