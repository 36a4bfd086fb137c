package ingest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// monthFormat reads months as a file writes them. Its format is text with tokens in
// braces, such as {MM}.{YYYY}, {Mon}-{YY} or FY{FYY}-P{PP}.
type monthFormat struct {
	pattern  *regexp.Regexp
	tokens   []string // of the pattern's groups, in order
	names    []string // of the months, 12 or 24, folded
	calendar kpi.Calendar
	closing  bool // periods 13 to 16 are the last month
	shown    string
}

// monthTokens are the tokens and what each matches.
var monthTokens = map[string]string{
	"YYYY": `(\d{4})`, "YY": `(\d{2})`, "MM": `(\d{2})`, "M": `(\d{1,2})`, "DD": `(\d{2})`, "D": `(\d{1,2})`, "Mon": `(\pL+\.?)`,
	"FYYYY": `(\d{4})`, "FYY": `(\d{2})`, "P": `(\d{1,2})`, "PP": `(\d{2})`, "PPP": `(\d{3})`,
}

var tokenInFormat = regexp.MustCompile(`\{([^{}]*)\}`)

// newMonthFormat makes a format. names are the twelve months as the file names them;
// none are the English ones, long and short.
func newMonthFormat(format string, names []string, closing bool, calendar kpi.Calendar) (*monthFormat, error) {
	f := &monthFormat{calendar: calendar, closing: closing, shown: format}
	switch len(names) {
	case 0:
		for month := time.January; month <= time.December; month++ {
			f.names = append(f.names, fold(month.String()))
		}
		for month := time.January; month <= time.December; month++ {
			f.names = append(f.names, fold(month.String()[:3]))
		}
	case 12:
		for _, name := range names {
			f.names = append(f.names, strings.TrimSuffix(fold(name), "."))
		}
	default:
		return nil, fmt.Errorf("month.names has %d names: give all twelve", len(names))
	}
	var expression strings.Builder
	expression.WriteString("(?i)^")
	rest := 0
	for _, at := range tokenInFormat.FindAllStringSubmatchIndex(format, -1) {
		token := format[at[2]:at[3]]
		matches, known := monthTokens[token]
		if !known {
			return nil, fmt.Errorf("month.format has no token {%s}: the tokens are {YYYY} {YY} {MM} {M} {Mon} {DD} {D}, and of fiscal periods {FYYYY} {FYY} {PP} {PPP} {P}", excerpt([]byte(token)))
		}
		if slices.Contains(f.tokens, token) {
			return nil, fmt.Errorf("month.format has the token {%s} twice", token)
		}
		f.tokens = append(f.tokens, token)
		expression.WriteString(regexp.QuoteMeta(format[rest:at[0]]) + matches)
		rest = at[1]
	}
	expression.WriteString(regexp.QuoteMeta(format[rest:]) + "$")
	pattern, err := regexp.Compile(expression.String())
	if err != nil {
		return nil, fmt.Errorf("month.format %q: %w", format, err)
	}
	f.pattern = pattern
	return f, f.check()
}

func (f *monthFormat) check() error {
	count := func(tokens ...string) (n int) {
		for _, token := range tokens {
			if slices.Contains(f.tokens, token) {
				n++
			}
		}
		return n
	}
	calendar := count("YYYY", "YY") == 1 && count("MM", "M", "Mon") == 1 && count("FYYYY", "FYY", "P", "PP", "PPP") == 0 && count("DD", "D") < 2
	fiscal := count("FYYYY", "FYY") == 1 && count("P", "PP", "PPP") == 1 && count("YYYY", "YY", "MM", "M", "Mon", "DD", "D") == 0
	switch {
	case !calendar && !fiscal:
		return fmt.Errorf("month.format %q does not name one year and one month ({YYYY}-{MM}), or one fiscal year and one period (FY{FYY}-P{PP})", f.shown)
	case f.closing && !fiscal:
		return fmt.Errorf("month.closing_periods goes with fiscal periods, which month.format %q has none of", f.shown)
	}
	return nil
}

// parse returns the month that a text names, its first day in UTC.
func (f *monthFormat) parse(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	found := f.pattern.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}, fmt.Errorf("%q is not a month written as %s", excerpt([]byte(text)), f.shown)
	}
	year, month, day, period := 0, 0, 1, 0
	for i, token := range f.tokens {
		said := found[i+1]
		number, _ := strconv.Atoi(said) // digits, but of Mon
		switch token {
		case "YYYY", "FYYYY":
			year = number
		case "YY", "FYY":
			year = 2000 + number
		case "MM", "M":
			month = number
		case "Mon":
			month = slices.Index(f.names, strings.TrimSuffix(fold(said), "."))%12 + 1
		case "DD", "D":
			day = number
		default:
			period = number
		}
	}
	if slices.ContainsFunc(f.tokens, func(token string) bool { return strings.HasPrefix(token, "P") }) {
		return f.fiscal(text, year, period)
	}
	first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || first.AddDate(0, 0, day-1).Month() != time.Month(month) {
		return time.Time{}, fmt.Errorf("%q names no month there is", excerpt([]byte(text)))
	}
	return first, nil
}

// fiscal is the month of a period of a fiscal year, which is named after the calendar
// year that it ends in.
func (f *monthFormat) fiscal(text string, year, period int) (time.Time, error) {
	if period > 12 && period <= 16 && f.closing {
		period = 12
	}
	switch {
	case period > 12 && period <= 16:
		return time.Time{}, fmt.Errorf("%q is a closing period, which is no month: set month.closing_periods: true to add it to the year's last month", excerpt([]byte(text)))
	case period < 1 || period > 12:
		return time.Time{}, fmt.Errorf("%q names no period from 1 to 12", excerpt([]byte(text)))
	}
	start := max(f.calendar.FiscalYearStartMonth, time.January)
	if start > time.January {
		year--
	}
	return time.Date(year, start+time.Month(period-1), 1, 0, 0, 0, 0, time.UTC), nil
}
