package otlp

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// reading is what a stream has counted: since its start where it is cumulative, else
// since its last reading.
type reading struct {
	Count int64   `json:"count"`
	Sum   float64 `json:"sum"`
	// Buckets are the counts of a histogram that are not 0, by index; Bounds or Scale say
	// what the indexes mean.
	Buckets map[int]int64 `json:"buckets,omitempty"`
	Bounds  []float64     `json:"bounds,omitempty"`
	// Scale is of an exponential histogram: bucket i holds what is over 2^(i/2^Scale) and
	// not over the next. Index zeroBucket holds what is 0.
	Scale       int32 `json:"scale,omitempty"`
	Exponential bool  `json:"exponential,omitempty"`
}

const (
	zeroBucket = math.MinInt32
	// mostCounted is more than a process has ever counted.
	mostCounted = 1 << 50
	mostBuckets = 1024
)

var errNoSum = errors.New("it has no sum")

func ofHistogram(d pmetric.HistogramDataPoint) (reading, error) {
	r := reading{Sum: d.Sum()}
	var err error
	if !d.HasSum() {
		return r, errNoSum
	}
	if r.Count, err = wholeCount(d.Count()); err != nil {
		return r, err
	}
	counts, bounds := d.BucketCounts(), d.ExplicitBounds()
	if counts.Len() == 0 || counts.Len() == 1 && bounds.Len() == 0 {
		return r, r.check() // one bucket of everything tells nothing
	}
	if counts.Len() != bounds.Len()+1 {
		return r, fmt.Errorf("it has %d buckets and %d bounds: there must be one bucket more", counts.Len(), bounds.Len())
	}
	if counts.Len() > mostBuckets {
		return r, fmt.Errorf("it has more than %d buckets", mostBuckets)
	}
	r.Bounds, r.Buckets = bounds.AsRaw(), map[int]int64{}
	for i, bound := range r.Bounds {
		if math.IsNaN(bound) || math.IsInf(bound, 0) || i > 0 && bound <= r.Bounds[i-1] {
			return r, errors.New("its bounds do not rise")
		}
	}
	for i, count := range counts.All() {
		if err := r.add(i, count); err != nil {
			return r, err
		}
	}
	return r, r.check()
}

func ofExponential(d pmetric.ExponentialHistogramDataPoint) (reading, error) {
	r := reading{Sum: d.Sum(), Exponential: true, Scale: d.Scale(), Buckets: map[int]int64{}}
	var err error
	if !d.HasSum() {
		return r, errNoSum
	}
	if r.Count, err = wholeCount(d.Count()); err != nil {
		return r, err
	}
	switch {
	case d.Scale() > 20 || d.Scale() < -10:
		return r, fmt.Errorf("its scale %d is not between -10 and 20", d.Scale())
	case d.Positive().BucketCounts().Len() > mostBuckets:
		return r, fmt.Errorf("it has more than %d buckets", mostBuckets)
	case d.Positive().Offset() > 1<<30 || d.Positive().Offset() < -1<<30:
		return r, errors.New("its buckets lie beyond all numbers")
	}
	for _, count := range d.Negative().BucketCounts().All() {
		if count > 0 {
			return r, errors.New("it has counted negative amounts")
		}
	}
	if err := r.add(zeroBucket, d.ZeroCount()); err != nil {
		return r, err
	}
	for i, count := range d.Positive().BucketCounts().All() {
		if err := r.add(int(d.Positive().Offset())+i, count); err != nil {
			return r, err
		}
	}
	return r, r.check()
}

func ofNumber(d pmetric.NumberDataPoint) (reading, error) {
	r := reading{}
	switch d.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		r.Sum = float64(d.IntValue())
	case pmetric.NumberDataPointValueTypeDouble:
		r.Sum = d.DoubleValue()
	default:
		return r, errors.New("it has no value")
	}
	return r, r.check()
}

func wholeCount(count uint64) (int64, error) {
	if count > mostCounted {
		return 0, fmt.Errorf("its count %d is more than a process has ever counted", count)
	}
	return int64(count), nil
}

func (r *reading) add(bucket int, count uint64) error {
	whole, err := wholeCount(count)
	if err == nil && whole > 0 {
		r.Buckets[bucket] += whole
	}
	return err
}

func (r *reading) check() error {
	switch {
	case math.IsNaN(r.Sum) || math.IsInf(r.Sum, 0):
		return errors.New("its sum is not a number")
	case r.Sum < 0:
		return fmt.Errorf("its sum %g is negative", r.Sum)
	case r.Sum > mostCounted:
		return fmt.Errorf("its sum %g is more than a process has ever counted", r.Sum)
	}
	var inBuckets int64
	for _, count := range r.Buckets {
		inBuckets += count
	}
	if inBuckets != 0 && inBuckets != r.Count {
		return fmt.Errorf("it has counted %d, and its buckets hold %d", r.Count, inBuckets)
	}
	return nil
}

// since is what was counted after an earlier reading of the same stream. reset says
// that the stream has begun anew, with the same start time as before: then all counts.
func (r reading) since(earlier reading) (step reading, reset bool) {
	if r.Count < earlier.Count || r.Sum < earlier.Sum {
		return r, true
	}
	step = reading{Count: r.Count - earlier.Count, Sum: r.Sum - earlier.Sum, Bounds: r.Bounds, Scale: r.Scale, Exponential: r.Exponential}
	if len(r.Buckets) == 0 {
		return step, false
	}
	before, comparable := earlier.as(r)
	if !comparable {
		return step, false // how many there were is known, and not how long they took
	}
	for bucket, count := range before {
		if r.Buckets[bucket] < count {
			return r, true
		}
	}
	step.Buckets = map[int]int64{}
	for bucket, count := range r.Buckets {
		if count > before[bucket] {
			step.Buckets[bucket] = count - before[bucket]
		}
	}
	var inBuckets int64
	for _, count := range step.Buckets {
		inBuckets += count
	}
	if inBuckets != step.Count {
		step.Buckets = nil
	}
	return step, false
}

// as returns the buckets as another reading of the stream has them. An exponential
// histogram halves its scale when it outgrows its buckets; other bounds do not compare.
func (r reading) as(other reading) (buckets map[int]int64, comparable bool) {
	if r.Count == 0 {
		return nil, true
	}
	if r.Exponential != other.Exponential || !r.Exponential && !slices.Equal(r.Bounds, other.Bounds) || other.Scale > r.Scale {
		return nil, false
	}
	if r.Scale == other.Scale {
		return r.Buckets, true
	}
	buckets = map[int]int64{}
	for bucket, count := range r.Buckets {
		if bucket != zeroBucket {
			bucket >>= r.Scale - other.Scale
		}
		buckets[bucket] += count
	}
	return buckets, true
}

// middle is what stands for the amounts in a bucket: the geometric mean of its bounds,
// which a histogram on a logarithmic scale is least wrong with. The first bucket has no
// lower bound but 0, and gives half its upper one; the last has no upper, and gives its
// lower.
func (r reading) middle(bucket int) float64 {
	if r.Exponential {
		if bucket == zeroBucket {
			return 0
		}
		return math.Exp2((float64(bucket) + 0.5) * math.Exp2(-float64(r.Scale)))
	}
	lower, upper := 0.0, math.Inf(1)
	if bucket > 0 {
		lower = r.Bounds[bucket-1]
	}
	if bucket < len(r.Bounds) {
		upper = r.Bounds[bucket]
	}
	return kpi.BucketLatency(lower, upper)
}

// encode is the reading as the warehouse keeps it.
func (r reading) encode() ([]byte, error) { return json.Marshal(r) }

func decodeReading(text []byte) (reading, error) {
	var r reading
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("a reading that was kept cannot be read: %w", err)
	}
	return r, nil
}
