package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// writer writes the frames of an answer.
type writer func(to io.Writer, frames data.Frames) error

// value is the field's value in a row: nil where there is none.
func value(field *data.Field, row int) any {
	concrete, ok := field.ConcreteAt(row)
	if !ok {
		return nil
	}
	switch v := concrete.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case json.RawMessage:
		return string(v)
	}
	return concrete
}

// writeJSON writes an array of rows keyed by field name, the fields in the order
// of the frame.
func writeJSON(to io.Writer, frames data.Frames) error {
	var out bytes.Buffer
	out.WriteByte('[')
	first := true
	for _, frame := range frames {
		names := columnNames(frame)
		for row := range frame.Rows() {
			if !first {
				out.WriteByte(',')
			}
			first = false
			out.WriteString("\n  {")
			for i, field := range frame.Fields {
				if i > 0 {
					out.WriteString(", ")
				}
				name, err := json.Marshal(names[i])
				if err != nil {
					return err
				}
				cell, err := json.Marshal(value(field, row))
				if err != nil {
					return err
				}
				out.Write(name)
				out.WriteString(": ")
				out.Write(cell)
			}
			out.WriteByte('}')
		}
	}
	if !first {
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	_, err := to.Write(out.Bytes())
	return err
}

// writeCSV writes each frame under a header of its own, a blank line between.
func writeCSV(to io.Writer, frames data.Frames) error {
	for i, frame := range frames {
		if i > 0 {
			if _, err := io.WriteString(to, "\n"); err != nil {
				return err
			}
		}
		lines := csv.NewWriter(to)
		records := [][]string{columnNames(frame)}
		for row := range frame.Rows() {
			record := make([]string, len(frame.Fields))
			for i, field := range frame.Fields {
				record[i] = plain(value(field, row), -1)
			}
			records = append(records, record)
		}
		if err := lines.WriteAll(records); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes each frame as a table for people, numbers with six digits.
func writeTable(to io.Writer, frames data.Frames) error {
	for _, frame := range frames {
		shown := newTable()
		names := columnNames(frame)
		header := make(table.Row, len(names))
		var columns []table.ColumnConfig
		for i, field := range frame.Fields {
			header[i] = names[i]
			if field.Type().Numeric() {
				columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
			}
		}
		shown.AppendHeader(header)
		shown.SetColumnConfigs(columns)
		for row := range frame.Rows() {
			cells := make(table.Row, len(frame.Fields))
			for i, field := range frame.Fields {
				cells[i] = plain(value(field, row), 6)
			}
			shown.AppendRow(cells)
		}
		if _, err := io.WriteString(to, shown.Render()+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// plain writes a value as text; digits is how many a number is rounded to, -1
// for all it has.
func plain(v any, digits int) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		whole := v == math.Trunc(v) || math.Abs(v) >= math.Pow10(digits-1) // no digit after the point counts
		if digits > 0 && whole && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
