package kpi_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones are part of what is tested, not of the machine

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// zones are ordinary ones and those that break naive calendars: offsets of half
// and quarter hours, clocks set at midnight, by half an hour, or by a day.
var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata",
	"Asia/Kathmandu", "Australia/Sydney", "Australia/Adelaide", "Pacific/Chatham", "Australia/Lord_Howe",
	"America/Sao_Paulo", "America/Santiago", "America/Asuncion", "America/Havana", "Atlantic/Azores", "America/St_Johns",
	"Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Tehran", "Asia/Gaza", "Asia/Amman", "Pacific/Apia", "Pacific/Kiritimati",
}

func zone(t require.TestingT, name string) *time.Location {
	location, err := time.LoadLocation(name)
	require.NoError(t, err)
	return location
}

// utc reads a time like 2024-03-31T01:00Z.
func utc(t require.TestingT, text string) time.Time {
	instant, err := time.Parse("2006-01-02T15:04Z", text)
	require.NoError(t, err)
	return instant
}

func TestCalendarStartAndNext(t *testing.T) {
	tests := []struct {
		name     string
		zone     string
		fiscal   time.Month
		interval kpi.Interval
		at       string
		start    string
		next     string
	}{
		{"an hour", "Europe/Berlin", 0, kpi.IntervalHour, "2024-05-01T10:59Z", "2024-05-01T10:00Z", "2024-05-01T11:00Z"},
		{"a full hour begins itself", "Europe/Berlin", 0, kpi.IntervalHour, "2024-05-01T10:00Z", "2024-05-01T10:00Z", "2024-05-01T11:00Z"},
		{"an hour of India", "Asia/Kolkata", 0, kpi.IntervalHour, "2024-05-01T10:29Z", "2024-05-01T09:30Z", "2024-05-01T10:30Z"},
		{"an hour of Nepal", "Asia/Kathmandu", 0, kpi.IntervalHour, "2024-05-01T10:14Z", "2024-05-01T09:15Z", "2024-05-01T10:15Z"},
		{"the hour that comes twice, first", "Europe/Berlin", 0, kpi.IntervalHour, "2024-10-27T00:30Z", "2024-10-27T00:00Z", "2024-10-27T01:00Z"},
		{"the hour that comes twice, again", "Europe/Berlin", 0, kpi.IntervalHour, "2024-10-27T01:30Z", "2024-10-27T01:00Z", "2024-10-27T02:00Z"},
		{"an hour and a half where the clock goes back by 30 minutes", "Australia/Lord_Howe", 0, kpi.IntervalHour, "2025-04-05T15:10Z", "2025-04-05T14:00Z", "2025-04-05T15:30Z"},
		{"a day", "America/New_York", 0, kpi.IntervalDay, "2024-07-01T03:59Z", "2024-06-30T04:00Z", "2024-07-01T04:00Z"},
		{"a day of 23 hours", "Europe/Berlin", 0, kpi.IntervalDay, "2024-03-31T12:00Z", "2024-03-30T23:00Z", "2024-03-31T22:00Z"},
		{"a day of 25 hours", "Europe/Berlin", 0, kpi.IntervalDay, "2024-10-27T12:00Z", "2024-10-26T22:00Z", "2024-10-27T23:00Z"},
		{"a day without a midnight", "America/Santiago", 0, kpi.IntervalDay, "2025-09-07T12:00Z", "2025-09-07T04:00Z", "2025-09-08T03:00Z"},
		{"the day before it", "America/Santiago", 0, kpi.IntervalDay, "2025-09-07T03:59Z", "2025-09-06T04:00Z", "2025-09-07T04:00Z"},
		{"a day without a midnight in Cairo", "Africa/Cairo", 0, kpi.IntervalDay, "2025-04-25T12:00Z", "2025-04-24T22:00Z", "2025-04-25T21:00Z"},
		{"a day with two midnights begins at the first", "America/Havana", 0, kpi.IntervalDay, "2025-11-02T05:30Z", "2025-11-02T04:00Z", "2025-11-03T05:00Z"},
		{"two midnights in the Azores", "Atlantic/Azores", 0, kpi.IntervalDay, "2025-10-26T01:30Z", "2025-10-26T00:00Z", "2025-10-27T01:00Z"},
		{"Samoa had no 30 December 2011", "Pacific/Apia", 0, kpi.IntervalDay, "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"},
		{"and went on with the 31st", "Pacific/Apia", 0, kpi.IntervalDay, "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"},
		{"a minute past midnight the clock goes back over it", "America/St_Johns", 0, kpi.IntervalDay, "2010-11-07T03:00Z", "2010-11-07T02:30Z", "2010-11-08T03:30Z"},
		{"a week begins on Monday", "UTC", 0, kpi.IntervalWeek, "2024-05-05T23:59Z", "2024-04-29T00:00Z", "2024-05-06T00:00Z"},
		{"the 53rd week of 2009 (ISO 8601)", "UTC", 0, kpi.IntervalWeek, "2010-01-03T12:00Z", "2009-12-28T00:00Z", "2010-01-04T00:00Z"},
		{"a week with a change of clocks", "America/New_York", 0, kpi.IntervalWeek, "2024-11-04T04:59Z", "2024-10-28T04:00Z", "2024-11-04T05:00Z"},
		{"a month", "Europe/Berlin", 0, kpi.IntervalMonth, "2024-03-31T21:59Z", "2024-02-29T23:00Z", "2024-03-31T22:00Z"},
		{"from the 31st to a shorter month", "UTC", 0, kpi.IntervalMonth, "2024-01-31T12:00Z", "2024-01-01T00:00Z", "2024-02-01T00:00Z"},
		{"a quarter of the calendar year", "UTC", 0, kpi.IntervalQuarter, "2024-05-31T12:00Z", "2024-04-01T00:00Z", "2024-07-01T00:00Z"},
		{"a quarter of a fiscal year from February", "UTC", time.February, kpi.IntervalQuarter, "2024-01-31T12:00Z", "2023-11-01T00:00Z", "2024-02-01T00:00Z"},
		{"a quarter of a fiscal year from October", "UTC", time.October, kpi.IntervalQuarter, "2024-11-30T12:00Z", "2024-10-01T00:00Z", "2025-01-01T00:00Z"},
		{"a fiscal year from July", "UTC", time.July, kpi.IntervalYear, "2024-06-30T23:59Z", "2023-07-01T00:00Z", "2024-07-01T00:00Z"},
		{"a fiscal year from April in Tokyo", "Asia/Tokyo", time.April, kpi.IntervalYear, "2024-03-31T15:00Z", "2024-03-31T15:00Z", "2025-03-31T15:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calendar := kpi.Calendar{Location: zone(t, test.zone), FiscalYearStartMonth: test.fiscal}
			at := utc(t, test.at)
			assert.Equal(t, utc(t, test.start), calendar.Start(at, test.interval).UTC(), "start")
			assert.Equal(t, utc(t, test.next), calendar.Next(at, test.interval).UTC(), "next")
		})
	}
}

func TestFiscalYear(t *testing.T) {
	tests := []struct {
		first time.Month
		at    string
		want  int
	}{
		{0, "2024-12-31T12:00Z", 2024},
		{time.January, "2024-01-01T00:00Z", 2024},
		{time.July, "2023-06-30T12:00Z", 2023}, // Microsoft's fiscal year 2024 began on 1 July 2023
		{time.July, "2023-07-01T00:00Z", 2024},
		{time.October, "2024-09-30T12:00Z", 2024},
		{time.October, "2024-10-01T12:00Z", 2025},
		{time.December, "2024-11-30T12:00Z", 2024},
		{time.December, "2024-12-01T12:00Z", 2025},
	}
	for _, test := range tests {
		calendar := kpi.Calendar{FiscalYearStartMonth: test.first}
		assert.Equalf(t, test.want, calendar.FiscalYear(utc(t, test.at)), "%s with a year from %s", test.at, test.first)
	}
	tokyo := kpi.Calendar{Location: zone(t, "Asia/Tokyo")}
	assert.Equal(t, 2025, tokyo.FiscalYear(utc(t, "2024-12-31T15:00Z")), "the year turns in the calendar's zone")
}

func TestTheZeroCalendarIsUTC(t *testing.T) {
	assert.Equal(t, date(2024, 5, 1), kpi.Calendar{}.Start(date(2024, 5, 1).Add(5*time.Hour), kpi.IntervalDay))
}

func TestCalendarPanicsOnAuto(t *testing.T) {
	assert.Panics(t, func() { kpi.Calendar{}.Start(date(2024, 1, 1), kpi.IntervalAuto) }, "auto is no length of time")
}

func drawCalendar(t *rapid.T) kpi.Calendar {
	return kpi.Calendar{
		Location:             zone(t, rapid.SampledFrom(zones).Draw(t, "zone")),
		FiscalYearStartMonth: time.Month(rapid.IntRange(0, 12).Draw(t, "fiscal year starts")),
	}
}

// drawTime draws a time between 1985 and 2040, often near a change of the clock.
func drawTime(t *rapid.T, name string, location *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(473_385_600, 2_208_988_800).Draw(t, name), 0)
	if rapid.Bool().Draw(t, name+" near a change") {
		if _, changes := at.In(location).ZoneBounds(); !changes.IsZero() {
			at = changes.Add(time.Duration(rapid.Int64Range(-100_000, 100_000).Draw(t, name+" seconds from it")) * time.Second)
		}
	}
	return at
}

func TestEachTimeLiesInItsInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		interval := rapid.SampledFrom(kpi.Intervals()).Draw(t, "interval")
		at := drawTime(t, "time", calendar.Location)

		start, next := calendar.Start(at, interval), calendar.Next(at, interval)

		require.Falsef(t, start.After(at), "%s starts at %s, after %s", interval, start, at)
		require.Truef(t, next.After(at), "after %s the next %s is at %s", at, interval, next)
		require.True(t, calendar.Start(start, interval).Equal(start), "a start is its own start")
		require.True(t, calendar.Next(start, interval).Equal(next), "the start has the same next")
		require.True(t, calendar.Start(next.Add(-time.Nanosecond), interval).Equal(start), "until the next it is the same interval")
		require.True(t, calendar.Start(next, interval).Equal(next), "the next is a start")
	})
}

func TestIntervalsNestInLongerOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		at := drawTime(t, "time", calendar.Location)
		for _, longer := range []kpi.Interval{kpi.IntervalWeek, kpi.IntervalMonth, kpi.IntervalQuarter, kpi.IntervalYear} {
			start := calendar.Start(at, longer)
			require.Truef(t, calendar.Start(start, kpi.IntervalDay).Equal(start), "a %s begins with a day, not at %s", longer, start)
		}
		for _, longer := range []kpi.Interval{kpi.IntervalQuarter, kpi.IntervalYear} {
			start := calendar.Start(at, longer)
			require.Truef(t, calendar.Start(start, kpi.IntervalMonth).Equal(start), "a %s begins with a month, not at %s", longer, start)
		}
		require.False(t, calendar.Start(at, kpi.IntervalQuarter).Before(calendar.Start(at, kpi.IntervalYear)))
	})
}
