package collect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

func TestDrawn(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	reading := func(counter, sampled *int64, gaps int) gpu.Reading {
		return gpu.Reading{Time: at.Add(10 * time.Second), EnergyCounterMillijoules: counter, EnergyMillijoules: sampled, Gaps: gaps,
			EnergyMethod: gpu.MethodCounter, PowerLimit: pointer(700.0)}
	}
	integrated := func(sampled int64, gaps int) gpu.Reading {
		return gpu.Reading{Time: at, EnergyMillijoules: &sampled, Gaps: gaps, EnergyMethod: gpu.MethodIntegrated}
	}
	counted := meter{Metered: true, Counter: pointer(int64(5000)), Time: at}
	integrating := meter{Metered: true, Time: at}
	since := func(sampled int64, gaps int) *baseline { return &baseline{sampled: &sampled, gaps: gaps, at: at} }
	tests := []struct {
		name     string
		meter    meter
		reading  gpu.Reading
		last     *baseline
		rebooted bool
		energy   int64
		gaps     int
	}{
		{"the counter goes on", counted, reading(pointer(int64(5700)), pointer(int64(1700)), 0), since(1000, 0), false, 700, 0},
		{"a reset that the sampler saw", counted, reading(pointer(int64(30)), pointer(int64(1700)), 1), since(1000, 0), false, 700, 1},
		{"a reset that the counter has passed", counted, reading(pointer(int64(5200)), pointer(int64(6700)), 1), since(1000, 0), false, 5700, 1},
		{"the sampler began anew", counted, reading(pointer(int64(5700)), pointer(int64(400)), 0), since(1000, 0), false, 700, 0},
		{"the sampler began anew after gaps", counted, reading(pointer(int64(5700)), pointer(int64(400)), 0), since(1000, 3), false, 700, 0},
		{"both began anew", counted, reading(pointer(int64(300)), pointer(int64(300)), 0), since(1000, 0), false, 300, 1},
		{"the agent began anew", counted, reading(pointer(int64(5700)), pointer(int64(0)), 0), nil, false, 700, 0},
		{"the driver was reloaded while no agent ran", counted, reading(pointer(int64(300)), pointer(int64(0)), 0), nil, false, 300, 1},
		{"the host was booted, and the counter has passed", counted, reading(pointer(int64(6000)), pointer(int64(0)), 0), nil, true, 6000, 1},
		{"more than the board can draw", counted, reading(pointer(int64(1e12)), pointer(int64(0)), 0), nil, false, 8_400_000, 1},
		{"the first reading", meter{}, reading(pointer(int64(5000)), pointer(int64(0)), 0), nil, false, 0, 0},
		{"power over time", integrating, integrated(900, 0), since(200, 0), false, 700, 0},
		{"power over time, begun anew", integrating, integrated(300, 0), nil, false, 300, 1},
		{"power over time, with a pause", integrating, integrated(900, 1), since(200, 0), false, 700, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			energy, gaps, ok := test.meter.drawn(test.reading, test.last, test.rebooted)
			require.True(t, ok)
			assert.Equal(t, []int64{test.energy, int64(test.gaps)}, []int64{energy, int64(gaps)}, "energy in mJ, gaps")
		})
	}
	_, _, ok := counted.drawn(gpu.Reading{Time: at}, nil, false)
	assert.False(t, ok, "no energy is not 0")
}

func TestSpan(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	m := meter{Time: at}
	tests := []struct {
		name       string
		at         time.Time
		last       *baseline
		start, end time.Time
		stepped    bool
	}{
		{"follows on", at.Add(10 * time.Second), &baseline{at: at}, at, at.Add(10 * time.Second), false},
		{"after a start", at.Add(time.Hour), nil, at, at.Add(time.Hour), false},
		{"the clock went back", at.Add(-time.Hour), &baseline{at: at}, at.Add(-time.Hour - 10*time.Second), at.Add(-time.Hour), true},
		{"the clock went back while no agent ran", at.Add(-time.Hour), nil, at.Add(-time.Hour - 10*time.Second), at.Add(-time.Hour), true},
		{"below a microsecond", at.Add(10*time.Second + 300), &baseline{at: at}, at, at.Add(10 * time.Second), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start, end, stepped := m.span(test.at, test.last, 10*time.Second)
			assert.Equal(t, []time.Time{test.start, test.end}, []time.Time{start, end})
			assert.Equal(t, test.stepped, stepped)
		})
	}
	// With a monotonic clock the interval lasts what really passed.
	now := time.Now()
	m = meter{Time: wall(now).Add(-time.Hour)} // the clock was an hour behind
	start, end, stepped := m.span(now.Add(10*time.Second), &baseline{at: now}, time.Minute)
	assert.True(t, stepped)
	assert.Equal(t, wall(now.Add(10*time.Second)), end)
	assert.Equal(t, 10*time.Second, end.Sub(start))
}
