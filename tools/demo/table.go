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

// writeTable writes a frame's named columns, or all, as its field configs say:
// label and unit in the heading, as many decimals as the number is good for.
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
	for i := range min(rows, most) {
		cells := table.Row{}
		for _, field := range fields {
			cells = append(cells, cell(field, i))
		}
		writer.AppendRow(cells)
	}
	writer.Render()
	if rows > most {
		fmt.Fprintf(out, "  and %d more\n", rows-most)
	}
}

// heading is a field's label with its unit beneath.
func heading(field *data.Field) string {
	label := field.Name
	if field.Config != nil && field.Config.DisplayNameFromDS != "" {
		label = field.Config.DisplayNameFromDS
	}
	if unit := unitOf(field); unit != "" && !strings.HasPrefix(label, unit) {
		return label + "\n" + unit
	}
	return label
}

// unitOf is a field's unit for a reader, from Grafana's name of it.
func unitOf(field *data.Field) string {
	if field.Config == nil {
		return ""
	}
	switch unit := field.Config.Unit; unit {
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

// cell is a value for a reader. No answer is a dash, not a zero.
func cell(field *data.Field, row int) string {
	value, ok := field.ConcreteAt(row)
	if !ok {
		return "–"
	}
	switch v := value.(type) {
	case string:
		return query.MemberLabel(v)
	case float64:
		decimals := 0
		if field.Config != nil && field.Config.Decimals != nil {
			decimals = int(*field.Config.Decimals)
		}
		if unitOf(field) == "%" {
			v *= 100
		}
		return thousands(v, decimals)
	}
	return fmt.Sprint(value)
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
