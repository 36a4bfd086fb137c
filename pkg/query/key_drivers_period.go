package query

import (
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// elapsed leaves the hours out that have not passed yet, because an unfinished
// month against a full one would be a wrong answer: both periods are cut alike.
func (p plan) elapsed(request Request) (plan, []data.Notice) {
	if !p.span.To.After(request.Now) {
		return p, nil
	}
	asked := p.span
	p.span.To = p.calendar.Start(request.Now, kpi.IntervalHour)
	if !p.span.From.Before(p.span.To) {
		p.span.To, p.previous.To = p.span.From, p.previous.From
		return p, []data.Notice{information("No full hour of this period has passed yet. Choose an earlier or a longer time range.")}
	}
	if asked.To.Sub(p.span.To) <= time.Hour {
		p.previous = p.calendar.Preceding(p.span) // a range up to now, less the hour that runs
		return p, nil
	}
	zone := p.calendar.Location // the span as it was asked may be in another
	p.previous = sameStretch(p.previous, kpi.Span{From: p.span.From.In(zone), To: p.span.To.In(zone)})
	return p, []data.Notice{information(fmt.Sprintf("The period is not over: it is compared up to %s with the same stretch of the preceding period, up to %s.",
		p.span.To.Format("2 January 2006 15:04"), p.previous.To.Format("2 January 2006 15:04")))}
}

// sameStretch cuts the preceding period to the length of a span by the clock on
// the wall: the first nine and a half days of a month whatever daylight saving
// does. Where it is too short for that (February), it ends where it does and
// begins earlier.
func sameStretch(preceding, span kpi.Span) kpi.Span {
	hours := int(wallClock(span.To).Sub(wallClock(span.From)).Hours())
	later := func(t time.Time, hours int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour()+hours, t.Minute(), t.Second(), 0, t.Location())
	}
	if to := later(preceding.From, hours); to.Before(preceding.To) {
		return kpi.Span{From: preceding.From, To: to}
	}
	return kpi.Span{From: later(preceding.To, -hours), To: preceding.To}
}

func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
