package query

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAxisEndsBeyondItsLastLabel(t *testing.T) {
	assert.Zero(t, axisEnd(0))
	// Charts drawn of these end at 1.2e6 with half a label, and at 1.063e6 with all of 1e6.
	assert.InDelta(t, 1.0626e6, axisEnd(1.012e6), 1)
	assert.InDelta(t, 1.26e6, axisEnd(1.15e6), 1e4)
	for highest := 0.001; highest < 1e9; highest *= 1.013 {
		end := axisEnd(highest)
		assert.GreaterOrEqual(t, end, highest*1.05)
		assert.LessOrEqual(t, end, highest*1.15, "bars still fill it")
		power := math.Pow(10, math.Floor(math.Log10(end)))
		tick := power
		if end < 2*power {
			tick = power / 5
		} else if end < 5*power {
			tick = power / 2
		}
		last := tick * math.Floor(end/tick)
		assert.Less(t, last, end*0.96, "from %g the axis ends at %g, too near to its label %g", highest, end, last)
	}
}
