package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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

// steadyCompany does the same every day of November: the model big takes 100 kWh
// for 10,000 requests in Iowa, small 10 kWh for as many in Finland, idle GPUs
// 20 kWh in Iowa. France has factors but no price, and no work.
//
//	Iowa    PUE 1.2, 0.10 USD/kWh, 400 g/kWh: 120 × 1.2 = 144 kWh, 14.40 USD, 57.6 kg a day
//	Finland PUE 1.1, 0.05 USD/kWh,  40 g/kWh:  10 × 1.1 =  11 kWh,  0.55 USD, 0.44 kg a day
func steadyCompany(t testing.TB) *pgxpool.Pool {
	pool := warehousetest.Open(t)
	var events []warehouse.Event
	for day := range 30 {
		at := november.From.AddDate(0, 0, day).Add(9 * time.Hour)
		big := warehousetest.Event("big", at)
		big.Model, big.Project, big.Region, big.Requests, big.ITEnergy = "big", "search", "us-central1", 10_000, 100
		small := warehousetest.Event("small", at)
		small.Model, small.Project, small.Region, small.Requests, small.ITEnergy = "small", "shop", "europe-north1", 10_000, 10
		idle := warehousetest.Event("idle", at)
		idle.Model, idle.Project, idle.Workload, idle.ITEnergy = kpi.Idle, kpi.Idle, kpi.WorkloadIdle, 20
		idle.Requests, idle.InputTokens, idle.OutputTokens = 0, 0, 0
		events = append(events, big, small, idle)
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
	factor := func(region, quantity string, value float64) string {
		return fmt.Sprintf(`INSERT INTO wattscore.region_factor SELECT version_id, region_id, '%s', '2020-01-01', %g, 'the test', 2026, 'average', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code = '%s'`, quantity, value, region)
	}
	warehousetest.Exec(t, pool, `DELETE FROM wattscore.region_factor`,
		factor("us-central1", "pue", 1.2), factor("us-central1", "electricity_price", 0.1), factor("us-central1", "grid_location", 400),
		factor("europe-north1", "pue", 1.1), factor("europe-north1", "electricity_price", 0.05), factor("europe-north1", "grid_location", 40),
		factor("europe-west9", "pue", 1.1), factor("europe-west9", "grid_location", 20),
		`SELECT wattscore.fill_factor_periods(1)`,
		`UPDATE wattscore.model SET task_class = 'chat', accuracy_metric = 'accuracy', accuracy = CASE name WHEN 'big' THEN 0.9 ELSE 0.8 END WHERE name IN ('big', 'small')`,
		`INSERT INTO wattscore.model (name, task_class) VALUES ('unused', 'reasoning')`,
		`INSERT INTO wattscore.hardware_asset (serial, accelerator, region_id, lifetime_years)
			SELECT 'GPU-' || n, CASE WHEN n <= 3 THEN 'NVIDIA A100 SXM 40GB' ELSE 'NVIDIA H100 SXM' END, region_id, 4
			FROM wattscore.region, generate_series(1, 12) n WHERE code = 'us-central1'`,
		`INSERT INTO wattscore.hardware_event SELECT asset_id, '2023-01-01', 'deployed', 'test' FROM wattscore.hardware_asset`,
	)
	return pool
}

// The steady company's year: 365 days like each of the 30.
const (
	yearKWh    = 365 * 155.0
	yearUSD    = 365 * 14.95
	yearTonnes = 365 * 58.04 / 1000
)

func askWhatIf(t testing.TB, pool *pgxpool.Pool, scenarios ...map[string]any) (data.Frames, error) {
	t.Helper()
	return ask(t, pool, "whatIf", map[string]any{"options": map[string]any{"scenarios": scenarios}})
}

// askWhatIfIn asks for efficiency +15 % in any time range, at any time.
func askWhatIfIn(t testing.TB, pool *pgxpool.Pool, span backend.TimeRange, at time.Time) *data.Frame {
	t.Helper()
	body, err := json.Marshal(map[string]any{"queryType": "whatIf"})
	require.NoError(t, err)
	request, err := query.Parse(backend.DataQuery{JSON: body, TimeRange: span}, query.Company{}, at)
	require.NoError(t, err)
	frames, err := request.Answer(context.Background(), warehouse.NewReader(pool))
	require.NoError(t, err)
	return frames[0]
}

func noticeTexts(frame *data.Frame) string {
	var texts []string
	for _, notice := range frame.Meta.Notices {
		texts = append(texts, notice.Text)
	}
	return strings.Join(texts, "\n")
}

func assertNull(t testing.TB, frame *data.Frame, row int, fields ...string) {
	t.Helper()
	for _, name := range fields {
		field, _ := frame.FieldByName(name)
		require.NotNil(t, field, name)
		assert.Nil(t, field.At(row), "%s of row %d has no answer", name, row)
	}
}

var upgrade = map[string]any{"kind": "gpuUpgrade", "fromAccelerator": "NVIDIA A100 SXM 40GB", "toAccelerator": "NVIDIA B200 SXM",
	"unitCostUsd": 100, "energyReductionPercent": 50, "lifetimeYears": 2}

func TestWhatIfGolden(t *testing.T) {
	pool := steadyCompany(t)
	for _, test := range []struct {
		name   string
		fields map[string]any
	}{
		{"what_if_default", map[string]any{}},
		{"what_if_number", map[string]any{"format": "number"}},
		{"what_if_every_kind", map[string]any{"options": map[string]any{"discountRatePercent": "10", "scenarios": []any{
			map[string]any{"kind": "efficiency", "percent": "20", "name": "Quantise"},
			map[string]any{"kind": "regionMove", "fromRegion": "us-central1", "toRegion": "europe-north1"},
			map[string]any{"kind": "regionMove", "toRegion": "europe-west9"},
			map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "small"},
			upgrade,
			map[string]any{"kind": "pue", "pue": 1.05},
			map[string]any{"kind": "pue", "pue": 1.05, "fromRegion": "us-central1"},
		}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := ask(t, pool, "whatIf", test.fields)
			require.NoError(t, err)
			frames[0].Meta.ExecutedQueryString = ""
			experimental.CheckGoldenJSONResponse(t, "testdata", test.name, &backend.DataResponse{Frames: frames}, *update)
		})
	}
}

func TestWhatIfByHand(t *testing.T) {
	pool := steadyCompany(t)
	for _, test := range []struct {
		name             string
		scenario         map[string]any
		kWh, usd, tonnes float64 // saved in a day; kg for carbon
	}{
		{"15 % less of everything", map[string]any{"kind": "efficiency", "percent": 15}, 0.15 * 155, 0.15 * 14.95, 0.15 * 58.04},
		{"nothing", map[string]any{"kind": "efficiency", "percent": 0}, 0, 0, 0},
		{"Iowa to Finland, idle energy too", map[string]any{"kind": "regionMove", "fromRegion": "us-central1", "toRegion": "europe-north1"},
			144 - 132, 14.40 - 6.60, 57.6 - 5.28},
		{"everything to Finland, whose own work stays", map[string]any{"kind": "regionMove", "toRegion": "europe-north1"}, 12, 7.80, 52.32},
		{"Finland to Iowa is a loss", map[string]any{"kind": "regionMove", "fromRegion": "europe-north1", "toRegion": "us-central1"}, 11 - 12, 0.55 - 1.20, 0.44 - 4.8},
		{"a move to where it is", map[string]any{"kind": "regionMove", "fromRegion": "us-central1", "toRegion": "us-central1"}, 0, 0, 0},
		{"big's requests at a tenth of the energy", map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "small"}, 108, 10.80, 43.2},
		{"small's requests at ten times the energy", map[string]any{"kind": "modelSwap", "fromModel": "small", "toModel": "big"}, -99, -4.95, -3.96},
		{"a swap with itself", map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "big"}, 0, 0, 0},
		{"PUE 1.1 everywhere changes Iowa alone", map[string]any{"kind": "pue", "pue": 1.1}, 12, 1.20, 4.8},
		{"PUE 1.3 in Iowa is a loss", map[string]any{"kind": "pue", "pue": 1.3, "fromRegion": "us-central1"}, -12, -1.20, -4.8},
		{"a quarter of the GPUs at half the energy", upgrade, 155. / 8, 14.95 / 8, 58.04 / 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := askWhatIf(t, pool, test.scenario)
			require.NoError(t, err)
			frame := frames[0]
			assert.InDelta(t, 365*test.kWh, value(t, frame, "saving_kwh", 1), 1e-6)
			assert.InDelta(t, 365*test.usd, value(t, frame, "saving_usd", 1), 1e-6)
			assert.InDelta(t, 365*test.tonnes/1000, value(t, frame, "saving_t", 1), 1e-9)
			for _, column := range []struct {
				total, saving string
				year          float64
			}{{"facility_kwh", "saving_kwh", yearKWh}, {"cost_usd", "saving_usd", yearUSD}, {"carbon_t", "saving_t", yearTonnes}} {
				assert.InDelta(t, column.year, value(t, frame, column.total, 0), 1e-6, "today's %s", column.total)
				assert.InDelta(t, value(t, frame, column.total, 0), value(t, frame, column.total, 1)+value(t, frame, column.saving, 1), 1e-8, "before = after + saving")
				assertNull(t, frame, 0, column.saving)
			}
		})
	}
}

func TestWhatIfUpgradePaysBack(t *testing.T) {
	pool := steadyCompany(t)
	frames, err := askWhatIf(t, pool, upgrade)
	require.NoError(t, err)
	saving := yearUSD / 8
	assert.Equal(t, 300.0, value(t, frames[0], "investment_usd", 1), "three A100 are in service")
	assert.InDelta(t, 300/(saving/12), value(t, frames[0], "payback_months", 1), 1e-9)
	assert.InDelta(t, -300+saving/1.08+saving/(1.08*1.08), value(t, frames[0], "npv_usd", 1), 1e-9)
	assert.InDelta(t, 3*284/(yearTonnes*1000/8/12), value(t, frames[0], "carbon_payback_months", 1), 1e-9, "284 kg a B200")

	dear := map[string]any{"kind": "gpuUpgrade", "toAccelerator": "Cerebras WSE-3", "units": "2", "unitCostUsd": "1000000", "energyReductionPercent": "10"}
	if frames, err = askWhatIf(t, pool, dear); assert.NoError(t, err) {
		assert.Equal(t, 2e6, value(t, frames[0], "investment_usd", 1))
		assert.InDelta(t, 0.1*yearKWh, value(t, frames[0], "saving_kwh", 1), 1e-6, "all the energy, where no accelerator is named")
		assertNull(t, frames[0], 1, "carbon_payback_months")
		assert.Contains(t, noticeTexts(frames[0]), "does not pay the investment back within its 4 years")
		assert.Contains(t, noticeTexts(frames[0]), "embodied carbon of Cerebras WSE-3 is not known")
	}
	for _, field := range []string{"investment_usd", "payback_months", "npv_usd", "carbon_payback_months"} {
		frames, err = askWhatIf(t, pool, map[string]any{"kind": "efficiency", "percent": 10})
		require.NoError(t, err)
		assertNull(t, frames[0], 1, field)
	}
}

func TestWhatIfTakesNumbersAndTextsAlike(t *testing.T) {
	pool := steadyCompany(t)
	for _, percent := range []any{15, 15.0, "15", " 15 ", "15.0"} {
		frames, err := ask(t, pool, "whatIf", map[string]any{"options": map[string]any{
			"scenarios": []any{map[string]any{"kind": "efficiency", "percent": percent, "name": 2027, "toRegion": "", "units": nil}}}})
		require.NoError(t, err)
		assert.InDelta(t, 0.15*yearUSD, value(t, frames[0], "saving_usd", 1), 1e-6, "%v", percent)
		assert.Equal(t, "2027", frames[0].Fields[0].At(1), "a variable's value that looks like a number is a name too")
	}
}

func TestWhatIfNamesEachRowOnce(t *testing.T) {
	pool := steadyCompany(t)
	same := map[string]any{"kind": "efficiency", "percent": 10}
	frames, err := askWhatIf(t, pool, same, same, map[string]any{"kind": "efficiency", "percent": 20, "name": "Today"})
	require.NoError(t, err)
	var names []any
	for row := range frames[0].Rows() {
		names = append(names, frames[0].Fields[0].At(row))
	}
	assert.Equal(t, []any{"Today", "10 % more efficient", "10 % more efficient (2)", "Today (2)"}, names)
}

func TestWhatIfFiltersAndComparesWithTheWholeCompany(t *testing.T) {
	pool := steadyCompany(t)
	frames, err := ask(t, pool, "whatIf", map[string]any{"filters": map[string]any{"model": []string{"big"}},
		"options": map[string]any{"scenarios": []any{map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "small"}}}})
	require.NoError(t, err)
	assert.InDelta(t, 365*120, value(t, frames[0], "facility_kwh", 0), 1e-6, "big's work alone")
	assert.InDelta(t, 365*108, value(t, frames[0], "saving_kwh", 1), 1e-6, "at the intensity of small, which the filter hides")
	assert.Contains(t, noticeTexts(frames[0]), "accuracy falls from 0.9 to 0.8")
}

func TestWhatIfScalesWhatHasPassedAndHoldsData(t *testing.T) {
	pool := steadyCompany(t)
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name     string
		from, to time.Time
		at       time.Time
		days     float64
		notice   string
	}{
		{"the whole month", day(11, 1), day(12, 1), now, 30, ""},
		{"a month that is not over", day(11, 1), day(12, 1), day(11, 16), 15, "scaled from 15 days"},
		{"a range that goes on into the future", day(11, 1), day(12, 31), now, 30, "Only 30 of the 31 days"},
		{"a range from before the first measurement", day(1, 1), day(12, 1), now, 30, "Only 30 of the 334 days"},
		{"a day", day(11, 3), day(11, 4), now, 1, "scaled from 1 day,"},
	} {
		t.Run(test.name, func(t *testing.T) {
			frame := askWhatIfIn(t, pool, backend.TimeRange{From: test.from, To: test.to}, test.at)
			custom, err := json.Marshal(frame.Meta.Custom)
			require.NoError(t, err)
			var meta struct {
				Annualised struct{ Days, Factor float64 }
			}
			require.NoError(t, json.Unmarshal(custom, &meta))
			assert.InDelta(t, test.days, meta.Annualised.Days, 1e-9)
			assert.InDelta(t, 365/test.days, meta.Annualised.Factor, 1e-9)
			assert.InDelta(t, yearKWh, value(t, frame, "facility_kwh", 0), 1e-6, "each day is like the others, so the year is the same")
			if test.notice == "" {
				assert.NotContains(t, noticeTexts(frame), "scaled")
			} else {
				assert.Contains(t, noticeTexts(frame), test.notice)
			}
		})
	}
	t.Run("more than a year is scaled down", func(t *testing.T) {
		past := warehousetest.Event("long ago", november.From.AddDate(-2, 0, 0))
		past.Region, past.ITEnergy = "europe-north1", 1e-6
		warehousetest.Write(t, pool, now, past)
		frame := askWhatIfIn(t, pool, backend.TimeRange{From: november.From.AddDate(-2, 0, 0), To: november.To}, now)
		assert.InDelta(t, yearKWh*30/760, value(t, frame, "facility_kwh", 0), 1e-3, "two years and a month, a leap day not among them")
	})
	t.Run("a range ahead", func(t *testing.T) {
		frame := askWhatIfIn(t, pool, backend.TimeRange{From: now.AddDate(0, 1, 0), To: now.AddDate(0, 2, 0)}, now)
		assertNull(t, frame, 0, "facility_kwh", "cost_usd", "carbon_t")
		assertNull(t, frame, 1, "saving_kwh", "saving_usd", "saving_t")
		assert.Contains(t, noticeTexts(frame), "no usage in this period")
	})
}

func TestWhatIfRefusesWhatIsNotKnown(t *testing.T) {
	pool := steadyCompany(t)
	for _, test := range []struct {
		name     string
		scenario map[string]any
		filters  map[string]any
		null     []string
		known    []string
		notice   string
	}{
		{"a region without a price", map[string]any{"kind": "regionMove", "toRegion": "europe-west9"}, nil,
			[]string{"cost_usd", "saving_usd"}, []string{"facility_kwh", "saving_kwh", "carbon_t", "saving_t"}, "no electricity price is known for europe-west9"},
		{"a move from where nothing is", map[string]any{"kind": "regionMove", "fromRegion": "europe-west9", "toRegion": "us-central1"}, nil,
			[]string{"facility_kwh", "saving_kwh", "saving_usd"}, nil, "europe-west9 did no work"},
		{"another PUE where nothing is", map[string]any{"kind": "pue", "fromRegion": "europe-west9", "pue": 1.05}, nil,
			[]string{"saving_kwh", "saving_usd", "saving_t"}, nil, "europe-west9 did no work"},
		{"a model nobody asks", map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "unused"}, nil,
			[]string{"saving_kwh", "saving_usd", "saving_t"}, nil, "unused served no requests"},
		{"another task class", map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "unused"}, nil,
			nil, nil, "different task classes, chat and reasoning"},
		{"a model that the filters leave out", map[string]any{"kind": "modelSwap", "fromModel": "big", "toModel": "small"},
			map[string]any{"region": []string{"europe-north1"}}, []string{"saving_kwh"}, nil, "big served no requests in this period with these filters"},
		{"GPUs without a price", map[string]any{"kind": "gpuUpgrade", "energyReductionPercent": 30, "toAccelerator": "NVIDIA B200 SXM"}, nil,
			[]string{"investment_usd", "payback_months", "npv_usd"}, []string{"saving_usd", "carbon_payback_months"}, "State unitCostUsd"},
		{"GPUs that are not in service", map[string]any{"kind": "gpuUpgrade", "energyReductionPercent": 30, "fromAccelerator": "NVIDIA L4", "unitCostUsd": 1}, nil,
			[]string{"saving_usd", "investment_usd", "payback_months", "npv_usd", "carbon_payback_months"}, nil, "no NVIDIA L4 is in service"},
		{"no GPUs to count", map[string]any{"kind": "gpuUpgrade", "energyReductionPercent": 30, "unitCostUsd": 1}, map[string]any{"region": []string{"europe-north1"}},
			[]string{"investment_usd", "npv_usd"}, []string{"saving_usd"}, "no hardware is in service to count"},
		{"GPUs that save nothing", map[string]any{"kind": "gpuUpgrade", "energyReductionPercent": 0, "unitCostUsd": 1}, nil,
			[]string{"payback_months", "carbon_payback_months"}, []string{"saving_usd", "npv_usd"}, "there is no saving in electricity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := ask(t, pool, "whatIf", map[string]any{"filters": test.filters, "options": map[string]any{"scenarios": []any{test.scenario}}})
			require.NoError(t, err)
			assertNull(t, frames[0], 1, test.null...)
			for _, field := range test.known {
				value(t, frames[0], field, 1)
			}
			assert.Contains(t, noticeTexts(frames[0]), test.notice)
		})
	}
}

func TestWhatIfWithoutAnyPrice(t *testing.T) {
	pool := steadyCompany(t)
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor WHERE quantity = 'electricity_price'", "SELECT wattscore.fill_factor_periods(1)")
	frames, err := askWhatIf(t, pool, upgrade)
	require.NoError(t, err)
	assertNull(t, frames[0], 0, "cost_usd")
	assertNull(t, frames[0], 1, "cost_usd", "saving_usd", "payback_months", "npv_usd")
	assert.Equal(t, 300.0, value(t, frames[0], "investment_usd", 1))
	assert.InDelta(t, yearKWh/8, value(t, frames[0], "saving_kwh", 1), 1e-6)
	assert.Contains(t, noticeTexts(frames[0]), "an electricity price")
}

func TestWhatIfSaysWhatTheBillIs(t *testing.T) {
	pool := steadyCompany(t)
	assert.NotContains(t, noticeTexts(askWhatIfIn(t, pool, november, now)), "billed", "nothing was billed beside electricity")
	rented := warehousetest.Event("rented", november.From.Add(time.Hour))
	rented.Cost = new(kpi.USD(600))
	warehousetest.Write(t, pool, now, rented)
	assert.Contains(t, noticeTexts(askWhatIfIn(t, pool, november, now)), "a rented GPU's bill does not fall with its power draw")
}

func TestWhatIfRefusesBadOptions(t *testing.T) {
	pool := steadyCompany(t)
	with := func(kind string, fields map[string]any) map[string]any {
		scenario := map[string]any{"kind": kind}
		for name, v := range fields {
			scenario[name] = v
		}
		return scenario
	}
	type fields = map[string]any
	for _, test := range []struct {
		name     string
		scenario map[string]any
		says     []string
	}{
		{"no kind", fields{}, []string{`kind ""`, "efficiency, regionMove, modelSwap, gpuUpgrade, pue"}},
		{"unknown kind", with("magic", nil), []string{`kind "magic"`, "one of efficiency"}},
		{"unknown parameter", with("efficiency", fields{"percentage": 15}), []string{"percentage"}},
		{"no percent", with("efficiency", nil), []string{"Scenario 1 (efficiency)", "percent is missing", "such as 15"}},
		{"a percent that is none", with("efficiency", fields{"percent": "a lot"}), []string{"Scenario 1 (efficiency)", `percent is "a lot"`, "from 0 to under 100"}},
		{"percent of 100", with("efficiency", fields{"percent": 100}), []string{"percent is 100", "under 100"}},
		{"percent below 0", with("efficiency", fields{"percent": "-5"}), []string{`percent is "-5"`}},
		{"percent without end", with("efficiency", fields{"percent": "Infinity"}), []string{`"Infinity"`}},
		{"percent of a wrong kind", with("efficiency", fields{"percent": true}), []string{"percent is true"}},
		{"percent in a list", with("efficiency", fields{"percent": []int{15}}), []string{"percent is [15]"}},
		{"another kind's parameter", with("efficiency", fields{"percent": 15, "toRegion": "x"}), []string{"toRegion is a parameter of regionMove", "efficiency takes percent"}},
		{"no target region", with("regionMove", nil), []string{"Scenario 1 (regionMove)", "toRegion is missing"}},
		{"a region that is none", with("regionMove", fields{"toRegion": "atlantis"}), []string{`no region "atlantis"`, "toRegion", "Choose one from the list", "europe-north1, us-central1"}},
		{"an origin that is none", with("regionMove", fields{"fromRegion": "atlantis", "toRegion": "us-central1"}), []string{`no region "atlantis"`, "fromRegion"}},
		{"a region that is a switch", with("regionMove", fields{"toRegion": true}), []string{"toRegion must be a text"}},
		{"no target model", with("modelSwap", fields{"fromModel": "big"}), []string{"toModel is missing"}},
		{"no model to swap", with("modelSwap", fields{"toModel": "big"}), []string{"fromModel is missing"}},
		{"a model that is none", with("modelSwap", fields{"fromModel": "big", "toModel": "huge"}), []string{`no model "huge"`, "Choose one from the list"}},
		{"idle energy is no model", with("modelSwap", fields{"fromModel": "__idle__", "toModel": "big"}), []string{`no model "__idle__"`}},
		{"no reduction", with("gpuUpgrade", fields{"units": 3}), []string{"energyReductionPercent is missing", "such as 40"}},
		{"negative units", with("gpuUpgrade", fields{"energyReductionPercent": 30, "units": -1}), []string{"units is -1", "whole number"}},
		{"half a GPU", with("gpuUpgrade", fields{"energyReductionPercent": 30, "units": 0.5}), []string{"units is 0.5"}},
		{"negative price", with("gpuUpgrade", fields{"energyReductionPercent": 30, "unitCostUsd": "-1"}), []string{"unitCostUsd"}},
		{"no lifetime", with("gpuUpgrade", fields{"energyReductionPercent": 30, "lifetimeYears": 0}), []string{"lifetimeYears is 0", "at most 50"}},
		{"an accelerator that is none", with("gpuUpgrade", fields{"energyReductionPercent": 30, "fromAccelerator": "abacus"}), []string{`no accelerator "abacus"`, "NVIDIA H100 SXM"}},
		{"no PUE", with("pue", nil), []string{"pue is missing"}},
		{"a PUE below 1", with("pue", fields{"pue": 0.9}), []string{"pue is 0.9", "at least 1"}},
		{"a PUE of a region that is none", with("pue", fields{"pue": 1.1, "fromRegion": "atlantis"}), []string{`no region "atlantis"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames, err := askWhatIf(t, pool, test.scenario)
			assert.Empty(t, frames)
			var bad *query.BadRequestError
			require.ErrorAs(t, err, &bad)
			for _, part := range test.says {
				assert.ErrorContains(t, err, part)
			}
		})
	}
	t.Run("the second scenario is named", func(t *testing.T) {
		_, err := askWhatIf(t, pool, with("efficiency", fields{"percent": 15}), with("pue", fields{"pue": "low"}))
		assert.ErrorContains(t, err, `Scenario 2 (pue): pue is "low"`)
	})
	t.Run("a discount rate that is none", func(t *testing.T) {
		for _, rate := range []any{"high", -1, 101} {
			_, err := ask(t, pool, "whatIf", map[string]any{"options": map[string]any{"discountRatePercent": rate}})
			assert.ErrorContains(t, err, "from 0 to 100, such as 8")
		}
	})
	t.Run("scenarios of a wrong kind", func(t *testing.T) {
		_, err := ask(t, pool, "whatIf", map[string]any{"options": map[string]any{"scenarios": "efficiency"}})
		assert.ErrorContains(t, err, "scenarios must not be a string")
	})
}

func TestWhatIfInAnEmptyWarehouse(t *testing.T) {
	frames, err := askWhatIf(t, warehousetest.Open(t), map[string]any{"kind": "efficiency", "percent": 15}, map[string]any{"kind": "pue", "pue": 1.1},
		map[string]any{"kind": "gpuUpgrade", "energyReductionPercent": 30, "unitCostUsd": 1, "units": 2})
	require.NoError(t, err)
	require.Equal(t, 4, frames[0].Rows())
	for row := range 4 {
		assertNull(t, frames[0], row, "facility_kwh", "cost_usd", "carbon_t", "saving_kwh", "saving_usd", "saving_t", "payback_months", "npv_usd")
	}
	assert.Contains(t, noticeTexts(frames[0]), "There is no usage in this period")
}
