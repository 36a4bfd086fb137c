package kpi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestBuckets(t *testing.T) {
	berlin := kpi.Calendar{Location: zone(t, "Europe/Berlin")}

	days := berlin.Buckets(kpi.Span{From: utc(t, "2024-03-30T11:00Z"), To: utc(t, "2024-04-01T22:00Z")}, kpi.IntervalDay)
	require.Len(t, days, 3)
	assert.Equal(t, []time.Duration{12 * time.Hour, 23 * time.Hour, 24 * time.Hour},
		[]time.Duration{days[0].Duration(), days[1].Duration(), days[2].Duration()})
	assert.Equal(t, []bool{false, true, true}, []bool{days[0].Whole, days[1].Whole, days[2].Whole})

	hours := berlin.Buckets(kpi.Span{From: utc(t, "2024-10-26T22:00Z"), To: utc(t, "2024-10-27T23:00Z")}, kpi.IntervalHour)
	assert.Len(t, hours, 25, "the day on which the clock goes back has 25 hours")

	middle := berlin.Buckets(kpi.Span{From: utc(t, "2024-05-02T00:00Z"), To: utc(t, "2024-05-03T00:00Z")}, kpi.IntervalMonth)
	require.Len(t, middle, 1)
	assert.False(t, middle[0].Whole)

	assert.Empty(t, berlin.Buckets(kpi.Span{From: date(2024, 1, 2), To: date(2024, 1, 2)}, kpi.IntervalDay))
	assert.Empty(t, berlin.Buckets(kpi.Span{From: date(2024, 1, 2), To: date(2024, 1, 1)}, kpi.IntervalDay))
}

func TestBucketsTileTheSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		interval := rapid.SampledFrom(kpi.Intervals()).Draw(t, "interval")
		from := drawTime(t, "from", calendar.Location)
		days := map[kpi.Interval]int{kpi.IntervalHour: 5, kpi.IntervalDay: 100, kpi.IntervalWeek: 700}[interval]
		if days == 0 {
			days = 3000
		}
		to := from.Add(time.Duration(rapid.Int64Range(1, int64(days)*86_400).Draw(t, "seconds")) * time.Second)

		buckets := calendar.Buckets(kpi.Span{From: from, To: to}, interval)

		require.NotEmpty(t, buckets)
		at := from
		for i, bucket := range buckets {
			require.Truef(t, bucket.From.Equal(at), "bucket %d begins at %s, and the one before it ended at %s", i, bucket.From, at)
			require.Truef(t, bucket.To.After(bucket.From), "bucket %d is empty", i)
			require.True(t, calendar.Start(bucket.To.Add(-time.Nanosecond), interval).Equal(calendar.Start(bucket.From, interval)),
				"a bucket lies in one interval")
			require.Equal(t, calendar.Location, bucket.From.Location(), "its times are in the calendar's zone")
			if i > 0 && i < len(buckets)-1 {
				require.Truef(t, bucket.Whole, "bucket %d is within the span", i)
			}
			require.Equal(t, bucket.Whole, calendar.Start(bucket.From, interval).Equal(bucket.From) && calendar.Next(bucket.From, interval).Equal(bucket.To))
			at = bucket.To
		}
		require.Truef(t, at.Equal(to), "the buckets end at %s and the span at %s", at, to)
	})
}

func TestPreceding(t *testing.T) {
	tests := []struct {
		name          string
		zone          string
		fiscal        time.Month
		from, to      string
		precedingFrom string
	}{
		{"March by February", "UTC", 0, "2024-03-01T00:00Z", "2024-04-01T00:00Z", "2024-02-01T00:00Z"},
		{"February of 28 days by January, not by four weeks", "UTC", 0, "2027-02-01T00:00Z", "2027-03-01T00:00Z", "2027-01-01T00:00Z"},
		{"two months by two", "UTC", 0, "2024-02-01T00:00Z", "2024-04-01T00:00Z", "2023-12-01T00:00Z"},
		{"a quarter by a quarter", "UTC", 0, "2024-04-01T00:00Z", "2024-07-01T00:00Z", "2024-01-01T00:00Z"},
		{"a fiscal quarter by a fiscal quarter", "UTC", time.February, "2024-02-01T00:00Z", "2024-05-01T00:00Z", "2023-11-01T00:00Z"},
		{"a fiscal year by the one before", "UTC", time.July, "2024-07-01T00:00Z", "2025-07-01T00:00Z", "2023-07-01T00:00Z"},
		{"a leap year by 365 days", "UTC", 0, "2024-01-01T00:00Z", "2025-01-01T00:00Z", "2023-01-01T00:00Z"},
		{"a week by a week", "UTC", 0, "2024-05-06T00:00Z", "2024-05-13T00:00Z", "2024-04-29T00:00Z"},
		{"seven days from a Wednesday", "UTC", 0, "2024-05-08T00:00Z", "2024-05-15T00:00Z", "2024-05-01T00:00Z"},
		{"days of the zone, over a change of clocks", "Europe/Berlin", 0, "2024-03-31T22:00Z", "2024-04-02T22:00Z", "2024-03-29T23:00Z"},
		{"the day of 23 hours by one of 24", "Europe/Berlin", 0, "2024-03-30T23:00Z", "2024-03-31T22:00Z", "2024-03-29T23:00Z"},
		{"March of a zone, which is no month of UTC", "America/New_York", 0, "2024-03-01T05:00Z", "2024-04-01T04:00Z", "2024-02-01T05:00Z"},
		{"six hours by six hours", "Europe/Berlin", 0, "2024-03-31T00:00Z", "2024-03-31T06:00Z", "2024-03-30T18:00Z"},
		{"a day and a half", "UTC", 0, "2024-05-02T00:00Z", "2024-05-03T12:00Z", "2024-04-30T12:00Z"},
		{"nothing by nothing", "UTC", 0, "2024-05-01T00:00Z", "2024-05-01T00:00Z", "2024-05-01T00:00Z"},
		{"backwards by nothing", "UTC", 0, "2024-05-02T00:00Z", "2024-05-01T00:00Z", "2024-05-02T00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calendar := kpi.Calendar{Location: zone(t, test.zone), FiscalYearStartMonth: test.fiscal}
			preceding := calendar.Preceding(kpi.Span{From: utc(t, test.from), To: utc(t, test.to)})
			assert.Equal(t, utc(t, test.precedingFrom), preceding.From.UTC())
			assert.Equal(t, utc(t, test.from), preceding.To.UTC(), "it ends where the span begins")
		})
	}
}

func TestPrecedingOfWholeIntervalsIsAsMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		interval := rapid.SampledFrom(kpi.Intervals()[1:]).Draw(t, "interval")
		from := calendar.Start(drawTime(t, "from", calendar.Location), interval)
		to, count := from, rapid.IntRange(1, 5).Draw(t, "count")
		for range count {
			to = calendar.Next(to, interval)
		}

		preceding := calendar.Preceding(kpi.Span{From: from, To: to})

		require.True(t, preceding.To.Equal(from), "it ends where the span begins")
		if calendar.Start(from, kpi.IntervalMonth).Equal(from) && calendar.Start(to, kpi.IntervalMonth).Equal(to) {
			interval, count = kpi.IntervalMonth, len(calendar.Buckets(kpi.Span{From: from, To: to}, kpi.IntervalMonth))
		}
		require.True(t, calendar.Start(preceding.From, interval).Equal(preceding.From), "it begins with one")
		require.Len(t, calendar.Buckets(preceding, interval), count, "it has as many")
	})
}

func TestPrecedingOfOtherSpansIsAsLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		from := drawTime(t, "from", calendar.Location).Truncate(time.Hour).Add(time.Minute) // no day begins there
		span := kpi.Span{From: from, To: from.Add(time.Duration(rapid.Int64Range(0, 1e8).Draw(t, "seconds")) * time.Second)}
		preceding := calendar.Preceding(span)
		require.Equal(t, span.Duration(), preceding.Duration())
		require.True(t, preceding.To.Equal(from))
	})
}

func TestChooseInterval(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name   string
		length time.Duration
		points int64
		want   kpi.Interval
	}{
		{"an hour", time.Hour, 1000, kpi.IntervalHour},
		{"three days", 3 * day, 1000, kpi.IntervalHour},
		{"a week", 7 * day, 1000, kpi.IntervalDay},
		{"a quarter", 92 * day, 1000, kpi.IntervalDay},
		{"a year", 365 * day, 1000, kpi.IntervalWeek},
		{"two years", 731 * day, 1000, kpi.IntervalWeek},
		{"five years", 5 * 365 * day, 1000, kpi.IntervalMonth},
		{"thirty years", 30 * 365 * day, 1000, kpi.IntervalQuarter},
		{"three days on a small panel", 3 * day, 50, kpi.IntervalDay},
		{"a quarter on a small panel", 92 * day, 50, kpi.IntervalWeek},
		{"a year on a tiny panel", 365 * day, 10, kpi.IntervalQuarter},
		{"thirty years in two points", 30 * 365 * day, 2, kpi.IntervalYear},
		{"no limit", 92 * day, 0, kpi.IntervalDay},
		{"nothing", 0, 1000, kpi.IntervalHour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			from := date(2024, 1, 1)
			assert.Equal(t, test.want, kpi.Calendar{}.ChooseInterval(kpi.Span{From: from, To: from.Add(test.length)}, test.points))
		})
	}
}

func TestChosenIntervalFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendar := drawCalendar(t)
		from := drawTime(t, "from", calendar.Location)
		span := kpi.Span{From: from, To: from.Add(time.Duration(rapid.Int64Range(1, 1_000_000_000).Draw(t, "seconds")) * time.Second)}
		points := rapid.Int64Range(1, 2000).Draw(t, "points")
		if interval := calendar.ChooseInterval(span, points); interval != kpi.IntervalYear {
			require.LessOrEqual(t, int64(len(calendar.Buckets(span, interval))), points)
		}
	})
}

func TestParseInterval(t *testing.T) {
	for _, interval := range append(kpi.Intervals(), kpi.IntervalAuto) {
		got, err := kpi.ParseInterval(string(interval))
		require.NoError(t, err)
		assert.Equal(t, interval, got)
	}
	auto, err := kpi.ParseInterval("")
	require.NoError(t, err)
	assert.Equal(t, kpi.IntervalAuto, auto)
	week, err := kpi.ParseInterval("Week")
	require.NoError(t, err)
	assert.Equal(t, kpi.IntervalWeek, week)
	_, err = kpi.ParseInterval("fortnight")
	assert.EqualError(t, err, `"fortnight" is not one of auto, hour, day, week, month, quarter, year`)
}
