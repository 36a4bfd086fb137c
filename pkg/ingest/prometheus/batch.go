package prometheus

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// reading is what a meter said at a time, and the holders it was said of.
type reading struct {
	sample
	holders []string
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
