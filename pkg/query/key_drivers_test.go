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

// changingCompany has a reason for each driver: in November Sales answers twice the
// requests of October, Customer Care's model takes a fifth less energy, training is
// five times what it was, electricity costs more and the PUE is better.
func changingCompany(t testing.TB) *pgxpool.Pool {
	pool := warehousetest.Open(t)
	var events []warehouse.Event
	add := func(name string, month time.Month, change func(*warehouse.Event)) {
		e := warehousetest.Event(fmt.Sprint(name, month), time.Date(2026, month, 12, 9, 0, 0, 0, time.UTC))
		change(&e)
		events = append(events, e)
	}
	for month, times := range map[time.Month]float64{time.October: 1, time.November: 2} {
		later := month == time.November
		add("marketing", month, func(e *warehouse.Event) {
			e.Model, e.Project, e.Requests, e.ITEnergy = "chat-1", "project-1", int64(10_000*times), kpi.KilowattHours(20*times)
		})
		add("care", month, func(e *warehouse.Event) {
			e.Model, e.Project, e.Requests, e.ITEnergy = "chat-0", "project-0", 50_000, 40
			if later {
				e.ITEnergy = 32
			}
		})
		add("training", month, func(e *warehouse.Event) {
			e.Model, e.Project, e.Workload, e.Requests, e.InputTokens, e.OutputTokens = "chat-0", "project-0", kpi.WorkloadTraining, 0, 0, 0
			e.GPUHours, e.ITEnergy = 30, 24
			if later {
				e.GPUHours, e.ITEnergy = 150, 120
			}
		})
		add("idle", month, func(e *warehouse.Event) {
			e.Model, e.Project, e.Workload, e.Requests, e.InputTokens, e.OutputTokens = kpi.Idle, kpi.Idle, kpi.WorkloadIdle, 0, 0, 0
			e.ITEnergy = kpi.KilowattHours(3 * times)
		})
	}
	warehousetest.Write(t, pool, now, events...)
	warehousetest.Refresh(t, pool)
	const insert = `INSERT INTO wattscore.region_factor SELECT version_id, region_id, '%s', '%s', %g, 'the test', 2026, 'contract', 'at the meter'
		FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1' ON CONFLICT DO NOTHING`
	warehousetest.Exec(t, pool,
		`UPDATE wattscore.project SET business_unit = CASE name WHEN 'project-0' THEN 'Customer Care' ELSE 'Sales' END WHERE name LIKE 'project-%'`,
		fmt.Sprintf(insert, "electricity_price", "2026-01-01", 0.1), fmt.Sprintf(insert, "electricity_price", "2026-11-01", 0.12),
		fmt.Sprintf(insert, "pue", "2026-11-01", 1.05),
		`SELECT wattscore.fill_factor_periods(1)`)
	return pool
}

// askAt asks keyDrivers of a range at a time.
func askAt(t testing.TB, pool *pgxpool.Pool, span backend.TimeRange, at time.Time, fields map[string]any) *data.Frame {
	t.Helper()
	return askCompany(t, pool, query.Company{}, span, at, fields)
}

func askCompany(t testing.TB, pool *pgxpool.Pool, company query.Company, span backend.TimeRange, at time.Time, fields map[string]any) *data.Frame {
	t.Helper()
	fields["queryType"] = "keyDrivers"
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	request, err := query.Parse(backend.DataQuery{JSON: body, TimeRange: span}, company, at)
	require.NoError(t, err)
	frames, err := request.Answer(context.Background(), warehouse.NewReader(pool))
	require.NoError(t, err)
	require.Len(t, frames, 1)
	return frames[0]
}

func texts(t testing.TB, frame *data.Frame, field string) []string {
	t.Helper()
	f, _ := frame.FieldByName(field)
	require.NotNil(t, f, "the frame has no field %s", field)
	values := make([]string, f.Len())
	for i := range values {
		values[i] = f.At(i).(string)
	}
	return values
}

func noticesOf(frame *data.Frame) string {
	var said []string
	for _, notice := range frame.Meta.Notices {
		said = append(said, notice.Text)
	}
	return strings.Join(said, "\n")
}

// changeOf is the metadata on what is explained.
func changeOf(t testing.TB, frame *data.Frame) (change struct {
	Change struct{ Before, After, Change, Residual float64 }
	Period struct{ From, To string }
	Before struct{ From, To string } `json:"previousPeriod"`
}) {
	t.Helper()
	body, err := json.Marshal(frame.Meta.Custom)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &change))
	return change
}

func TestKeyDriversGoldenFrames(t *testing.T) {
	pool := changingCompany(t)
	for _, test := range []struct {
		name   string
		fields map[string]any
	}{
		{"key_drivers", map[string]any{}},
		{"key_drivers_cost_all", map[string]any{"options": map[string]any{"measure": "cost", "top": 0}}},
		{"key_drivers_carbon_by_region", map[string]any{"groupBy": []string{"region"}, "options": map[string]any{"measure": "carbon"}}},
		{"key_drivers_bridge", map[string]any{"options": map[string]any{"view": "bridge"}}},
		{"key_drivers_bridge_top", map[string]any{"options": map[string]any{"view": "bridge", "measure": "cost", "top": 2}}},
		{"key_drivers_number", map[string]any{"format": "number", "metric": "share_of_change"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			frame := askAt(t, pool, november, now, test.fields)
			frame.Meta.ExecutedQueryString = "" // the statement has its own file
			experimental.CheckGoldenJSONResponse(t, "testdata", test.name, &backend.DataResponse{Frames: data.Frames{frame}}, *update)
		})
	}
}

func TestKeyDriversTellWhatHappened(t *testing.T) {
	pool := changingCompany(t)
	all := func(options map[string]any, group string) []string {
		options["top"] = 0
		return texts(t, askAt(t, pool, november, now, map[string]any{"groupBy": []string{group}, "options": options}), "sentence")
	}
	energy := all(map[string]any{}, "businessUnit")
	for _, sentence := range []string{
		"GPU-heavy training in Customer Care added 103 kWh", // L(126, 26.64) × ln 5 = 63.94 × 1.609
		"More requests in Sales added 22 kWh",
		"Customer Care's models used 20 % less energy per request, saving 8.6 kWh",
		"Idle GPUs used 3 kWh more",
		"Lower data centre overhead (PUE) for Customer Care saved 5.7 kWh",
	} {
		assert.Contains(t, energy, sentence)
	}
	assert.Equal(t, "GPU-heavy training in Customer Care added 103 kWh", energy[0], "the spike comes first")
	assert.Contains(t, strings.Join(all(map[string]any{"measure": "cost"}, "region"), "\n"), "A higher electricity price in Iowa added $2.71")
	models := all(map[string]any{}, "model")
	assert.Contains(t, models, "GPU-heavy training of chat-0 added 103 kWh")
	assert.Contains(t, models, "More requests to chat-1 added 22 kWh")
	assert.Contains(t, models, "chat-0 used 20 % less energy per request, saving 8.6 kWh")
}

func TestKeyDriversAddUpToPlainSQL(t *testing.T) {
	pool := changingCompany(t)
	for measure, factors := range map[string][2]float64{"energy": {1.11, 1.05}, "cost": {1.11 * 0.1, 1.05 * 0.12}} {
		var before, after float64
		require.NoError(t, pool.QueryRow(context.Background(), `
			SELECT (sum(it_energy_nwh) FILTER (WHERE ts < '2026-11-01') * $1::float8 / 1e12)::float8,
			       (sum(it_energy_nwh) FILTER (WHERE ts >= '2026-11-01') * $2::float8 / 1e12)::float8
			FROM wattscore.inference_energy_fact WHERE ts >= '2026-10-01' AND ts < '2026-12-01'`, factors[0], factors[1]).Scan(&before, &after))
		for _, group := range []string{"businessUnit", "team", "project", "model", "region"} {
			frame := askAt(t, pool, november, now, map[string]any{"groupBy": []string{group}, "options": map[string]any{"measure": measure, "top": 0}})
			var effects, shares float64
			for row := range frame.Rows() {
				effects, shares = effects+value(t, frame, "effect", row), shares+value(t, frame, "share_of_change", row)
			}
			assert.InDelta(t, after-before, effects, 1e-9, "%s by %s", measure, group)
			assert.InDelta(t, 1, shares, 1e-9)
			told := changeOf(t, frame).Change
			assert.InDelta(t, before, told.Before, 1e-9)
			assert.InDelta(t, after, told.After, 1e-9)
			assert.InDelta(t, 0, told.Residual, 1e-9)
		}
	}
}

func TestKeyDriversBridgeHasNoGap(t *testing.T) {
	pool := changingCompany(t)
	for _, options := range []map[string]any{{}, {"top": 2}, {"measure": "carbon"}} {
		options["view"] = "bridge"
		frame := askAt(t, pool, november, now, map[string]any{"options": options})
		last := frame.Rows() - 1
		require.Greater(t, last, 2)
		level := value(t, frame, "total", 0)
		for row := 1; row < last; row++ {
			effect := value(t, frame, "effect", row)
			assert.InDelta(t, min(level, level+effect), value(t, frame, "base", row), 1e-9, "the step stands on the lower level")
			level += effect
			assert.GreaterOrEqual(t, level, 0.0)
		}
		assert.InDelta(t, level, value(t, frame, "total", last), 1e-9)
	}
}

func TestKeyDriversCompareAnUnfinishedMonthWithAsMuchOfTheLast(t *testing.T) {
	pool := changingCompany(t)
	// On 12 November at 12:30 the work of 12 October at nine has its like; a day
	// earlier there is nothing on either side.
	frame := askAt(t, pool, november, time.Date(2026, 11, 12, 12, 30, 0, 0, time.UTC), map[string]any{})
	told := changeOf(t, frame)
	assert.Equal(t, "2026-11-12T12:00:00Z", told.Period.To)
	assert.Equal(t, "2026-10-12T12:00:00Z", told.Before.To)
	assert.Contains(t, noticesOf(frame), "The period is not over")
	assert.InDelta(t, 96.57, told.Change.Before, 1e-9, "87 kWh at a PUE of 1.11")

	early := askAt(t, pool, november, time.Date(2026, 11, 11, 12, 30, 0, 0, time.UTC), map[string]any{})
	assert.Zero(t, early.Rows())
	assert.Contains(t, noticesOf(early), "no usage in this period")

	ahead := askAt(t, pool, november, november.From.Add(-time.Hour), map[string]any{})
	assert.Zero(t, ahead.Rows())
	assert.Contains(t, noticesOf(ahead), "No full hour")

	// March is longer than February: its first 30 days are compared with the 30
	// before it.
	march := backend.TimeRange{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	told = changeOf(t, askAt(t, pool, march, time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), map[string]any{}))
	assert.Equal(t, "2026-01-30T00:00:00Z", told.Before.From)
	assert.Equal(t, "2026-03-01T00:00:00Z", told.Before.To)

	// The clock in New York was set back on 1 November: noon is compared with noon.
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	there := backend.TimeRange{From: time.Date(2026, 11, 1, 0, 0, 0, 0, newYork), To: time.Date(2026, 12, 1, 0, 0, 0, 0, newYork)}
	told = changeOf(t, askCompany(t, pool, query.Company{Zone: newYork}, there, time.Date(2026, 11, 12, 12, 30, 0, 0, newYork), map[string]any{}))
	assert.Equal(t, "2026-11-12T12:00:00-05:00", told.Period.To)
	assert.Equal(t, "2026-10-12T12:00:00-04:00", told.Before.To)

	// A range up to now loses the hour that runs, and is compared with the one before.
	rolling := backend.TimeRange{From: time.Date(2026, 11, 12, 0, 30, 0, 0, time.UTC), To: time.Date(2026, 11, 12, 12, 30, 0, 0, time.UTC)}
	frame = askAt(t, pool, rolling, rolling.To, map[string]any{})
	told = changeOf(t, frame)
	assert.Equal(t, "2026-11-12T12:00:00Z", told.Period.To)
	assert.Equal(t, "2026-11-11T12:00:00Z", told.Before.From)
	assert.NotContains(t, noticesOf(frame), "not over")
}

func TestKeyDriversInOddWorlds(t *testing.T) {
	october := time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)
	world := func(t *testing.T, events ...warehouse.Event) *pgxpool.Pool {
		pool := warehousetest.Open(t)
		warehousetest.Write(t, pool, now, events...)
		return pool
	}
	event := func(model string, at time.Time, energy kpi.KilowattHours) warehouse.Event {
		e := warehousetest.Event(model, at)
		e.Model, e.ITEnergy = model, energy
		return e
	}
	later := october.AddDate(0, 1, 0)

	t.Run("nothing to compare with", func(t *testing.T) {
		frame := askAt(t, world(t, event("new", later, 5)), november, now, map[string]any{})
		assert.Zero(t, frame.Rows())
		assert.Contains(t, noticesOf(frame), "no usage in the preceding period (1 October 2026 to 1 November 2026)")
	})
	t.Run("a model comes and another goes", func(t *testing.T) {
		frame := askAt(t, world(t, event("old", october, 5), event("new", later, 3)), november, now, map[string]any{"groupBy": []string{"model"}})
		assert.ElementsMatch(t, []string{"More requests to new added 3.3 kWh", "Fewer requests to old saved 5.5 kWh"}, texts(t, frame, "sentence"), "Iowa's PUE is 1.11")
		body, err := json.Marshal(frame.Meta.Custom)
		require.NoError(t, err)
		assert.Contains(t, string(body), `"entered":{"segments":1,"first":["new, us-central1, helpdesk, inference"]}`)
		assert.Contains(t, string(body), `"left":{"segments":1,"first":["old, us-central1, helpdesk, inference"]}`)
	})
	t.Run("no change at all", func(t *testing.T) {
		frame := askAt(t, world(t, event("same", october, 5), event("same", later, 5)), november, now, map[string]any{})
		assert.Zero(t, frame.Rows(), "nothing drove anything")
	})
	t.Run("two changes that cancel out", func(t *testing.T) {
		more := event("same", later, 5)
		more.Requests *= 2
		frame := askAt(t, world(t, event("same", october, 5), more), november, now, map[string]any{})
		require.Equal(t, 2, frame.Rows())
		shares, _ := frame.FieldByName("share_of_change")
		assert.Nil(t, shares.At(0), "a change of zero has no shares")
		assert.ElementsMatch(t, []string{"More requests without a business unit added 3.8 kWh",
			"Models without a business unit used 50 % less energy per request, saving 3.8 kWh"}, texts(t, frame, "sentence"))
	})
	t.Run("idle energy only", func(t *testing.T) {
		idle := func(at time.Time, energy kpi.KilowattHours) warehouse.Event {
			e := event(kpi.Idle, at, energy)
			e.Project, e.Workload, e.Requests, e.InputTokens, e.OutputTokens = kpi.Idle, kpi.WorkloadIdle, 0, 0, 0
			return e
		}
		frame := askAt(t, world(t, idle(october, 9), idle(later, 5)), november, now, map[string]any{"groupBy": []string{"project"}})
		assert.Equal(t, []string{"Idle GPUs used 4.4 kWh less"}, texts(t, frame, "sentence"))
	})
	t.Run("energy that nobody allocated", func(t *testing.T) {
		open := func(at time.Time, energy kpi.KilowattHours) warehouse.Event {
			e := event(kpi.Unallocated, at, energy)
			e.Project, e.Workload, e.Requests, e.InputTokens, e.OutputTokens = kpi.Unallocated, kpi.WorkloadBatch, 0, 0, 0
			return e
		}
		frame := askAt(t, world(t, open(october, 5), open(later, 9)), november, now, map[string]any{"groupBy": []string{"project"}})
		assert.Equal(t, []string{"Work that no project answers for used 4.4 kWh more"}, texts(t, frame, "sentence"))
	})
	t.Run("no price", func(t *testing.T) {
		pool := world(t, event("a", october, 5), event("a", later, 9))
		warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor WHERE quantity = 'electricity_price'", "SELECT wattscore.fill_factor_periods(1)")
		frame := askAt(t, pool, november, now, map[string]any{"options": map[string]any{"measure": "cost"}})
		assert.Zero(t, frame.Rows(), "no number is better than a wrong one")
		assert.Contains(t, noticesOf(frame), "electricity price")
		assert.Contains(t, noticesOf(frame), "The cost of part of the usage is not known")
		assert.Equal(t, 1, askAt(t, pool, november, now, map[string]any{}).Rows(), "energy needs no price")
	})
	t.Run("a bill that is not the electricity's", func(t *testing.T) {
		rented := event("a", later, 9)
		rented.Cost = ptr(kpi.USD(400))
		pool := world(t, event("a", october, 5), rented)
		warehousetest.Exec(t, pool, `INSERT INTO wattscore.region_factor SELECT version_id, region_id, 'electricity_price', '2026-01-01', 0.1, 'the test', 2026, 'contract', 'at the meter'
			FROM wattscore.region, wattscore.factor_version WHERE code = 'us-central1' ON CONFLICT DO NOTHING`, "SELECT wattscore.fill_factor_periods(1)")
		frame := askAt(t, pool, november, now, map[string]any{"options": map[string]any{"measure": "cost"}})
		assert.Contains(t, noticesOf(frame), "$400 were billed")
	})
	t.Run("usage that is late", func(t *testing.T) {
		frame := askAt(t, world(t, event("a", october, 5), event("a", later, 4)), november, now, map[string]any{})
		assert.Contains(t, noticesOf(frame), "The newest event is of 12 November 2026")
	})
}

func ptr[T any](value T) *T { return &value }

func TestKeyDriversRefuseWhatTheyDoNotHave(t *testing.T) {
	pool := warehousetest.Open(t)
	for name, test := range map[string]struct {
		fields map[string]any
		says   []string
	}{
		"a measure":             {map[string]any{"options": map[string]any{"measure": "water"}}, []string{`"water"`, "energy, cost, carbon"}},
		"a view":                {map[string]any{"options": map[string]any{"view": "pie"}}, []string{`"pie"`, "drivers, bridge"}},
		"less than no drivers":  {map[string]any{"options": map[string]any{"top": -1}}, []string{"top is -1", "0 for all"}},
		"half a driver":         {map[string]any{"options": map[string]any{"top": 1.5}}, []string{"top"}},
		"a misspelt option":     {map[string]any{"options": map[string]any{"tops": 1}}, []string{"tops"}},
		"two groups":            {map[string]any{"groupBy": []string{"team", "model"}}, []string{"takes one group-by"}},
		"another group":         {map[string]any{"groupBy": []string{"endpoint"}}, []string{`"endpoint"`, "businessUnit, team, project, model, region"}},
		"a bridge as a number":  {map[string]any{"format": "number", "options": map[string]any{"view": "bridge"}}, []string{"in the view drivers, not in bridge"}},
		"a series over time":    {map[string]any{"format": "time_series"}, []string{`"time_series"`, "table, number"}},
		"a metric that is text": {map[string]any{"format": "number", "metric": "sentence"}, []string{`"sentence"`, "effect, share_of_change"}},
	} {
		t.Run(name, func(t *testing.T) {
			frames, err := ask(t, pool, "keyDrivers", test.fields)
			assert.Empty(t, frames)
			for _, part := range test.says {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}
