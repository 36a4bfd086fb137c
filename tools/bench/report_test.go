package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheWorstIsNamed(t *testing.T) {
	figures := []named{{"kpi", 0.9}, {"whatIf", 1.4}, {"costMeter", 1.1}}
	tests := map[string]struct {
		moreIsWorse bool
		limit       float64
		want        string
		met         bool
	}{
		"none is above":   {true, 1.5, "at most 1.40 × (whatIf); the middle one 1.10 ×", true},
		"at the limit":    {true, 1.4, "at most 1.40 × (whatIf); the middle one 1.10 ×", true},
		"two are above":   {true, 1, "2 of 3 miss it: whatIf 1.40 ×, costMeter 1.10 ×; the middle one 1.10 ×", false},
		"none is below":   {false, 0.5, "at least 0.90 × (kpi); the middle one 1.10 ×", true},
		"one is below":    {false, 1, "1 of 3 miss it: kpi 0.90 ×; the middle one 1.10 ×", false},
		"all lie too low": {false, 2, "3 of 3 miss it: kpi 0.90 ×, costMeter 1.10 ×, whatIf 1.40 ×; the middle one 1.10 ×", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, met := worst(figures, test.moreIsWorse, test.limit, times)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.met, met)
		})
	}
}

func TestALongListOfMissesIsCutShort(t *testing.T) {
	got, met := worst([]named{{"a", 9}, {"b", 8}, {"c", 7}, {"d", 6}, {"e", 5}, {"f", 4}, {"g", 1}}, true, 2, times)
	assert.Equal(t, "6 of 7 miss it: a 9.00 ×, b 8.00 ×, c 7.00 ×, d 6.00 ×, e 5.00 × and 1 more; the middle one 6.00 ×", got)
	assert.False(t, met)
}

func TestEachRangeHasItsRow(t *testing.T) {
	b := bench{out: &bytes.Buffer{}}
	b.reportAnswers(loaded{shape: typical}, []answerTimes{
		{"kpi", sample{time.Millisecond}, sample{19 * time.Millisecond}},
		{"whatIf", sample{21 * time.Millisecond}, sample{time.Millisecond}},
	})
	assert.Equal(t, []row{
		{"every query type, a quarter's range, typical: p95", "under 20 ms", "1 of 2 miss it: whatIf 21 ms; the middle one 1.0 ms", false},
		{"every query type, 90 days to the hour, typical: p95", "under 20 ms", "at most 19 ms (kpi); the middle one 1.0 ms", true},
	}, b.rows)
}

func TestGrowthIsOfTheSlowerRangeAtAnySize(t *testing.T) {
	at := func(facts int64, quarter, ninety time.Duration) sized {
		return sized{facts, []answerTimes{{"kpi", sample{quarter}, sample{ninety}}}}
	}
	b := bench{out: &bytes.Buffer{}}
	b.reportGrowth([]sized{at(1e6, 10, 10), at(1e7, 12, 14), at(5e7, 11, 10)})
	assert.Equal(t, []row{{"from 1 M to 10 M to 50 M facts, typical: growth of the p50", "within 1.3 ×",
		"1 of 1 miss it: kpi 1.40 ×; the middle one 1.40 ×", false}}, b.rows)

	b.rows = nil
	b.reportGrowth([]sized{at(1e6, 10, 10)})
	assert.Empty(t, b.rows, "one size shows no growth")
}
