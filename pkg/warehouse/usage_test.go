package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func quarter() kpi.Span {
	return kpi.Span{From: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), To: now}
}

func usage(t *testing.T, pool *pgxpool.Pool, request warehouse.UsageRequest) []warehouse.UsageRow {
	t.Helper()
	answers, _, err := warehouse.NewReader(pool).Usage(context.Background(), request)
	require.NoError(t, err)
	return answers[0]
}

// randomEvents are of many hours, models, regions and workloads, some measured
// in cost and carbon and some not.
func randomEvents(random *rand.Rand, count int) []warehouse.Event {
	regions := []string{"us-central1", "europe-west9", "us-east-1", "FRA"}
	events := make([]warehouse.Event, count)
	for i := range events {
		at := quarter().From.Add(time.Duration(random.Int64N(int64(quarter().Duration()))))
		e := warehousetest.Event(fmt.Sprint("event ", i), at)
		e.Model = fmt.Sprint("model-", random.IntN(5))
		e.Project = fmt.Sprint("project-", random.IntN(3))
		e.Region = regions[random.IntN(len(regions))]
		e.Workload = kpi.Workloads()[random.IntN(len(kpi.Workloads()))]
		e.ITEnergy = kpi.KilowattHours(random.Float64())
		e.Measured = random.IntN(2) == 0
		if random.IntN(2) == 0 {
			cost, carbon := kpi.USD(random.Float64()), kpi.KilogramsCO2e(random.Float64())
			e.Cost, e.CarbonLocation = &cost, &carbon
		}
		if random.IntN(10) == 0 {
			e.Duration = time.Duration(random.Int64N(int64(50 * time.Hour)))
			if e.Time.Add(e.Duration).After(now) {
				e.Duration = 0
			}
		}
		events[i] = e
	}
	return events
}

// factsByModel is what an analyst would write: plain SQL over the facts.
const factsByModel = `
SELECT m.name, count(*) FILTER (WHERE f.slice = 0), sum(f.requests)::bigint, (sum(f.it_energy_nwh) / 1e12)::float8,
       (sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15)))::float8
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.factor_period x ON x.version_id = 1 AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= $1 AND f.ts < $2
GROUP BY 1 ORDER BY 1`

type modelTotals struct {
	events, requests int64
	energy, carbon   float64
}

func fromFacts(t *testing.T, pool *pgxpool.Pool, span kpi.Span) map[string]modelTotals {
	t.Helper()
	rows, err := pool.Query(context.Background(), factsByModel, span.From, span.To)
	require.NoError(t, err)
	defer rows.Close()
	totals := map[string]modelTotals{}
	for rows.Next() {
		var name string
		var m modelTotals
		require.NoError(t, rows.Scan(&name, &m.events, &m.requests, &m.energy, &m.carbon))
		totals[name] = m
	}
	require.NoError(t, rows.Err())
	return totals
}

func fromUsage(rows []warehouse.UsageRow) map[string]modelTotals {
	totals := map[string]modelTotals{}
	for _, row := range rows {
		totals[row.Members[0]] = modelTotals{row.Events, row.Requests, float64(row.ITEnergy), float64(*row.CarbonLocation)}
	}
	return totals
}

func TestUsageEqualsTheFactsHoweverMuchIsRolledUp(t *testing.T) {
	pool := warehousetest.Open(t)
	events := randomEvents(rand.New(rand.NewPCG(1, 2)), 600)
	byModel := warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, GroupBy: []kpi.Dimension{kpi.DimensionModel}}
	for step, batch := range [][]warehouse.Event{events[:200], events[200:400], events[400:]} {
		warehousetest.Write(t, pool, now, batch...)
		assert.Equal(t, fromFacts(t, pool, quarter()), fromUsage(usage(t, pool, byModel)), "batch %d committed, not rolled up", step)
		warehousetest.Refresh(t, pool)
		assert.Equal(t, fromFacts(t, pool, quarter()), fromUsage(usage(t, pool, byModel)), "batch %d rolled up", step)
	}
	warehousetest.Exec(t, pool, "SELECT wattscore.rebuild_rollups()")
	assert.Equal(t, fromFacts(t, pool, quarter()), fromUsage(usage(t, pool, byModel)), "rebuilt")
}

func TestUsageOfAnyPeriodEqualsTheFacts(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('Europe/Berlin', 4::smallint)")
	warehousetest.Write(t, pool, now, randomEvents(rand.New(rand.NewPCG(3, 4)), 500)...)
	warehousetest.Refresh(t, pool)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, span := range map[string]kpi.Span{
		"hours of one day":                {From: time.Date(2026, 10, 7, 5, 0, 0, 0, berlin), To: time.Date(2026, 10, 7, 21, 0, 0, 0, berlin)},
		"edges in hours, days between":    {From: time.Date(2026, 9, 12, 17, 0, 0, 0, berlin), To: time.Date(2026, 11, 2, 3, 0, 0, 0, berlin)},
		"the day of 25 hours":             {From: time.Date(2026, 10, 25, 0, 0, 0, 0, berlin), To: time.Date(2026, 10, 26, 0, 0, 0, 0, berlin)},
		"within the hour that is doubled": {From: time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)},
		"whole months":                    {From: time.Date(2026, 9, 1, 0, 0, 0, 0, berlin), To: time.Date(2026, 11, 1, 0, 0, 0, 0, berlin)},
	} {
		t.Run(name, func(t *testing.T) {
			got := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{span}, GroupBy: []kpi.Dimension{kpi.DimensionModel}})
			assert.Equal(t, fromFacts(t, pool, span), fromUsage(got))
		})
	}
}

// TestADayWithTwoMidnightsIsWhole asks for days on which clocks go back over midnight:
// PostgreSQL names them by the second midnight, people and Go by the first.
func TestADayWithTwoMidnightsIsWhole(t *testing.T) {
	for zone, day := range map[string]string{"Atlantic/Azores": "2026-10-25", "America/Havana": "2026-11-01"} {
		t.Run(zone, func(t *testing.T) {
			pool := warehousetest.Open(t)
			warehousetest.Exec(t, pool, fmt.Sprintf("SELECT wattscore.set_calendar('%s', 1::smallint)", zone))
			location, err := time.LoadLocation(zone)
			require.NoError(t, err)
			calendar := kpi.Calendar{Location: location}
			date, err := time.ParseInLocation(time.DateOnly+" 15", day+" 12", location)
			require.NoError(t, err)
			start := calendar.Start(date, kpi.IntervalDay)
			var events []warehouse.Event
			for i := -48; i < 96; i++ { // every half hour of three days
				e := warehousetest.Event("half hour", start.Add(time.Duration(i)*30*time.Minute))
				latency := time.Second
				e.Latency = &latency
				events = append(events, e)
			}
			warehousetest.Write(t, pool, now, events...)
			month := calendar.Start(date, kpi.IntervalMonth)
			spans := map[string]kpi.Span{
				"the day":   {From: start, To: calendar.Next(start, kpi.IntervalDay)},
				"the month": {From: month, To: calendar.Next(month, kpi.IntervalMonth)},
			}
			for _, when := range []string{"not rolled up", "rolled up"} {
				for name, span := range spans {
					assert.Equal(t, fromFacts(t, pool, span), fromUsage(usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{span},
						GroupBy: []kpi.Dimension{kpi.DimensionModel}})), "%s, %s", name, when)
				}
				rows, _, err := warehouse.NewReader(pool).Latency(context.Background(), warehouse.LatencyRequest{Span: spans["the day"], ByDay: true})
				require.NoError(t, err)
				require.Len(t, rows, 1)
				assert.True(t, start.Equal(rows[0].Start), "%s: the day begins with its first midnight: %s", when, rows[0].Start)
				assert.EqualValues(t, 50*1000, rows[0].Histogram.Count(), "25 hours, %s", when)
				warehousetest.Refresh(t, pool)
			}
		})
	}
}

// A month that begins with two midnights has the second as its bucket.
func TestUsageIsPricedBetweenTwoMidnights(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('America/Havana', 1::smallint)")
	first, second := time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC)
	warehousetest.Write(t, pool, now, warehousetest.Event("early", first.Add(10*time.Minute)))
	for _, when := range []string{"not rolled up", "rolled up"} {
		rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{{From: first, To: second}}})
		require.Len(t, rows, 1, when)
		require.NotNil(t, rows[0].FacilityEnergy, when)
		assert.InDelta(t, 0.06*1.11, float64(*rows[0].FacilityEnergy), 1e-12, when)
		warehousetest.Refresh(t, pool)
	}
}

// TestCostWithoutEnergyCountsOnEachDay is of a reservation: billed, and nothing ran.
func TestCostWithoutEnergyCountsOnEachDay(t *testing.T) {
	pool := warehousetest.Open(t)
	e := warehousetest.Event("reserved", now.Add(-96*time.Hour))
	cost := kpi.USD(960)
	e.Requests, e.InputTokens, e.OutputTokens, e.ITEnergy, e.Cost, e.Duration = 0, 0, 0, 0, &cost, 96*time.Hour
	warehousetest.Write(t, pool, now, e)
	warehousetest.Refresh(t, pool)
	last := kpi.Span{From: now.Add(-24 * time.Hour), To: now}
	rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{last}})
	require.Len(t, rows, 1)
	assert.InDelta(t, 240, float64(*rows[0].Cost), 1e-6)
}

func TestUsageAnswersEachPeriodApart(t *testing.T) {
	pool := warehousetest.Open(t)
	first, second := now.Add(-48*time.Hour), now.Add(-24*time.Hour)
	warehousetest.Write(t, pool, now, warehousetest.Event("a", first), warehousetest.Event("b", second), warehousetest.Event("c", second.Add(time.Minute)))
	rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{{From: second, To: now}, {From: first, To: second}}})
	require.Len(t, rows, 2)
	assert.Equal(t, []int64{2000, 1000}, []int64{rows[0].Requests, rows[1].Requests})
	assert.Equal(t, []int{0, 1}, []int{rows[0].Period, rows[1].Period})
}

func TestUsageOfConcurrentWritersAndRefreshersIsNeverBehind(t *testing.T) {
	pool := warehousetest.Open(t)
	ctx := context.Background()
	warehousetest.Exec(t, pool, "SELECT wattscore.ensure_partitions('2026-09-01', '2026-11-20')")
	const writers, batches, perBatch = 4, 12, 25
	var wait, refreshers sync.WaitGroup
	stop := make(chan struct{})
	failures := make(chan error, writers*batches+100)
	for w := range writers {
		wait.Go(func() {
			store, random := warehouse.OpenStore(pool), rand.New(rand.NewPCG(uint64(w), 9))
			for range batches {
				events := randomEvents(random, perBatch)
				for i := range events { // ids differ between writers and batches
					events[i].ID = warehousetest.Event(fmt.Sprint(w, random.Uint64()), events[i].Time).ID
				}
				if _, err := store.WriteEvents(ctx, events, now); err != nil {
					failures <- err
				}
			}
		})
	}
	refreshers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := warehouse.OpenStore(pool).RefreshRollups(ctx); err != nil {
				failures <- err
			}
			// Roll-up and tail against the facts, in one statement and so in one snapshot.
			var same bool
			err := pool.QueryRow(ctx, `SELECT (SELECT sum(it_energy_nwh) FROM wattscore.inference_energy_fact) IS NOT DISTINCT FROM
				(SELECT sum(e) FROM (SELECT it_energy_nwh AS e FROM wattscore.rollup_day UNION ALL
					SELECT it_energy_nwh FROM wattscore.inference_energy_fact
					WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state)) AS x)`).Scan(&same)
			if err == nil && !same {
				err = fmt.Errorf("roll-up and tail differ from the facts")
			}
			if err != nil {
				failures <- err
			}
		}
	})
	wait.Wait()
	close(stop)
	refreshers.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	warehousetest.Refresh(t, pool)
	var events int64
	for _, row := range usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{quarter()}}) {
		events += row.Events
	}
	assert.EqualValues(t, writers*batches*perBatch, events, "every committed event is counted once")
}

func TestUsageLeavesOutWhatHasNoFactor(t *testing.T) {
	pool := warehousetest.Open(t)
	cost := kpi.USD(3)
	billed := warehousetest.Event("billed", now.Add(-time.Hour))
	billed.Cost = &cost
	warehousetest.Write(t, pool, now, billed)
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.region_factor WHERE quantity = 'electricity_price'", "SELECT wattscore.fill_factor_periods(1)")
	rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{{From: now.Add(-time.Hour), To: now}}})
	require.Len(t, rows, 1)
	assert.Nil(t, rows[0].EnergyCost, "without a price there is no energy cost, not a cost of 0")
	require.NotNil(t, rows[0].Cost)
	assert.InDelta(t, 3, float64(*rows[0].Cost), 1e-12, "the billed cost needs no price")
	require.NotNil(t, rows[0].CarbonLocation)
	assert.InDelta(t, 0.06*1.11*0.369473, float64(*rows[0].CarbonLocation), 1e-12, "IT energy × PUE of us-central1 × grid of the USA 2023")
}

func TestUsageFilters(t *testing.T) {
	pool := warehousetest.Open(t)
	other := warehousetest.Event("other", now.Add(-2*time.Hour))
	other.Model, other.Region, other.Endpoint, other.Workload = "coder", "FRA", "ide", kpi.WorkloadBatch
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-time.Hour)), other)
	warehousetest.Exec(t, pool, "UPDATE wattscore.project SET business_unit = 'Care', team = 'Chat' WHERE name = 'helpdesk'")
	for _, test := range []struct {
		filters  kpi.Filters
		requests int64
	}{
		{nil, 2000},
		{kpi.Filters{kpi.DimensionModel: {"coder"}}, 1000},
		{kpi.Filters{kpi.DimensionModel: {"coder", "assistant"}}, 2000},
		{kpi.Filters{kpi.DimensionRegion: {"FRA"}, kpi.DimensionWorkload: {"inference"}}, 0},
		{kpi.Filters{kpi.DimensionEndpoint: {"ide"}}, 1000},
		{kpi.Filters{kpi.DimensionBusinessUnit: {"Care"}, kpi.DimensionTeam: {"Chat"}, kpi.DimensionProject: {"helpdesk"}}, 2000},
	} {
		t.Run(fmt.Sprint(test.filters), func(t *testing.T) {
			var requests int64
			for _, row := range usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, Filters: test.filters}) {
				requests += row.Requests
			}
			assert.Equal(t, test.requests, requests)
		})
	}
	var unknown *warehouse.UnknownMemberError
	_, _, err := warehouse.NewReader(pool).Usage(context.Background(), warehouse.UsageRequest{
		Periods: []kpi.Span{quarter()}, Filters: kpi.Filters{kpi.DimensionModel: {"coder", "x'; DROP TABLE wattscore.model; --"}},
	})
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, warehouse.UnknownMemberError{Dimension: kpi.DimensionModel, Member: "x'; DROP TABLE wattscore.model; --"}, *unknown)
}

// Who follows the name of what has no unit and no team finds it.
func TestUsageOfNobodysProjects(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("of nobody", now.AddDate(0, 0, -20)))
	filters := kpi.Filters{kpi.DimensionBusinessUnit: {kpi.None}, kpi.DimensionTeam: {kpi.None}}
	answer := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, GroupBy: []kpi.Dimension{kpi.DimensionBusinessUnit, kpi.DimensionTeam}, Filters: filters})
	require.Len(t, answer, 1)
	assert.Equal(t, []string{kpi.None, kpi.None}, answer[0].Members)
	projects, err := warehouse.NewReader(pool).DimensionMembers(context.Background(), kpi.DimensionProject, filters)
	require.NoError(t, err)
	assert.Contains(t, projects, warehousetest.Event("", now).Project)
}

func TestUsageInAZoneHalfAnHourOff(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, "SELECT wattscore.set_calendar('Asia/Kolkata', 4::smallint)")
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	before, after := time.Date(2026, 10, 7, 23, 45, 0, 0, kolkata), time.Date(2026, 10, 8, 0, 15, 0, 0, kolkata)
	warehousetest.Write(t, pool, now, warehousetest.Event("before", before), warehousetest.Event("after", after))
	warehousetest.Refresh(t, pool)
	day := kpi.Span{From: time.Date(2026, 10, 8, 0, 0, 0, 0, kolkata), To: time.Date(2026, 10, 9, 0, 0, 0, 0, kolkata)}
	rows := usage(t, pool, warehouse.UsageRequest{Periods: []kpi.Span{day}})
	require.Len(t, rows, 1)
	assert.EqualValues(t, 1, rows[0].Events, "the event of the evening before is not of this day")
	_, _, err = warehouse.NewReader(pool).Usage(context.Background(), warehouse.UsageRequest{
		Periods: []kpi.Span{{From: time.Date(2026, 10, 8, 0, 0, 0, 0, time.UTC), To: now}}})
	assert.ErrorContains(t, err, "whole hours")
}
