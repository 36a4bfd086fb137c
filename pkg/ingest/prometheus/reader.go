package prometheus

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
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

// reading is what a meter said at a time, and the holders it was said of.
type reading struct {
	sample
	holders []string
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

// batch are the readings of a chunk by meter.
type batch struct {
	meters  map[string][]reading
	labels  map[string]labels // of meters and of holders
	samples int
}

// batch merges the series of an answer into meters.
func (f *follower) batch(matrix model.Matrix, after time.Time, w *window) batch {
	b := batch{meters: map[string][]reading{}, labels: map[string]labels{}}
	streams := map[string][]told{}
	for _, stream := range matrix {
		if len(stream.Values) == 0 {
			if len(stream.Histograms) > 0 {
				w.reject(describe(stream.Metric), errors.New("it is a native histogram: have the classic one scraped too"))
			}
			continue
		}
		l := labelsOf(stream.Metric, f.replicas)
		key, err := f.metric.meterKey(l)
		if err != nil {
			w.reject(describe(stream.Metric), err)
			continue
		}
		holder := l.identity()
		b.labels[key], b.labels[holder] = l, l
		b.samples += len(stream.Values)
		good, reason := validSamples(stream, after)
		if reason != "" {
			w.spoiled(describe(stream.Metric), reason, len(good))
		}
		if len(good) > 0 {
			streams[key] = append(streams[key], told{holder, good})
		}
	}
	for key, all := range streams {
		b.meters[key] = merge(all)
	}
	return b
}

// told is what one series tells of a meter.
type told struct {
	holder  string
	samples []sample
}

// validSamples are the samples later than a time that can be, and why one cannot.
func validSamples(stream *model.SampleStream, after time.Time) (good []sample, reason string) {
	good = make([]sample, 0, len(stream.Values))
	for _, pair := range stream.Values {
		s := sample{int64(pair.Timestamp), float64(pair.Value)}
		switch {
		case s.at <= after.UnixMilli(): // of a server whose ranges are closed at both ends
		case !s.valid():
			reason = s.invalid()
		default:
			good = append(good, s)
		}
	}
	return good, reason
}

// merge makes the readings of a meter out of all that tell of it: where several say
// something at the same time, the highest counts.
func merge(all []told) []reading {
	if len(all) == 1 { // nearly always
		readings, holders := make([]reading, len(all[0].samples)), []string{all[0].holder}
		for i, s := range all[0].samples {
			readings[i] = reading{s, holders}
		}
		return readings
	}
	byTime := map[int64]reading{}
	for _, one := range all {
		for _, s := range one.samples {
			r, there := byTime[s.at]
			if !there || s.value > r.value {
				r.sample = s
			}
			r.holders = append(r.holders, one.holder)
			byTime[s.at] = r
		}
	}
	return slices.SortedFunc(maps.Values(byTime), func(a, b reading) int { return cmp.Compare(a.at, b.at) })
}

// meterKey is what a series tells of.
func (m metric) meterKey(l labels) (string, error) {
	switch m.quantity {
	case gpuMillijoules, gpuJoules, gpuWatts, gpuUtilization, nodeGPUJoules:
		uuid := l.gpuUUID()
		if uuid == "" {
			return "", errors.New("it does not say which GPU it is of: a label UUID or gpu_uuid")
		}
		return uuid, nil
	case gpuMemoryMiB, gpuMemoryBytes, gpuEngine:
		uuid := l.gpuUUID()
		if uuid == "" {
			return "", errors.New("it does not say which GPU it is of: a label UUID or gpu_uuid")
		}
		if instance := l["GPU_I_ID"]; instance != "" {
			return uuid + "\x00" + instance, nil
		}
		return uuid, nil
	case nodeActiveJoules, nodeIdleJoules, podJoules, podGPUJoules:
		return l.identity("state"), nil
	case latencyBucket:
		if l["le"] == "" {
			return "", errors.New("it is a bucket without le")
		}
	}
	return l.series(), nil
}

// series is a series as a text.
func (l labels) series() string {
	var text strings.Builder
	text.WriteString(l.identity())
	for _, name := range parts {
		if l[name] != "" {
			text.WriteString(name + "\x00" + l[name] + "\x00")
		}
	}
	return text.String()
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

// beginsAtZero says whether the parts of one thing that this counter is of are made when
// they first count something.
func (m metric) beginsAtZero() bool { return m.group() == readServers }

// groupOf is what a counter belongs to: where that was there before and the counter was
// not, it began at 0.
func (m metric) groupOf(l labels) string {
	if m.beginsAtZero() {
		return l.identity()
	}
	return l.series()
}
