package query_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// trendCompany has the model assistant every six hours, 0.24 kWh a day; the model
// office on workdays; retired until 15 November; and fresh from 10 November on. The
// data ends on Thursday, 26 November 2026, though it is asked on 2 December.
func trendCompany(t *testing.T) *pgxpool.Pool {
	pool := warehousetest.Open(t)
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	steady(t, pool, kpi.Span{From: day(6, 1), To: day(11, 27)}, nil)
	var events []warehouse.Event
	write := func(model string, from, to time.Time, on func(time.Time) bool) {
		for at := from; at.Before(to); at = at.AddDate(0, 0, 1) {
			if on(at) {
				e := warehousetest.Event(model, at.Add(9*time.Hour))
				e.Model, e.ITEnergy = model, 1
				events = append(events, e)
			}
		}
	}
	always := func(time.Time) bool { return true }
	write("office", day(8, 3), day(11, 27), func(at time.Time) bool { return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday })
	write("retired", day(8, 3), day(11, 16), always)
	write("fresh", day(11, 10), day(11, 27), always)
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
	return pool
}

func trendOf(model string, options map[string]any) map[string]any {
	fields := map[string]any{"queryType": "efficiencyTrend", "interval": "day", "options": options}
	if model != "" {
		fields["filters"] = map[string]any{"model": []string{model}}
	}
	return fields
}

// rowAt is the row of a time.
func rowAt(t *testing.T, frame *data.Frame, at time.Time) int {
	t.Helper()
	times, _ := frame.FieldByName("time")
	for row := range frame.Rows() {
		if times.At(row).(time.Time).Equal(at) {
			return row
		}
	}
	require.Fail(t, "no row", "of %s", at)
	return -1
}

func isNull(t *testing.T, frame *data.Frame, field string, row int) bool {
	t.Helper()
	f, _ := frame.FieldByName(field)
	require.NotNil(t, f)
	return f.At(row).(*float64) == nil
}

// trendMeta reads a value of the metadata by its path.
func trendMeta(t *testing.T, frame *data.Frame, path ...string) any {
	t.Helper()
	text, err := json.Marshal(frame.Meta.Custom)
	require.NoError(t, err)
	var found any
	require.NoError(t, json.Unmarshal(text, &found))
	for _, name := range append([]string{"trend"}, path...) {
		object, ok := found.(map[string]any)
		require.True(t, ok, "nothing holds %s in %s", name, text)
		found = object[name]
	}
	return found
}

func TestEfficiencyTrendTellsGapsFromZeros(t *testing.T) {
	pool := trendCompany(t)
	november := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	span := backend.TimeRange{From: november(1), To: now}

	sums := askIn(t, pool, span, trendOf("office", map[string]any{"measure": "energy_kwh"}))[0]
	ratios := askIn(t, pool, span, trendOf("office", map[string]any{}))[0]
	saturday, monday := rowAt(t, sums, november(21)), rowAt(t, sums, november(23))
	assert.Zero(t, value(t, sums, "actual", saturday), "a day off takes no energy")
	assert.Equal(t, 1.0, value(t, sums, "actual", monday))
	assert.True(t, isNull(t, ratios, "actual", saturday), "and has no intensity")
	assert.Equal(t, 1.0, value(t, ratios, "actual", monday), "1 kWh for 1,000 requests")
	assert.Contains(t, trendMeta(t, sums, "forecast", "model"), "season 7")
	assert.InDelta(t, 0, value(t, sums, "forecast", rowAt(t, sums, november(28))), 0.05, "the next Saturday is off too")
	assert.InDelta(t, 1, value(t, sums, "forecast", rowAt(t, sums, november(30))), 0.05)

	t.Run("the day in which the data ends is not over", func(t *testing.T) {
		thursday := rowAt(t, sums, november(26))
		assert.True(t, isNull(t, sums, "actual", thursday))
		assert.InDelta(t, 1, value(t, sums, "forecast", thursday), 0.05, "the forecast begins with it")
		assert.Equal(t, map[string]any{"from": "2026-11-26T00:00:00Z", "to": "2026-11-27T00:00:00Z"}, trendMeta(t, sums, "leftOutStep"))
		for _, field := range []string{"forecast", "lower_80", "upper_80", "lower_95", "upper_95"} {
			assert.Equal(t, value(t, sums, "actual", thursday-1), value(t, sums, field, thursday-1), "%s starts from the last actual", field)
		}
	})
	t.Run("a retired model is forecast from its last day, and that is said", func(t *testing.T) {
		retired := askIn(t, pool, span, trendOf("retired", map[string]any{"measure": "energy_kwh", "horizon": 3}))[0]
		require.Equal(t, 15+3, retired.Rows(), "what came after the last usage is not known to be zero")
		assert.Contains(t, noticesOf(retired), "The last 10 whole steps have no Energy to show; the forecast begins with 2026-11-16")
	})
	t.Run("a new model has no baseline, and that is said", func(t *testing.T) {
		all := askIn(t, pool, span, trendOf("", map[string]any{}))[0]
		assert.Contains(t, noticesOf(all), "no baseline: fresh")
		assert.Equal(t, []any{"fresh"}, trendMeta(t, all, "costAvoidedBaseline", "modelsWithout"))
		assert.InDelta(t, 0, value(t, all, "cost_avoided_usd", rowAt(t, all, november(25))), 1e-9, "the others are as they were")
		alone := askIn(t, pool, span, trendOf("fresh", map[string]any{}))[0]
		assert.Contains(t, noticesOf(alone), "Set the baseline to the first steps")
		assert.True(t, isNull(t, alone, "cost_avoided_usd", 0), "not counted is not zero")
	})
	t.Run("too little history is said", func(t *testing.T) {
		few := askIn(t, pool, backend.TimeRange{From: november(1), To: november(15)}, trendOf("fresh", map[string]any{}))[0]
		assert.Equal(t, "naive", trendMeta(t, few, "forecast", "model"))
		assert.Contains(t, noticesOf(few), "only 5 steps of history")
	})
	t.Run("a range without a whole step says what to do", func(t *testing.T) {
		hours := askIn(t, pool, backend.TimeRange{From: november(20).Add(time.Hour), To: november(20).Add(7 * time.Hour)}, trendOf("", map[string]any{}))[0]
		assert.Zero(t, hours.Rows())
		assert.Contains(t, noticesOf(hours), "Choose a longer range")
		ahead := askIn(t, pool, backend.TimeRange{From: now.AddDate(3, 0, 0), To: now.AddDate(3, 1, 0)}, trendOf("", map[string]any{}))[0]
		assert.Zero(t, ahead.Rows(), "nothing is known of 2029")
		assert.NotEmpty(t, noticesOf(ahead))
	})
}

func TestEfficiencyTrendAsANumber(t *testing.T) {
	pool := trendCompany(t)
	span := backend.TimeRange{From: november.From, To: now}
	number := func(metric string, options map[string]any) *data.Frame {
		fields := trendOf("assistant", options)
		fields["format"], fields["metric"] = "number", metric
		return askIn(t, pool, span, fields)[0]
	}
	quarter := number("forecast", map[string]any{"measure": "energy_kwh"})
	require.Equal(t, 1, quarter.Rows())
	assert.InDelta(t, 90*0.24, value(t, quarter, "forecast", 0), 1e-9, "the 90 days of the first quarter of 2027")
	assert.Equal(t, "2027-01-01T00:00:00Z", trendMeta(t, quarter, "forecast", "number", "from"))
	assert.Equal(t, "2027-04-01T00:00:00Z", trendMeta(t, quarter, "forecast", "number", "to"))
	assert.Equal(t, "sum", trendMeta(t, quarter, "forecast", "number", "aggregation"))
	assert.InDelta(t, 3*0.24, value(t, number("forecast", map[string]any{"measure": "energy_kwh", "horizon": 3}), "forecast", 0), 1e-9, "three days where three are asked")
	mean := number("forecast", map[string]any{})
	assert.InDelta(t, 0.06, value(t, mean, "forecast", 0), 1e-9)
	assert.Equal(t, "mean of the steps", trendMeta(t, mean, "forecast", "number", "aggregation"))
	assert.InDelta(t, 0.24, value(t, number("actual", map[string]any{"measure": "energy_kwh"}), "actual", 0), 1e-12)
	assert.InDelta(t, 0, value(t, number("cost_avoided_usd", map[string]any{}), "cost_avoided_usd", 0), 1e-9)
	assert.Zero(t, number("forecast", map[string]any{"horizon": 0}).Rows(), "an alert rule gets nothing, not a null")

	weeks := trendOf("assistant", map[string]any{"measure": "energy_kwh"})
	weeks["format"], weeks["metric"], weeks["interval"] = "number", "forecast", "week"
	assert.InDelta(t, 90*0.24, value(t, askIn(t, pool, span, weeks)[0], "forecast", 0), 1e-9, "weeks across the quarter's edges count in part")
}

// The weeks of the company are those of its zone: the one in which the clocks go
// back, from 19 to 25 October 2026, has 169 hours.
func TestEfficiencyTrendByWeekAcrossDaylightSaving(t *testing.T) {
	pool := warehousetest.Open(t)
	require.NoError(t, warehouse.OpenStore(pool).SetCalendar(context.Background(), "Europe/Berlin", time.October))
	zone := berlin(t)
	var events []warehouse.Event
	for at := time.Date(2026, 7, 6, 0, 0, 0, 0, zone); at.Before(time.Date(2026, 11, 17, 0, 0, 0, 0, zone)); at = at.Add(time.Hour) {
		e := warehousetest.Event("hourly", at)
		e.ITEnergy = 1
		events = append(events, e)
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
	span := backend.TimeRange{From: time.Date(2026, 10, 7, 0, 0, 0, 0, zone), To: time.Date(2026, 11, 12, 0, 0, 0, 0, zone)}
	frame := askIn(t, pool, span, map[string]any{"queryType": "efficiencyTrend", "format": "time_series", "interval": "week",
		"options": map[string]any{"measure": "energy_kwh"}})[0]
	assert.Equal(t, data.FrameTypeTimeSeriesWide, frame.Meta.Type)

	rows, err := pool.Query(context.Background(), `
		SELECT date_trunc('week', ts AT TIME ZONE 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin', (sum(it_energy_nwh) / 1e12)::float8
		FROM wattscore.inference_energy_fact WHERE ts >= $1 AND ts < $2 GROUP BY 1 ORDER BY 1`,
		time.Date(2026, 10, 12, 0, 0, 0, 0, zone), time.Date(2026, 11, 9, 0, 0, 0, 0, zone))
	require.NoError(t, err)
	type week struct {
		Start time.Time
		KWh   float64
	}
	weeks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[week])
	require.NoError(t, err)
	require.Len(t, weeks, 4, "the whole weeks of the range: those its ends cut are left out")
	times, _ := frame.FieldByName("time")
	for i, want := range weeks {
		assert.True(t, times.At(i).(time.Time).Equal(want.Start), "week %d begins at %s", i, times.At(i))
		assert.InDelta(t, want.KWh, value(t, frame, "actual", i), 1e-9)
	}
	assert.InDelta(t, 169, value(t, frame, "actual", 1), 1e-9)
	assert.True(t, isNull(t, frame, "actual", 4), "the week that the range's end cuts")
	assert.Equal(t, map[string]any{"from": "2026-11-09T00:00:00+01:00", "to": "2026-11-16T00:00:00+01:00"}, trendMeta(t, frame, "leftOutStep"))
	assert.EqualValues(t, 17, trendMeta(t, frame, "trainingHistory", "steps"), "from 13 July to 8 November: the week in which usage began may not be whole")

	last := times.At(frame.Rows() - 1).(time.Time)
	assert.True(t, last.Equal(time.Date(2027, 3, 29, 0, 0, 0, 0, zone)), "the last week that begins in the second fiscal quarter, not that of %s", last)
}

func TestEfficiencyTrendHasNoHours(t *testing.T) {
	_, err := ask(t, warehousetest.Open(t), "efficiencyTrend", map[string]any{"interval": "hour"})
	var bad *query.BadRequestError
	require.ErrorAs(t, err, &bad)
	assert.ErrorContains(t, err, "Choose day, week")
}
