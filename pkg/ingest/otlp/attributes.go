package otlp

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// attributes are those of a span or data point before those of its resource.
type attributes struct{ own, resource pcommon.Map }

// text returns an attribute by its present or a former name; empty where there is
// none, or where it is no scalar.
func (a attributes) text(name string) string {
	for _, m := range []pcommon.Map{a.own, a.resource} {
		if value, ok := lookup(m, name); ok {
			if text := scalar(value); text != "" {
				return text
			}
		}
	}
	return ""
}

// first returns the first of several attributes that is there.
func (a attributes) first(names []string) string {
	for _, name := range names {
		if text := a.text(name); text != "" {
			return text
		}
	}
	return ""
}

func lookup(m pcommon.Map, name string) (pcommon.Value, bool) {
	if value, ok := m.Get(name); ok {
		return value, true
	}
	for _, former := range formerNames[name] {
		if value, ok := m.Get(former); ok {
			return value, true
		}
	}
	return pcommon.Value{}, false
}

func scalar(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeStr, pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeBool:
		if text := strings.TrimSpace(value.AsString()); text != notFound {
			return text
		}
	}
	return ""
}

// mostTokens is more than any one call or stream has had.
const mostTokens = 1 << 50

// tokens reads an attribute as a number of tokens; 0 where there is none.
func tokens(m pcommon.Map, name string) (count int64, given bool, err error) {
	value, ok := lookup(m, name)
	if !ok {
		return 0, false, nil
	}
	switch value.Type() {
	case pcommon.ValueTypeInt:
		count, err = wholeTokens(float64(value.Int()))
	case pcommon.ValueTypeDouble:
		count, err = wholeTokens(value.Double())
	case pcommon.ValueTypeStr:
		number, parseErr := strconv.ParseFloat(strings.TrimSpace(value.Str()), 64)
		if parseErr != nil {
			return 0, false, fmt.Errorf("%s is not a number", name)
		}
		count, err = wholeTokens(number)
	case pcommon.ValueTypeEmpty:
		return 0, false, nil
	default:
		err = errors.New("is not a number")
	}
	if err != nil {
		return 0, false, fmt.Errorf("%s %w", name, err)
	}
	return count, true, nil
}

func wholeTokens(number float64) (int64, error) {
	switch {
	case math.IsNaN(number):
		return 0, errors.New("is not a number")
	case number < 0:
		return 0, fmt.Errorf("%g is negative", number)
	case number > mostTokens:
		return 0, fmt.Errorf("%g is more than a model has ever read or written", number)
	case number != math.Trunc(number):
		return 0, fmt.Errorf("%g is not a whole number", number)
	}
	return int64(number), nil
}
