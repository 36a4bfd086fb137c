package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

// WriteCSV writes the report in the long form, a line a figure: section, item,
// measure, unit, value, previous. Numbers are as the query types answered them, in
// the named unit, n/a where there is none.
func (r *Report) WriteCSV(to io.Writer) error {
	lines := csv.NewWriter(to)
	records := [][]string{{"section", "item", "measure", "unit", "value", "previous"}}
	add := func(section, item, measure, unit, value, previous string) {
		records = append(records, []string{section, plainText(item), measure, unit, value, previous})
	}
	add("report", r.Period.Name, "from", "", r.Period.From.In(r.Zone).Format(time.RFC3339), "")
	add("report", r.Period.Name, "to", "", r.Period.To.In(r.Zone).Format(time.RFC3339), "")
	add("report", r.Period.Name, "over", "", strconv.FormatBool(r.Period.Over(r.Now)), "")
	if r.Previous != nil {
		add("report", "compared with", "from", "", r.Previous.From.In(r.Zone).Format(time.RFC3339), "")
		add("report", "compared with", "to", "", r.Previous.To.In(r.Zone).Format(time.RFC3339), "")
	}
	for _, filter := range r.Filters {
		add("report", "filter", "", "", plainText(filter), "")
	}
	for _, s := range r.Sections {
		for _, lead := range s.Lead {
			add(s.Key, "", "summary", "", plainText(lead), "")
		}
		for _, row := range s.Rows {
			for i, cell := range row.Cells {
				if s.repeatsPrevious(i) || !cell.number && cell.Text == "" {
					continue
				}
				unit, value, previous := cell.Words, plainText(cell.Text), ""
				if cell.number {
					if unit == "" {
						unit = words(cell.Unit)
					}
					value = plainNumber(cell.Value)
					if s.hasPrevious() && i == 0 {
						previous = plainNumber(cell.Previous)
					}
				}
				add(s.Key, row.Name, s.Columns[i].Label, unit, value, previous)
			}
		}
	}
	for _, f := range r.Formulas {
		add("formulas", f.Label, "formula", words(f.Unit), f.Formula, "")
	}
	for _, f := range r.FactorSources {
		add("sources", f.Quantity, f.Years, "", plainText(f.Source), "")
	}
	for _, source := range Literature {
		add("sources", "method", "", "", source, "")
	}
	for i, n := range r.Notices {
		add("notices", strconv.Itoa(i+1), n.kind(), "", plainText(n.Text), "")
	}
	return lines.WriteAll(records)
}

// hasPrevious says that the section compares its first column with the preceding
// period, which the CSV has in the same line.
func (s *Section) hasPrevious() bool {
	for i := range s.Columns {
		if s.repeatsPrevious(i) {
			return true
		}
	}
	return false
}

func (s *Section) repeatsPrevious(column int) bool { return s.Columns[column].Label == precedingPeriod }

func (n Notice) kind() string {
	if n.Warning {
		return "warning"
	}
	return "information"
}

func plainNumber(value *float64) string {
	if value == nil {
		return "n/a"
	}
	return strconv.FormatFloat(*value, 'g', -1, 64)
}

// plainText keeps a spreadsheet from taking a name for a formula.
func plainText(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return "'" + s
	}
	return s
}
