package kpi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMeteredPUE(t *testing.T) {
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	day := Span{midnight, midnight.AddDate(0, 0, 1)}
	energy := func(fromHour, toHour, facility, it float64) FacilityReading {
		at := func(hour float64) time.Time { return midnight.Add(time.Duration(hour * float64(time.Hour))) }
		return FacilityReading{Span: Span{at(fromHour), at(toHour)}, Facility: NanowattHours(facility * 1e12), IT: NanowattHours(it * 1e12)}
	}
	mean := func(fromHour, toHour, pue float64) FacilityReading {
		r := energy(fromHour, toHour, 0, 0)
		r.PUE = pue
		return r
	}
	for name, test := range map[string]struct {
		readings []FacilityReading
		pue      float64 // 0: none
		byEnergy bool
		covered  float64
	}{
		"nothing":                        {nil, 0, false, 0},
		"energies, not the mean of PUEs": {[]FacilityReading{energy(0, 12, 120, 100), energy(12, 24, 20, 10)}, 1.272727, true, 1}, // 140 / 110
		// A third of the first and three quarters of the last lie in the day: (10 + 100 + 15) / (5 + 90 + 12).
		"intervals over midnight":    {[]FacilityReading{energy(-2, 1, 30, 15), energy(1, 21, 100, 90), energy(21, 25, 20, 16)}, 1.168224, true, 1},
		"PUEs, weighted by time":     {[]FacilityReading{mean(0, 6, 1.1), mean(6, 24, 1.3)}, 1.25, false, 1},
		"energies of most of a day":  {[]FacilityReading{energy(0, 20, 120, 100), mean(20, 24, 9)}, 1.2, true, 1},
		"energies of a part of it":   {[]FacilityReading{energy(0, 6, 20, 10), mean(6, 24, 1.2)}, 1.4, false, 1}, // (2 × 6 + 1.2 × 18) / 24
		"three quarters are enough":  {[]FacilityReading{mean(0, 18, 1.2)}, 1.2, false, 0.75},
		"less is not":                {[]FacilityReading{mean(0, 17, 1.2)}, 0, false, 17. / 24},
		"another day":                {[]FacilityReading{mean(24, 48, 1.2)}, 0, false, 0},
		"a moment holds for an hour": {[]FacilityReading{mean(3, 3, 1.2)}, 0, false, 1. / 24},
		"or until the next":          {[]FacilityReading{mean(3, 3, 1.2), mean(3.5, 3.5, 1.2), mean(20, 20, 1.4)}, 0, false, 2.5 / 24},
	} {
		t.Run(name, func(t *testing.T) {
			got := MeteredPUE(day, test.readings)
			assert.InDelta(t, test.covered, got.Covered, 1e-12)
			assert.Equal(t, test.byEnergy, got.ByEnergy)
			if test.pue == 0 {
				assert.Nil(t, got.PUE)
				return
			}
			require.NotNil(t, got.PUE)
			assert.InDelta(t, test.pue, *got.PUE, 1e-12)
		})
	}
	var moments []FacilityReading
	for hour := range 24 { // 1.0 in the first half of the day, 1.5 in the second
		moments = append(moments, mean(float64(hour), float64(hour), 1+0.5*float64(hour/12)))
	}
	assert.InDelta(t, 1.25, *MeteredPUE(day, moments).PUE, 0)
}
