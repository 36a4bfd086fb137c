package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Period is what a report is of: a month, or a quarter or year of the company's
// fiscal calendar.
type Period struct {
	// Name is how people call it, such as "Q3 of fiscal year 2026".
	Name string
	kpi.Span
	Interval kpi.Interval // month, quarter or year
}

// Over says that the period has ended.
func (p Period) Over(now time.Time) bool { return !now.Before(p.To) }

// PeriodError is a period that cannot be reported. It says what would be right.
type PeriodError struct{ message string }

func (e *PeriodError) Error() string { return e.message }

var periodForm = regexp.MustCompile(`^((?:19|20)\d{2})(?:-(?:Q([1-4])|(\d{2})))?$`)

// ParsePeriod reads a period: 2026-Q3 and 2026 are of the fiscal year, which is
// named after the calendar year it ends in; 2026-09 is a month of the calendar.
// last-quarter and last-month are the last ones that are over. A period that has
// not begun is refused. The error is a PeriodError.
func ParsePeriod(text string, calendar kpi.Calendar, now time.Time) (Period, error) {
	var period Period
	switch text {
	case "last-quarter":
		period = preceding(calendar, kpi.IntervalQuarter, now)
	case "last-month":
		period = preceding(calendar, kpi.IntervalMonth, now)
	default:
		within, interval, err := pointIn(text, calendar)
		if err != nil {
			return Period{}, err
		}
		period = periodOf(calendar, interval, within)
	}
	if !period.From.Before(now) {
		return Period{}, &PeriodError{fmt.Sprintf("%s begins on %s, so there is nothing to report yet; last-quarter and last-month are over",
			period.Name, day(period.From))}
	}
	return period, nil
}

// pointIn finds a time well within the period of a name.
func pointIn(text string, calendar kpi.Calendar) (time.Time, kpi.Interval, error) {
	parts := periodForm.FindStringSubmatch(text)
	if parts == nil {
		return time.Time{}, "", &PeriodError{fmt.Sprintf(
			"%q is not a period: write 2026-Q3 (a fiscal quarter), 2026-09 (a month), 2026 (a fiscal year), last-quarter or last-month", text)}
	}
	year, _ := strconv.Atoi(parts[1])   // four digits
	number, _ := strconv.Atoi(parts[2]) // 1 to 4, or nothing
	// The fiscal year ends in the calendar year it is named after.
	first := max(calendar.FiscalYearStartMonth, time.January)
	firstYear := year
	if first > time.January {
		firstYear--
	}
	middle := func(year int, month time.Month) time.Time {
		return time.Date(year, month, 15, 12, 0, 0, 0, zoneOf(calendar))
	}
	switch {
	case parts[2] != "":
		return middle(firstYear, first+time.Month(3*(number-1))), kpi.IntervalQuarter, nil
	case parts[3] != "":
		month, _ := strconv.Atoi(parts[3])
		if month < 1 || month > 12 {
			return time.Time{}, "", &PeriodError{fmt.Sprintf("%q has no month %s: months are 01 to 12; a quarter is written %s-Q1", text, parts[3], parts[1])}
		}
		return middle(year, time.Month(month)), kpi.IntervalMonth, nil
	}
	return middle(firstYear, first), kpi.IntervalYear, nil
}

// preceding is the last interval that was over at a time.
func preceding(calendar kpi.Calendar, interval kpi.Interval, now time.Time) Period {
	return periodOf(calendar, interval, calendar.Start(now, interval).Add(-time.Nanosecond))
}

func periodOf(calendar kpi.Calendar, interval kpi.Interval, within time.Time) Period {
	span := kpi.Span{From: calendar.Start(within, interval), To: calendar.Next(within, interval)}
	return Period{Name: nameOf(calendar, interval, span.From), Span: span, Interval: interval}
}

// nameOf calls a period by the calendar year where that is the fiscal year too.
func nameOf(calendar kpi.Calendar, interval kpi.Interval, from time.Time) string {
	year := "fiscal year " + strconv.Itoa(calendar.FiscalYear(from))
	if calendar.FiscalYearStartMonth <= time.January {
		year = strconv.Itoa(calendar.FiscalYear(from))
	}
	switch interval {
	case kpi.IntervalQuarter:
		return fmt.Sprintf("Q%d %s", quarterOf(calendar, from), year)
	case kpi.IntervalYear:
		return strings.ToUpper(year[:1]) + year[1:]
	}
	return from.Format("January 2006")
}

// quarterOf counts the quarters since the fiscal year began.
func quarterOf(calendar kpi.Calendar, from time.Time) int {
	begun := kpi.Span{From: calendar.Start(from, kpi.IntervalYear), To: from}
	return 1 + len(calendar.Buckets(begun, kpi.IntervalQuarter))
}

func zoneOf(calendar kpi.Calendar) *time.Location {
	if calendar.Location == nil {
		return time.UTC
	}
	return calendar.Location
}

// day writes a date as people do.
func day(t time.Time) string { return t.Format("2 January 2006") }

// lastDay is the last day of a span, whose end is not in it.
func lastDay(span kpi.Span) time.Time { return span.To.Add(-time.Nanosecond) }
