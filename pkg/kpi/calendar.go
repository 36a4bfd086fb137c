package kpi

import "time"

// Calendar says where days, weeks and quarters begin: the time zone, daylight
// saving included, and the fiscal year. Its zero value is UTC and the calendar
// year.
type Calendar struct {
	Location             *time.Location // nil is UTC
	FiscalYearStartMonth time.Month     // 0 is January
}

func (c Calendar) location() *time.Location {
	if c.Location == nil {
		return time.UTC
	}
	return c.Location
}

// fiscalMonth is 0 for the first month of the fiscal year.
func (c Calendar) fiscalMonth(month time.Month) int {
	first := max(c.FiscalYearStartMonth, time.January)
	return (int(month-first) + 12) % 12
}

// FiscalYear returns the fiscal year of a time. It is named after the calendar
// year in which it ends.
func (c Calendar) FiscalYear(t time.Time) int {
	year, month, _ := t.In(c.location()).Date()
	// The month in which the fiscal year ends is 11 months after its first.
	return time.Date(year, month+time.Month(11-c.fiscalMonth(month)), 1, 0, 0, 0, 0, time.UTC).Year()
}

// Start returns when the interval that t lies in began, in the calendar's zone.
// It panics on IntervalAuto, which is to be chosen first.
func (c Calendar) Start(t time.Time, interval Interval) time.Time {
	t = t.In(c.location())
	if interval == IntervalHour {
		return hourStart(t)
	}
	start := c.boundary(t, interval, 0)
	// A clock set back across midnight shows a date again after the next has begun.
	for n := 1; ; n++ {
		next := c.boundary(t, interval, n)
		if next.After(t) {
			return start
		}
		start = next
	}
}

// Next returns when the interval after the one that t lies in begins, always
// after t. It panics on IntervalAuto.
func (c Calendar) Next(t time.Time, interval Interval) time.Time {
	t = t.In(c.location())
	if interval == IntervalHour {
		return nextHour(hourStart(t))
	}
	for n := 1; ; n++ {
		if next := c.boundary(t, interval, n); next.After(t) {
			return next
		}
	}
}

// boundary is when the interval begins that is n after the one t's date lies in.
func (c Calendar) boundary(t time.Time, interval Interval, n int) time.Time {
	year, month, day := t.Date()
	switch interval {
	case IntervalDay:
		day += n
	case IntervalWeek:
		sinceMonday := (int(t.Weekday()) + 6) % 7
		day += 7*n - sinceMonday
	case IntervalMonth:
		month, day = month+time.Month(n), 1
	case IntervalQuarter:
		month, day = month+time.Month(3*n-c.fiscalMonth(month)%3), 1
	case IntervalYear:
		month, day = month+time.Month(12*n-c.fiscalMonth(month)), 1
	default:
		panic("kpi: the calendar has no interval " + string(interval))
	}
	return dayStart(year, month, day, c.location())
}

// dayStart is the first instant of a date in a zone. It is not always midnight:
// where the clock is set forward at midnight (Cairo, Santiago) the day begins at
// one, and time.Date may answer with an hour of the day before; where it is set
// back to midnight (Havana, the Azores) midnight comes twice. A date that a zone
// left out (Samoa, 30 December 2011) begins and ends when the next one begins.
func dayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, zone)
	changed, changes := midnight.ZoneBounds()
	if wall := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); !sameClock(midnight, wall) {
		if clockOf(midnight).Before(wall) {
			return changes.In(zone)
		}
		return changed.In(zone)
	}
	if changed.IsZero() {
		return midnight
	}
	_, offset := midnight.Zone()
	_, offsetBefore := changed.Add(-time.Nanosecond).In(zone).Zone()
	earlier := midnight.Add(time.Duration(offset-offsetBefore) * time.Second)
	if earlier.Before(midnight) && sameClock(earlier, midnight) {
		return earlier
	}
	return midnight
}

// clockOf is what the clock on the wall shows, as a time that can be compared.
func clockOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

func sameClock(a, b time.Time) bool { return clockOf(a).Equal(clockOf(b)) }

// hourStart is the last full hour on the clock at or before t. Where the clock is
// set by half an hour (Lord Howe), that hour is half an hour longer: every edge
// stays on a full hour, which is the grain of the roll-ups.
func hourStart(t time.Time) time.Time {
	for !onFullHour(t) {
		t = t.Add(-sinceFullHour(t))
	}
	return t
}

func nextHour(start time.Time) time.Time {
	next := start.Add(time.Hour)
	for !onFullHour(next) {
		next = next.Add(time.Hour - sinceFullHour(next))
	}
	return next
}

func onFullHour(t time.Time) bool { return sinceFullHour(t) == 0 }

func sinceFullHour(t time.Time) time.Duration {
	return time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}
