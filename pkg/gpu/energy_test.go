package gpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

var midnight = time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)

func TestTheMeterFollowsTheCounter(t *testing.T) {
	type step struct {
		after     float64 // seconds
		counter   int64
		lost      bool // before this reading
		wantTotal int64
		wantGaps  int
	}
	tests := map[string]struct {
		limit *float64
		scope Scope
		steps []step
	}{
		"what the device used before is not ours": {new(700.0), ScopeGPU, []step{
			{0, 5_000_000, false, 0, 0}, {1, 5_300_000, false, 300_000, 0}, {1, 5_300_001, false, 300_001, 0}}},
		"the driver was reloaded: what it shows since is the least": {new(700.0), ScopeGPU, []step{
			{0, 5_000_000, false, 0, 0}, {1, 5_300_000, false, 300_000, 0}, {1, 100_000, false, 400_000, 1}, {1, 200_000, false, 500_000, 1}}},
		"reloaded while it was lost is one gap": {new(700.0), ScopeGPU, []step{
			{0, 5_000_000, false, 0, 0}, {60, 900_000, true, 900_000, 1}, {1, 1_000_000, false, 1_000_000, 1}}},
		"lost, and the counter went on": {new(700.0), ScopeGPU, []step{
			{0, 0, false, 0, 0}, {60, 18_000_000, true, 18_000_000, 1}}},
		"a jump no board can draw is not believed": {new(700.0), ScopeGPU, []step{
			{0, 0, false, 0, 0}, {1, 300_000, false, 300_000, 0}, {1, 9_000_000_000, false, 300_000, 1}, {1, 9_000_300_000, false, 600_000, 1}}},
		"a counter that goes back a little is no reload": {new(700.0), ScopeGPU, []step{
			{0, 9_000_000, false, 0, 0}, {1, 9_300_000, false, 300_000, 0}, {1, 9_299_999, false, 300_000, 1}, {1, 9_600_000, false, 600_001, 1}}},
		"a counter that moves in steps is believed": {new(700.0), ScopeGPU, []step{
			{0, 0, false, 0, 0}, {0.1, 0, false, 0, 0}, {0.1, 0, false, 0, 0}, {0.1, 210_000, false, 210_000, 0}, {0.1, 210_000, false, 210_000, 0}, {0.1, 350_000, false, 350_000, 0}}},
		"steps that fall unevenly between readings are": {new(700.0), ScopeGPU, []step{
			{0, 0, false, 0, 0}, {1, 0, false, 0, 0}, {0.1, 0, false, 0, 0}, {0.1, 70_000, false, 70_000, 0}, {0.1, 196_000, false, 196_000, 0}}},
		"without a limit everything is believed": {nil, ScopeGPU, []step{
			{0, 0, false, 0, 0}, {1, 9_000_000_000, false, 9_000_000_000, 0}}},
		"a module draws more than its GPU's limit": {new(700.0), ScopeModule, []step{
			{0, 0, false, 0, 0}, {10, 10_000_000, false, 10_000_000, 0}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, now := meter{pause: 10 * time.Second}, midnight
			for i, s := range test.steps {
				now = now.Add(time.Duration(s.after * float64(time.Second)))
				if s.lost {
					m.gap()
				}
				reading := Reading{Time: now, EnergyCounterMillijoules: &s.counter, PowerLimit: test.limit, PowerScope: test.scope, PowerWatts: new(1.0)}
				m.add(reading)
				m.write(&reading)
				assert.Equal(t, s.wantTotal, *reading.EnergyMillijoules, "total after step %d", i)
				assert.Equal(t, s.wantGaps, reading.Gaps, "gaps after step %d", i)
				assert.Equal(t, MethodCounter, reading.EnergyMethod)
			}
		})
	}
}

func TestTheMeterIntegratesWhereThereIsNoCounter(t *testing.T) {
	m := meter{pause: 10 * time.Second}
	at := func(seconds float64, watts *float64) Reading {
		reading := Reading{Time: midnight.Add(time.Duration(seconds * float64(time.Second))), PowerWatts: watts}
		m.add(reading)
		m.write(&reading)
		return reading
	}
	assert.Nil(t, at(0, nil).EnergyMillijoules, "nothing is known of a device that tells nothing")
	assert.Equal(t, int64(0), *at(1, new(100.0)).EnergyMillijoules)
	assert.Equal(t, int64(150_000), *at(2, new(200.0)).EnergyMillijoules, "the mean of both powers")
	assert.Equal(t, int64(150_000), *at(3, nil).EnergyMillijoules, "a power that is not told adds nothing")
	last := at(4, new(200.0))
	assert.Equal(t, int64(550_000), *last.EnergyMillijoules, "the next one covers it")
	assert.Equal(t, MethodIntegrated, last.EnergyMethod)
	assert.Zero(t, last.Gaps)
	slept := at(60, new(200.0))
	assert.Equal(t, int64(550_000), *slept.EnergyMillijoules, "nobody knows what it drew in between")
	assert.Equal(t, 1, slept.Gaps)
	assert.Equal(t, int64(750_000), *at(61, new(200.0)).EnergyMillijoules)
}

func TestTheMeterTurnsToACounterThatAppears(t *testing.T) {
	m := meter{pause: 10 * time.Second}
	m.add(Reading{Time: midnight, PowerWatts: new(100.0)})
	m.add(Reading{Time: midnight.Add(time.Second), PowerWatts: new(100.0), EnergyCounterMillijoules: new(int64(7_000))})
	m.add(Reading{Time: midnight.Add(2 * time.Second), PowerWatts: new(100.0), EnergyCounterMillijoules: new(int64(107_000))})
	m.add(Reading{Time: midnight.Add(3 * time.Second), PowerWatts: new(100.0)}) // not told this once
	m.add(Reading{Time: midnight.Add(4 * time.Second), PowerWatts: new(100.0), EnergyCounterMillijoules: new(int64(307_000))})
	var got Reading
	m.write(&got)
	assert.Equal(t, int64(400_000), *got.EnergyMillijoules, "integrated first, counted then, nothing twice")
	assert.Equal(t, MethodCounter, got.EnergyMethod)
	assert.Zero(t, got.Gaps)
}

// However finely a constant power is sampled, its energy is exact to the millijoule.
func TestIntegrationLosesNothingToRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		milliwatts := rapid.Int64Range(0, 2_000_000).Draw(t, "milliwatts")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		m, now := meter{pause: 10 * time.Second}, midnight
		add := func() { m.add(Reading{Time: now, PowerWatts: new(float64(milliwatts) / 1000)}) }
		add()
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			now = now.Add(time.Duration(1 + random.Int64N(int64(time.Second))))
			add()
		}
		want := milliwatts * now.Sub(midnight).Nanoseconds() / 1e9
		assert.Equal(t, want, m.total)
		assert.Zero(t, m.gaps)
	})
}

// Whatever a counter does, the total never falls and never exceeds what the board can draw.
func TestTheTotalOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 700.0
		m, now, before := meter{pause: 10 * time.Second}, midnight, int64(0)
		for range rapid.IntRange(2, 100).Draw(t, "readings") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(5*time.Second)).Draw(t, "elapsed")))
			m.add(Reading{Time: now, PowerLimit: new(limit), EnergyCounterMillijoules: new(rapid.Int64Range(0, 1e8).Draw(t, "counter"))})
			assert.GreaterOrEqual(t, m.total, before)
			before = m.total
		}
		// A step may be counted over the reading before it as well, and one before the first.
		most := 2 * overshoot * limit * 1000 * (now.Sub(midnight) + counterStep).Seconds()
		assert.LessOrEqual(t, float64(m.total), most)
	})
}
