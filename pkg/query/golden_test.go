package query_test

import (
	"context"
	"encoding/json"
	"flag"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "write the golden frames anew")

var (
	november = backend.TimeRange{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	now      = time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
)

func smallCompany(t testing.TB) *pgxpool.Pool { return warehousetest.SmallCompany(t, now) }

func ask(t testing.TB, pool *pgxpool.Pool, queryType string, fields map[string]any) (data.Frames, error) {
	t.Helper()
	fields["queryType"] = queryType
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	request, err := query.Parse(backend.DataQuery{JSON: body, TimeRange: november}, query.Company{CarbonPrice: 100}, now)
	if err != nil {
		return nil, err
	}
	return request.Answer(context.Background(), warehouse.NewReader(pool))
}

func TestGoldenFrames(t *testing.T) {
	pool := smallCompany(t)
	stating(t, pool)
	for _, test := range []struct {
		name, queryType string
		fields          map[string]any
	}{
		{"energy_score_by_model", "energyScore", map[string]any{}},
		{"energy_score_by_unit", "energyScore", map[string]any{"groupBy": []string{"business_unit"}, "options": map[string]any{"costBasis": "full", "tokens": "total"}}},
		{"energy_score_total_number", "energyScore", map[string]any{"format": "number", "metric": "score", "options": map[string]any{"total": true}}},
		{"energy_score_also", "energyScore", map[string]any{"options": map[string]any{"total": true, "costBasis": "full",
			"also": []string{"facility_kwh", "cost_per_1k_requests_usd", "carbon_market_kg", "facility_kwh"}}}},
		{"energy_score_by_day", "energyScore", map[string]any{"format": "time_series", "metric": "kwh_per_1k_requests", "interval": "week", "groupBy": []string{"team"}}},
		{"carbon_location", "carbonAttribution", map[string]any{}},
		{"carbon_location_embodied", "carbonAttribution", map[string]any{"options": map[string]any{"embodied": true}}},
		{"carbon_market_embodied", "carbonAttribution", map[string]any{"options": map[string]any{"method": "market", "embodied": true}}},
		{"carbon_side_by_side", "carbonAttribution", map[string]any{"options": map[string]any{"method": "both"}}},
		{"carbon_number", "carbonAttribution", map[string]any{"format": "number", "metric": "total_t", "groupBy": []string{"team"}}},
		{"quadrant", "efficiencyQuadrant", map[string]any{}},
		{"quadrant_frames", "efficiencyQuadrant", map[string]any{"options": map[string]any{"shape": "quadrants"}}},
		{"quadrant_thresholds", "efficiencyQuadrant", map[string]any{"options": map[string]any{"shape": "thresholds", "scoreThreshold": 40}}},
		{"quadrant_number", "efficiencyQuadrant", map[string]any{"format": "number"}},
		{"hardware_stages", "hardwareLifecycle", map[string]any{}},
		{"hardware_over_time", "hardwareLifecycle", map[string]any{"format": "time_series", "interval": "week"}},
		{"hardware_flows", "hardwareLifecycle", map[string]any{"options": map[string]any{"view": "flows"}}},
		{"hardware_purchases", "hardwareLifecycle", map[string]any{"options": map[string]any{"view": "purchases"}}},
		{"hardware_assets", "hardwareLifecycle", map[string]any{"options": map[string]any{"view": "assets"}}},
		{"data_quality_coverage", "dataQuality", map[string]any{"groupBy": []string{"workload"}}},
		{"data_quality_over_time", "dataQuality", map[string]any{"format": "time_series", "interval": "week", "metric": "measured_kwh", "options": map[string]any{"total": true}}},
		{"data_quality_factors", "dataQuality", map[string]any{"options": map[string]any{"view": "factors"}}},
		{"data_quality_references", "dataQuality", map[string]any{"options": map[string]any{"view": "references"}}},
		{"data_quality_formulas", "dataQuality", map[string]any{"options": map[string]any{"view": "formulas"}}},
		{"reconciliation", "reconciliation", map[string]any{}},
		{"reconciliation_by_region", "reconciliation", map[string]any{"groupBy": []string{"region"}, "options": map[string]any{"sources": []string{"google"}, "scopes": "all"}}},
		{"reconciliation_over_time", "reconciliation", map[string]any{"format": "time_series", "metric": "difference"}},
		{"reconciliation_number", "reconciliation", map[string]any{"format": "number"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := ask(t, pool, test.queryType, test.fields)
			require.NoError(t, err)
			for _, frame := range frames {
				frame.Meta.ExecutedQueryString = "" // the statement has its own file
			}
			experimental.CheckGoldenJSONResponse(t, "testdata", test.name, &backend.DataResponse{Frames: frames}, *update)
		})
	}
}

// totals asks plain SQL over the facts, with the factors by hand.
func TestAnswersEqualPlainSQLOverTheFacts(t *testing.T) {
	pool := smallCompany(t)
	var energy, cost, carbon, market float64
	require.NoError(t, pool.QueryRow(context.Background(), `
		SELECT (sum(it_energy_nwh) / 1e12)::float8, (sum(it_energy_nwh * 1.11 * 0.1) / 1e12)::float8,
		       (sum(it_energy_nwh * 1.11 * 369.473) / 1e18)::float8, (sum(it_energy_nwh * 1.11 * 50) / 1e18)::float8
		FROM wattscore.inference_energy_fact WHERE ts >= '2026-11-01' AND ts < '2026-12-01'`).Scan(&energy, &cost, &carbon, &market))
	score, err := ask(t, pool, "energyScore", map[string]any{"groupBy": []string{"region"}})
	require.NoError(t, err)
	assert.Equal(t, energy, value(t, score[0], "energy_kwh", 0))
	assert.Equal(t, cost, value(t, score[0], "cost_usd", 0))
	assert.InDelta(t, carbon*1000, value(t, score[0], "carbon_kg", 0), 1e-12)
	for method, tonnes := range map[string]float64{"location": carbon, "market": market} {
		frames, err := ask(t, pool, "carbonAttribution", map[string]any{"options": map[string]any{"method": method}})
		require.NoError(t, err)
		var total, shares float64
		for row := range frames[0].Rows() {
			total, shares = total+value(t, frames[0], "total_t", row), shares+value(t, frames[0], "share", row)
		}
		assert.InDelta(t, tonnes, total, 1e-12, "the rows reconcile to the meter, idle energy included")
		assert.InDelta(t, 1, shares, 1e-12)
	}
}

func value(t testing.TB, frame *data.Frame, field string, row int) float64 {
	t.Helper()
	f, _ := frame.FieldByName(field)
	require.NotNil(t, f, "the frame has no field %s", field)
	v := f.At(row).(*float64)
	require.NotNil(t, v, "%s of row %d is null", field, row)
	return *v
}

func TestStarsDoNotChangeWithThePanelsFilter(t *testing.T) {
	pool := smallCompany(t)
	frames, err := ask(t, pool, "energyScore", map[string]any{"filters": map[string]any{"model": []string{"chat-0"}}})
	require.NoError(t, err)
	require.Equal(t, 1, frames[0].Rows())
	assert.Equal(t, 5.0, value(t, frames[0], "stars", 0), "the least of six models, though the panel shows one")
}

func TestBadQueriesSayWhatWouldBeRight(t *testing.T) {
	pool := smallCompany(t)
	for _, test := range []struct {
		name, queryType string
		fields          map[string]any
		says            []string
	}{
		{"unknown type", "energyScores", map[string]any{}, []string{`no query type "energyScores"`, "energyScore, carbonAttribution"}},
		{"no group-by of this name", "energyScore", map[string]any{"groupBy": []string{"planet"}}, []string{`"planet"`, "businessUnit"}},
		{"SQL as a group-by", "energyScore", map[string]any{"groupBy": []string{"model; DROP TABLE x"}}, []string{"cannot be grouped"}},
		{"group-by where there is none", "hardwareLifecycle", map[string]any{"groupBy": []string{"model"}}, []string{"has no group-by"}},
		{"two groups where one fits", "carbonAttribution", map[string]any{"groupBy": []string{"team", "project"}}, []string{"takes one group-by"}},
		{"filter on what is none", "energyScore", map[string]any{"filters": map[string]any{"planet": []string{"x"}}}, []string{`"planet"`}},
		{"SQL in a filter", "energyScore", map[string]any{"filters": map[string]any{"model": []string{"' OR 1=1 --"}}}, []string{"' OR 1=1 --", "does not exist"}},
		{"unknown format", "energyScore", map[string]any{"format": "pie"}, []string{`"pie"`, "table, time_series, number"}},
		{"unknown metric", "energyScore", map[string]any{"format": "number", "metric": "happiness"}, []string{`"happiness"`, "score"}},
		{"unknown interval", "energyScore", map[string]any{"interval": "fortnight"}, []string{`"fortnight"`, "week"}},
		{"misspelt option", "efficiencyQuadrant", map[string]any{"options": map[string]any{"treshold": 3}}, []string{"treshold"}},
		{"option of a wrong kind", "efficiencyQuadrant", map[string]any{"options": map[string]any{"scoreThreshold": "high"}}, []string{"scoreThreshold must not be a string"}},
		{"option out of range", "efficiencyQuadrant", map[string]any{"options": map[string]any{"scoreThreshold": 300}}, []string{"scoreThreshold is 300"}},
		{"unknown method", "carbonAttribution", map[string]any{"options": map[string]any{"method": "sum"}}, []string{`"sum"`, "location, market, both"}},
		{"a number the options leave out", "carbonAttribution", map[string]any{"format": "number", "metric": "total_t", "options": map[string]any{"method": "both"}}, []string{"no total_t with these options", "location_t, market_t"}},
		{"a column that is none", "energyScore", map[string]any{"options": map[string]any{"also": []string{"joy"}}}, []string{`"joy"`, "facility_kwh, carbon_market_kg"}},
		{"negative price", "carbonAttribution", map[string]any{"options": map[string]any{"carbonPriceUsdPerTonne": -1}}, []string{"-1"}},
		{"factor version that is none", "energyScore", map[string]any{"factorVersion": 99}, []string{"factor version 99"}},
		{"filters of a wrong kind", "energyScore", map[string]any{"filters": "model=x"}, []string{"filters must not be a string"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := ask(t, pool, test.queryType, test.fields)
			assert.Empty(t, frames)
			for _, part := range test.says {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

func TestNoticesInOddWorlds(t *testing.T) {
	t.Run("an empty warehouse", func(t *testing.T) {
		pool := warehousetest.Open(t)
		for _, queryType := range query.Types() {
			frames, err := ask(t, pool, queryType.Name, map[string]any{})
			require.NoError(t, err, queryType.Name)
			require.NotEmpty(t, frames)
			assert.NotEmpty(t, frames[0].Meta.Notices, "%s says that there is nothing", queryType.Name)
		}
	})
	t.Run("a model without a task class and no price", func(t *testing.T) {
		pool := warehousetest.Open(t)
		warehousetest.Write(t, pool, now, warehousetest.Event("one", november.From.Add(time.Hour)))
		warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor WHERE quantity = 'electricity_price'", "SELECT wattscore.fill_factor_periods(1)")
		frames, err := ask(t, pool, "energyScore", map[string]any{})
		require.NoError(t, err)
		for _, field := range []string{"score", "cost_usd", "cost_per_transaction_usd", "stars", "previous_score"} {
			f, _ := frames[0].FieldByName(field)
			assert.Nil(t, f.At(0), "%s has no answer", field)
		}
		var texts string
		for _, notice := range frames[0].Meta.Notices {
			texts += notice.Text + "\n"
		}
		assert.Contains(t, texts, "electricity price")
		assert.Contains(t, texts, "not scored")
	})
}

func TestEmbodiedCarbonOfUnknownHardwareLeavesItsUnitEmpty(t *testing.T) {
	pool := smallCompany(t)
	warehousetest.Exec(t, pool, `UPDATE wattscore.hardware_asset SET accelerator = 'unheard of' WHERE serial = 'GPU-2'`) // of Unit 0
	frames, err := ask(t, pool, "carbonAttribution", map[string]any{"options": map[string]any{"embodied": true}})
	require.NoError(t, err)
	unit, _ := frames[0].FieldByName("business_unit")
	for _, field := range []string{"embodied_t", "sci_g_per_1k_requests"} {
		f, _ := frames[0].FieldByName(field)
		known := map[string]bool{}
		for row := range frames[0].Rows() {
			known[unit.At(row).(string)] = f.At(row).(*float64) != nil
		}
		assert.Equal(t, map[string]bool{"Unit 0": false, "Unit 1": true, kpi.Idle: false, kpi.Unallocated: false}, known, field)
	}
	require.NotEmpty(t, frames[0].Meta.Notices)
	assert.Contains(t, frames[0].Meta.Notices[0].Text, "1 of the assets is not known")
}
