package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/report"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	require.NoError(t, err)
	return location
}

func TestParsePeriod(t *testing.T) {
	calendarYear := kpi.Calendar{}
	october := kpi.Calendar{FiscalYearStartMonth: time.October}
	berlin := kpi.Calendar{Location: zone(t, "Europe/Berlin")}
	berlinOctober := kpi.Calendar{Location: berlin.Location, FiscalYearStartMonth: time.October}
	cairo := kpi.Calendar{Location: zone(t, "Africa/Cairo")}
	for _, test := range []struct {
		text           string
		calendar       kpi.Calendar
		now            string
		name, from, to string
		over           bool
	}{
		{"2026-Q3", calendarYear, "2026-11-24T12:00:00Z", "Q3 2026", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		{"2026-Q4", calendarYear, "2026-11-24T12:00:00Z", "Q4 2026", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", false},
		{"2026-Q4", calendarYear, "2027-01-01T00:00:00Z", "Q4 2026", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", true},
		{"2026-09", calendarYear, "2026-11-24T12:00:00Z", "September 2026", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		{"2026", calendarYear, "2026-11-24T12:00:00Z", "2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", false},
		{"2024-02", calendarYear, "2026-11-24T12:00:00Z", "February 2024", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", true},
		// A fiscal year is named after the calendar year it ends in.
		{"2026", october, "2026-11-24T12:00:00Z", "Fiscal year 2026", "2025-10-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		{"2026-Q1", october, "2026-11-24T12:00:00Z", "Q1 fiscal year 2026", "2025-10-01T00:00:00Z", "2026-01-01T00:00:00Z", true},
		{"2027-Q1", october, "2026-11-24T12:00:00Z", "Q1 fiscal year 2027", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", false},
		{"2026-Q4", october, "2026-11-24T12:00:00Z", "Q4 fiscal year 2026", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		{"2026-09", october, "2026-11-24T12:00:00Z", "September 2026", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		// Daylight saving: March of Berlin begins in winter and ends in summer time.
		{"2026-03", berlin, "2026-11-24T12:00:00Z", "March 2026", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", true},
		{"2026-Q4", berlin, "2027-01-24T12:00:00Z", "Q4 2026", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00", true},
		{"2026", berlinOctober, "2026-11-24T12:00:00Z", "Fiscal year 2026", "2025-10-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00", true},
		// Cairo set its clock forward at midnight of a Friday in late April.
		{"2026-04", cairo, "2026-11-24T12:00:00Z", "April 2026", "2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+03:00", true},
		{"last-month", calendarYear, "2026-03-01T00:00:00Z", "February 2026", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", true},
		{"last-quarter", calendarYear, "2026-11-24T12:00:00Z", "Q3 2026", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		{"last-quarter", october, "2026-11-24T12:00:00Z", "Q4 fiscal year 2026", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", true},
		// It is still March in UTC and April already in Berlin.
		{"last-month", berlin, "2026-03-31T22:30:00Z", "March 2026", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", true},
		{"last-month", calendarYear, "2026-03-31T22:30:00Z", "February 2026", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", true},
	} {
		t.Run(test.text+" at "+test.now+" of "+test.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, test.now)
			require.NoError(t, err)
			period, err := report.ParsePeriod(test.text, test.calendar, now)
			require.NoError(t, err)
			assert.Equal(t, test.name, period.Name)
			assert.Equal(t, test.from, period.From.Format(time.RFC3339))
			assert.Equal(t, test.to, period.To.Format(time.RFC3339))
			assert.Equal(t, test.over, period.Over(now))
		})
	}
}

func TestParsePeriodTeaches(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, says := range map[string]string{
		"":           "write 2026-Q3",
		"Q3":         "write 2026-Q3",
		"2026-Q5":    "write 2026-Q3",
		"2026-q3":    "write 2026-Q3",
		"2026-9":     "write 2026-Q3",
		"0000":       "write 2026-Q3",
		"2026-13":    "months are 01 to 12; a quarter is written 2026-Q1",
		"2026-00":    "months are 01 to 12",
		"2026-09-01": "last-quarter or last-month",
		"last-week":  "last-quarter or last-month",
		"2027-Q1":    "begins on 1 January 2027",
		"2026-12":    "begins on 1 December 2026",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := report.ParsePeriod(text, kpi.Calendar{}, now)
			var wrong *report.PeriodError
			require.ErrorAs(t, err, &wrong)
			assert.ErrorContains(t, err, says)
		})
	}
}
