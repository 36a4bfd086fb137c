package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mapped reads the rows of one file through a mapping.
type mapped struct {
	shape   *shape
	mapping Mapping
	header  *header // once the first row was seen
	columns map[string]*mappedColumn
	order   []int // the file's columns by name, in which they make a row what it is
}

// mappedColumn is where a column of the warehouse is in the file.
type mappedColumn struct {
	rule  columnRule
	says  string // the name to call it by in a message
	index int    // of the file's column; -1: none, but maybe a constant
	whole ratio
	time  *timeFormat
	pue   number
	// pueIndex is the file's column with the PUE, -1: none.
	pueIndex int
}

// eachMapped calls take with every row of a file; what the rows have is read from m.
func (r *Report) eachMapped(ctx context.Context, file File, m *mapped, take func(record) error) error {
	err := r.eachRecord(ctx, file, m.mapping.wanted(m.shape), func(rec record) error {
		if m.header == nil {
			if err := m.bind(rec.header); err != nil {
				return fatal(fmt.Errorf("%s: %w", file.Name, err))
			}
		}
		return take(rec)
	})
	var missing *missingColumns
	if errors.As(err, &missing) {
		return fmt.Errorf("%w. Say in a mapping where the %s' %s from (--mapping FILE), or the same value for every row",
			err, m.shape.name, m.comeFrom(missing.columns))
	}
	if err == nil && m.header != nil {
		r.Notes = append(r.Notes, m.notes(file.Name)...)
	}
	return err
}

// comeFrom names the columns of the warehouse that are meant by missing ones.
func (m *mapped) comeFrom(missing []string) string {
	var names []string
	for _, column := range m.shape.columns {
		rule, has := m.mapping.columns[column.name]
		if slices.Contains(missing, column.name) && !has || slices.Contains(missing, rule.From) || slices.Contains(missing, rule.PUEFrom) {
			names = append(names, column.name)
		}
	}
	if len(names) == 1 {
		return names[0] + " comes"
	}
	return strings.Join(names, ", ") + " come"
}

// bind finds the columns in the file.
func (m *mapped) bind(h *header) error {
	m.columns = make(map[string]*mappedColumn, len(m.shape.columns))
	for _, column := range m.shape.columns {
		rule, has := m.mapping.columns[column.name]
		if !has && m.mapping.findsByName(column.name) {
			rule.From = column.name
		}
		bound := &mappedColumn{rule: rule, says: orElse(rule.From, column.name), index: -1, pueIndex: -1}
		if index, ok := h.index[fold(rule.From)]; ok && rule.From != "" {
			bound.index = index
		}
		if rule.PUEFrom != "" {
			bound.pueIndex = h.index[fold(rule.PUEFrom)]
		}
		if column.quantity != nil {
			unit, err := column.quantity.find(rule.Unit)
			if err != nil {
				return err
			}
			bound.whole = unit.whole
		}
		if column.time {
			format, err := newTimeFormat(rule.Format, rule.Zone)
			if err != nil {
				return err
			}
			if rule.Format != "" && bound.index >= 0 && h.kind(bound.index) == fieldTime {
				return fmt.Errorf("columns.%s: the column %q holds times, not texts: leave format out", column.name, rule.From)
			}
			bound.time = format
		}
		if rule.PUE != "" {
			var err error
			if bound.pue, err = parsePUE(rule.PUE); err != nil {
				return err
			}
		}
		m.columns[column.name] = bound
	}
	m.header = h
	m.order = make([]int, len(h.names))
	for i := range m.order {
		m.order[i] = i
	}
	slices.SortStableFunc(m.order, func(a, b int) int { return strings.Compare(fold(h.names[a]), fold(h.names[b])) })
	return nil
}

// notes name what was not used, so that nothing is left out in silence.
func (m *mapped) notes(file string) []string {
	used := map[int]bool{}
	var notes []string
	for _, name := range m.mapping.names() {
		if c := m.columns[name]; c != nil && c.time != nil && c.time.twice > 0 {
			notes = append(notes, fmt.Sprintf("Times of the column %q in the hour that clocks in %s show twice, of which the first was taken: %d.", c.says, c.time.zone, c.time.twice))
		}
	}
	for _, c := range m.columns {
		used[c.index], used[c.pueIndex] = true, true
	}
	var unused []string
	for i, name := range m.header.names {
		if !used[i] && !m.mapping.ignores(name) && !m.shape.isDerived(name) {
			unused = append(unused, name)
		}
	}
	for _, list := range m.header.lists {
		if !m.mapping.ignores(list) {
			unused = append(unused, list)
		}
	}
	if len(unused) > 0 {
		notes = append(notes, fmt.Sprintf("Of %s %s not used. A mapping can use them, or say that they are to be ignored.", file, describeUnused(unused)))
	}
	return notes
}

func describeUnused(names []string) string {
	if len(names) == 1 {
		return describeColumns(names) + " was"
	}
	return describeColumns(names) + " were"
}

// content is what a row says, by column: the same in CSV and Parquet, and whatever the
// order of the columns is.
func (m *mapped) content(rec record) []string {
	said := make([]string, 0, len(m.order))
	for _, i := range m.order {
		if text := strings.TrimSpace(rec.fields[i]); text != "" {
			said = append(said, fold(m.header.names[i])+"="+text)
		}
	}
	return said
}

// text returns a column's text: the constant, or what the file says and names put for
// it, or the default.
func (m *mapped) text(rec record, column string) string {
	c := m.columns[column]
	if c.rule.Value != nil {
		return *c.rule.Value
	}
	text := ""
	if c.index >= 0 {
		text = strings.TrimSpace(rec.fields[c.index])
	}
	if other, ok := c.rule.Names[text]; ok {
		return other
	}
	if text == "" && c.rule.Default != nil {
		return *c.rule.Default
	}
	return text
}

// required is text that must not be empty.
func (m *mapped) required(rec record, column string) (string, error) {
	text := m.text(rec, column)
	if text == "" {
		return "", fmt.Errorf("%s is empty", m.columns[column].says)
	}
	return text, nil
}

// amount reads a column in the warehouse's whole units; nil where it is empty.
func (m *mapped) amount(rec record, column string) (*int64, error) {
	whole, _, err := m.exactAmount(rec, column)
	return whole, err
}

// count is an amount that is a whole number as it stands.
func (m *mapped) count(rec record, column string) (int64, error) {
	whole, exact, err := m.exactAmount(rec, column)
	switch {
	case err != nil || whole == nil:
		return 0, err
	case !exact:
		return 0, fmt.Errorf("%s %s is not a whole number", m.columns[column].says, excerpt([]byte(m.text(rec, column))))
	}
	return *whole, nil
}

func (m *mapped) exactAmount(rec record, column string) (*int64, bool, error) {
	c, text := m.columns[column], m.text(rec, column)
	if text == "" {
		return nil, true, nil
	}
	n, err := parseNumber(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s %w", c.says, err)
	}
	pue, err := m.pueInside(rec, c)
	if err != nil {
		return nil, false, err
	}
	var whole int64
	var exact bool
	if pue != nil {
		whole, exact, err = n.dividedBy(*pue, c.whole)
	} else {
		whole, exact, err = n.times(c.whole)
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s %s %w", c.says, excerpt([]byte(text)), err)
	}
	return &whole, exact, nil
}

func (m *mapped) pueInside(rec record, c *mappedColumn) (*number, error) {
	switch {
	case c.rule.PUE != "":
		return &c.pue, nil
	case c.pueIndex < 0:
		return nil, nil
	}
	text := strings.TrimSpace(rec.fields[c.pueIndex])
	if text == "" {
		return nil, fmt.Errorf("%s is empty, and it is in the energy", c.rule.PUEFrom)
	}
	pue, err := parsePUE(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", c.rule.PUEFrom, err)
	}
	return &pue, nil
}

// time reads a column as a time.
func (m *mapped) time(rec record, column string) (time.Time, error) {
	text, err := m.required(rec, column)
	if err != nil {
		return time.Time{}, err
	}
	at, err := m.columns[column].time.parse(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %w", m.columns[column].says, err)
	}
	return at, nil
}

// flag reads a column as true or false; empty is false.
func (m *mapped) flag(rec record, column string) (bool, error) {
	text := m.text(rec, column)
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s %q is neither true nor false", m.columns[column].says, excerpt([]byte(text)))
	}
	return yes, nil
}

// plain reads a column as a number without a unit, which may be negative; nil where it
// is empty.
func (m *mapped) plain(rec record, column string) (*float64, error) {
	text := m.text(rec, column)
	if text == "" {
		return nil, nil
	}
	amount, err := parseAmount(strings.TrimPrefix(text, "-"))
	if err != nil {
		return nil, fmt.Errorf("%s %w", m.columns[column].says, err)
	}
	if strings.HasPrefix(text, "-") {
		amount = -amount
	}
	return &amount, nil
}

// whole is plain that is a whole number.
func (m *mapped) whole(rec record, column string) (*int, error) {
	amount, err := m.plain(rec, column)
	if err != nil || amount == nil {
		return nil, err
	}
	number := int(max(-1e9, min(1e9, *amount)))
	if float64(number) != *amount {
		return nil, fmt.Errorf("%s %s is not a whole number that can be", m.columns[column].says, excerpt([]byte(m.text(rec, column))))
	}
	return &number, nil
}
