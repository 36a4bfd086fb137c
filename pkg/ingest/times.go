package ingest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-strftime"
)

// timeFormat reads the times of a column.
type timeFormat struct {
	zone    *time.Location // of times that name none
	layouts []string
	pattern string // strftime's
	zoned   bool   // the pattern says the zone
	unix    ratio  // nanoseconds in one of the column's units since 1970, else 0
	// twice counts local times that the zone has twice, when clocks go back.
	twice int
}

// unixFormats are times as numbers since 1970-01-01T00:00:00Z.
var unixFormats = map[string]ratio{"unix_s": {1e9, 1}, "unix_ms": {1e6, 1}, "unix_us": {1e3, 1}, "unix_ns": {1, 1}}

// moreTimeLayouts are the times that databases write into CSV.
var moreTimeLayouts = []string{"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05-0700", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05 UTC", time.DateOnly}

// newTimeFormat reads what a mapping says: iso (or nothing), unix_s, unix_ms, unix_us,
// unix_ns, or strftime's pattern. zone is an IANA name; nothing is UTC.
func newTimeFormat(format, zone string) (*timeFormat, error) {
	t := &timeFormat{zone: time.UTC}
	if zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			return nil, fmt.Errorf("%q is not a time zone: use an IANA name, for example Europe/Berlin", zone)
		}
		t.zone = location
	}
	if unix, ok := unixFormats[format]; ok {
		if zone != "" {
			return nil, fmt.Errorf("format %s counts from 1970 in UTC, so it takes no zone", format)
		}
		t.unix = unix
		return t, nil
	}
	if format == "" || format == "iso" {
		t.layouts = slices.Concat(timeLayouts, moreTimeLayouts)
		return t, nil
	}
	if !strings.Contains(format, "%") {
		return nil, fmt.Errorf(`unknown format %q: it is iso, unix_s, unix_ms, unix_us, unix_ns, or a pattern of strftime such as "%%d.%%m.%%Y %%H:%%M:%%S"`, format)
	}
	sample := time.Date(2026, 1, 31, 13, 4, 5, 0, time.UTC)
	read, err := strftime.Parse(format, strftime.Format(format, sample))
	switch {
	case err != nil:
		return nil, fmt.Errorf(`format %q cannot be read: it takes %%Y %%m %%d %%H %%M %%S, %%y %%b %%B %%e %%I %%p %%j, %%L (ms), %%f (µs), %%N (ns), %%z and %%Z`, format)
	case read.Year() != sample.Year() || read.YearDay() != sample.YearDay():
		return nil, fmt.Errorf("format %q does not say the whole date", format)
	}
	t.pattern, t.zoned = format, strings.Contains(format, "%z") || strings.Contains(format, "%Z") || strings.Contains(format, "%:z")
	return t, nil
}

// parse reads a time. Its error says what would be right.
func (t *timeFormat) parse(text string) (time.Time, error) {
	switch {
	case t.unix.over != 0:
		return t.parseUnix(text)
	case t.pattern != "":
		at, err := strftime.Parse(t.pattern, text)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not a time of the format %q", excerpt([]byte(text)), t.pattern)
		}
		if t.zoned {
			return at, nil
		}
		return t.local(at)
	}
	for _, layout := range t.layouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if strings.ContainsAny(layout, "Z-") && (strings.Contains(layout, "Z07") || strings.Contains(layout, "-0700")) || strings.HasSuffix(layout, "UTC") {
			return at, nil
		}
		return t.local(at)
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write it as 2026-01-31T12:00:00Z, or say its format in the mapping", excerpt([]byte(text)))
}

func (t *timeFormat) parseUnix(text string) (time.Time, error) {
	number, err := parseNumber(text)
	if err != nil {
		return time.Time{}, err
	}
	nanoseconds, _, err := number.times(t.unix)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no time since 1970 in that unit", excerpt([]byte(text)))
	}
	return time.Unix(0, nanoseconds).UTC(), nil
}

// local is the time at which clocks in the zone show what at shows in UTC. When they
// go back they show it twice: the first time is taken, and counted.
func (t *timeFormat) local(at time.Time) (time.Time, error) {
	if t.zone == time.UTC {
		return at, nil
	}
	const longestShift = 26 * time.Hour
	var found []time.Time
	for _, near := range []time.Time{at.Add(-longestShift), at.Add(longestShift)} {
		_, offset := near.In(t.zone).Zone()
		candidate := at.Add(-time.Duration(offset) * time.Second)
		_, has := candidate.In(t.zone).Zone()
		if has == offset && (len(found) == 0 || !found[0].Equal(candidate)) {
			found = append(found, candidate)
		}
	}
	switch len(found) {
	case 0:
		return time.Time{}, fmt.Errorf("%s is a time that clocks in %s skip", at.Format("2006-01-02 15:04:05"), t.zone)
	case 2:
		t.twice++
		if found[1].Before(found[0]) {
			return found[1], nil
		}
	}
	return found[0], nil
}
