package query_test

import (
	"context"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func firstOf(month time.Month) time.Time { return time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC) }

// stated is a provider's month in a region: kilograms, or dollars of a cost.
func stated(month time.Month, version, region string, quantity kpi.ProviderQuantity, scope kpi.Scope, value float64) warehouse.ProviderFigure {
	f := warehouse.ProviderFigure{ProviderKey: warehouse.ProviderKey{ModelVersion: version, Cloud: "gcp", StatementFrom: firstOf(month), StatementTo: firstOf(month + 1),
		Month: firstOf(month), Account: "01AB", Service: "Compute Engine", Region: region, Quantity: quantity, Scope: scope}, Value: int64(value * 1e9)}
	if quantity == kpi.ProviderCost {
		f.Charge = kpi.ChargeUsage
	}
	return f
}

func writeStated(t *testing.T, pool *pgxpool.Pool, source kpi.ProviderSource, figures ...warehouse.ProviderFigure) {
	t.Helper()
	_, err := warehouse.OpenStore(pool).WriteProviderFigures(context.Background(), source, "test", figures)
	require.NoError(t, err)
}

// stating are figures of every source beside the small company's, by project so that a
// limited login sees its own.
func stating(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var google, bill []warehouse.ProviderFigure
	for _, project := range []string{"project-0", "project-1"} {
		for _, month := range []time.Month{10, 11} {
			for scope, values := range map[kpi.Scope][2]float64{kpi.ScopeTotal: {25, 9}, kpi.Scope2: {20, 4}} {
				google = append(google, stated(month, "14", "us-central1", kpi.ProviderCarbonLocation, scope, values[0]),
					stated(month, "14", "us-central1", kpi.ProviderCarbonMarket, scope, values[1]))
			}
			google = append(google, stated(month, "14", "us-central1", kpi.ProviderCarbon, kpi.Scope3, 5), stated(month, "14", "europe-north1", kpi.ProviderCarbonLocation, kpi.ScopeTotal, 2))
			unused := stated(month, "", "us-central1", kpi.ProviderCost, kpi.ScopeTotal, 1.5)
			unused.Idle = true
			tax := stated(month, "", "us-central1", kpi.ProviderCost, kpi.ScopeTotal, 0.75)
			tax.Charge = kpi.ChargeTax
			bill = append(bill, stated(month, "", "us-central1", kpi.ProviderCost, kpi.ScopeTotal, 6), unused, tax)
		}
		for i := range google {
			if google[i].Project == "" {
				google[i].Project = project
			}
		}
		for i := range bill {
			if bill[i].Project == "" {
				bill[i].Project = project
			}
		}
	}
	writeStated(t, pool, kpi.ProviderGoogle, google...)
	writeStated(t, pool, kpi.ProviderFOCUS, bill...)
}

// numbersAt are the numbers of the row whose texts are these; nil is a null.
func numbersAt(t *testing.T, frame *data.Frame, want map[string]string) map[string]*float64 {
	t.Helper()
rows:
	for row := range frame.Rows() {
		for name, text := range want {
			if f, _ := frame.FieldByName(name); f == nil || f.At(row) != text {
				continue rows
			}
		}
		numbers := map[string]*float64{}
		for _, field := range frame.Fields {
			if field.Type() == data.FieldTypeNullableFloat64 {
				numbers[field.Name] = field.At(row).(*float64)
			}
		}
		return numbers
	}
	require.Fail(t, "there is no such row", "%v", want)
	return nil
}

// Our side of the small company's November in us-central1: 49.2 kWh of IT energy (4.2
// of chats, 40 of training, 5 idle) × PUE 1.11 = 54.612 kWh; × 369.473 g = 20.17766 kg,
// × 50 g = 2.7306 kg; × 0.10 USD = 5.4612 USD.
const (
	ourLocation = 54.612 * 369.473 / 1000
	ourMarket   = 2.7306
	ourCost     = 5.4612
)

func TestReconciliationComparesLikeWithLike(t *testing.T) {
	pool := smallCompany(t)
	stating(t, pool)
	frame := askIn(t, pool, november, map[string]any{"queryType": "reconciliation"})[0]
	require.Equal(t, 3, frame.Rows(), "location and market of Google's, and the bill")
	for _, test := range []struct {
		quantity                 string
		provider, ours, coverage float64
		idle                     *float64
		note, uncovered          string
	}{
		// Twice 25 − 5 in us-central1, which has our events, and twice 2 in Finland.
		{"carbon_location", 44, ourLocation, 40.0 / 44, nil, "Without its 10 kgCO₂e of scope 3; its own PUE and grid figures; all services, AI or not.", "europe-north1"},
		{"carbon_market", 8, ourMarket, 1, nil, "Without its 10 kgCO₂e of scope 3; its own PUE and supply contracts; all services, AI or not.", ""},
		{"cost", 15, ourCost, 1, new(3.0), "3.00 USD of it was paid for and not used; without 1.50 USD of tax; ours is electricity where no event carries a bill; all services, AI or not.", ""},
	} {
		got := numbersAt(t, frame, map[string]string{"quantity": test.quantity, "uncovered": test.uncovered, "notes": test.note})
		assert.InDelta(t, test.provider, *got["provider_value"], 1e-9, test.quantity)
		assert.InDelta(t, test.ours, *got["our_value"], 1e-9, test.quantity)
		assert.InDelta(t, test.ours-test.provider, *got["difference"], 1e-9, test.quantity)
		assert.InDelta(t, (test.ours-test.provider)/test.provider, *got["difference_pct"], 1e-9, test.quantity)
		assert.InDelta(t, test.coverage, *got["coverage"], 1e-9, test.quantity)
		assert.Equal(t, test.idle, got["idle_value"], test.quantity)
	}
	all := askIn(t, pool, november, map[string]any{"queryType": "reconciliation", "options": map[string]any{"scopes": "all", "sources": []string{"google"}}})[0]
	assert.Equal(t, 2, all.Rows())
	assert.InDelta(t, 54, *numbersAt(t, all, map[string]string{"quantity": "carbon_location"})["provider_value"], 1e-9, "2 × (25 + 2): what Google publishes")
	assert.InDelta(t, 18, *numbersAt(t, all, map[string]string{"quantity": "carbon_market"})["provider_value"], 1e-9)
}

func TestReconciliationByGroup(t *testing.T) {
	pool := smallCompany(t)
	stating(t, pool)
	ask := func(fields map[string]any) *data.Frame {
		fields["queryType"] = "reconciliation"
		return askIn(t, pool, november, fields)[0]
	}
	regions := ask(map[string]any{"groupBy": []string{"region"}, "options": map[string]any{"quantities": []string{"carbon_location"}}})
	assert.Equal(t, []string{"europe-north1", "us-central1"}, texts(t, regions, "region"))
	finland := numbersAt(t, regions, map[string]string{"region": "europe-north1"})
	assert.Nil(t, finland["our_value"], "no events of ours, which is not zero")
	assert.Nil(t, finland["difference"])
	assert.Equal(t, 0.0, *finland["coverage"])
	assert.Contains(t, notices(regions), "we have no events")

	projects := ask(map[string]any{"groupBy": []string{"project"}, "options": map[string]any{"quantities": []string{"cost"}}})
	assert.Equal(t, []string{"__idle__", "project-0", "project-1"}, texts(t, projects, "project"))
	idle := numbersAt(t, projects, map[string]string{"project": "__idle__"})
	assert.Nil(t, idle["provider_value"])
	assert.InDelta(t, 5*1.11*0.1, *idle["our_value"], 1e-12)
	assert.InDelta(t, 7.5, *numbersAt(t, projects, map[string]string{"project": "project-1"})["provider_value"], 1e-12)

	units := ask(map[string]any{"groupBy": []string{"businessUnit"}, "filters": map[string]any{"businessUnit": []string{"Unit 1"}}, "options": map[string]any{"quantities": []string{"cost"}}})
	assert.Equal(t, []string{"Unit 1"}, texts(t, units, "business_unit"))

	services := ask(map[string]any{"options": map[string]any{"byService": true, "quantities": []string{"cost"}}})
	assert.Equal(t, []string{"Compute Engine"}, texts(t, services, "service"))
	assert.Nil(t, numbersAt(t, services, nil)["our_value"])
	assert.Contains(t, notices(services), "leave byService out")
	none := ask(map[string]any{"options": map[string]any{"services": []string{"Bakery"}}})
	assert.Zero(t, none.Rows())
	assert.Contains(t, notices(none), "no figures of a provider")
}

func TestReconciliationNeverAddsVersions(t *testing.T) {
	pool := smallCompany(t)
	older, newer := stated(11, "v9.0.0", "us-central1", kpi.ProviderCarbonLocation, kpi.ScopeTotal, 30), stated(11, "v10.0.0", "us-central1", kpi.ProviderCarbonLocation, kpi.ScopeTotal, 24)
	elsewhere := older
	elsewhere.Account = "left behind"
	writeStated(t, pool, kpi.ProviderAWS, older, newer, elsewhere)
	frame := askIn(t, pool, november, map[string]any{"queryType": "reconciliation"})[0]
	assert.Equal(t, 24.0, *numbersAt(t, frame, map[string]string{"model_version": "v10.0.0"})["provider_value"], "the newest alone")
	assert.Contains(t, notices(frame), "AWS carbon export, 2026-11: figures by version v10.0.0 hold nothing of left behind, which version v9.0.0 does.")
	both := askIn(t, pool, november, map[string]any{"queryType": "reconciliation", "options": map[string]any{"versions": "all"}})[0]
	assert.Equal(t, []string{"v10.0.0", "v9.0.0"}, texts(t, both, "model_version"))
	for version, provider := range map[string]float64{"v10.0.0": 24, "v9.0.0": 60} {
		got := numbersAt(t, both, map[string]string{"model_version": version})
		assert.Equal(t, provider, *got["provider_value"])
		assert.InDelta(t, ourLocation, *got["our_value"], 1e-9, "ours is beside each")
	}
}

func TestReconciliationOverTimeAndAsANumber(t *testing.T) {
	pool := smallCompany(t)
	october := stated(10, "14", "us-central1", kpi.ProviderCarbonLocation, kpi.ScopeTotal, 10)
	writeStated(t, pool, kpi.ProviderGoogle, october)
	autumn := backend.TimeRange{From: firstOf(10).AddDate(0, 0, 12), To: now}
	table := askIn(t, pool, autumn, map[string]any{"queryType": "reconciliation", "options": map[string]any{"quantities": []string{"carbon_location"}}})[0]
	require.Equal(t, 2, table.Rows(), "whole months; December has only begun")
	times, _ := table.FieldByName("time")
	assert.Equal(t, firstOf(10), times.At(0).(time.Time).UTC())
	assert.Nil(t, numbersAt(t, table, map[string]string{"notes": "The provider has not reported on this month."})["provider_value"], "Google reports November later")
	assert.Contains(t, notices(table), "Google Carbon Footprint: nothing is imported of some of what we have in 2026-11.")

	series := askIn(t, pool, autumn, map[string]any{"queryType": "reconciliation", "format": "time_series", "metric": "our_value"})[0]
	require.Len(t, series.Fields, 2)
	assert.Equal(t, 3, series.Rows())
	assert.Equal(t, "Google Carbon Footprint · Carbon, location-based · Ours", series.Fields[1].Config.DisplayNameFromDS)
	assert.Equal(t, "suffix:kgCO₂e", series.Fields[1].Config.Unit)
	assert.InDelta(t, ourLocation, *series.Fields[1].At(1).(*float64), 1e-9)

	number := askIn(t, pool, autumn, map[string]any{"queryType": "reconciliation", "format": "number"})[0]
	require.Equal(t, 1, number.Rows())
	assert.Equal(t, data.FrameTypeNumericLong, number.Meta.Type)
	got := numbersAt(t, number, map[string]string{"source": "google", "quantity": "carbon_location"})
	// October has 4.2 kWh of chats: 4.2 × 1.11 × 369.473 g = 1.722483 kg.
	assert.InDelta(t, (4.2*1.11*0.369473-10)/10, *got["difference_pct"], 1e-9, "October's, the newest that both have")
	for _, label := range []string{"notes", "uncovered", "model_version", "unit"} {
		f, _ := number.FieldByName(label)
		assert.Nil(t, f, "%s would make a new alert whenever it changes", label)
	}
}

func TestReconciliationLeavesOutFiltersOnBothSides(t *testing.T) {
	pool := smallCompany(t)
	stating(t, pool)
	all := numbersAt(t, askIn(t, pool, november, map[string]any{"queryType": "reconciliation"})[0], map[string]string{"quantity": "cost"})
	frame := askIn(t, pool, november, map[string]any{"queryType": "reconciliation", "filters": map[string]any{"model": []string{"chat-0"}}})[0]
	assert.Equal(t, all, numbersAt(t, frame, map[string]string{"quantity": "cost"}))
	assert.Contains(t, notices(frame), "Providers know no model: the filter on it is left out, on both sides.")
}

func TestReconciliationGoesByTheCompanysMonths(t *testing.T) {
	pool := warehousetest.Open(t)
	require.NoError(t, warehouse.OpenStore(pool).SetCalendar(context.Background(), "America/New_York", time.January))
	// 03:30 UTC on 1 November is still October in New York, and November at Google.
	late, within := warehousetest.Event("late", time.Date(2026, 11, 1, 3, 30, 0, 0, time.UTC)), warehousetest.Event("within", time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC))
	late.ITEnergy, within.ITEnergy = 7, 2
	warehousetest.Write(t, pool, now, late, within)
	writeStated(t, pool, kpi.ProviderGoogle, stated(11, "14", "us-central1", kpi.ProviderCarbonLocation, kpi.ScopeTotal, 1))
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	span := backend.TimeRange{From: time.Date(2026, 11, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 12, 1, 0, 0, 0, 0, zone)}
	frame := askWhen(t, pool, span, now, map[string]any{"queryType": "reconciliation", "options": map[string]any{"quantities": []string{"carbon_location"}}})[0]
	got := numbersAt(t, frame, nil)
	assert.Equal(t, 1.0, *got["provider_value"])
	require.NotNil(t, got["our_value"])
	assert.InDelta(t, 2*1.11*0.369473, *got["our_value"], 1e-9)
	assert.Contains(t, notices(frame), "Our months begin at midnight in America/New_York")
}

func TestReconciliationWithoutFiguresSaysHowToGetThem(t *testing.T) {
	frame := askIn(t, smallCompany(t), november, map[string]any{"queryType": "reconciliation"})[0]
	assert.Zero(t, frame.Rows())
	assert.Contains(t, notices(frame), "wattctl import google-carbon")
}

func TestReconciliationRefusesWhatItDoesNotKnow(t *testing.T) {
	pool := warehousetest.Open(t)
	for says, options := range map[string]map[string]any{
		"ccf, google, aws, focus": {"sources": []string{"azure"}}, "carbon_location": {"quantities": []string{"water"}},
		"operational, all": {"scopes": "3"}, "newest, all": {"versions": "v1"},
	} {
		_, err := ask(t, pool, "reconciliation", map[string]any{"options": options})
		assert.ErrorContains(t, err, says)
	}
}
