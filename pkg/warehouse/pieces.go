package warehouse

import (
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// piece is a run of whole buckets of one roll-up that counts for a period, or,
// with sign -1, against it.
type piece struct {
	span   kpi.Span
	period int32
	sign   int32
}

// grains are the roll-ups from the coarsest to the finest.
var grains = []kpi.Interval{kpi.IntervalMonth, kpi.IntervalDay, kpi.IntervalHour}

// pieces gathers what is to be read of each roll-up.
type pieces map[kpi.Interval][]piece

// cover adds the fewest buckets that make up a span: whole months, then days,
// then hours, and where most of a bucket lies in the span the bucket less its
// rest. The span's ends lie on full hours.
func (p pieces) cover(calendar kpi.Calendar, span kpi.Span, period, sign int32, grains []kpi.Interval) {
	grain, finer := grains[0], grains[1:]
	if len(finer) == 0 {
		p[grain] = append(p[grain], piece{span, period, sign})
		return
	}
	for start := calendar.Start(span.From, grain); start.Before(span.To); {
		end := calendar.Next(start, grain)
		inside := kpi.Span{From: later(start, span.From), To: earlier(end, span.To)}
		if 2*inside.Duration() > end.Sub(start) {
			p[grain] = append(p[grain], piece{kpi.Span{From: start, To: end}, period, sign})
			for _, rest := range []kpi.Span{{From: start, To: inside.From}, {From: inside.To, To: end}} {
				if rest.From.Before(rest.To) {
					p.cover(calendar, rest, period, -sign, finer)
				}
			}
		} else {
			p.cover(calendar, inside, period, sign, finer)
		}
		start = end
	}
}

// coverWithin adds the whole days of a span and the hours before and after them:
// buckets that lie in the span, and nothing to subtract.
func (p pieces) coverWithin(calendar kpi.Calendar, span kpi.Span, period int32) {
	add := func(grain kpi.Interval, from, to time.Time) {
		if from.Before(to) {
			p[grain] = append(p[grain], piece{kpi.Span{From: from, To: to}, period, 1})
		}
	}
	from, to := startAtOrAfter(calendar, span.From, kpi.IntervalDay), calendar.Start(span.To, kpi.IntervalDay)
	if !from.Before(to) {
		add(kpi.IntervalHour, span.From, span.To)
		return
	}
	add(kpi.IntervalHour, span.From, from)
	add(kpi.IntervalDay, from, to)
	add(kpi.IntervalHour, to, span.To)
}

// arguments are the buckets of each roll-up as arrays of equal length, named after
// it with a prefix. None is empty arrays: NULL would be no rows of any roll-up.
func (p pieces) arguments(calendar kpi.Calendar, prefix string, into map[string]any) {
	for _, grain := range grains {
		at, until, periods, signs := []time.Time{}, []time.Time{}, []int32{}, []int32{}
		for _, piece := range p[grain] {
			for start := piece.span.From; start.Before(piece.span.To); {
				end := calendar.Next(start, grain)
				at, until = append(at, start), append(until, end)
				periods, signs = append(periods, piece.period), append(signs, piece.sign)
				start = end
			}
		}
		name := prefix + string(grain)
		into[name+"_at"], into[name+"_until"], into[name+"_period"], into[name+"_sign"] = at, until, periods, signs
	}
}
