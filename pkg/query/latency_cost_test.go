package query_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// TestLatencyEqualsTheFacts compares percentiles and breaches with the facts
// themselves, some of them rolled up and some not.
func TestLatencyEqualsTheFacts(t *testing.T) {
	pool := warehousetest.Open(t)
	random := rand.New(rand.NewPCG(1, 2))
	day := november.From.AddDate(0, 0, 9)
	var milliseconds []float64
	breaches := 0
	for half := range 2 {
		var events []warehouse.Event
		for i := range 600 {
			e := warehousetest.Event("call", day.Add(time.Duration(half*600+i)*time.Minute))
			latency := time.Duration(random.ExpFloat64() * 400 * float64(time.Millisecond)).Truncate(time.Microsecond)
			e.Latency, e.Requests = &latency, 1
			if i%10 == 0 { // a model without an objective
				e.Model, e.Endpoint = "free", "batch"
			} else if e.Endpoint = "chat"; latency.Seconds()*1000 > 1000*1.01 {
				breaches++
			}
			events = append(events, e)
			milliseconds = append(milliseconds, latency.Seconds()*1000)
		}
		warehousetest.Write(t, pool, now, events...)
		if half == 0 {
			warehousetest.Refresh(t, pool) // the second half stays in the tail
		}
	}
	warehousetest.Exec(t, pool, `UPDATE wattscore.model SET latency_slo_ms = 1000 WHERE name = 'assistant'`)
	slices.Sort(milliseconds)

	all, _, err := warehouse.NewReader(pool).Latency(context.Background(), warehouse.LatencyRequest{
		Span: kpi.Span{From: day, To: day.AddDate(0, 0, 1)}, ByDay: true})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, int64(1200), all[0].Histogram.Count())
	assert.InEpsilon(t, milliseconds[599], *all[0].Histogram.Quantile(0.5), kpi.LatencyError+1e-9)
	assert.InEpsilon(t, milliseconds[1139], *all[0].Histogram.Quantile(0.95), kpi.LatencyError+1e-9)
	assert.Equal(t, int64(1080), all[0].Judged)
	assert.InDelta(t, breaches, all[0].Breaches, 4, "but for the few in the bin of the objective")

	span := backend.TimeRange{From: day, To: day.AddDate(0, 0, 1)}
	hours := askIn(t, pool, span, map[string]any{"queryType": "latencyCost"})
	require.Equal(t, 24, hours[0].Rows())
	p95, _ := hours[0].FieldByName("p95_ms")
	assert.NotNil(t, p95.At(19))
	assert.Nil(t, p95.At(20), "an hour without requests is a gap")
	golden(t, "latency_cost_hours", hours)

	groups := askIn(t, pool, span, map[string]any{"queryType": "latencyCost", "options": map[string]any{"view": "groups"}})
	assert.Equal(t, []string{"chat", "batch"}, texts(t, groups[0], "endpoint"), "the most breaches first")
	assert.InDelta(t, 1000, value(t, groups[0], "slo_ms", 0), 1e-9)
	rate, _ := groups[0].FieldByName("slo_breach_rate")
	assert.Nil(t, rate.At(1), "no objective, no breach")
	assert.Contains(t, noticesOf(groups[0]), "10 % of the requests went to models without a latency SLO")
	golden(t, "latency_cost_groups", groups)

	alert := askIn(t, pool, span, map[string]any{"queryType": "latencyCost", "format": "number", "metric": "p95_ms", "groupBy": []string{"model"}})
	assert.Equal(t, []string{"assistant", "free"}, texts(t, alert[0], "model"))
}

func TestLatencyOfALongRangeIsByDay(t *testing.T) {
	pool := warehousetest.Open(t)
	require.NoError(t, warehouse.OpenStore(pool).SetCalendar(context.Background(), "Europe/Berlin", time.January))
	steady(t, pool, kpi.Span{From: november.From.AddDate(0, -2, 0), To: november.To}, nil)
	zone := berlin(t)
	span := backend.TimeRange{From: time.Date(2026, 10, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 12, 1, 0, 0, 0, 0, zone)}
	frames := askIn(t, pool, span, map[string]any{"queryType": "latencyCost"})
	require.Equal(t, 61, frames[0].Rows(), "days of Berlin, the one of 25 hours among them")
	p50, _ := frames[0].FieldByName("p50_ms")
	for day := range 61 {
		assert.NotNil(t, p50.At(day), "day %d", day)
	}
	assert.Contains(t, noticesOf(frames[0]), "its steps are days")
}

func TestBadLatencyOptions(t *testing.T) {
	pool := warehousetest.Open(t)
	for _, test := range []struct {
		fields map[string]any
		says   string
	}{
		{map[string]any{"options": map[string]any{"view": "minutes"}}, "must be one of hours, groups"},
		{map[string]any{"groupBy": []string{"model"}}, "filter by model instead"},
		{map[string]any{"format": "time_series", "options": map[string]any{"view": "groups"}}, "ask for a table"},
	} {
		_, err := ask(t, pool, "latencyCost", test.fields)
		assert.ErrorContains(t, err, test.says)
	}
}
