package kpi

import (
	"fmt"
	"slices"
	"strings"
)

// Interval is the length of a step in time. Its values are those of the query
// field interval.
type Interval string

// The intervals. A day begins at midnight, a week on Monday (ISO 8601), quarters
// and years are fiscal: see Calendar.
const (
	IntervalAuto    Interval = "auto" // to be chosen with Calendar.ChooseInterval
	IntervalHour    Interval = "hour"
	IntervalDay     Interval = "day"
	IntervalWeek    Interval = "week"
	IntervalMonth   Interval = "month"
	IntervalQuarter Interval = "quarter"
	IntervalYear    Interval = "year"
)

// Intervals lists the intervals from the shortest to the longest, without auto.
func Intervals() []Interval {
	return []Interval{IntervalHour, IntervalDay, IntervalWeek, IntervalMonth, IntervalQuarter, IntervalYear}
}

// ParseInterval reads an interval's name; an empty name is auto. The error lists
// the names.
func ParseInterval(name string) (Interval, error) {
	allowed := append([]Interval{IntervalAuto}, Intervals()...)
	if name == "" {
		return IntervalAuto, nil
	}
	if interval := Interval(strings.ToLower(name)); slices.Contains(allowed, interval) {
		return interval, nil
	}
	names := make([]string, len(allowed))
	for i, interval := range allowed {
		names[i] = string(interval)
	}
	return "", fmt.Errorf("%q is not one of %s", name, strings.Join(names, ", "))
}
