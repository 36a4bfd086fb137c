package gpu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEnergyGoesOnThroughRestarts(t *testing.T) {
	const first, second = 0, 1 // samplers
	type said struct {
		sampler         int
		energy, counter *int64
		gaps            int
		want            *int64
		wantGaps        int
	}
	number := func(n int64) *int64 { return &n }
	tests := map[string][]said{
		"the counter bridges it": {
			{first, number(0), number(1000), 0, number(0), 0}, {first, number(500), number(1500), 1, number(500), 1},
			{second, number(0), number(1800), 0, number(800), 1}, {second, number(50), number(1850), 2, number(850), 3}},
		"the new one had counted when it was first heard": {
			{first, number(500), number(1500), 0, number(500), 0}, {second, number(100), number(1900), 0, number(900), 0}},
		"the counter began anew": {
			{first, number(500), number(1500), 0, number(500), 0}, {second, number(0), number(40), 0, number(540), 1}},
		"there is no counter": {
			{first, number(500), nil, 0, number(500), 0}, {second, number(0), nil, 0, number(500), 1}, {second, number(70), nil, 0, number(570), 1}},
		"the new one knows nothing yet": {
			{first, number(500), number(1500), 2, number(500), 2}, {second, nil, nil, 0, number(500), 2}, {second, number(0), number(1600), 0, number(600), 2}},
		"nothing was ever known": {
			{first, nil, nil, 0, nil, 0}, {second, number(0), number(1600), 0, number(0), 0}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			c := newContinuity()
			for i, s := range steps {
				since := midnight.Add(time.Duration(s.sampler) * time.Hour)
				got := c.join(Snapshot{Since: since, Devices: []Reading{{Identity: Identity{UUID: "GPU-0"}, EnergyMillijoules: s.energy, EnergyCounterMillijoules: s.counter, Gaps: s.gaps}}})
				require.Equal(t, midnight, got.Since, "since the first")
				assert.Equal(t, s.want, got.Devices[0].EnergyMillijoules, "energy at step %d", i)
				assert.Equal(t, s.wantGaps, got.Devices[0].Gaps, "gaps at step %d", i)
			}
		})
	}
}

// However often samplers of a device with a counter are replaced, the energy is
// what the counter moved by.
func TestRestartsLoseNoEnergy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newContinuity()
		counter := rapid.Int64Range(0, 1e9).Draw(t, "counter")
		began, base, since := counter, counter, midnight
		for i := range rapid.IntRange(1, 50).Draw(t, "snapshots") {
			counter += rapid.Int64Range(0, 1e6).Draw(t, "used")
			if rapid.Bool().Draw(t, "restart") && i > 0 {
				since, base = since.Add(time.Second), counter
			}
			energy, now := counter-base, counter
			got := c.join(Snapshot{Since: since, Devices: []Reading{{EnergyMillijoules: &energy, EnergyCounterMillijoules: &now}}})
			assert.Equal(t, counter-began, *got.Devices[0].EnergyMillijoules)
			assert.Zero(t, got.Devices[0].Gaps)
		}
	})
}
