package gpu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

var began = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// at is a reading so many seconds on; a negative counter or power is none.
func at(seconds float64, counter int64, watts float64) Reading {
	r := Reading{Time: began.Add(time.Duration(seconds * float64(time.Second)))}
	limit := 700.0
	r.PowerLimit = &limit
	if counter >= 0 {
		r.EnergyCounterMillijoules = &counter
	}
	if watts >= 0 {
		r.PowerWatts = &watts
	}
	return r
}

func TestMeterAddsUpWhatWasDrawn(t *testing.T) {
	for name, c := range map[string]struct {
		readings []Reading
		want     int64
		gaps     int
		method   Method
	}{
		"the counter's difference":              {[]Reading{at(0, 5000, 300), at(1, 305_000, 300), at(2, 605_000, 300)}, 600_000, 0, MethodCounter},
		"power over time without a counter":     {[]Reading{at(0, -1, 200), at(1, -1, 400), at(2, -1, 400)}, 700_000, 0, MethodIntegrated},
		"a reset: what came since, a gap":       {[]Reading{at(0, 900_000, 300), at(2, 100_000, 300)}, 100_000, 1, MethodCounter},
		"a leap beyond the limit: the power":    {[]Reading{at(0, 0, 300), at(1, 1e12, 300)}, 300_000, 1, MethodCounter},
		"a counter that pauses: the power":      {[]Reading{at(0, 1000, 300), at(1, -1, 300), at(2, 601_000, 300)}, 600_000, 0, MethodCounter},
		"a pause too long for power":            {[]Reading{at(0, -1, 300), at(60, -1, 300)}, 0, 1, MethodIntegrated},
		"a long pause is nothing to a counter":  {[]Reading{at(0, 0, 300), at(3600, 1_000_000, 300)}, 1_000_000, 0, MethodCounter},
		"a clock that is set back is a gap":     {[]Reading{at(10, -1, 300), at(5, -1, 300), at(6, -1, 300)}, 300_000, 1, MethodIntegrated},
		"what is less than a millijoule stays":  {[]Reading{at(0, -1, 0.0004), at(1, -1, 0.0004), at(2, -1, 0.0004), at(3, -1, 0.0004)}, 1, 0, MethodIntegrated},
		"the first reading is where it begins":  {[]Reading{at(0, 123_456, 300)}, 0, 0, MethodCounter},
		"a reading of nothing leaves a total":   {[]Reading{at(0, 0, 300), at(1, -1, -1), at(2, 600_000, 300)}, 600_000, 0, MethodCounter},
		"a reset beyond belief counts as a gap": {[]Reading{at(0, 1e13, 300), at(1, 1e12, 300)}, 0, 1, MethodCounter},
	} {
		t.Run(name, func(t *testing.T) {
			var m meter
			var last Reading
			for _, r := range c.readings {
				m.add(&r)
				last = r
			}
			assert.Equal(t, c.want, *last.EnergyMillijoules)
			assert.Equal(t, c.gaps, last.Gaps)
			assert.Equal(t, c.method, last.EnergyMethod)
		})
	}
}

func TestMeterKnowsNothingOfWhatTellsNothing(t *testing.T) {
	var m meter
	instance := at(0, -1, -1)
	m.add(&instance)
	assert.Nil(t, instance.EnergyMillijoules, "a MIG instance has no energy, not 0")
	assert.Empty(t, instance.EnergyMethod)
}

// TestMeterOfACounterTelescopes reads a counter at any times: the sum is its
// difference, and at a reset no less than what is known.
func TestMeterOfACounterTelescopes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m meter
		var counter, known, before int64
		seconds, resets := 0.0, 0
		first := at(0, 0, 300)
		m.add(&first)
		for range rapid.IntRange(1, 50).Draw(t, "readings") {
			step := rapid.Float64Range(0.1, 100).Draw(t, "seconds")
			seconds += step
			drawn := rapid.Int64Range(0, int64(step*700*1000)).Draw(t, "drawn")
			if rapid.IntRange(0, 9).Draw(t, "reset") == 0 {
				counter, resets = 0, resets+1
			}
			counter += drawn
			known += drawn
			r := at(seconds, counter, 300)
			m.add(&r)
			if *r.EnergyMillijoules < before {
				t.Fatalf("the total fell from %d to %d", before, *r.EnergyMillijoules)
			}
			before = *r.EnergyMillijoules
		}
		if before > known {
			t.Fatalf("%d mJ were counted and %d drawn", before, known)
		}
		if resets == 0 && (before != known || m.gaps > 0) {
			t.Fatalf("%d mJ were counted and %d drawn, without a reset", before, known)
		}
	})
}
