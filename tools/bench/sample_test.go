package bench

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuantilesAreTimesThatWereTaken(t *testing.T) {
	var twenty sample
	for i := 20; i >= 1; i-- {
		twenty = append(twenty, time.Duration(i))
	}
	tests := map[string]struct {
		of   sample
		q    float64
		want time.Duration
	}{
		"the middle of an odd number":       {sample{3, 1, 2}, 0.5, 2},
		"the lower middle of an even one":   {sample{4, 1, 3, 2}, 0.5, 2},
		"95 % of twenty is the second most": {twenty, 0.95, 19},
		"the least":                         {twenty, 0, 1},
		"the most":                          {twenty, 1, 20},
		"of one":                            {sample{7}, 0.95, 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, test.of.quantile(test.q)) })
	}
	assert.Equal(t, time.Duration(20), twenty[0], "the sample keeps its order")
}

func TestWarmingUpIsNotMeasured(t *testing.T) {
	var seen []int
	taken, err := measure(2, 3, time.Hour, func(round int) error { seen = append(seen, round); return nil })
	require.NoError(t, err)
	assert.Len(t, taken, 3)
	assert.Equal(t, []int{0, 1, 2, 3, 4}, seen)

	_, err = measure(0, 3, time.Hour, func(int) error { return errors.New("no answer") })
	assert.EqualError(t, err, "no answer")
}

func TestWhatTakesLongIsMeasuredOnce(t *testing.T) {
	rounds := 0
	taken, err := measure(2, 3, -time.Second, func(int) error { rounds++; return nil })
	require.NoError(t, err)
	assert.Len(t, taken, 1)
	assert.Equal(t, 1, rounds)
}
