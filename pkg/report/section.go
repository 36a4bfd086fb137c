package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// Section is a part of the report: a table, and what is to be said of it.
type Section struct {
	Key     string // names it in the CSV
	Title   string
	Lead    []string // sentences above the table
	Columns []Column
	Rows    []Row
	Notices []int // the numbers of the notices its answers came with, from 1
	// Drawn says that the page shows its rows as a chart.
	Drawn bool
	// Most is how many rows the page has room for; 0 is all.
	Most int
}

// precedingPeriod heads the column of what a section is compared with.
const precedingPeriod = "Preceding period"

// Column is a measure of a section's rows.
type Column struct {
	Label  string
	Number bool
	scale  scale
}

// Row is an item of a section.
type Row struct {
	Name  string
	Cells []Cell // one a column
}

// Cell is a figure or a text.
type Cell struct {
	Text            string
	Value, Previous *float64
	Unit            string // of package query
	Words           string // the unit in words, where it is none of package query's
	number          bool
	better          int // of the change: 1 better, -1 worse, 0 neither
}

func figure(unit string, value *float64) Cell { return Cell{Unit: unit, Value: value, number: true} }

func phrase(words string) Cell { return Cell{Text: words} }

// settle gives the columns of numbers the scale of their largest amount.
func (s *Section) settle() {
	for i := range s.Columns {
		column := &s.Columns[i]
		unit, most := "", 0.0
		for _, row := range s.Rows {
			if cell := row.Cells[i]; cell.number {
				column.Number = true
				unit = cell.Unit
				if cell.Value != nil {
					most = max(most, *cell.Value, -*cell.Value)
				}
			}
		}
		column.scale = scaleOf(unit, most)
	}
}

// Show writes a cell for people. Rows of different units have a scale each.
func (s *Section) show(row, column int) string {
	cell := s.Rows[row].Cells[column]
	switch {
	case !cell.number:
		return cell.Text
	case cell.Value == nil:
		return s.notAvailable()
	case cell.Text != "":
		return cell.Text
	}
	return s.scaleAt(row, column).text(*cell.Value)
}

// scaleAt is the scale of the column; where its rows have different units, the one
// of the row.
func (s *Section) scaleAt(row, column int) scale {
	cell := s.Rows[row].Cells[column]
	for _, other := range s.Rows {
		if other := other.Cells[column]; other.number && !other.comparable(cell) {
			most := 0.0
			for _, beside := range s.Rows[row].Cells {
				if beside.number && beside.comparable(cell) && beside.Value != nil {
					most = max(most, *beside.Value, -*beside.Value)
				}
			}
			return scaleOf(cell.Unit, most)
		}
	}
	return s.Columns[column].scale
}

func (c Cell) comparable(with Cell) bool { return c.Unit == with.Unit && c.Words == with.Words }

// notAvailable points to the notices that say why.
func (s *Section) notAvailable() string {
	const none = "n/a"
	if len(s.Notices) == 0 {
		return none
	}
	var numbers []string
	for _, n := range s.Notices {
		numbers = append(numbers, fmt.Sprint(n))
	}
	return none + " [" + strings.Join(numbers, ", ") + "]"
}

// shown are the rows that the page has room for.
func (s *Section) shown() int {
	if s.Most == 0 {
		return len(s.Rows)
	}
	return min(s.Most, len(s.Rows))
}

// Notice is what a reader of the figures should know of them.
type Notice struct {
	Warning bool
	Text    string
}

// notice takes a notice into the report once and returns its number.
func (r *Report) notice(n Notice) int {
	if place := slices.Index(r.Notices, n); place >= 0 {
		return place + 1
	}
	r.Notices = append(r.Notices, n)
	return len(r.Notices)
}

// source is an answer that a section is made of.
type source struct {
	of     string // what its notices are of, where the section is of several; empty: of all of it
	frames data.Frames
}

// add puts a section into the report with the notices of the answers it is made of.
// Where a figure is missing and no answer says why, the report does.
func (r *Report) add(s Section, answers ...source) {
	var told []Notice
	of := map[Notice][]string{}
	for _, answer := range answers {
		for _, frame := range answer.frames {
			for _, n := range frame.Meta.Notices {
				notice := Notice{Warning: n.Severity != data.NoticeSeverityInfo, Text: n.Text}
				if !slices.Contains(told, notice) {
					told = append(told, notice)
				}
				if !slices.Contains(of[notice], answer.of) {
					of[notice] = append(of[notice], answer.of)
				}
			}
		}
	}
	for _, n := range told {
		if who := of[n]; len(who) < len(answers) && !slices.Contains(who, "") {
			n.Text = strings.Join(who, "; ") + ": " + n.Text
		}
		s.mention(r.notice(n))
	}
	if len(s.Notices) == 0 && s.lacks() {
		s.mention(r.notice(Notice{Text: fmt.Sprintf("%s: n/a marks what nothing was recorded for.", s.Title)}))
	}
	s.settle()
	r.Sections = append(r.Sections, s)
}

func (s *Section) mention(number int) {
	if !slices.Contains(s.Notices, number) {
		s.Notices = append(s.Notices, number)
	}
}

func (s *Section) lacks() bool {
	for _, row := range s.Rows {
		for _, cell := range row.Cells {
			if cell.number && cell.Value == nil {
				return true
			}
		}
	}
	return false
}

// Section returns the section of a key, nil if there is none.
func (r *Report) Section(key string) *Section {
	for i := range r.Sections {
		if r.Sections[i].Key == key {
			return &r.Sections[i]
		}
	}
	return nil
}

// record is a frame's row by field name.
type record struct {
	texts   map[string]string
	numbers map[string]*float64
	units   map[string]string
	time    time.Time
}

// figure is a number of the record as a cell.
func (r record) figure(field string) Cell { return figure(r.units[field], r.numbers[field]) }

// member is how people call the member of a dimension.
func (r record) member(field string) string { return query.MemberLabel(r.texts[field]) }

// records reads the first frame of an answer.
func records(frames data.Frames) []record {
	if len(frames) == 0 {
		return nil
	}
	frame := frames[0]
	rows := make([]record, frame.Rows())
	for i := range rows {
		rows[i] = record{texts: map[string]string{}, numbers: map[string]*float64{}, units: map[string]string{}}
		for _, field := range frame.Fields {
			if field.Config != nil {
				rows[i].units[field.Name] = field.Config.Unit
			}
			switch value, ok := field.ConcreteAt(i); v := value.(type) {
			case string:
				rows[i].texts[field.Name] = v
			case float64:
				if ok {
					rows[i].numbers[field.Name] = &v
				}
			case time.Time:
				rows[i].time = v
			}
		}
	}
	return rows
}

// first is the only row of an answer of one; without a row it has no figures.
func first(frames data.Frames) record {
	if rows := records(frames); len(rows) > 0 {
		return rows[0]
	}
	units := map[string]string{}
	if len(frames) > 0 {
		for _, field := range frames[0].Fields {
			if field.Config != nil {
				units[field.Name] = field.Config.Unit
			}
		}
	}
	return record{units: units}
}
