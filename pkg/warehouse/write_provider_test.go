package warehouse_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func dayOf(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// stated is a month of Google's in a region, in µg.
func stated(month time.Month, region string, value int64) warehouse.ProviderFigure {
	return warehouse.ProviderFigure{ProviderKey: warehouse.ProviderKey{ModelVersion: "14", Cloud: "gcp", StatementFrom: dayOf(2026, month, 1),
		StatementTo: dayOf(2026, month+1, 1), Month: dayOf(2026, month, 1), Account: "01AB", Service: "Compute Engine", Region: region,
		Quantity: kpi.ProviderCarbonLocation, Scope: kpi.ScopeTotal}, Value: value}
}

func TestProviderFiguresAreRestatedTraceably(t *testing.T) {
	pool := warehousetest.Open(t)
	store, reader, ctx := warehouse.OpenStore(pool), warehouse.NewReader(pool), context.Background()
	write := func(files string, figures ...warehouse.ProviderFigure) warehouse.ProviderResult {
		result, err := store.WriteProviderFigures(ctx, kpi.ProviderGoogle, files, figures)
		require.NoError(t, err)
		return result
	}
	september, october := stated(9, "us-central1", 5_000_000_000), stated(10, "us-central1", 7_000_000_000)
	finland := stated(10, "europe-north1", 1_500_000_000)
	assert.Equal(t, warehouse.ProviderResult{Stored: []int{0, 1, 2}}, write("first.csv", september, october, finland))
	assert.Equal(t, warehouse.ProviderResult{}, write("again.csv", september, october, finland), "the same twice changes nothing")

	// October anew: a figure changed, one is gone, one is new. September is not in it.
	restated, iowa := stated(10, "us-central1", 6_000_000_000), stated(10, "us-east1", 250_000_000)
	assert.Equal(t, warehouse.ProviderResult{Stored: []int{0, 1}, Gone: 1}, write("second.csv", restated, iowa))

	figures, err := reader.ProviderFigures(ctx, warehouse.ProviderRequest{From: dayOf(2026, 9, 1), To: dayOf(2026, 11, 1)})
	require.NoError(t, err)
	of := map[string]float64{}
	for _, f := range figures {
		of[f.Month.Format("2006-01 ")+f.Region] = f.Value
	}
	assert.Equal(t, map[string]float64{"2026-09 us-central1": 5, "2026-10 us-central1": 6, "2026-10 us-east1": 0.25}, of, "kilograms of what is in force")

	imports, err := reader.ProviderImports(ctx)
	require.NoError(t, err)
	require.Len(t, imports, 2, "the import that changed nothing is none")
	assert.Equal(t, []string{"second.csv", "first.csv"}, []string{imports[0].Files, imports[1].Files})
	assert.Equal(t, []int{2, 3}, []int{imports[0].Figures, imports[1].Figures}, "nothing was deleted")
	assert.Equal(t, []int{2, 0}, []int{imports[0].Restated, imports[1].Restated})

	// Another version of the method stands beside, and so does another account.
	version, account := restated, restated
	version.ModelVersion, account.Account = "15", "02CD"
	assert.Equal(t, warehouse.ProviderResult{Stored: []int{0, 1}}, write("third.csv", version, account))
}

// Days and months of one account may not be added: the later import says which it is.
func TestAStatementTakesThePlaceOfThoseItOverlaps(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	month, day := stated(9, "us-central1", 30), stated(9, "us-central1", 1)
	day.StatementFrom, day.StatementTo = dayOf(2026, 9, 4), dayOf(2026, 9, 5)
	for _, test := range []struct {
		figure warehouse.ProviderFigure
		gone   int
	}{{month, 0}, {day, 1}, {month, 1}} {
		result, err := store.WriteProviderFigures(ctx, kpi.ProviderCCF, "f", []warehouse.ProviderFigure{test.figure})
		require.NoError(t, err)
		assert.Equal(t, warehouse.ProviderResult{Stored: []int{0}, Gone: test.gone}, result)
	}
	var sum int64
	require.NoError(t, pool.QueryRow(ctx, "SELECT sum(value) FROM wattscore.provider_figure WHERE superseded_by IS NULL").Scan(&sum))
	assert.Equal(t, int64(30), sum)
}

func TestProviderFiguresThatCannotBeStored(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	for says, change := range map[string]func(*warehouse.ProviderFigure){
		"does not begin on the first": func(f *warehouse.ProviderFigure) { f.Month = dayOf(2026, 9, 2) },
		"before it begins":            func(f *warehouse.ProviderFigure) { f.StatementTo = f.StatementFrom },
		"unknown quantity":            func(f *warehouse.ProviderFigure) { f.Quantity = "joy" },
		"a kind of charge":            func(f *warehouse.ProviderFigure) { f.Quantity = kpi.ProviderCost },
		"longer than 200 bytes":       func(f *warehouse.ProviderFigure) { f.Service = string(make([]byte, 201)) },
		"NUL":                         func(f *warehouse.ProviderFigure) { f.Service = "a\x00b" },
		"is before 2015":              func(f *warehouse.ProviderFigure) { f.Month = dayOf(2001, 9, 1) },
	} {
		f := stated(9, "us-central1", 1)
		change(&f)
		_, err := store.WriteProviderFigures(context.Background(), kpi.ProviderGoogle, "f", []warehouse.ProviderFigure{f})
		assert.ErrorContains(t, err, says)
	}
}

func TestProviderFiguresFilteredByWhoseTheyAre(t *testing.T) {
	pool := warehousetest.SmallCompany(t, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	store, ctx := warehouse.OpenStore(pool), context.Background()
	own, other, tagged, nobodys := stated(11, "us-central1", 1e9), stated(11, "us-central1", 2e9), stated(11, "us-central1", 4e9), stated(11, "us-central1", 8e9)
	own.Project, other.Project, tagged.BusinessUnit, nobodys.Region = "project-0", "project-1", "Unit 0", ""
	_, err := store.WriteProviderFigures(ctx, kpi.ProviderGoogle, "f", []warehouse.ProviderFigure{own, other, tagged, nobodys})
	require.NoError(t, err)
	from, to := dayOf(2026, 11, 1), dayOf(2026, 12, 1)
	for name, test := range map[string]struct {
		filters kpi.Filters
		want    float64
	}{
		"all":     {nil, 15},
		"unit":    {kpi.Filters{kpi.DimensionBusinessUnit: {"Unit 0"}}, 5},
		"team":    {kpi.Filters{kpi.DimensionTeam: {"Team 1"}}, 2},
		"project": {kpi.Filters{kpi.DimensionProject: {"project-0"}}, 1},
		"region":  {kpi.Filters{kpi.DimensionRegion: {"us-central1"}}, 7},
	} {
		figures, err := warehouse.NewReader(pool).ProviderFigures(ctx, warehouse.ProviderRequest{From: from, To: to, Filters: test.filters})
		require.NoError(t, err)
		sum := 0.0
		for _, f := range figures {
			sum += f.Value
		}
		assert.Equal(t, test.want, sum, name)
	}
	scoped := warehousetest.ScopedTo(t, pool, "Unit 0")
	figures, err := warehouse.NewReader(scoped).ProviderFigures(ctx, warehouse.ProviderRequest{From: from, To: to, ByProject: true, ByUnit: true})
	require.NoError(t, err)
	require.Len(t, figures, 2, "its project's, and what a tag says is its unit's")
	assert.Equal(t, 5.0, figures[0].Value+figures[1].Value)
	reach, err := warehouse.NewReader(scoped).ProviderReach(ctx, warehouse.ProviderRequest{})
	require.NoError(t, err)
	require.Len(t, reach, 1)
	assert.Equal(t, []string{"us-central1"}, reach[0].Regions)
}

// The rights of an importer, and no more.
func TestAWriterImportsProviderFigures(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx, name, password := context.Background(), "writer_"+strings.ToLower(rand.Text()), rand.Text()
	_, err := warehouse.OpenStore(pool).PutLogin(ctx, name, warehouse.RoleWriter, password)
	require.NoError(t, err)
	t.Cleanup(func() { warehousetest.Exec(t, pool, "DROP ROLE "+name) })
	config := pool.Config().Copy()
	config.ConnConfig.User, config.ConnConfig.Password = name, password
	as, err := pgxpool.NewWithConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(as.Close)
	for i, value := range []int64{5, 6} {
		result, err := warehouse.OpenStore(as).WriteProviderFigures(ctx, kpi.ProviderGoogle, "f", []warehouse.ProviderFigure{stated(9, "us-central1", value)})
		require.NoError(t, err)
		assert.Len(t, result.Stored, 1, i)
	}
	_, err = as.Exec(ctx, "UPDATE wattscore.provider_figure SET value = 1")
	assert.ErrorContains(t, err, "permission denied", "a figure is restated, never changed")
	_, err = as.Exec(ctx, "DELETE FROM wattscore.provider_figure")
	assert.ErrorContains(t, err, "permission denied")
}
