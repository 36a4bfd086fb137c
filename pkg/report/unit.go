package report

import (
	"math"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// scale shows the amounts of a unit: how many of the unit make one shown, in how
// many decimals, between what.
type scale struct {
	per           float64
	decimals      int
	before, after string
	significant   int // digits to round to instead of decimals; 0: decimals
}

var english = message.NewPrinter(language.BritishEnglish)

// words is how a CSV calls a unit of package query, which are Grafana's.
func words(unit string) string {
	switch unit {
	case "kwatth":
		return "kWh"
	case "currencyUSD":
		return "USD"
	case "percentunit":
		return "ratio"
	case "short", "none", "":
		return ""
	case "ms":
		return "ms"
	}
	return strings.TrimSpace(strings.TrimPrefix(unit, "suffix:"))
}

// scaleOf finds the scale in which amounts up to most are read at a glance. All
// amounts of a column share one, so that they can be compared by eye.
func scaleOf(unit string, most float64) scale {
	most = math.Abs(most)
	switch unit {
	case "kwatth":
		return metric(most, []step{{1e6, "GWh"}, {1e3, "MWh"}, {1, "kWh"}})
	case "suffix:kgCO₂e":
		return metric(most, []step{{1e3, "tCO₂e"}, {1, "kgCO₂e"}})
	case "suffix:tCO₂e":
		return metric(most, []step{{1, "tCO₂e"}, {1e-3, "kgCO₂e"}})
	case "currencyUSD":
		s := metric(most, []step{{1, ""}})
		s.before = "$"
		if most >= 1000 {
			s.decimals, s.significant = 0, 0
		} else if most >= 1 {
			s.decimals, s.significant = 2, 0
		}
		return s
	case "percentunit":
		return scale{per: 0.01, decimals: 1, after: " %"}
	case "short":
		if most < 1e6 {
			return scale{per: 1}
		}
		return metric(most, []step{{1e9, "billion"}, {1e6, "million"}})
	case "none":
		return scale{per: 1, decimals: 1}
	}
	return metric(most, []step{{1, words(unit)}})
}

// step is a multiple of a unit with a name of its own.
type step struct {
	per  float64
	name string
}

// metric takes the largest step that most is at least one of, and shows four
// digits of it: three where it is under ten.
func metric(most float64, steps []step) scale {
	chosen := steps[len(steps)-1]
	for _, s := range steps {
		if most >= s.per {
			chosen = s
			break
		}
	}
	s := scale{per: chosen.per}
	if chosen.name != "" {
		s.after = " " + chosen.name
	}
	switch shown := most / chosen.per; {
	case shown >= 1000:
	case shown >= 10:
		s.decimals = 1
	case shown >= 1 || shown == 0:
		s.decimals = 2
	default:
		s.significant = 3
	}
	return s
}

// bare writes an amount without its unit.
func (s scale) bare(value float64) string {
	shown := value / s.per
	if s.significant > 0 && shown != 0 {
		decimals := s.significant - 1 - int(math.Floor(math.Log10(math.Abs(shown))))
		return sign(english.Sprint(number.Decimal(math.Abs(shown), number.Scale(max(0, min(decimals, 12))))), shown)
	}
	text := english.Sprint(number.Decimal(math.Abs(shown), number.Scale(s.decimals)))
	if strings.Trim(text, "0.") == "" {
		return text // nothing has no sign
	}
	return sign(text, shown)
}

// text writes an amount with its unit.
func (s scale) text(value float64) string {
	bare, negative := strings.CutPrefix(s.bare(value), minus)
	if negative {
		return minus + s.before + bare + s.after
	}
	return s.before + bare + s.after
}

// unit is what a column of amounts without units is headed with.
func (s scale) unit() string { return strings.TrimSpace(s.before + s.after) }

const minus = "−"

func sign(text string, of float64) string {
	if of < 0 {
		return minus + text
	}
	return text
}

// amount writes one amount of a unit.
func amount(unit string, value float64) string { return scaleOf(unit, value).text(value) }

// change writes a relative change with its sign, such as "+12.3 %".
func change(ratio float64) string {
	text := scale{per: 0.01, decimals: 1, after: " %"}.text(ratio)
	if strings.Trim(text, "0. %"+minus) != "" && ratio > 0 {
		return "+" + text
	}
	return text
}
