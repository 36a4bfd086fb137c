package demo

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// writeTable writes a frame's named columns, or all, with label and unit in the
// heading as the field configs say.
func writeTable(out io.Writer, frame *data.Frame, columns []string, most int) {
	fields := frame.Fields
	if columns != nil {
		fields = nil
		for _, name := range columns {
			if field, _ := frame.FieldByName(name); field != nil {
				fields = append(fields, field)
			}
		}
	}
	writer := table.NewWriter()
	writer.SetOutputMirror(out)
	writer.SetStyle(table.StyleLight)
	writer.Style().Format.Header = text.FormatDefault // a unit keeps its letters: kWh is not KWH
	header, configs := table.Row{}, []table.ColumnConfig{}
	for i, field := range fields {
		header = append(header, heading(field))
		align := text.AlignRight
		if field.Type() == data.FieldTypeString {
			align = text.AlignLeft
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align, VAlignHeader: text.VAlignBottom})
	}
	writer.AppendHeader(header)
	writer.SetColumnConfigs(configs)
	rows := frame.Rows()
	decimals := decimalsByUnit(fields)
	for i := range min(rows, most) {
		cells := table.Row{}
		for _, field := range fields {
			cells = append(cells, cell(field, i, decimals[grafanaUnit(field)]))
		}
		writer.AppendRow(cells)
	}
	writer.Render()
	if rows > most {
		fmt.Fprintf(out, "  and %d more\n", rows-most)
	}
}

// heading is a field's label with its unit beneath, in narrow lines.
func heading(field *data.Field) string {
	label := field.Name
	if field.Config != nil && field.Config.DisplayNameFromDS != "" {
		label = field.Config.DisplayNameFromDS
	}
	const width = 13
	wrapped := text.WrapSoft(label, width)
	lines := strings.Split(wrapped, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i]) // wrapping pads
	}
	if unit := unitOf(field); unit != "" && !strings.HasPrefix(label, unit) {
		lines = append(lines, unit)
	}
	return strings.Join(lines, "\n")
}

func grafanaUnit(field *data.Field) string {
	if field.Config == nil {
		return ""
	}
	return field.Config.Unit
}

// unitOf is a field's unit for a reader, from Grafana's name of it.
func unitOf(field *data.Field) string {
	switch unit := grafanaUnit(field); unit {
	case "kwatth":
		return "kWh"
	case "currencyUSD":
		return "USD"
	case "percentunit":
		return "%"
	case "", "none", "short":
		return ""
	default:
		return strings.TrimSpace(strings.TrimPrefix(unit, "suffix:"))
	}
}

// longestName is how much of a long name a table shows.
const longestName = 36

// cell is a value for a reader. No answer is a dash, not a zero.
func cell(field *data.Field, row, decimals int) string {
	value, ok := field.ConcreteAt(row)
	if !ok {
		return "–"
	}
	switch v := value.(type) {
	case string:
		return text.Snip(query.MemberLabel(v), longestName, "…")
	case float64:
		if unitOf(field) == "%" {
			v *= 100
		}
		return thousands(v, decimals)
	}
	return fmt.Sprint(value)
}

// decimalsByUnit gives columns of one unit the same number of decimals, that of
// the coarsest.
func decimalsByUnit(fields []*data.Field) map[string]int {
	decimals := map[string]int{}
	for _, field := range fields {
		if field.Type() == data.FieldTypeString {
			continue
		}
		unit, own := grafanaUnit(field), decimalsOf(field)
		if shared, ok := decimals[unit]; !ok || own < shared {
			decimals[unit] = own
		}
	}
	return decimals
}

// decimalsOf is how many decimals a column is good for: the field's own, else
// what shows three digits of its middle value. A score or a count has none.
func decimalsOf(field *data.Field) int {
	var sizes []float64
	for i := range field.Len() {
		if value, ok := field.ConcreteAt(i); ok {
			if number, isNumber := value.(float64); isNumber && number != 0 {
				sizes = append(sizes, math.Abs(number))
			}
		}
	}
	switch {
	case field.Config != nil && field.Config.Decimals != nil:
		return int(*field.Config.Decimals)
	case len(sizes) == 0 || grafanaUnit(field) == "none" || grafanaUnit(field) == "short":
		return 0
	case unitOf(field) == "%":
		return 1
	}
	slices.Sort(sizes)
	middle := sizes[len(sizes)/2]
	return min(max(0, 2-int(math.Floor(math.Log10(middle)))), 6)
}

// thousands writes a number with a thin group every three digits.
func thousands(value float64, decimals int) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(value), 'f', decimals, 64), ".")
	var groups []string
	for len(whole) > 3 {
		groups = append(groups, whole[len(whole)-3:])
		whole = whole[:len(whole)-3]
	}
	groups = append(groups, whole)
	slices.Reverse(groups)
	number := strings.Join(groups, ",")
	if fraction != "" {
		number += "." + fraction
	}
	if value < 0 && strings.Trim(number, "0.,") != "" {
		number = "-" + number
	}
	return number
}
