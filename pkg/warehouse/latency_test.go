package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// judged is how many requests of a day had an objective and how many broke it.
type judged struct{ requests, breaches int64 }

// judgedByFacts counts from the facts, with the objectives of now.
func judgedByFacts(t *testing.T, pool *pgxpool.Pool, span kpi.Span) map[time.Time]judged {
	t.Helper()
	rows, err := pool.Query(context.Background(), `
		SELECT date_trunc('day', f.ts, 'UTC'), sum(f.requests)::bigint,
		       coalesce(sum(f.requests) FILTER (WHERE ceil(ln(f.latency_us::float8) / ln(1.01 / 0.99::float8))
		                                              > ceil(ln(m.latency_slo_ms * 1000) / ln(1.01 / 0.99::float8))), 0)::bigint
		FROM wattscore.inference_energy_fact f JOIN wattscore.model m USING (model_id)
		WHERE f.ts >= $1 AND f.ts < $2 AND m.latency_slo_ms IS NOT NULL AND f.latency_us IS NOT NULL
		GROUP BY 1`, span.From, span.To)
	require.NoError(t, err)
	defer rows.Close()
	all := map[time.Time]judged{}
	for rows.Next() {
		var day time.Time
		var of judged
		require.NoError(t, rows.Scan(&day, &of.requests, &of.breaches))
		all[day.UTC()] = of
	}
	require.NoError(t, rows.Err())
	return all
}

// The breaches of a day are rolled up by the objective of that moment. However
// objectives come, change and go, and whatever is rolled up, taken out or still in the
// tail, the answer is that of the objectives in force.
func TestBreachesAreOfTheObjectiveInForce(t *testing.T) {
	pool := warehousetest.Open(t)
	random := rand.New(rand.NewPCG(18, 18))
	span := kpi.Span{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)}
	count := 0
	write := func() {
		var events []warehouse.Event
		for range 120 {
			count++
			e := warehousetest.Event(fmt.Sprint("call ", count), span.From.Add(time.Duration(random.Int64N(int64(span.Duration())))))
			e.Model, e.Requests = fmt.Sprint("model-", random.IntN(3)), int64(1+random.IntN(3))
			latency := time.Duration(1+random.IntN(2000)) * time.Millisecond
			e.Latency = &latency
			events = append(events, e)
		}
		warehousetest.Write(t, pool, now, events...)
	}
	objective := func(model int, milliseconds string) {
		warehousetest.Exec(t, pool, fmt.Sprintf("UPDATE wattscore.model SET latency_slo_ms = %s WHERE name = 'model-%d'", milliseconds, model))
	}
	reader, store := warehouse.NewReader(pool), warehouse.OpenStore(pool)
	check := func(when string) {
		rows, _, err := reader.Latency(context.Background(), warehouse.LatencyRequest{Span: span, ByDay: true, BreachesOnly: true})
		require.NoError(t, err)
		got := map[time.Time]judged{}
		for _, row := range rows {
			got[row.Start.UTC()] = judged{row.Judged, row.Breaches}
		}
		require.Equal(t, judgedByFacts(t, pool, span), got, when)
		differences, err := reader.VerifyRollups(context.Background())
		require.NoError(t, err)
		require.Empty(t, differences, when)
	}
	write()
	check("no objective, and nothing rolled up")
	objective(0, "500")
	objective(1, "1200")
	check("in the tail")
	warehousetest.Refresh(t, pool)
	check("the first model's objective came before rolling up")
	objective(2, "800")
	check("an objective where there was none")
	objective(0, "900")
	check("another objective than was rolled up")
	write()
	warehousetest.Refresh(t, pool)
	check("days of two objectives")
	objective(0, "500")
	check("back to the one before")
	write()
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE event_id IN (SELECT event_id FROM wattscore.event ORDER BY event_id LIMIT 90)")
	check("facts taken out, and a tail")
	warehousetest.Refresh(t, pool)
	check("all rolled up")
	objective(1, "NULL")
	check("an objective less")
	_, err := store.RebuildRollups(context.Background())
	require.NoError(t, err)
	check("rebuilt")

	warehousetest.Exec(t, pool, "UPDATE wattscore.rollup_breach_day SET breaches = breaches + 7 WHERE (bucket, model_id) IN (SELECT bucket, model_id FROM wattscore.rollup_breach_day ORDER BY bucket, model_id LIMIT 1)",
		"DELETE FROM wattscore.rollup_breach_day WHERE bucket = '2026-11-04Z'")
	differences, err := reader.VerifyRollups(context.Background())
	require.NoError(t, err)
	require.Len(t, differences, 4)
	for _, difference := range differences {
		require.Equal(t, "rollup_breach_day", difference.Rollup)
		if _, ok := difference.Excess["breaches"]; ok {
			assert.Equal(t, map[string]float64{"requests": 0, "breaches": 7}, difference.Excess)
		} else {
			assert.Negative(t, difference.Excess["requests"])
		}
	}
}

// TestALongEventsRequestsKeepTheirLatency is of events from 10:30 to 14:30, which are
// stored by the hour: ten requests of 2 s, by the time 1, 2, 3, 2 and 2 of them, and one
// request that takes all of it, which counts in the last hour. Each counts once.
func TestALongEventsRequestsKeepTheirLatency(t *testing.T) {
	pool := warehousetest.Open(t)
	began := time.Date(2026, 11, 2, 10, 30, 0, 0, time.UTC)
	event := func(name string, requests int64, latency time.Duration) warehouse.Event {
		e := warehousetest.Event(name, began)
		e.Requests, e.Latency, e.Duration = requests, &latency, 4*time.Hour
		return e
	}
	warehousetest.Write(t, pool, now, event("batch", 10, 2*time.Second), event("call", 1, 4*time.Hour))
	reader := warehouse.NewReader(pool)
	day := began.Truncate(24 * time.Hour)
	check := func(when string) {
		for _, byDay := range []bool{true, false} {
			rows, _, err := reader.Latency(context.Background(), warehouse.LatencyRequest{Span: kpi.Span{From: day, To: day.Add(24 * time.Hour)}, ByDay: byDay})
			require.NoError(t, err)
			var all kpi.LatencyHistogram
			requests := map[int]int64{}
			for _, row := range rows {
				all.Merge(row.Histogram)
				requests[row.Start.UTC().Hour()] += row.Histogram.Count()
			}
			if !byDay {
				assert.Equal(t, map[int]int64{10: 1, 11: 2, 12: 3, 13: 2, 14: 3}, requests, when)
			}
			require.EqualValues(t, 11, all.Count(), when)
			assert.InEpsilon(t, 2000, *all.Quantile(0.9), kpi.LatencyError, "%s: the tenth of eleven", when)
			assert.InEpsilon(t, 4*3600*1000, *all.Quantile(1), kpi.LatencyError, "%s: the last", when)
		}
		differences, err := reader.VerifyRollups(context.Background())
		require.NoError(t, err)
		require.Empty(t, differences, when)
	}
	check("in the tail")
	warehousetest.Refresh(t, pool)
	check("rolled up")
	warehousetest.Exec(t, pool, "UPDATE wattscore.event SET project = 'corrected' WHERE slice IN (0, 2)")
	check("corrected")
	warehousetest.Refresh(t, pool)
	check("corrected and rolled up")
}
