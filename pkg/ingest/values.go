package ingest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// required returns a column's text, which must not be empty.
func (r record) required(column string) (string, error) {
	text := r.text(column)
	if text == "" {
		return "", fmt.Errorf("%s is empty", column)
	}
	return text, nil
}

// amount reads a column as a number that is not negative.
func (r record) amount(column string) (float64, error) {
	text, err := r.required(column)
	if err != nil {
		return 0, err
	}
	amount, err := parseAmount(text)
	if err != nil {
		return 0, fmt.Errorf("%s %w", column, err)
	}
	return amount, nil
}

// optionalAmount is like amount; an empty field is nil.
func (r record) optionalAmount(column string) (*float64, error) {
	if r.text(column) == "" {
		return nil, nil
	}
	amount, err := r.amount(column)
	if err != nil {
		return nil, err
	}
	return &amount, nil
}

// parseAmount reads a decimal number that is not negative. What Go reads besides
// (hexadecimal, NaN, Inf, underscores) is no figure anybody meant.
func parseAmount(text string) (float64, error) {
	shown := excerpt([]byte(text))
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case "nan":
		return 0, errors.New("is NaN, not a number")
	case "inf", "infinity":
		return 0, errors.New("is infinite")
	}
	if strings.Trim(text, "+-.0123456789eE") != "" {
		switch {
		case strings.HasPrefix(strings.ToLower(strings.TrimLeft(text, "+-")), "0x"):
			return 0, fmt.Errorf("%q is hexadecimal: write it as a decimal number", shown)
		case strings.Trim(text, "+-.,'_ 0123456789") == "":
			return 0, fmt.Errorf("%q is not a number: write it with a decimal point and without separators, like 1234.5", shown)
		}
		return 0, fmt.Errorf("%q is not a number", shown)
	}
	amount, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%q is too large", shown)
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", shown)
	case amount < 0 || math.Signbit(amount) && amount != 0:
		return 0, fmt.Errorf("%s is negative", shown)
	}
	return math.Abs(amount), nil // -0 is 0
}

// count reads a column as a whole number that is not negative. pandas writes
// whole numbers as 8.0 where a column has gaps.
func (r record) count(column string) (int64, error) {
	amount, err := r.amount(column)
	if err != nil {
		return 0, err
	}
	const exact = 1 << 53
	if amount != math.Trunc(amount) || amount > exact {
		return 0, fmt.Errorf("%s %s is not a whole number", column, excerpt([]byte(r.text(column))))
	}
	return int64(amount), nil
}

// day reads a column as a date (2006-01-02), midnight in UTC.
func (r record) day(column string) (time.Time, error) {
	text, err := r.required(column)
	if err != nil {
		return time.Time{}, err
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q is not a date: write it as 2026-01-31", column, excerpt([]byte(text)))
	}
	return day, nil
}

// month reads a column as a month (2006-01), or its first day.
func (r record) month(column string) (time.Time, error) {
	text, err := r.required(column)
	if err != nil {
		return time.Time{}, err
	}
	month, err := time.Parse("2006-01", text)
	if err != nil {
		month, err = time.Parse(time.DateOnly, text)
	}
	if err != nil || month.Day() != 1 {
		return time.Time{}, fmt.Errorf("%s %q is not a month: write it as 2026-01", column, excerpt([]byte(text)))
	}
	return month, nil
}

// timeLayouts are the times that sources write; a fraction of a second is read
// wherever it stands.
var timeLayouts = []string{
	"2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00",
}

// time reads a column as a time; zone is that of a time that says none.
func (r record) time(column string, zone *time.Location) (time.Time, error) {
	text, err := r.required(column)
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is not a time: write it as 2026-01-31T12:00:00", column, excerpt([]byte(text)))
}
