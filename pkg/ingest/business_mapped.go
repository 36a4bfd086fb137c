package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// MappedBusiness imports figures of the business by month as an ERP writes them. mapping
// says what the file's columns and names mean; calendar is the company's, for fiscal
// periods.
//
// A cell that cannot be read sets its row aside, and the row's other cells go in. Of
// figures that are sums of rows, one that lacks a row does not: it would be too small.
// Where nobody knows what a row is part of, no sum of the file goes in.
func MappedBusiness(ctx context.Context, store *warehouse.Store, file File, mapping BusinessMapping, calendar kpi.Calendar, now time.Time) (Report, error) {
	var report Report
	reader, err := newMappedReader(mapping, calendar, file.Name, now)
	if err != nil {
		return report, err
	}
	file.Reader = mapping.File.reader(file.Reader)
	if err := report.eachRecord(ctx, file, reader.columns(), reader.take); err != nil {
		return report, err
	}
	result, err := store.WriteBusinessMetrics(ctx, reader.items())
	if err != nil {
		return report, err
	}
	report.Notes = append(report.Notes, reader.notes()...)
	return report, reader.settle(&report, file, result)
}

// mappedFigure is a figure that rows add up to.
type mappedFigure struct {
	warehouse.BusinessMetric
	value *big.Rat
	rows  []int // places in mappedReader.rows
	// lacks is the line of a row that is part of it and cannot be read.
	lacks int
}

// mappedRow is a row of the file.
type mappedRow struct {
	source
	trouble []string // a sentence a cell
}

type mappedReader struct {
	mapping BusinessMapping
	months  *monthFormat
	file    string
	now     time.Time
	header  map[string]time.Time // the months of columns, by name
	figures []*mappedFigure
	sums    map[string]*mappedFigure
	rows    []mappedRow
	bytes   int
	skipped int
	// unplaced is the line of the first row of which nobody knows what it is part of, 0:
	// there is none.
	unplaced int
	others   map[string]int // names of metrics that the mapping leaves out, by how often
	written  []*mappedFigure
}

func newMappedReader(mapping BusinessMapping, calendar kpi.Calendar, file string, now time.Time) (*mappedReader, error) {
	months, err := mapping.months(calendar)
	if err != nil {
		return nil, err
	}
	return &mappedReader{mapping: mapping, months: months, file: file, now: now, sums: map[string]*mappedFigure{}, others: map[string]int{}}, nil
}

func (r *mappedReader) columns() columns {
	m := r.mapping
	wanted := columns{delimiter: []rune(m.File.Delimiter)[0], headerLine: m.File.HeaderLine, mapped: true, leaveOut: r.leaveOut, rejected: r.unplace}
	add := func(name string) {
		if name != "" && !slices.Contains(wanted.required, name) {
			wanted.required = append(wanted.required, name)
		}
	}
	for _, name := range []string{m.Month.Column, m.MetricColumn, m.ValueColumn, m.BusinessUnit.Column, m.Currency.Column} {
		add(name)
	}
	for _, rule := range m.Skip {
		add(rule.Column)
	}
	if m.MetricColumn == "" && !m.Month.Columns {
		for _, name := range slices.Sorted(maps.Keys(m.Metrics)) {
			add(name)
		}
	}
	return wanted
}

// unplace notes a row of which nobody knows what it is part of.
func (r *mappedReader) unplace(line int) {
	if r.unplaced == 0 {
		r.unplaced = line
	}
}

// leaveOut says whether a row is one that the mapping skips.
func (r *mappedReader) leaveOut(rec record) bool {
	first := ""
	for _, field := range rec.fields {
		if first = strings.TrimSpace(field); first != "" {
			break
		}
	}
	for _, rule := range r.mapping.Skip {
		cell := first
		if rule.Column != "" {
			cell = rec.text(rule.Column)
		}
		if cell != "" && rule.Match.MatchString(cell) {
			r.skipped++
			return true
		}
	}
	if name := rec.text(r.mapping.MetricColumn); name != "" {
		if _, mapped := r.mapping.Metrics[name]; !mapped {
			r.others[name]++
			return true
		}
	}
	return false
}

// take reads the figures of a row.
func (r *mappedReader) take(rec record) error {
	if r.header == nil {
		if err := r.readHeader(rec.header); err != nil {
			return fatal(fmt.Errorf("%s: %w", r.file, err))
		}
	}
	if name := r.mapping.MetricColumn; name != "" && rec.text(name) == "" {
		return fmt.Errorf("%s is empty", name)
	}
	unit, err := r.businessUnit(rec)
	if err != nil {
		return err
	}
	rate, rateSource, currencyErr := r.rate(rec)
	row := len(r.rows)
	r.rows = append(r.rows, mappedRow{source: source{rec.line, rec.raw}})
	if r.bytes += len(rec.raw); r.bytes > tableBytes || len(r.figures) > tableItems {
		return fatal(fmt.Errorf("%s is too large to be written as one: it has more than %d figures or %d MiB; split it and import the parts", r.file, tableItems, tableBytes>>20))
	}
	for _, cell := range r.cells(rec) {
		figure := mappedFigure{BusinessMetric: warehouse.BusinessMetric{Month: cell.month, Metric: cell.rule.Metric, BusinessUnit: unit, Source: r.source("")}, rows: []int{row}}
		err := cell.err
		if err == nil && cell.rule.money() {
			err, figure.Source = currencyErr, r.source(rateSource)
		}
		if err == nil {
			figure.value, err = r.mapping.Numbers.parse(cell.text)
		}
		if err == nil && figure.value == nil {
			continue // the cell says nothing
		}
		if err == nil && figure.Month.After(r.now.Add(24*time.Hour)) {
			err = fmt.Errorf("month %s is in the future: these are figures of what was", figure.Month.Format("2006-01"))
		}
		if err != nil {
			r.rows[row].trouble = append(r.rows[row].trouble, cell.column+": "+err.Error())
			figure.lacks = rec.line
			if cell.month.IsZero() {
				r.unplace(rec.line)
				continue
			}
			figure.value = new(big.Rat)
		} else {
			figure.value.Mul(figure.value, cell.rule.Scale.or(1))
			if cell.rule.Negate {
				figure.value.Neg(figure.value)
			}
			if cell.rule.money() {
				figure.value.Mul(figure.value, rate)
			}
		}
		r.add(figure)
	}
	return nil
}

// add notes a figure, or adds it to the sum that it is part of.
func (r *mappedReader) add(figure mappedFigure) {
	if !r.mapping.Sum {
		if figure.lacks == 0 {
			r.figures = append(r.figures, &figure)
		}
		return
	}
	key := joined(figure.Metric, []string{figure.Month.Format(time.DateOnly), figure.BusinessUnit})
	sum := r.sums[key]
	if sum == nil {
		r.sums[key] = &figure
		r.figures = append(r.figures, &figure)
		return
	}
	sum.value.Add(sum.value, figure.value)
	sum.rows = append(sum.rows, figure.rows...)
	if sum.lacks == 0 {
		sum.lacks = figure.lacks
	}
	if sum.Source != figure.Source && !strings.HasSuffix(sum.Source, figure.Source) {
		sum.Source = shortened(sum.Source + "; " + strings.TrimPrefix(figure.Source, r.source("")+"; "))
	}
}

// mappedCell is a figure as it stands in the file.
type mappedCell struct {
	column, text string
	month        time.Time
	rule         metricRule
	err          error
}

func (r *mappedReader) cells(rec record) []mappedCell {
	m := r.mapping
	var cells []mappedCell
	if m.Month.Columns {
		rule := r.metric(rec)
		for _, column := range rec.header.names {
			if month, isMonth := r.header[column]; isMonth {
				cells = append(cells, mappedCell{column: column, text: rec.text(column), month: month, rule: rule})
			}
		}
		return cells
	}
	month, err := r.months.parse(rec.text(m.Month.Column))
	if m.MetricColumn != "" {
		return append(cells, mappedCell{column: m.ValueColumn, text: rec.text(m.ValueColumn), month: month, rule: r.metric(rec), err: err})
	}
	for _, column := range slices.Sorted(maps.Keys(m.Metrics)) {
		cells = append(cells, mappedCell{column: column, text: rec.text(column), month: month, rule: m.Metrics[column], err: err})
	}
	return cells
}

// metric is what a row is of. Rows of what the mapping has not are left out before.
func (r *mappedReader) metric(rec record) metricRule {
	if r.mapping.MetricColumn == "" {
		for _, only := range r.mapping.Metrics {
			return only
		}
	}
	return r.mapping.Metrics[rec.text(r.mapping.MetricColumn)]
}

// readHeader finds the columns that are months.
func (r *mappedReader) readHeader(h *header) error {
	r.header = map[string]time.Time{}
	if !r.mapping.Month.Columns {
		return nil
	}
	named := map[time.Time]string{}
	for _, name := range h.names {
		month, err := r.months.parse(name)
		if err != nil {
			continue // it is something else
		}
		if other, taken := named[month]; taken {
			return fmt.Errorf("the columns %q and %q are both the month %s: name one otherwise", other, name, month.Format("2006-01"))
		}
		named[month], r.header[name] = name, month
	}
	if len(named) == 0 {
		return fmt.Errorf("no column is a month written as %s; the file has %s. Correct month.format in the mapping", r.months.shown, describeColumns(h.names))
	}
	return nil
}

func (r *mappedReader) businessUnit(rec record) (string, error) {
	u := r.mapping.BusinessUnit
	if u.Column == "" {
		return u.Name, nil
	}
	code := rec.text(u.Column)
	name, named := u.Names[code]
	switch {
	case slices.Contains(u.WholeCompany, code):
		return "", nil
	case named:
		return name, nil
	case code == "":
		return "", fmt.Errorf(`%s is empty: name the unit, or say business_unit.whole_company: [""] if such rows are the whole company's`, u.Column)
	case len(u.Names) > 0:
		return "", fmt.Errorf("%s %q is none of business_unit.names: add it there, or leave such rows out with skip", u.Column, excerpt([]byte(code)))
	}
	return code, nil
}

// rate is what one unit of a row's currency is in USD, and where that is from.
func (r *mappedReader) rate(rec record) (*big.Rat, string, error) {
	c := r.mapping.Currency
	code := c.Code
	if c.Column != "" {
		code = rec.text(c.Column)
	}
	rate, known := c.Rates[code]
	switch {
	case code == unitUSD:
		return big.NewRat(1, 1), "", nil
	case !known:
		return nil, "", fmt.Errorf("there is no rate for the currency %q: add it to currency.rates", excerpt([]byte(code)))
	}
	return rate.USD.Rat, fmt.Sprintf("1 %s = %s USD (%s)", code, shortest(rate.USD.Rat), rate.Source), nil
}

// source is where a figure is from.
func (r *mappedReader) source(rate string) string {
	from := orElse(r.mapping.Source, r.file)
	if rate != "" {
		from += "; " + rate
	}
	return shortened(from)
}

// shortened keeps a source within what the warehouse takes.
func shortened(text string) string {
	if len(text) <= longestName {
		return text
	}
	return strings.ToValidUTF8(text[:longestName-4], "") + "…"
}

func shortest(value *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(value.FloatString(12), "0"), ".")
}

// items are the figures to store. A sum that lacks a row is none, or may lack one.
func (r *mappedReader) items() []warehouse.BusinessMetric {
	if r.mapping.Sum && r.unplaced > 0 {
		r.holdAll()
		return nil
	}
	var items []warehouse.BusinessMetric
	for _, figure := range r.figures {
		if figure.lacks > 0 {
			for _, row := range figure.rows {
				if r.rows[row].line != figure.lacks {
					r.rows[row].trouble = append(r.rows[row].trouble, fmt.Sprintf("the %s of %s is not stored, because line %d, which is part of it, cannot be used",
						figure.Metric, figure.Month.Format("2006-01"), figure.lacks))
				}
			}
			continue
		}
		figure.Value, _ = figure.value.Float64()
		items = append(items, figure.BusinessMetric)
		r.written = append(r.written, figure)
	}
	return items
}

// holdAll says of each row with figures why none of them is stored.
func (r *mappedReader) holdAll() {
	held := map[int]bool{}
	for _, figure := range r.figures {
		for _, row := range figure.rows {
			if held[row] || len(r.rows[row].trouble) > 0 {
				continue
			}
			held[row] = true
			r.rows[row].trouble = append(r.rows[row].trouble, fmt.Sprintf("it is not stored, because line %d cannot be used, and nobody knows which sum that is part of: "+
				"correct it, or leave it out with skip, and import the file again", r.unplaced))
		}
	}
}

// settle counts each row: rejected where a figure of it was or could not be read, stored
// where one was, else unchanged.
func (r *mappedReader) settle(report *Report, file File, result warehouse.WriteResult) error {
	for _, rejection := range result.Rejected {
		for _, row := range r.written[rejection.Index].rows {
			reason := rejection.Reason.Error()
			if !r.mapping.Sum && strings.Contains(reason, "says otherwise") {
				reason += `, or add the rows up with "sum: true"`
			}
			r.rows[row].trouble = append(r.rows[row].trouble, reason)
		}
	}
	stored := map[int]bool{}
	for _, index := range result.StoredItems {
		for _, row := range r.written[index].rows {
			stored[row] = true
		}
	}
	for i, row := range r.rows {
		switch {
		case len(row.trouble) > 0:
			if err := report.reject(file, row.line, errors.New(strings.Join(row.trouble, "; ")), row.raw); err != nil {
				return err
			}
		case stored[i]:
			report.Stored++
		default:
			report.Unchanged++
		}
	}
	return nil
}

// notes say what was left out.
func (r *mappedReader) notes() []string {
	var notes []string
	if r.skipped > 0 {
		notes = append(notes, fmt.Sprintf("%d rows were left out by skip.", r.skipped))
	}
	if len(r.others) > 0 {
		const most = 10
		names := slices.Sorted(maps.Keys(r.others))
		rows := 0
		for _, n := range r.others {
			rows += n
		}
		shown := make([]string, 0, most)
		for _, name := range names[:min(most, len(names))] {
			shown = append(shown, fmt.Sprintf("%q", excerpt([]byte(name))))
		}
		more := ""
		if len(names) > most {
			more = fmt.Sprintf(" and %d more", len(names)-most)
		}
		notes = append(notes, fmt.Sprintf("%d rows are of nothing in metrics and were left out: %s%s.", rows, strings.Join(shown, ", "), more))
	}
	return notes
}
