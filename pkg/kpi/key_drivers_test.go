package kpi_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// worked makes the measures of work at a PUE of 1.1, 0.1 USD and 0.4 kg per kWh.
func worked(requests int64, gpuHours float64, energy kpi.KilowattHours) kpi.Measures {
	return pricedAt(kpi.Measures{Events: 1, Requests: requests, GPUHours: gpuHours, ITEnergy: energy}, 1.1, 0.1, 0.4)
}

func pricedAt(m kpi.Measures, pue, tariff, grid float64) kpi.Measures {
	facility := float64(m.ITEnergy) * pue
	m.FacilityEnergy = ptr(kpi.KilowattHours(facility))
	m.EnergyCost = ptr(kpi.USD(facility * tariff))
	m.CarbonLocation = ptr(kpi.KilogramsCO2e(facility * grid))
	return m
}

func serving(model, group string, before, after kpi.Measures) kpi.ChangeSegment {
	return kpi.ChangeSegment{Model: model, Region: "region", Project: "project", Workload: kpi.WorkloadInference, Group: group, Before: before, After: after}
}

// effectsOf are the effects by driver, with the group where there is one.
func effectsOf(effects []kpi.DriverEffect) map[string]float64 {
	named := map[string]float64{}
	for _, e := range effects {
		name := string(e.Driver)
		if e.Activity != "" {
			name += " " + string(e.Activity)
		}
		if e.Group != "" {
			name += " of " + e.Group
		}
		named[name] = e.Effect
	}
	return named
}

func requireEffects(t *testing.T, want map[string]float64, got []kpi.DriverEffect) {
	t.Helper()
	named := effectsOf(got)
	require.Len(t, named, len(want), "%v", named)
	for name, effect := range want {
		require.InDelta(t, effect, named[name], 1e-4, name)
	}
}

func TestDecomposeChangeReproducesTheFieldNotesVector(t *testing.T) {
	// Activity 1000 → 1500, shares (0.6, 0.4) → (0.3, 0.7), intensities (2, 5) →
	// (1.8, 4), with the effects as the project's field notes reckon them from Ang
	// (2005), equation 5.
	at := func(requests int64, intensity float64) kpi.Measures {
		return pricedAt(kpi.Measures{Events: 1, Requests: requests, ITEnergy: kpi.KilowattHours(float64(requests) * intensity)}, 1, 1, 1)
	}
	segments := []kpi.ChangeSegment{
		serving("a", "all", at(600, 2), at(450, 1.8)),
		serving("b", "all", at(400, 5), at(1050, 4)),
	}
	want := map[string]float64{"volume requests": 1604.6155, "mix requests": 971.5969, "intensity requests": -766.2124}
	for _, measure := range []kpi.ChangeMeasure{kpi.ChangeOfEnergy, kpi.ChangeOfCost, kpi.ChangeOfCarbon} {
		change := kpi.DecomposeChange(segments, measure)
		require.NotNil(t, change)
		assert.InDelta(t, 3200, change.Before, 1e-9)
		assert.InDelta(t, 5010, change.After, 1e-9)
		assert.InDelta(t, 0, change.Residual(), 1e-9)
		requireEffects(t, want, change.Totals)
	}
}

func TestDecomposeChangeNamesTheCause(t *testing.T) {
	used, none := worked(1000, 0, 10), kpi.Measures{}
	tests := []struct {
		name     string
		measure  kpi.ChangeMeasure
		segments []kpi.ChangeSegment
		want     map[string]float64 // in kWh, USD or kgCO2e
	}{
		{"one model with twice the requests", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, worked(2000, 0, 20))}, map[string]float64{"volume requests of x": 11}},
		{"half the energy for the same requests", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, worked(1000, 0, 5))}, map[string]float64{"intensity requests of x": -5.5}},
		{"a better PUE", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, pricedAt(used, 1.05, 0.1, 0.4))}, map[string]float64{"pue of x": -0.5}},
		{"a higher price", kpi.ChangeOfCost,
			[]kpi.ChangeSegment{serving("a", "x", used, pricedAt(used, 1.1, 0.2, 0.4))}, map[string]float64{"tariff of x": 1.1}},
		{"electricity that cost nothing before", kpi.ChangeOfCost,
			[]kpi.ChangeSegment{serving("a", "x", pricedAt(used, 1.1, 0, 0.4), used)}, map[string]float64{"tariff of x": 1.1}},
		{"a cleaner grid", kpi.ChangeOfCarbon,
			[]kpi.ChangeSegment{serving("a", "x", used, pricedAt(used, 1.1, 0.1, 0.1))}, map[string]float64{"grid of x": -3.3}},
		{"a price that does not matter for energy", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, pricedAt(used, 1.1, 0.2, 0.1))}, map[string]float64{}},
		{"a model that answers for the first time", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", none, used)}, map[string]float64{"volume requests of x": 11}},
		{"a group whose last model was retired", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, none), serving("b", "y", used, used)}, map[string]float64{"volume requests of x": -11}},
		{"a group that did not change while another grew", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", used, worked(9000, 0, 90)), serving("b", "y", used, used)}, map[string]float64{"volume requests of x": 88}},
		{"work moved between a group's models", kpi.ChangeOfEnergy,
			// The light model serves 1 of 2 thousand requests at 10, then none; the heavy one at 30.
			[]kpi.ChangeSegment{serving("light", "x", used, none), serving("heavy", "x", worked(1000, 0, 30), worked(2000, 0, 60))},
			map[string]float64{"mix requests of x": 22}},
		{"energy for requests that nobody counted before", kpi.ChangeOfEnergy,
			[]kpi.ChangeSegment{serving("a", "x", worked(0, 0, 10), used)}, map[string]float64{"uncounted of x": -11, "volume requests of x": 11}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change := kpi.DecomposeChange(test.segments, test.measure)
			require.NotNil(t, change)
			requireEffects(t, test.want, change.ByGroup)
			assert.InDelta(t, 0, change.Residual(), 1e-12)
		})
	}
}

func TestTrainingIsDecomposedApart(t *testing.T) {
	training := kpi.ChangeSegment{Model: "a", Workload: kpi.WorkloadTraining, Group: "x", Before: worked(0, 100, 50), After: worked(0, 300, 150)}
	idle := kpi.ChangeSegment{Model: kpi.Idle, Project: kpi.Idle, Workload: kpi.WorkloadIdle, Group: kpi.Idle, Before: worked(0, 9, 10), After: worked(0, 9, 30)}
	unallocated := kpi.ChangeSegment{Model: kpi.Unallocated, Project: kpi.Unallocated, Workload: kpi.WorkloadBatch, Group: kpi.Unallocated, Before: worked(0, 0, 10), After: worked(0, 0, 5)}
	jobs := kpi.ChangeSegment{Model: "b", Workload: kpi.WorkloadFineTuning, Group: "x", Before: worked(0, 0, 10), After: worked(0, 0, 20)}
	change := kpi.DecomposeChange([]kpi.ChangeSegment{training, idle, unallocated, jobs, serving("c", "x", worked(1000, 5, 10), worked(1000, 9, 10))}, kpi.ChangeOfEnergy)
	require.NotNil(t, change)
	requireEffects(t, map[string]float64{
		"volume GPU hours of x": 110, "idle of __idle__": 22, "idle of __unallocated__": -5.5, "intensity jobs of x": 11,
	}, change.ByGroup)
	requireEffects(t, map[string]float64{"volume GPU hours": 110, "idle": 16.5, "intensity jobs": 11}, change.Totals)
	assert.Equal(t, kpi.DriverVolume, change.Totals[0].Driver, "the greatest effect is first")
}

func TestIntensityEffectsSayByHowMuch(t *testing.T) {
	change := kpi.DecomposeChange([]kpi.ChangeSegment{
		serving("a", "x", worked(1000, 0, 10), worked(1000, 0, 8.8)),
		serving("b", "x", worked(1000, 0, 50), worked(3000, 0, 132)),
	}, kpi.ChangeOfEnergy)
	require.NotNil(t, change)
	for _, e := range change.ByGroup {
		if e.Driver == kpi.DriverIntensity {
			require.NotNil(t, e.FactorChange)
			assert.InDelta(t, -0.12, *e.FactorChange, 1e-12, "both models take 12 % less")
			return
		}
	}
	assert.Fail(t, "there is no effect of the intensity")
}

func TestDecomposeChangeRefusesWhatIsNotKnown(t *testing.T) {
	used := worked(1000, 0, 10)
	unpriced := used
	unpriced.EnergyCost = nil
	assert.Nil(t, kpi.DecomposeChange([]kpi.ChangeSegment{serving("a", "x", used, unpriced)}, kpi.ChangeOfCost), "a price is missing")
	assert.NotNil(t, kpi.DecomposeChange([]kpi.ChangeSegment{serving("a", "x", used, unpriced)}, kpi.ChangeOfEnergy), "energy needs no price")
	assert.Nil(t, kpi.DecomposeChange([]kpi.ChangeSegment{serving("a", "x", used, used)}, "happiness"))

	measured := used // its emissions were reported, its PUE is not known
	measured.FacilityEnergy, measured.EnergyCost, measured.CarbonLocation = nil, nil, ptr(kpi.KilogramsCO2e(7))
	assert.Nil(t, kpi.DecomposeChange([]kpi.ChangeSegment{serving("a", "x", used, measured)}, kpi.ChangeOfEnergy))
	change := kpi.DecomposeChange([]kpi.ChangeSegment{serving("a", "x", used, measured)}, kpi.ChangeOfCarbon)
	require.NotNil(t, change)
	requireEffects(t, map[string]float64{"unpriced of x": 7 - 4.4}, change.ByGroup)
}

func TestWithoutSegmentsNothingChanged(t *testing.T) {
	change := kpi.DecomposeChange(nil, kpi.ChangeOfEnergy)
	require.NotNil(t, change)
	assert.Zero(t, change.Change())
	assert.Empty(t, change.Totals)
}

func TestEnteredAndLeftSegmentsAreNamed(t *testing.T) {
	used := worked(1000, 0, 10)
	later := used
	later.Events = 0 // the hours of a run that began in the period before
	change := kpi.DecomposeChange([]kpi.ChangeSegment{
		serving("new", "x", kpi.Measures{}, used), serving("retired", "x", used, kpi.Measures{}), serving("kept", "x", used, later),
	}, kpi.ChangeOfEnergy)
	require.NotNil(t, change)
	require.Len(t, change.Entered, 1)
	require.Len(t, change.Left, 1)
	assert.Equal(t, "new", change.Entered[0].Model)
	assert.Equal(t, "retired", change.Left[0].Model)
}

// drawPeriod makes usage of any kind, none of it included.
func drawPeriod(t *rapid.T, name string, pue float64) kpi.Measures {
	if rapid.IntRange(0, 3).Draw(t, name+" is used") == 0 {
		return kpi.Measures{}
	}
	some := func(what string, most float64) float64 {
		if rapid.IntRange(0, 4).Draw(t, name+" has "+what) == 0 {
			return 0
		}
		return rapid.Float64Range(1e-3, most).Draw(t, name+" "+what)
	}
	m := kpi.Measures{
		Events: int64(rapid.IntRange(0, 3).Draw(t, name+" events")), Requests: int64(some("requests", 1e9)),
		GPUHours: some("GPU hours", 1e6), ITEnergy: kpi.KilowattHours(some("energy", 1e7)),
	}
	if pue == 0 {
		pue = rapid.Float64Range(1, 3).Draw(t, name+" PUE")
	}
	return pricedAt(m, pue, some("price", 1), some("grid intensity", 1))
}

// drawSegments makes segments in two groups; with a PUE, it is that of all.
func drawSegments(t *rapid.T, pue float64) []kpi.ChangeSegment {
	segments := make([]kpi.ChangeSegment, rapid.IntRange(1, 8).Draw(t, "segments"))
	for i := range segments {
		name := fmt.Sprint("segment ", i)
		segments[i] = kpi.ChangeSegment{
			Model: name, Workload: rapid.SampledFrom(kpi.Workloads()).Draw(t, name+" workload"),
			Group:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, name+" group"),
			Before: drawPeriod(t, name+" before", pue), After: drawPeriod(t, name+" after", pue),
		}
	}
	return segments
}

func drawMeasure(t *rapid.T) kpi.ChangeMeasure {
	return rapid.SampledFrom([]kpi.ChangeMeasure{kpi.ChangeOfEnergy, kpi.ChangeOfCost, kpi.ChangeOfCarbon}).Draw(t, "measure")
}

func TestEffectsAddUpToTheChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		change := kpi.DecomposeChange(drawSegments(t, 0), drawMeasure(t))
		require.NotNil(t, change, "everything is priced")
		for _, effects := range [][]kpi.DriverEffect{change.Totals, change.ByGroup} {
			sum := 0.0
			for _, e := range effects {
				require.False(t, math.IsNaN(e.Effect) || math.IsInf(e.Effect, 0), "%s is %g", e.Driver, e.Effect)
				if e.FactorChange != nil {
					requireNumber(t, "the change of a factor", e.FactorChange)
				}
				sum += e.Effect
			}
			require.InDelta(t, change.Change(), sum, 1e-9*max(change.Before, change.After))
		}
	})
}

func TestEffectsReverseWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments, measure := drawSegments(t, 0), drawMeasure(t)
		change := kpi.DecomposeChange(segments, measure)
		for i := range segments {
			segments[i].Before, segments[i].After = segments[i].After, segments[i].Before
		}
		back := kpi.DecomposeChange(segments, measure)
		forth := effectsOf(change.ByGroup)
		for name, effect := range effectsOf(back.ByGroup) {
			require.InDelta(t, -forth[name], effect, 1e-9*max(change.Before, change.After), name)
			delete(forth, name)
		}
		for name, effect := range forth {
			require.InDelta(t, 0, effect, 1e-9*max(change.Before, change.After), name)
		}
	})
}

func TestAFactorThatDoesNotChangeHasNoEffect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		change := kpi.DecomposeChange(drawSegments(t, 1.17), drawMeasure(t))
		for _, e := range change.ByGroup {
			require.NotEqual(t, kpi.DriverPUE, e.Driver, "the PUE was 1.17 all along, yet it added %g", e.Effect)
		}
	})
}

func TestGroupsDoNotChangeADriversTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments, measure := drawSegments(t, 0), drawMeasure(t)
		grouped := kpi.DecomposeChange(segments, measure)
		tolerance := 1e-9 * max(grouped.Before, grouped.After)
		for i := range segments {
			segments[i].Group = fmt.Sprint("one of many ", i)
		}
		finer := effectsOf(kpi.DecomposeChange(segments, measure).Totals)
		sums := map[string]float64{}
		for _, e := range grouped.ByGroup {
			sums[joint(e)] += e.Effect
		}
		for _, e := range grouped.Totals {
			require.InDelta(t, e.Effect, finer[effectName(e)], tolerance, "%s by other groups", e.Driver)
			sums[joint(e)] -= e.Effect
		}
		for name, difference := range sums {
			require.InDelta(t, 0, difference, tolerance, "%s of the groups makes up the total", name)
		}
	})
}

func effectName(e kpi.DriverEffect) string {
	for name := range effectsOf([]kpi.DriverEffect{e}) {
		return name
	}
	return ""
}

// joint names an effect with volume and mix together: between groups the one is
// the other.
func joint(e kpi.DriverEffect) string {
	e.Group = ""
	if e.Driver == kpi.DriverMix {
		e.Driver = kpi.DriverVolume
	}
	return effectName(e)
}
