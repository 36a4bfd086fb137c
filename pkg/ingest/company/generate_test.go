package company

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var end = time.Date(2025, 11, 23, 15, 0, 0, 0, time.UTC)

// norrfold is the company most tests look at.
var norrfold = sync.OnceValue(func() *Company { return Generate(1, end) })

func TestSameSeedSameCompany(t *testing.T) {
	again := Generate(1, end)
	require.Equal(t, len(norrfold().Events), len(again.Events))
	for i := range again.Events { // one by one: a difference among 200,000 is unreadable
		if !reflect.DeepEqual(norrfold().Events[i], again.Events[i]) {
			require.Equal(t, norrfold().Events[i], again.Events[i])
		}
	}
	c, a := *norrfold(), *again
	c.Events, a.Events = nil, nil
	assert.Equal(t, c, a)
	other := Generate(2, end)
	assert.NotEqual(t, norrfold().Events[0].ID, other.Events[0].ID)
	assert.NotEqual(t, norrfold().Events[0].ITEnergy, other.Events[0].ITEnergy)
}

func TestLaterInTheMonthOnlyAddsEvents(t *testing.T) {
	seen := map[uuid.UUID]warehouse.Event{}
	for _, e := range generate(1, end.AddDate(0, 0, 3), 2).Events {
		seen[e.ID] = e
	}
	earlier := generate(1, end, 2)
	require.NotEmpty(t, earlier.Events)
	for _, e := range earlier.Events {
		later, ok := seen[e.ID]
		require.True(t, ok, "%s at %s is gone", e.Endpoint, e.Time)
		if e.Workload != kpi.WorkloadIdle && e.Project != "" { // those follow the month's mean
			require.Equal(t, e, later)
		}
	}
}

func TestEveryEventIsValid(t *testing.T) {
	c := norrfold()
	ids, workloads := map[uuid.UUID]bool{}, map[kpi.Workload]bool{}
	for i := range c.Events {
		e := &c.Events[i]
		require.NoError(t, e.Validate(end), "%s at %s", e.Endpoint, e.Time)
		require.False(t, ids[e.ID], "%s at %s has the id of another", e.Endpoint, e.Time)
		ids[e.ID] = true
		require.False(t, e.Time.Before(c.Start) || e.Time.Add(e.Duration).After(c.End), "%s is outside the company's time", e.Time)
		workloads[e.Workload] = true
	}
	assert.ElementsMatch(t, kpi.Workloads(), slices.Collect(maps.Keys(workloads)), "every workload occurs, and no other")
}

func TestSizes(t *testing.T) {
	c := norrfold()
	facts, regions := 0, map[string]bool{}
	for i := range c.Events {
		eachPart(&c.Events[i], time.Hour, func(time.Time, float64) { facts++ })
		regions[c.Events[i].Region] = true
	}
	assert.Len(t, regions, 6)
	assert.Greater(t, facts, 150_000)
	assert.Less(t, facts, 400_000)
	assert.False(t, c.End.AddDate(-2, 0, 0).Before(c.Start), "the last 12 months have a preceding 12")
	t.Logf("%d events, %d facts, %d training runs", len(c.Events), facts, len(c.TrainingRuns))

	units, teams := map[string]bool{}, map[string]bool{}
	for _, p := range c.Projects {
		units[p.BusinessUnit], teams[p.Team] = true, true
	}
	assert.Len(t, units, 4)
	assert.Len(t, teams, 8)
	assert.Len(t, c.Projects, 12)
	stages, classes := map[string]int{}, map[string]int{}
	for _, m := range c.Models {
		stages[m.Stage]++
		classes[m.TaskClass]++
	}
	assert.Len(t, c.Models, 20)
	assert.Equal(t, map[string]int{"production": 17, "staging": 1, "development": 1, "retired": 1}, stages)
	assert.Len(t, classes, 12)
	assert.GreaterOrEqual(t, classes["chat"], 6)
	assert.GreaterOrEqual(t, classes["text_classification"], 2)
}

func TestThisHourHasEvents(t *testing.T) {
	for _, end := range []time.Time{
		time.Date(2025, 11, 23, 15, 47, 12, 0, time.UTC),
		time.Date(2025, 11, 1, 0, 20, 0, 0, time.UTC), // the month has two slots
		time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC),
	} {
		c := generate(1, end, 2)
		until, endpoints := map[string]time.Time{}, 0
		for _, e := range c.Events {
			if e.Endpoint != "" {
				until[e.Endpoint] = e.Time.Add(c.slot(e.Time))
			}
		}
		for _, e := range c.endpoints() {
			if e.until.IsZero() {
				endpoints++
				assert.LessOrEqual(t, end.Sub(until[e.name]), tick, "%s at %s", e.name, end)
			}
		}
		assert.NotZero(t, endpoints)
	}
}

func TestQualityDiffersByProject(t *testing.T) {
	energy, measured := map[string]float64{}, map[string]float64{}
	for _, e := range norrfold().Events {
		energy[e.Project] += float64(e.ITEnergy)
		if e.Measured {
			measured[e.Project] += float64(e.ITEnergy)
		}
	}
	shares := make([]float64, 0, len(energy))
	for _, p := range norrfold().Projects {
		shares = append(shares, measured[p.Name]/energy[p.Name])
	}
	assert.Less(t, slices.Min(shares), 0.4, "some project mostly estimates")
	assert.Greater(t, slices.Max(shares), 0.9, "some project meters nearly all")
}

func TestEnergyHangsTogether(t *testing.T) {
	c := norrfold()
	var total, training, idle, unallocated, measured kpi.KilowattHours
	billed, served := 0, 0
	for i := range c.Events {
		e := &c.Events[i]
		if e.Time.Before(end.AddDate(-1, 0, 0)) {
			continue
		}
		total += e.ITEnergy
		if e.Measured {
			measured += e.ITEnergy
		}
		if e.Endpoint != "" {
			served++
			if e.Cost != nil {
				billed++
			}
		}
		switch {
		case e.RunID != "":
			training += e.ITEnergy
		case e.Workload == kpi.WorkloadIdle:
			idle += e.ITEnergy
		case e.Project == "":
			unallocated += e.ITEnergy
		}
	}
	t.Logf("%.0f MWh, of it training %.3f, idle %.3f, unallocated %.3f, measured %.3f; billed %d of %d",
		total.MegawattHours(), training/total, idle/total, unallocated/total, measured/total, billed, served)
	assert.InDelta(t, 1000, total.MegawattHours(), 200)
	assert.InDelta(t, 0.30, float64(training/total), 0.05)
	assert.InDelta(t, 0.12, float64(idle/total), 0.02)
	assert.InDelta(t, 0.015, float64(unallocated/total), 0.01)
	assert.InDelta(t, 0.80, float64(measured/total), 0.1)
	assert.Greater(t, float64(billed)/float64(served), 0.6)
	assert.Less(t, billed, served)
}

func TestFleetCanDrawTheEnergy(t *testing.T) {
	c := norrfold()
	kilowatts := map[string]float64{}
	for _, a := range []accelerator{a100PCIe, a100, h100, b200, l4} {
		kilowatts[a.name] = a.kilowatts
	}
	lives := map[string][]kpi.HardwareEvent{}
	for _, e := range c.HardwareEvents {
		lives[e.Serial] = append(lives[e.Serial], kpi.HardwareEvent{Time: e.Time, Stage: kpi.HardwareStage(e.Stage)})
	}
	// Mid-year stands for the year; a reused GPU draws power as well.
	middle, capacity := end.AddDate(0, -6, 0), 0.0
	for _, a := range c.HardwareAssets {
		stage, _ := kpi.NewHardwareLife(lives[a.Serial]...).StageBefore(middle)
		if stage == kpi.HardwareDeployed || stage == kpi.HardwareReused {
			capacity += kilowatts[a.Accelerator]
		}
	}
	drawn := 0.0
	for _, e := range c.Events {
		if !e.Time.Before(end.AddDate(-1, 0, 0)) && !slices.Contains(c.stories.unplanned, e.RunID) {
			drawn += float64(e.ITEnergy) / hoursPerYear
		}
	}
	t.Logf("%.0f kW on average of %.0f kW in service", drawn, capacity)
	assert.InDelta(t, 0.95, drawn/capacity, 0.3, "beyond the fleet there is only what it rents")
}

func TestFleet(t *testing.T) {
	c := norrfold()
	stage := map[string]string{}
	lives := map[string][]kpi.HardwareEvent{}
	for _, e := range c.HardwareEvents {
		previous := kpi.HardwareStage(stage[e.Serial])
		require.True(t, kpi.HardwareStage(e.Stage).MayFollow(previous), "%s: %s after %s", e.Serial, e.Stage, previous)
		require.True(t, e.Time.Before(end))
		stage[e.Serial] = e.Stage
		lives[e.Serial] = append(lives[e.Serial], kpi.HardwareEvent{Time: e.Time, Stage: kpi.HardwareStage(e.Stage)})
	}
	now := map[string]int{}
	for _, s := range stage {
		now[s]++
	}
	t.Log(now)
	assert.InDelta(t, 400, len(c.HardwareAssets), 20)
	assert.InDelta(t, 260, now["deployed"], 40)
	for _, s := range kpi.HardwareStages() {
		assert.NotZero(t, now[string(s)], "hardware is in stage %s", s)
	}
	due := 0
	for _, a := range c.HardwareAssets {
		asset := kpi.HardwareAsset{Life: kpi.NewHardwareLife(lives[a.Serial]...), Lifetime: time.Duration(a.LifetimeYears * hoursPerYear * float64(time.Hour))}
		if asset.RefreshCandidate(end) {
			due++
		}
	}
	assert.NotZero(t, due, "some hardware is due to be replaced")
	declared := 0
	for _, a := range c.HardwareAssets {
		if a.EmbodiedKilograms != nil {
			declared++
		}
	}
	assert.Equal(t, 30, declared, "the hall's supplier declared its own embodied carbon")
}
