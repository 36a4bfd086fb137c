package warehouse_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// groupTotals are the measures of a group, as an analyst adds them up.
type groupTotals struct {
	Members                                string
	Events, Requests, Tokens, LatencyCount int64
	Energy, Market, GPUHours               float64
	Scored, Reference                      float64
}

// analystColumns are the members of dimensions in analystSQL.
var analystColumns = map[kpi.Dimension]string{
	kpi.DimensionModel: "m.name", kpi.DimensionProject: "p.name", kpi.DimensionTeam: "coalesce(p.team, '__none__')", kpi.DimensionRegion: "r.code",
	kpi.DimensionEndpoint: "e.name", kpi.DimensionWorkload: "w.code", kpi.DimensionTaskClass: "coalesce(m.task_class, '__none__')",
}

// analystSQL adds up the facts without any roll-up. A combination without a request
// in the period is not scored.
const analystSQL = `
WITH fact AS (
    SELECT f.*, m.task_class, w.serves_requests, concat_ws('|', %s) AS members,
           sum(f.requests) OVER (PARTITION BY f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id) AS of_combination,
           (SELECT i.wh_per_1k_requests FROM wattscore.reference_intensity i WHERE i.task_class = m.task_class ORDER BY i.valid_from DESC LIMIT 1) AS reference
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.model m USING (model_id) JOIN wattscore.project p USING (project_id) JOIN wattscore.region r USING (region_id)
    JOIN wattscore.endpoint e USING (endpoint_id) JOIN wattscore.workload w USING (workload_id)
    WHERE f.ts >= $1 AND f.ts < $2 AND ($3::text IS NULL OR m.name = $3) AND ($4::text IS NULL OR e.name = $4)
)
SELECT members, count(*) FILTER (WHERE slice = 0), sum(requests)::bigint, sum(input_tokens + output_tokens)::bigint,
       coalesce(sum(requests) FILTER (WHERE latency_us IS NOT NULL), 0)::bigint,
       (sum(it_energy_nwh) * 1e-12)::float8,
       (sum(coalesce(carbon_market_ug / 1e9, it_energy_nwh * x.pue * x.grid_market / 1e15)))::float8,
       (sum(gpu_microhours) * 1e-6)::float8,
       (coalesce(sum(it_energy_nwh) FILTER (WHERE serves_requests AND reference IS NOT NULL AND of_combination <> 0), 0) * 1e-12)::float8,
       (coalesce(sum(requests * reference) FILTER (WHERE serves_requests), 0) * 1e-6)::float8
FROM fact f
JOIN wattscore.factor_period x ON x.version_id = 1 AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
GROUP BY members
ORDER BY members COLLATE "C"`

func analyst(t *testing.T, pool *pgxpool.Pool, request warehouse.UsageRequest) []groupTotals {
	t.Helper()
	columns := []string{"''"}
	for _, dimension := range request.GroupBy {
		columns = append(columns, analystColumns[dimension])
	}
	only := func(dimension kpi.Dimension) any {
		if members := request.Filters[dimension]; len(members) > 0 {
			return members[0]
		}
		return nil
	}
	rows, err := pool.Query(t.Context(), fmt.Sprintf(analystSQL, strings.Join(columns, ", ")),
		request.Periods[0].From, request.Periods[0].To, only(kpi.DimensionModel), only(kpi.DimensionEndpoint))
	require.NoError(t, err)
	totals, err := pgx.CollectRows(rows, pgx.RowToStructByPos[groupTotals])
	require.NoError(t, err)
	return totals
}

// without leaves out the totals that a request omits.
func (g groupTotals) without(omit warehouse.Measure) groupTotals {
	if omit&warehouse.MeasureTokens != 0 {
		g.Tokens = 0
	}
	if omit&warehouse.MeasureLatency != 0 {
		g.LatencyCount = 0
	}
	if omit&warehouse.MeasureCarbon != 0 {
		g.Market = 0
	}
	if omit&warehouse.MeasureGPU != 0 {
		g.GPUHours = 0
	}
	if omit&warehouse.MeasureScore != 0 {
		g.Scored, g.Reference = 0, 0
	}
	return g
}

func totalsOf(rows []warehouse.UsageRow, omit warehouse.Measure) []groupTotals {
	var totals []groupTotals
	for _, row := range rows {
		g := groupTotals{
			Members: strings.Join(append([]string{""}, row.Members...), "|"), Events: row.Events, Requests: row.Requests,
			Tokens: row.InputTokens + row.OutputTokens, LatencyCount: row.LatencyRequests,
			Energy: float64(row.ITEnergy), GPUHours: row.GPUHours, Scored: float64(row.ScoredEnergy), Reference: float64(row.ReferenceEnergy),
		}
		if row.CarbonMarket != nil {
			g.Market = float64(*row.CarbonMarket)
		}
		totals = append(totals, g.without(omit))
	}
	return totals
}

// TestUsageByAnyKeysEqualsTheFacts asks for what each set of roll-ups answers, with
// any measures left out, of any hours, while part of the facts is rolled up and some
// were taken out again.
func TestUsageByAnyKeysEqualsTheFacts(t *testing.T) {
	pool := warehousetest.Open(t)
	random := rand.New(rand.NewPCG(5, 6))
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('Europe/Berlin', 4::smallint)")
	events := randomEvents(random, 900)
	for i := range events {
		e := &events[i]
		e.Endpoint = fmt.Sprint("endpoint-", random.IntN(4))
		e.GPUHours = float64(random.IntN(100)) / 4
		if random.IntN(3) == 0 { // energy that answered nothing
			e.Requests, e.InputTokens, e.OutputTokens = 0, 0, 0
		} else if random.IntN(2) == 0 {
			latency := time.Duration(1+random.IntN(5000)) * time.Millisecond
			e.Latency = &latency
		}
		if i%30 == 0 { // a combination that never answers
			e.Model, e.Endpoint, e.Requests, e.InputTokens, e.OutputTokens, e.Latency = "model-0", "endpoint-idle", 0, 0, 0, nil
		}
	}
	warehousetest.Write(t, pool, now, events[:600]...)
	warehousetest.Exec(t, pool, "UPDATE wattscore.model SET task_class = CASE name WHEN 'model-0' THEN 'chat' WHEN 'model-1' THEN 'reasoning' WHEN 'model-2' THEN 'chat' END",
		"UPDATE wattscore.project SET team = CASE name WHEN 'project-0' THEN 'blue' WHEN 'project-1' THEN 'red' END")
	dimensions := []kpi.Dimension{kpi.DimensionModel, kpi.DimensionProject, kpi.DimensionTeam, kpi.DimensionRegion, kpi.DimensionEndpoint,
		kpi.DimensionWorkload, kpi.DimensionTaskClass}
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)

	ask := func(when string, count int) {
		for range count {
			var request warehouse.UsageRequest
			for _, at := range random.Perm(len(dimensions))[:random.IntN(4)] {
				request.GroupBy = append(request.GroupBy, dimensions[at])
			}
			if random.IntN(4) == 0 {
				request.Filters = kpi.Filters{kpi.DimensionModel: {"model-0"}}
			}
			if random.IntN(4) == 0 {
				request.Filters = kpi.Filters{kpi.DimensionEndpoint: {"endpoint-1"}}
			}
			if random.IntN(2) == 0 {
				request.Omit = warehouse.Measure(random.IntN(int(warehouse.MeasureScore) << 1))
			}
			from := quarter().From.Add(time.Duration(random.Int64N(int64(quarter().Duration()))))
			span := kpi.Span{From: from, To: from.Add(time.Duration(random.Int64N(int64(now.Sub(from)))) + time.Hour)}
			if random.IntN(5) == 0 {
				span = kpi.Span{From: time.Date(2026, 10, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 11, 1, 0, 0, 0, 0, zone)}
			}
			request.Periods = []kpi.Span{warehouse.SnapToHours(span, zone)}
			var want []groupTotals
			for _, g := range analyst(t, pool, request) {
				want = append(want, g.without(request.Omit))
			}
			got := totalsOf(usage(t, pool, request), request.Omit)
			require.Len(t, got, len(want), "%s: %+v", when, request)
			for i := range want {
				require.Equal(t, want[i].Members, got[i].Members, "%s: %+v", when, request)
				require.InDelta(t, want[i].Reference, got[i].Reference, 1e-9*want[i].Reference, "%s: the last digit depends on the order of exact sums: %+v", when, request)
				want[i].Reference, want[i].Market = got[i].Reference, roundTo(want[i].Market, got[i].Market)
				require.Equal(t, want[i], got[i], "%s: %+v", when, request)
			}
		}
	}
	ask("not rolled up", 15)
	warehousetest.Refresh(t, pool)
	ask("rolled up", 30)
	warehousetest.Write(t, pool, now, events[600:]...)
	ask("partly rolled up", 30)
	// All requests of a combination go, and its energy without requests stays.
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.event WHERE endpoint = 'endpoint-2' AND requests > 0",
		"UPDATE wattscore.event SET requests = 0 WHERE endpoint = 'endpoint-3' AND model = 'model-1'")
	ask("taken out, not rolled up", 30)
	warehousetest.Refresh(t, pool)
	ask("taken out and rolled up", 30)
	requireExact(t, pool, "in the end")
}

// roundTo takes the digits of got where want is the same to its last two.
func roundTo(want, got float64) float64 {
	if diff := want - got; diff <= 1e-13*want && diff >= -1e-13*want {
		return got
	}
	return want
}
