package warehouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func meteredOn(day time.Time, pue float64) warehouse.FacilityReading {
	return warehouse.FacilityReading{Source: "BMS", FacilityReading: kpi.FacilityReading{
		Span: kpi.Span{From: day, To: day.AddDate(0, 0, 1)}, Facility: kpi.NanowattHours(pue * 1e14), IT: 1e14}}
}

// pues are the PUEs of FRA by day in a version, with how each came about.
func pues(t *testing.T, pool *pgxpool.Pool, version int) []string {
	t.Helper()
	rows, err := pool.Query(context.Background(), `SELECT to_char(f.valid_from, 'MM-DD') || ' ' || trim_scale(f.value) || ' ' || f.method
		FROM wattscore.region_factor f JOIN wattscore.region USING (region_id)
		WHERE code = 'FRA' AND quantity = 'pue' AND version_id = $1 AND f.valid_from >= '2026-01-01' ORDER BY f.valid_from`, version)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

func TestMeteredDaysBecomeFactorsAndGatherInOneVersion(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	march := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	write := func(now time.Time, readings ...warehouse.FacilityReading) warehouse.FacilityResult {
		t.Helper()
		result, err := store.WriteFacilityReadings(ctx, "FRA", readings, now)
		require.NoError(t, err)
		require.Empty(t, result.Rejected)
		return result
	}

	// Nothing is priced yet: the figures are in force at once. After a week without
	// readings the figure from before (1.58, reference figures) is valid again.
	first := write(march(3), meteredOn(march(1), 1.2))
	assert.Equal(t, 1, first.Stored)
	assert.Equal(t, []any{1, true, true}, []any{first.Factors.Version, first.Factors.InForce, first.StandsAlone})
	assert.Equal(t, []string{"03-01 1.2 metered", "03-09 1.58 as before metering"}, pues(t, pool, 1))

	// The same again changes nothing, and a day that is not over is no figure.
	again := write(march(3), meteredOn(march(1), 1.2))
	assert.Equal(t, []int{0, 1, 0}, []int{again.Stored, again.Unchanged, len(again.Metered)})

	// From here on events depend on them: a version gathers the days and waits.
	warehousetest.Write(t, pool, march(20), func() warehouse.Event {
		e := warehousetest.Event("e", march(5))
		e.Region = "FRA"
		return e
	}())
	second := write(march(4), meteredOn(march(2), 1.3))
	assert.Equal(t, []any{2, false, true}, []any{second.Factors.Version, second.Factors.InForce, second.StandsAlone})
	third := write(march(4), meteredOn(march(3), 1.4))
	assert.Equal(t, 2, third.Factors.Version, "one version for all that waits")
	assert.Equal(t, []string{"03-01 1.2 metered", "03-09 1.58 as before metering"}, pues(t, pool, 1), "in force, as it was")
	assert.Equal(t, []string{"03-01 1.2 metered", "03-02 1.3 metered", "03-03 1.4 metered", "03-09 1.4 metered on the last day before",
		"03-10 1.4 metered on the last day before", "03-11 1.58 as before metering"}, pues(t, pool, 2))

	// A correction of a day, and one far from the others.
	require.NoError(t, store.PutFactorsInForce(ctx, 2))
	fourth := write(march(21), meteredOn(march(3), 1.5), meteredOn(march(20), 1.25))
	assert.Equal(t, 3, fourth.Factors.Version, "what was put in force is not touched")
	assert.Equal(t, []string{"03-01 1.2 metered", "03-02 1.3 metered", "03-03 1.5 metered", "03-09 1.5 metered on the last day before",
		"03-10 1.5 metered on the last day before", "03-11 1.58 as before metering", "03-20 1.25 metered", "03-28 1.58 as before metering"}, pues(t, pool, 3))

	// Another import waits: what metering gathers after it does not stand alone.
	other, err := store.WriteFactors(ctx, "contract", []warehouse.Factor{{Region: "FRA", Quantity: warehouse.FactorElectricityPrice, ValidFrom: march(1), Value: 0.3, Source: "contract", SourceYear: 2026}})
	require.NoError(t, err)
	assert.Equal(t, 4, other.Version)
	fifth := write(march(22), meteredOn(march(3), 1.6))
	assert.Equal(t, []any{5, false, false}, []any{fifth.Factors.Version, fifth.Factors.InForce, fifth.StandsAlone})
}

func TestAFigureOfTheRegionsOwnTakesOverFromMetering(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	day := time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC)
	_, err := store.WriteFactors(ctx, "own", []warehouse.Factor{
		{Region: "FRA", Quantity: warehouse.FactorPUE, ValidFrom: time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC), Value: 1.4, Source: "audit", SourceYear: 2026, Method: "audit"},
		{Region: "FRA", Quantity: warehouse.FactorPUE, ValidFrom: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Value: 1.35, Source: "audit", SourceYear: 2026, Method: "audit"}})
	require.NoError(t, err)
	for _, d := range []time.Time{day, day.AddDate(0, 0, -30)} {
		_, err = store.WriteFacilityReadings(ctx, "FRA", []warehouse.FacilityReading{meteredOn(d, 1.2)}, day.AddDate(0, 0, 3))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"11-30 1.2 metered", "12-08 1.58 as before metering", "12-30 1.2 metered", "01-01 1.35 audit"}, pues(t, pool, 1))
}

func TestReadingsThatCannotBe(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(hour float64) time.Time { return now.Add(time.Duration(hour * float64(time.Hour))) }
	reading := func(from, to float64, facility, it, pue float64) warehouse.FacilityReading {
		return warehouse.FacilityReading{Source: "BMS", FacilityReading: kpi.FacilityReading{Span: kpi.Span{From: at(from), To: at(to)},
			Facility: kpi.NanowattHours(facility * 1e12), IT: kpi.NanowattHours(it * 1e12), PUE: pue}}
	}
	readings := []warehouse.FacilityReading{
		reading(-10, -9, 12, 10, 0), reading(-8, -8, 0, 0, 1.2), // good
		reading(-6, -5, 9, 10, 0), reading(-6, -5, 100, 10, 0), reading(-6, -5, 10, 0, 0), reading(-6, -5, 12, 10, 1.2),
		reading(-6, -5, 0, 0, 0.9), reading(-6, -5, 0, 0, 10), reading(-6, -6, 12, 10, 0), reading(-5, -6, 0, 0, 1.2),
		reading(-1, 1, 12, 10, 0), reading(-30, -4, 12, 10, 0), reading(-9.5, -8.5, 12, 10, 0), reading(-1e5, -1e5+1, 12, 10, 0),
	}
	result, err := store.WriteFacilityReadings(context.Background(), "FRA", readings, now)
	require.NoError(t, err)
	reasons := map[int]string{}
	for _, rejection := range result.Rejected {
		reasons[rejection.Index] = rejection.Reason.Error()
	}
	assert.Equal(t, map[int]string{
		2: "the facility's energy 9 kWh is less than that of its IT, 10 kWh: the PUE would be below 1",
		3: "the facility's energy 100 kWh is ten times that of its IT, 10 kWh, or more: are they in the same unit?",
		4: "the IT energy is not over 0, so there is no PUE", 5: "it has energies and a PUE: which one counts cannot be told",
		6: "the PUE 0.9 is less than 1: a facility takes at least what its IT does", 7: "the PUE 10 is not under 10",
		8: "it does not end after it begins, at 2026-03-10T06:00:00Z", 9: "it does not end after it begins, at 2026-03-10T07:00:00Z",
		10: "time 2026-03-10T13:00:00Z is in the future", 11: "it is of 26h0m0s, and a reading is of a day at most: PUE is by day",
		12: "it lies over the reading from 2026-03-10T02:00:00Z to 2026-03-10T03:00:00Z", 13: "time 2014-10-12T20:00:00Z is before 2015",
	}, reasons)
	// Against what is stored, too; what touches does not lie over.
	result, err = store.WriteFacilityReadings(context.Background(), "FRA", []warehouse.FacilityReading{
		reading(-9.5, -9.2, 12, 10, 0), reading(-9, -8, 12, 10, 0), reading(-8.5, -7.5, 0, 0, 1.3)}, now)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, []int{result.Stored, len(result.Rejected)}, fmt.Sprint(result.Rejected))
	_, err = store.WriteFacilityReadings(context.Background(), "mars", readings, now)
	assert.ErrorContains(t, err, `no region "mars"`)
}
