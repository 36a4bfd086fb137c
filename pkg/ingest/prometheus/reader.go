package prometheus

import (
	"context"
	"maps"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// API is what a pull asks. *Client is one.
type API interface {
	Names(ctx context.Context, metrics []metric, matchers string, from, to time.Time) ([]metric, v1.Warnings, error)
	Samples(ctx context.Context, name, matchers string, from, to time.Time) (model.Matrix, v1.Warnings, error)
}

const (
	// lookback is how far before a window the sample may be from which its first one
	// counts. It is the same for every pull, so that a window has one answer.
	lookback = 6 * time.Hour
	// primer is what of it is read at once: a scrape interval is minutes at most, and the
	// rest is only read where something is missing in it.
	primer = 15 * time.Minute

	longestChunk  = time.Hour
	shortestChunk = 5 * time.Minute
	// chunkSamples is how many samples an answer should have: more, and the next is of
	// half the span.
	chunkSamples = 250_000
)

// meter is one counter or measure, however many series tell of it.
type meter struct {
	labels labels // of the last series
	of     string // their identity
	last   sample
	has    bool
}

// follower follows the meters of a metric from window to window.
type follower struct {
	metric      metric
	replicas    []string // labels
	meters      map[string]*meter
	groups      map[string]*span
	coveredFrom time.Time
	coveredTo   time.Time
	chunk       time.Duration
}

// span is when something was first and last seen, in Unix ms.
type span struct{ first, last int64 }

func newFollower(m metric, replicas []string) *follower {
	return &follower{metric: m, replicas: replicas, chunk: longestChunk}
}

// read takes the metric's samples of a window in. What it cannot use it rejects there.
func (f *follower) read(ctx context.Context, api API, matchers string, w *window) error {
	if !f.coveredTo.Equal(w.start) {
		f.meters, f.groups = map[string]*meter{}, map[string]*span{}
		f.coveredFrom = w.start.Add(-primer)
		if err := f.each(ctx, api, matchers, f.coveredFrom, w.start, w, func(b batch) error { f.prime(b); return nil }); err != nil {
			return err
		}
	}
	err := f.each(ctx, api, matchers, w.start, w.end, w, func(b batch) error {
		if f.metric.quantity.isCounter() && f.isMissing(b) {
			if err := f.search(ctx, api, matchers, w); err != nil {
				return err
			}
		}
		f.count(b, w)
		return nil
	})
	if err != nil {
		f.coveredTo = time.Time{} // what is known of the window is not all of it
		return err
	}
	f.coveredTo = w.end
	f.forget(w.end)
	return nil
}

// each reads a span chunk by chunk, forwards. A chunk that is too much for the server is
// halved.
func (f *follower) each(ctx context.Context, api API, matchers string, from, to time.Time, w *window, take func(batch) error) error {
	for from.Before(to) {
		end := from.Add(f.chunk)
		if end.After(to) {
			end = to
		}
		matrix, warnings, err := api.Samples(ctx, f.metric.name, matchers, from, end)
		if err != nil && isTooMuch(err) && f.chunk > shortestChunk && ctx.Err() == nil {
			f.chunk = max(f.chunk/2, shortestChunk).Truncate(time.Second)
			continue
		}
		if err != nil {
			return err
		}
		if err := w.notes.warn(warnings); err != nil {
			return err
		}
		b := f.batch(matrix, from, w)
		if err := take(b); err != nil {
			return err
		}
		if b.samples > chunkSamples {
			f.chunk = max(f.chunk/2, shortestChunk).Truncate(time.Second)
		}
		from = end
	}
	return nil
}

// prime takes the last readings of a time before the window.
func (f *follower) prime(b batch) {
	for key, readings := range b.meters {
		last := readings[len(readings)-1]
		known := f.meters[key]
		if known != nil && known.last.at >= last.at {
			continue
		}
		f.meters[key] = &meter{labels: b.labels[key], last: last.sample, has: true}
	}
	f.seen(b)
}

func (f *follower) seen(b batch) {
	for key, readings := range b.meters {
		group := f.metric.groupOf(b.labels[key])
		first, last := readings[0].at, readings[len(readings)-1].at
		s := f.groups[group]
		if s == nil {
			f.groups[group] = &span{first, last}
			continue
		}
		s.first, s.last = min(s.first, first), max(s.last, last)
	}
}

// isMissing says whether a meter begins in the batch that may have been there before.
func (f *follower) isMissing(b batch) bool {
	for key := range b.meters {
		if f.meters[key] == nil {
			return true
		}
	}
	return false
}

// search reads what lies further back, as far as the lookback goes.
func (f *follower) search(ctx context.Context, api API, matchers string, w *window) error {
	earliest := w.start.Add(-lookback)
	if !f.coveredFrom.After(earliest) {
		return nil
	}
	to := f.coveredFrom
	f.coveredFrom = earliest
	return f.each(ctx, api, matchers, earliest, to, w, func(b batch) error { f.prime(b); return nil })
}

// tellable is how long a meter of energy is remembered that nothing counts from any
// more: when it comes back, what it rose by meanwhile is told.
const tellable = 31 * 24 * time.Hour

// forget drops meters that nothing counts from any more.
func (f *follower) forget(end time.Time) {
	oldest := end.Add(-lookback).UnixMilli()
	gone := oldest
	if f.metric.quantity.isMeter() {
		gone = end.Add(-tellable).UnixMilli()
	}
	maps.DeleteFunc(f.meters, func(_ string, m *meter) bool { return m.last.at <= gone })
	maps.DeleteFunc(f.groups, func(_ string, s *span) bool { return s.last <= oldest })
}

// count takes the readings of a window in, each from the one before it.
func (f *follower) count(b batch, w *window) {
	f.seen(b)
	for _, key := range slices.Sorted(maps.Keys(b.meters)) {
		readings := b.meters[key]
		known := f.meters[key]
		if known == nil || known.last.at <= w.start.Add(-lookback).UnixMilli() {
			if known != nil && f.metric.quantity.isMeter() {
				w.notes.lose(next(known.last, readings[0].sample, f.metric.quantity.most()), f.metric.quantity)
			}
			known = &meter{}
			f.meters[key] = known
			if group := f.groups[f.metric.groupOf(b.labels[key])]; f.metric.quantity.isCounter() && f.metric.beginsAtZero() && group.first < readings[0].at {
				known.last, known.has = sample{at: readings[0].at - 1, value: 0}, true
			}
		}
		known.labels, known.of = b.labels[key], b.labels[key].identity()
		for _, r := range readings {
			if known.has {
				w.take(f.metric, key, known, r, b.labels)
			} else {
				w.begin(f.metric, key, r, b.labels)
			}
			if known.has && f.metric.quantity.isCounter() && next(known.last, r.sample, f.metric.quantity.most()).kind == stepBack {
				continue // an older reading: the next counts from the one before
			}
			known.last, known.has = r.sample, true
		}
	}
}
