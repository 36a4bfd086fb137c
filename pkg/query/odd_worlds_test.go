package query_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// world is a company in which something is unusual, and a range to ask it of.
type world struct {
	name  string
	span  backend.TimeRange
	build func(t *testing.T) *pgxpool.Pool
}

func berlin(t testing.TB) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return zone
}

// steady writes an hour's inference every six hours over a span.
func steady(t *testing.T, pool *pgxpool.Pool, span kpi.Span, change func(*warehouse.Event)) {
	var events []warehouse.Event
	for at := span.From; at.Before(span.To); at = at.Add(6 * time.Hour) {
		e := warehousetest.Event("steady", at)
		latency := time.Duration(200+at.Hour()*10) * time.Millisecond
		e.Latency = &latency
		if change != nil {
			change(&e)
		}
		events = append(events, e)
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
}

func oddWorlds(t *testing.T) []world {
	zone := berlin(t)
	autumn := func(day int) time.Time { return time.Date(2026, 10, day, 0, 0, 0, 0, zone) }
	halfYear := kpi.Span{From: november.From.AddDate(0, -6, 0), To: november.To}
	return []world{
		{"nothing at all", november, func(t *testing.T) *pgxpool.Pool { return warehousetest.Open(t) }},
		{"one model, no business figures, no hardware", november, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			steady(t, pool, halfYear, nil)
			return pool
		}},
		{"no requests were served", november, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			steady(t, pool, halfYear, func(e *warehouse.Event) {
				e.Workload, e.Requests, e.InputTokens, e.OutputTokens, e.RunID, e.Latency = kpi.WorkloadTraining, 0, 0, 0, "run", nil
			})
			return pool
		}},
		{"no energy was drawn", november, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			steady(t, pool, halfYear, func(e *warehouse.Event) { e.ITEnergy = 0 })
			return pool
		}},
		{"a month without data", november, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			steady(t, pool, kpi.Span{From: halfYear.From, To: halfYear.From.AddDate(0, 4, 0)}, nil)
			return pool
		}},
		{"nothing is priced", november, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			steady(t, pool, halfYear, nil)
			warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor", "SELECT wattscore.fill_factor_periods(1)")
			return pool
		}},
		{"the week of 169 hours, in a fiscal year from October", backend.TimeRange{From: autumn(19), To: autumn(26)}, func(t *testing.T) *pgxpool.Pool {
			pool := warehousetest.Open(t)
			require.NoError(t, warehouse.OpenStore(pool).SetCalendar(context.Background(), "Europe/Berlin", time.October))
			steady(t, pool, halfYear, nil)
			warehousetest.Exec(t, pool,
				`INSERT INTO wattscore.carbon_budget SELECT day, '', 5, 'test' FROM generate_series('2026-09-07'::date, '2026-11-30', '7 days') AS day`,
				`INSERT INTO wattscore.cost_budget SELECT day, '', 0, 'test' FROM generate_series('2026-09-07'::date, '2026-11-30', '1 day') AS day`,
				`INSERT INTO wattscore.business_metric SELECT day, metric, '', 0, 'test' FROM generate_series('2026-09-01'::date, '2026-11-01', '1 month') AS day, unnest(ARRAY['revenue', 'arr']) AS metric`)
			return pool
		}},
		{"a range that has not begun", backend.TimeRange{From: now.AddDate(1, 0, 0), To: now.AddDate(1, 1, 0)}, smallCompanyOf},
		{"a range of one minute", backend.TimeRange{From: november.From.AddDate(0, 0, 9).Add(9 * time.Hour), To: november.From.AddDate(0, 0, 9).Add(9*time.Hour + time.Minute)}, smallCompanyOf},
		{"a range that ends in the future", backend.TimeRange{From: november.From, To: now.AddDate(0, 2, 0)}, smallCompanyOf},
	}
}

func smallCompanyOf(t *testing.T) *pgxpool.Pool { return smallCompany(t) }

// TestOddWorldsGetANullAndANotice asks every type in every format of every odd
// world. What has no answer is null with a notice; no number is NaN or infinite.
func TestOddWorldsGetANullAndANotice(t *testing.T) {
	for _, odd := range oddWorlds(t) {
		t.Run(odd.name, func(t *testing.T) {
			pool := odd.build(t)
			for _, queryType := range query.Types() {
				for _, format := range queryType.Formats {
					frames := askIn(t, pool, odd.span, map[string]any{"queryType": queryType.Name, "format": format})
					require.NotEmpty(t, frames, "%s as %s", queryType.Name, format)
					for _, frame := range frames {
						checkNumbers(t, frame, queryType.Name+" as "+string(format))
					}
				}
			}
		})
	}
}

func askIn(t testing.TB, pool *pgxpool.Pool, span backend.TimeRange, fields map[string]any) data.Frames {
	t.Helper()
	return askWhen(t, pool, span, now, fields)
}

// askWhen asks at a moment.
func askWhen(t testing.TB, pool *pgxpool.Pool, span backend.TimeRange, at time.Time, fields map[string]any) data.Frames {
	t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	request, err := query.Parse(backend.DataQuery{JSON: body, TimeRange: span, MaxDataPoints: 500}, query.Company{CarbonPrice: 100}, at)
	require.NoError(t, err)
	frames, err := request.Answer(context.Background(), warehouse.NewReader(pool))
	require.NoError(t, err, "%s", body)
	return frames
}

// checkNumbers checks that every number is one, and that a frame without any says
// why.
func checkNumbers(t *testing.T, frame *data.Frame, name string) {
	t.Helper()
	numbers := 0
	for _, field := range frame.Fields {
		if !field.Type().Numeric() {
			continue
		}
		for row := range field.Len() {
			value, err := field.NullableFloatAt(row)
			require.NoError(t, err)
			if value == nil {
				continue
			}
			numbers++
			assert.False(t, math.IsNaN(*value) || math.IsInf(*value, 0), "%s: %s of row %d is %v", name, field.Name, row, *value)
		}
	}
	if numbers == 0 && name != "annotations as table" { // which has times and texts only
		assert.NotEmpty(t, frame.Meta.Notices, "%s has no number and does not say why", name)
	}
}

// TestEveryNumberSaysWhatItIs asks every type of an ordinary company: each number
// has a name for people, a unit and a formula or a description.
func TestEveryNumberSaysWhatItIs(t *testing.T) {
	pool := smallCompany(t)
	for _, queryType := range query.Types() {
		for _, frame := range askIn(t, pool, november, map[string]any{"queryType": queryType.Name}) {
			explanation, err := query.Explain(frame)
			require.NoError(t, err, queryType.Name)
			for _, f := range explanation.Formulas {
				assert.NotEmpty(t, f.Label, "%s: %s", queryType.Name, f.Field)
				assert.NotEmpty(t, f.Formula, "%s: %s says not how it is computed", queryType.Name, f.Field)
			}
		}
	}
}
