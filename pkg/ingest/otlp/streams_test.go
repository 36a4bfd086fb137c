package otlp

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var hour = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func noStreams() streams {
	return streams{known: map[uuid.UUID]position{}, moved: map[uuid.UUID]position{}, stepped: map[uuid.UUID]bool{}}
}

func pointAt(m measure, cumulative bool, from, to time.Time, r reading) point {
	p := point{stream: contentKey("s"), cumulative: cumulative, to: to.UnixNano(), measure: m, reading: r}
	if !from.IsZero() {
		p.from = from.UnixNano()
	}
	return p
}

func TestCumulativeStreams(t *testing.T) {
	at := func(minutes int) time.Time { return hour.Add(time.Duration(minutes) * time.Minute) }
	counts := func(of ...reading) []reading { return of }
	for _, test := range []struct {
		name  string
		since time.Time
		read  []reading // a minute apart
		want  []int64   // counted of each; -1: nothing
	}{
		{"from its start", at(0), counts(reading{Count: 3}, reading{Count: 5}, reading{Count: 5}), []int64{3, 2, 0}},
		{"reset with the same start", at(0), counts(reading{Count: 3}, reading{Count: 1}, reading{Count: 4}), []int64{3, 1, 3}},
		{"start not known", time.Time{}, counts(reading{Count: 100}, reading{Count: 103}), []int64{-1, 3}},
		{"buckets fell", at(0), counts(reading{Count: 2, Buckets: map[int]int64{0: 2}, Bounds: []float64{1}}, reading{Count: 2, Buckets: map[int]int64{1: 2}, Bounds: []float64{1}}), []int64{2, 2}},
		{"other bounds", at(0), counts(reading{Count: 2, Buckets: map[int]int64{0: 2}, Bounds: []float64{1}}, reading{Count: 5, Buckets: map[int]int64{1: 5}, Bounds: []float64{2}}), []int64{2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := noStreams()
			for i, r := range test.read {
				step, counted, err := state.advance(pointAt(measureRequests, true, test.since, at(i+1), r))
				require.NoError(t, err)
				if test.want[i] < 0 {
					assert.False(t, counted)
					continue
				}
				require.True(t, counted)
				assert.Equal(t, test.want[i], step.counted.Count)
			}
			_, counted, err := state.advance(pointAt(measureRequests, true, test.since, at(1), test.read[0]))
			require.NoError(t, err)
			assert.False(t, counted, "a reading that came before counts no more")
		})
	}
}

func TestStepsThatCannotBeSpreadAreRefused(t *testing.T) {
	state := noStreams()
	_, counted, err := state.advance(pointAt(measureRequests, true, hour.Add(-40*24*time.Hour), hour, reading{Count: 9}))
	assert.ErrorContains(t, err, "over 31 days")
	assert.False(t, counted)
	step, counted, err := state.advance(pointAt(measureRequests, true, hour.Add(-40*24*time.Hour), hour.Add(time.Minute), reading{Count: 11}))
	require.NoError(t, err)
	require.True(t, counted, "what comes after is counted")
	assert.Equal(t, int64(2), step.counted.Count)

	wide := reading{Count: 500, Buckets: map[int]int64{}, Exponential: true}
	for i := range 500 {
		wide.Buckets[i] = 1
	}
	_, _, err = state.advance(pointAt(measureRequests, false, hour.Add(-30*24*time.Hour), hour, wide))
	assert.ErrorContains(t, err, "too many buckets")
}

// Whatever is delivered, lost and repeated, the steps of a stream add up to its last
// reading, and so do the events that they become.
func TestStepsAddUpToTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bounds := []float64{0.1, 1, 10}
		last := reading{Buckets: map[int]int64{}, Bounds: bounds}
		state := noStreams()
		var requests, input, events int64
		at := hour
		for range rapid.IntRange(1, 12).Draw(t, "readings") {
			next := reading{Buckets: map[int]int64{}, Bounds: bounds, Sum: last.Sum}
			for bucket := range 4 {
				next.Buckets[bucket] = last.Buckets[bucket] + rapid.Int64Range(0, 50).Draw(t, "more")
				next.Count += next.Buckets[bucket]
			}
			next.Sum = last.Sum + float64(rapid.Int64Range(0, 1000).Draw(t, "sum"))
			last, at = next, at.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes"))*time.Minute)
			if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
				continue
			}
			for range rapid.IntRange(1, 2).Draw(t, "deliveries") {
				for m, stream := range map[measure]string{measureRequests: "r", measureInput: "i"} {
					p := pointAt(m, true, hour, at, next)
					p.stream = contentKey(stream)
					step, counted, err := state.advance(p)
					require.NoError(t, err)
					if !counted {
						continue
					}
					written, works := step.events()
					ids := map[uuid.UUID]bool{}
					for i, e := range written {
						require.NoError(t, idOnce(ids, e))
						assert.LessOrEqual(t, e.Duration, time.Hour)
						requests, input, events = requests+works[i].requests, input+works[i].input, events+1
					}
				}
			}
		}
		var wantRequests int64
		var wantInput float64
		if p, ok := state.position(contentKey("r")); ok {
			wantRequests = p.reading.Count
		}
		if p, ok := state.position(contentKey("i")); ok {
			wantInput = p.reading.Sum
		}
		assert.Equal(t, wantRequests, requests)
		assert.Equal(t, int64(wantInput), input)
	})
}

func idOnce(seen map[uuid.UUID]bool, e warehouse.Event) error {
	if seen[e.ID] {
		return assert.AnError
	}
	seen[e.ID] = true
	return nil
}

func TestMiddleOfBuckets(t *testing.T) {
	explicit := reading{Bounds: []float64{0, 0.1, 1.6, 3.2}}
	for bucket, want := range map[int]float64{0: 0, 1: 0.05, 2: 0.4, 3: math.Sqrt(1.6 * 3.2), 4: 3.2} {
		assert.InDelta(t, want, explicit.middle(bucket), 1e-12, "bucket %d", bucket)
	}
	exponential := reading{Exponential: true, Scale: 1} // base √2
	assert.InDelta(t, math.Pow(2, 0.25), exponential.middle(0), 1e-12)
	assert.InDelta(t, math.Pow(2, 1.25), exponential.middle(2), 1e-12)
	assert.Zero(t, exponential.middle(zeroBucket))
}

func TestExponentialHistogramThatOutgrewItsScale(t *testing.T) {
	before := reading{Exponential: true, Scale: 2, Count: 4, Buckets: map[int]int64{0: 1, 1: 1, -1: 1, zeroBucket: 1}}
	after := reading{Exponential: true, Scale: 1, Count: 7, Buckets: map[int]int64{0: 4, -1: 2, zeroBucket: 1}}
	step, reset := after.since(before)
	assert.False(t, reset)
	assert.Equal(t, map[int]int64{0: 2, -1: 1}, step.Buckets)
	kept, err := after.encode()
	require.NoError(t, err)
	read, err := decodeReading(kept)
	require.NoError(t, err)
	assert.Equal(t, after, read)
}

func TestReadingsThatCannotBeAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(d pmetric.HistogramDataPoint)
		says   string
	}{
		"no sum":          {func(d pmetric.HistogramDataPoint) { d.RemoveSum() }, "no sum"},
		"NaN":             {func(d pmetric.HistogramDataPoint) { d.SetSum(math.NaN()) }, "not a number"},
		"negative":        {func(d pmetric.HistogramDataPoint) { d.SetSum(-1) }, "negative"},
		"huge count":      {func(d pmetric.HistogramDataPoint) { d.SetCount(math.MaxUint64) }, "more than a process"},
		"bounds missing":  {func(d pmetric.HistogramDataPoint) { d.ExplicitBounds().FromRaw([]float64{1}) }, "one bucket more"},
		"bounds fall":     {func(d pmetric.HistogramDataPoint) { d.ExplicitBounds().FromRaw([]float64{2, 1}) }, "do not rise"},
		"bounds infinite": {func(d pmetric.HistogramDataPoint) { d.ExplicitBounds().FromRaw([]float64{1, math.Inf(1)}) }, "do not rise"},
		"buckets differ":  {func(d pmetric.HistogramDataPoint) { d.SetCount(9) }, "its buckets hold"},
		"buckets huge":    {func(d pmetric.HistogramDataPoint) { d.BucketCounts().FromRaw([]uint64{math.MaxUint64, 1, 1}) }, "more than a process"},
	} {
		d := pmetric.NewHistogramDataPoint()
		d.SetCount(3)
		d.SetSum(4)
		d.ExplicitBounds().FromRaw([]float64{1, 2})
		d.BucketCounts().FromRaw([]uint64{1, 1, 1})
		_, err := ofHistogram(d)
		require.NoError(t, err)
		test.change(d)
		_, err = ofHistogram(d)
		assert.ErrorContains(t, err, test.says, name)
	}
}
