package query_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// A model that takes 0.06 kWh per 1,000 requests, and half of it from a release on
// 1 November 2026 on.
func TestEfficiencyTrend(t *testing.T) {
	pool := warehousetest.Open(t)
	release := november.From
	steady(t, pool, kpi.Span{From: release.AddDate(0, -6, 0), To: now}, func(e *warehouse.Event) {
		if !e.Time.Before(release) {
			e.ITEnergy /= 2
		}
	})
	frames := askIn(t, pool, november, map[string]any{"queryType": "efficiencyTrend", "interval": "day", "options": map[string]any{"horizon": 7}})
	require.Equal(t, 37, frames[0].Rows(), "the days of November and seven ahead")
	assert.InDelta(t, 0.03, value(t, frames[0], "actual", 0), 1e-12)
	assert.InDelta(t, 0.03, value(t, frames[0], "actual", 29), 1e-12)
	actual, _ := frames[0].FieldByName("actual")
	assert.Nil(t, actual.At(30), "what lies ahead is not known")
	assert.InDelta(t, value(t, frames[0], "actual", 29), value(t, frames[0], "forecast", 29), 1e-12, "the forecast starts where the actual ends")
	for row := 30; row < 37; row++ {
		lower95, lower80, point := value(t, frames[0], "lower_95", row), value(t, frames[0], "lower_80", row), value(t, frames[0], "forecast", row)
		upper80, upper95 := value(t, frames[0], "upper_80", row), value(t, frames[0], "upper_95", row)
		assert.True(t, 0 <= lower95 && lower95 <= lower80 && lower80 <= point && point <= upper80 && upper80 <= upper95, "row %d: the bands lie in each other", row)
	}
	// Each of 120 events saves 0.03 kWh of IT energy at PUE 1.11 and Iowa's price.
	var price float64
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT electricity_price::float8 FROM wattscore.factor_period
		JOIN wattscore.region USING (region_id) WHERE code = 'us-central1' AND valid_from <= '2026-11-01' ORDER BY valid_from DESC LIMIT 1`).Scan(&price))
	assert.InDelta(t, 120*0.03*1.11*price, value(t, frames[0], "cost_avoided_usd", 29), 1e-9, "against October, cumulative")
	assert.InDelta(t, 4*0.03*1.11*price, value(t, frames[0], "cost_avoided_usd", 0), 1e-9)

	first := askIn(t, pool, november, map[string]any{"queryType": "efficiencyTrend", "interval": "day", "options": map[string]any{"horizon": 0, "baseline": "first"}})
	require.Equal(t, 30, first[0].Rows(), "no horizon, no forecast")
	assert.InDelta(t, 0, value(t, first[0], "cost_avoided_usd", 29), 1e-9, "against its own first days nothing is avoided")
	golden(t, "efficiency_trend", frames)
}

// The default looks to the end of the next fiscal quarter, and leaves the running
// step out.
func TestEfficiencyTrendForecastsTheNextFiscalQuarter(t *testing.T) {
	pool := warehousetest.Open(t)
	require.NoError(t, warehouse.OpenStore(pool).SetCalendar(context.Background(), "Europe/Berlin", time.October))
	zone := berlin(t)
	steady(t, pool, kpi.Span{From: time.Date(2026, 4, 1, 0, 0, 0, 0, zone), To: now}, nil)
	span := backend.TimeRange{From: time.Date(2026, 10, 1, 0, 0, 0, 0, zone), To: now}
	frames := askIn(t, pool, span, map[string]any{"queryType": "efficiencyTrend", "interval": "day", "options": map[string]any{"measure": "energy_kwh"}})
	times, _ := frames[0].FieldByName("time")
	last := times.At(frames[0].Rows() - 1).(time.Time)
	assert.True(t, last.Equal(time.Date(2027, 3, 31, 0, 0, 0, 0, zone)), "the last day of the quarter after this one, not %s", last)
	for row := 1; row < frames[0].Rows(); row++ {
		at := times.At(row).(time.Time).In(zone)
		assert.Equal(t, []int{0, 0}, []int{at.Hour(), at.Minute()}, "days begin at Berlin's midnight, before and after the clocks change")
	}
	actual, _ := frames[0].FieldByName("actual")
	for row := range frames[0].Rows() {
		if at := times.At(row).(time.Time); at.Equal(time.Date(2026, 12, 2, 0, 0, 0, 0, zone)) {
			assert.Nil(t, actual.At(row), "the running day would look like a fall")
		}
	}
}

// The settings' fiscal year goes before the warehouse's.
func TestEfficiencyTrendTakesTheFiscalYearOfTheSettings(t *testing.T) {
	pool := warehousetest.Open(t)
	steady(t, pool, kpi.Span{From: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), To: now}, nil)
	text, err := json.Marshal(map[string]any{"queryType": "efficiencyTrend", "interval": "day", "options": map[string]any{"measure": "energy_kwh"}})
	require.NoError(t, err)
	for month, want := range map[time.Month]time.Time{ // the last day of the next fiscal quarter
		0:             time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), // the warehouse's: January
		time.November: time.Date(2027, 4, 30, 0, 0, 0, 0, time.UTC),
		time.December: time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC), // November, of the last whole day, ends a quarter
	} {
		request, err := query.Parse(backend.DataQuery{RefID: "A", JSON: text, TimeRange: backend.TimeRange{From: now.AddDate(0, -2, 0), To: now}},
			query.Company{FiscalYearStart: month}, now)
		require.NoError(t, err)
		frames, err := request.Answer(context.Background(), warehouse.NewReader(pool))
		require.NoError(t, err)
		times, _ := frames[0].FieldByName("time")
		assert.Equal(t, want, times.At(frames[0].Rows()-1).(time.Time).UTC(), "a fiscal year from %s", month)
	}
}

func TestEfficiencyTrendOptions(t *testing.T) {
	pool := warehousetest.Open(t)
	for _, options := range []map[string]any{{"measure": "happiness"}, {"baseline": "best"}, {"horizon": -1}} {
		_, err := ask(t, pool, "efficiencyTrend", map[string]any{"options": options})
		assert.ErrorContains(t, err, "option", "%v", options)
	}
}
