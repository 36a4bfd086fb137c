package kpi

import (
	"slices"
	"time"
)

// Span is the time from From up to, not including, To.
type Span struct{ From, To time.Time }

// Duration returns how long the span is.
func (s Span) Duration() time.Duration { return s.To.Sub(s.From) }

// Bucket is the part of an interval that lies in a span.
type Bucket struct {
	Span
	// Whole is false where the span cut the interval off: its sums are smaller
	// than those of its neighbours for no other reason.
	Whole bool
}

// Buckets cuts a span into the calendar's intervals, in order, without gap or
// overlap: the first begins where the span does and the last ends where it does.
// A day with a change of daylight saving has 23 or 25 hours. An empty span has no
// buckets. It panics on IntervalAuto.
func (c Calendar) Buckets(span Span, interval Interval) []Bucket {
	var buckets []Bucket
	end := span.To.In(c.location())
	for from := span.From.In(c.location()); from.Before(end); {
		to := c.Next(from, interval)
		whole := !to.After(end) && c.Start(from, interval).Equal(from)
		if to.After(end) {
			to = end
		}
		buckets = append(buckets, Bucket{Span: Span{From: from, To: to}, Whole: whole})
		from = to
	}
	return buckets
}

// Preceding returns the period to compare a span with, which ends where the span
// begins. A span of whole fiscal years, quarters, months, weeks or days is
// preceded by as many of them: March by February, a week with a change of
// daylight saving by a week. The longest of these that fits counts, so February
// is a month and not four weeks. Any other span is preceded by one of the same
// duration, an empty one by an empty one.
//
// A range that Grafana ends at 23:59:59.999 is to be widened to midnight first.
func (c Calendar) Preceding(span Span) Span {
	to := span.From.In(c.location())
	for _, interval := range slices.Backward(Intervals()) {
		if interval == IntervalHour {
			break // hours are of one duration
		}
		count := c.wholeIntervals(span, interval)
		if count == 0 {
			continue
		}
		from := to
		for range count {
			from = c.Start(from.Add(-time.Nanosecond), interval)
		}
		return Span{From: from, To: to}
	}
	return Span{From: to.Add(-max(0, span.Duration())), To: to}
}

// wholeIntervals counts the intervals that make up a span, 0 where they do not.
func (c Calendar) wholeIntervals(span Span, interval Interval) int {
	if !c.Start(span.From, interval).Equal(span.From) || !c.Start(span.To, interval).Equal(span.To) {
		return 0
	}
	return len(c.Buckets(span, interval))
}

// ChooseInterval returns the interval for a chart over the span: hours up to
// three days, days up to a quarter, weeks up to two years, months up to ten, then
// quarters; coarser where that would be more points than fit. maxDataPoints of 0
// or less is no limit. Years are the coarsest, however many they are.
func (c Calendar) ChooseInterval(span Span, maxDataPoints int64) Interval {
	const day = 24 * time.Hour
	fitting := Intervals()
	switch length := span.Duration(); {
	case length <= 3*day:
	case length <= 100*day:
		fitting = fitting[1:]
	case length <= 2*366*day:
		fitting = fitting[2:]
	case length <= 10*366*day:
		fitting = fitting[3:]
	default:
		fitting = fitting[4:]
	}
	for _, interval := range fitting {
		if maxDataPoints <= 0 || int64(len(c.Buckets(span, interval))) <= maxDataPoints {
			return interval
		}
	}
	return IntervalYear
}
