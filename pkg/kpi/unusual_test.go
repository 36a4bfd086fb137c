package kpi_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestUnusual(t *testing.T) {
	week := []float64{1, 2, 3, 4, 5, 6, 7} // median 4, MAD 2
	for _, test := range []struct {
		name             string
		x                *float64
		before           []float64
		deviation, usual *float64
	}{
		{"as usual", new(4.0), week, new(0.0), new(4.0)},
		{"by the median absolute deviation", new(10.0), week, new(6 / (2 / 0.6745)), new(4.0)},
		{"below", new(1.0), week, new(-3 / (2 / 0.6745)), new(4.0)},
		{"a trifle more than always", new(1.01), []float64{1, 1, 1, 1, 1, 1, 1}, new(0.01 / 0.05), new(1.0)},
		{"twice what it always was", new(2.0), []float64{1, 1, 1, 1, 1, 1, 1}, new(20.0), new(1.0)},
		{"not known", nil, week, nil, new(4.0)},
		{"six days tell nothing", new(9.0), week[:6], nil, nil},
		{"nothing before", new(9.0), nil, nil, nil},
		{"always zero", new(9.0), make([]float64, 7), nil, new(0.0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			deviation, usual := kpi.Unusual(test.x, test.before)
			for _, pair := range [][2]*float64{{test.deviation, deviation}, {test.usual, usual}} {
				if pair[0] == nil {
					assert.Nil(t, pair[1])
					continue
				}
				require.NotNil(t, pair[1])
				assert.InDelta(t, *pair[0], *pair[1], 1e-9)
			}
		})
	}
}

// The score has no unit and no order.
func TestUnusualIsTheSameInAnyUnitAndOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		before := make([]float64, 7+random.IntN(20))
		for i := range before {
			before[i] = 0.1 + random.Float64()
		}
		x, factor := random.Float64()*3, 0.001+1000*random.Float64()
		deviation, _ := kpi.Unusual(&x, before)
		scaled := make([]float64, len(before))
		for i, j := range random.Perm(len(before)) {
			scaled[i] = before[j] * factor
		}
		of := x * factor
		same, usual := kpi.Unusual(&of, scaled)
		require.NotNil(t, deviation)
		require.NotNil(t, same)
		assert.InEpsilon(t, *deviation+100, *same+100, 1e-9)
		assert.Equal(t, x*factor > *usual, *same > 0)
	}
}
