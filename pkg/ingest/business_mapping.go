package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// BusinessMapping says what the CSV file of an ERP or of finance means. Make one with
// ParseBusinessMapping; deploy/business-mapping.yaml is one with comments.
type BusinessMapping struct {
	File         fileFormat            `yaml:"file"`
	Numbers      numberFormat          `yaml:"numbers"`
	Month        monthSource           `yaml:"month"`
	MetricColumn string                `yaml:"metric_column"`
	ValueColumn  string                `yaml:"value_column"`
	Metrics      map[string]metricRule `yaml:"metrics"`
	BusinessUnit unitSource            `yaml:"business_unit"`
	Currency     currencySource        `yaml:"currency"`
	Skip         []skipRule            `yaml:"skip"`
	Sum          bool                  `yaml:"sum"`
	Source       string                `yaml:"source"`
}

type fileFormat struct {
	Encoding   string `yaml:"encoding"`
	Delimiter  string `yaml:"delimiter"`
	HeaderLine int    `yaml:"header_line"`
}

// monthSource is a column with the month of each row, or a column for each month.
type monthSource struct {
	Column         string   `yaml:"column"`
	Columns        bool     `yaml:"columns"`
	Format         string   `yaml:"format"`
	Names          []string `yaml:"names"`
	ClosingPeriods bool     `yaml:"closing_periods"`
}

// metricRule is what a figure of the file is in the warehouse.
type metricRule struct {
	Metric string      `yaml:"metric"`
	Unit   string      `yaml:"unit"`
	Scale  exactNumber `yaml:"scale"`
	Negate bool        `yaml:"negate"`
}

// money says whether the metric is an amount of money.
func (r metricRule) money() bool {
	return r.Unit == unitUSD || r.Metric == "revenue" || r.Metric == "arr"
}

const (
	unitUSD   = "USD"
	unitCount = "count"
)

type unitSource struct {
	Column       string            `yaml:"column"`
	Name         string            `yaml:"name"`
	Names        map[string]string `yaml:"names"`
	WholeCompany []string          `yaml:"whole_company"`
}

type currencySource struct {
	Code   string              `yaml:"code"`
	Column string              `yaml:"column"`
	Rates  map[string]currRate `yaml:"rates"`
}

// currRate is what one unit of a currency is in USD, for the whole file.
type currRate struct {
	USD    exactNumber `yaml:"usd"`
	Source string      `yaml:"source"`
}

// skipRule leaves out rows whose cell matches: totals, footers. Without a column it is
// the row's first cell that is not empty.
type skipRule struct {
	Column string      `yaml:"column"`
	Match  *expression `yaml:"match"`
}

// expression is a regular expression (RE2) that may match anywhere in a text.
type expression struct{ *regexp.Regexp }

// UnmarshalYAML reads the expression.
func (e *expression) UnmarshalYAML(node *yaml.Node) error {
	compiled, err := regexp.Compile(node.Value)
	if node.Kind != yaml.ScalarNode || err != nil {
		return fmt.Errorf("line %d: %q is not a regular expression: %w", node.Line, excerpt([]byte(node.Value)), err)
	}
	e.Regexp = compiled
	return nil
}

const longestMapping = 1 << 20

// ReadBusinessMapping reads the mapping of a file.
func ReadBusinessMapping(path string) (BusinessMapping, error) {
	file, err := os.Open(path)
	if err != nil {
		return BusinessMapping{}, fmt.Errorf("reading the mapping: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, longestMapping+1))
	if err == nil && len(text) > longestMapping {
		err = fmt.Errorf("it is longer than %d bytes", longestMapping)
	}
	if err != nil {
		return BusinessMapping{}, fmt.Errorf("reading the mapping %s: %w", path, err)
	}
	mapping, err := ParseBusinessMapping(text)
	if err != nil {
		return BusinessMapping{}, fmt.Errorf("the mapping in %s: %w", path, err)
	}
	return mapping, nil
}

// ParseBusinessMapping reads a mapping in YAML. An error names what is wrong and what
// would be right.
func ParseBusinessMapping(text []byte) (BusinessMapping, error) {
	var m BusinessMapping
	if err := decodeStrictly(text, &m); err != nil {
		return m, err
	}
	if m.File.Delimiter == "" {
		m.File.Delimiter = ","
	}
	if m.Currency.Code == "" && m.Currency.Column == "" {
		m.Currency.Code = unitUSD
	}
	for _, check := range []func() error{m.File.check, m.Numbers.complete, m.checkShape, m.checkMetrics, m.Currency.check, m.BusinessUnit.check, m.checkSkip} {
		if err := check(); err != nil {
			return m, err
		}
	}
	_, err := m.months(kpi.Calendar{})
	return m, err
}

func (m *BusinessMapping) months(calendar kpi.Calendar) (*monthFormat, error) {
	return newMonthFormat(m.Month.Format, m.Month.Names, m.Month.ClosingPeriods, calendar)
}

func (f fileFormat) check() error {
	if !slices.Contains([]string{"", "utf-8", "windows-1252", "utf-16"}, strings.ToLower(f.Encoding)) {
		return fmt.Errorf("file.encoding %q is not one of utf-8, windows-1252, utf-16", f.Encoding)
	}
	if !slices.Contains([]string{",", ";", "\t", "|"}, f.Delimiter) {
		return fmt.Errorf(`file.delimiter %q is not one of ",", ";", "|" or a tab ("\t")`, f.Delimiter)
	}
	if f.HeaderLine < 0 || f.HeaderLine > mostLines {
		return fmt.Errorf("file.header_line %d is not between 1 and %d", f.HeaderLine, mostLines)
	}
	return nil
}

// reader decodes a file to UTF-8.
func (f fileFormat) reader(r io.Reader) io.Reader {
	switch strings.ToLower(f.Encoding) {
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(r)
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(r)
	}
	return r
}

func (m *BusinessMapping) checkShape() error {
	switch {
	case m.Month.Column == "" && !m.Month.Columns:
		return errors.New("month says neither column, which has the month of each row, nor columns: true, where each month has a column")
	case m.Month.Column != "" && m.Month.Columns:
		return errors.New("month says both column and columns: the month is in each row or in the header")
	case m.Month.Format == "":
		return errors.New(`month.format is missing: say how months are written, for example "{MM}.{YYYY}", "{YYYY}-{MM}-{DD}", "{Mon}-{YY}" or "FY{FYY}-P{PP}"`)
	case m.Month.Columns && m.ValueColumn != "":
		return errors.New("value_column does not go with month.columns: the values are in the columns of the months")
	case !m.Month.Columns && (m.MetricColumn == "") != (m.ValueColumn == ""):
		return errors.New("metric_column and value_column go together: the one names the metric of a row, the other has its value. Without both each metric has a column of its own")
	case len(m.Metrics) == 0:
		return errors.New("metrics is missing: say which name or column of the file is which metric, for example {Net revenue: {metric: revenue}}")
	case m.Month.Columns && m.MetricColumn == "" && len(m.Metrics) > 1:
		return errors.New("metrics has several entries and nothing tells which a row is of: give metric_column")
	}
	return nil
}

var ownMetricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

func (m *BusinessMapping) checkMetrics() error {
	known := strings.Join(warehouse.BusinessMetrics(), ", ")
	for name, rule := range m.Metrics {
		own := !slices.Contains(warehouse.BusinessMetrics(), rule.Metric)
		switch {
		case rule.Metric == "":
			return fmt.Errorf("metrics.%s has no metric: it is one of %s, or one of your own", name, known)
		case own && !ownMetricName.MatchString(rule.Metric):
			return fmt.Errorf("metrics.%s: %q is no name of a metric: small letters, digits and _", name, rule.Metric)
		case own && rule.Unit != unitUSD && rule.Unit != unitCount:
			return fmt.Errorf("metrics.%s: %q is none of %s. If it is a metric of your own, say its unit: USD or count", name, rule.Metric, known)
		case !own && rule.Unit != "" && (rule.Unit == unitUSD) != (metricRule{Metric: rule.Metric}).money():
			return fmt.Errorf("metrics.%s: the unit of %s is not %s", name, rule.Metric, rule.Unit)
		case rule.Scale.Rat != nil && rule.Scale.Sign() <= 0:
			return fmt.Errorf("metrics.%s: scale %s is not over 0; negate: true turns the sign", name, rule.Scale.FloatString(2))
		}
	}
	return nil
}

func (c currencySource) check() error {
	if c.Code != "" && c.Column != "" {
		return errors.New("currency says both code, which is the whole file's, and column, which has that of each row")
	}
	for code, rate := range c.Rates {
		switch {
		case rate.USD.Rat == nil || rate.USD.Sign() <= 0:
			return fmt.Errorf("currency.rates.%s has no usd over 0: say what one %s is in USD", code, code)
		case code == unitUSD && rate.USD.Cmp(exactNumber{}.or(1)) != 0:
			return errors.New("currency.rates.USD is not 1")
		case rate.Source == "":
			return fmt.Errorf("currency.rates.%s has no source: say where the rate is from and of when, for example \"ECB, average of 2026-03\"", code)
		}
	}
	if c.Code != "" && c.Code != unitUSD && c.Rates[c.Code].USD.Rat == nil {
		return fmt.Errorf("currency.code is %s and currency.rates has none for it: add rates: {%s: {usd: …, source: …}}", c.Code, c.Code)
	}
	return nil
}

func (u unitSource) check() error {
	if u.Name != "" && u.Column != "" {
		return errors.New("business_unit says both name, which is the whole file's, and column, which has that of each row")
	}
	if u.Column == "" && (len(u.Names) > 0 || len(u.WholeCompany) > 0) {
		return errors.New("business_unit has names for codes and no column with the codes")
	}
	return nil
}

func (m *BusinessMapping) checkSkip() error {
	for i, rule := range m.Skip {
		if rule.Match == nil || rule.Match.Regexp == nil {
			return fmt.Errorf("skip, entry %d: match has no expression", i+1)
		}
	}
	if !utf8.ValidString(m.Source) || len(m.Source) > 200 {
		return errors.New("source is longer than 200 bytes")
	}
	return nil
}
