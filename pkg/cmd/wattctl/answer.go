package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// answerWriters write a frame in each format of wattctl query.
var answerWriters = map[string]func(io.Writer, *data.Frame) error{
	"table": writeTable,
	"json":  writeJSON,
	"csv":   writeCSV,
}

// fieldName tells fields of one name apart by their labels.
func fieldName(field *data.Field) string {
	name := field.Name
	if len(field.Labels) > 0 {
		name += "{" + field.Labels.String() + "}"
	}
	return name
}

// cell is a value of a frame, nil where there is none.
func cell(field *data.Field, row int) any {
	value, ok := field.ConcreteAt(row)
	if !ok {
		return nil
	}
	if t, ok := value.(time.Time); ok {
		return t.UTC().Format(time.RFC3339)
	}
	return value
}

func writeTable(out io.Writer, frame *data.Frame) error {
	writer := newTable(out)
	header := table.Row{}
	var columns []table.ColumnConfig
	for i, field := range frame.Fields {
		header = append(header, fieldName(field))
		if field.Type().Numeric() {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	writer.AppendHeader(header)
	writer.SetColumnConfigs(columns)
	for row := range frame.Rows() {
		line := table.Row{}
		for _, field := range frame.Fields {
			switch value := cell(field, row).(type) {
			case nil:
				line = append(line, "–")
			case float64:
				line = append(line, strconv.FormatFloat(value, 'g', 6, 64))
			default:
				line = append(line, value)
			}
		}
		writer.AppendRow(line)
	}
	writer.Render()
	return nil
}

// writeJSON writes an array of rows, each an object by field name.
func writeJSON(out io.Writer, frame *data.Frame) error {
	rows := make([]map[string]any, frame.Rows())
	for row := range rows {
		rows[row] = map[string]any{}
		for _, field := range frame.Fields {
			rows[row][fieldName(field)] = cell(field, row)
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

func writeCSV(out io.Writer, frame *data.Frame) error {
	writer := csv.NewWriter(out)
	var header []string
	for _, field := range frame.Fields {
		header = append(header, fieldName(field))
	}
	if err := writer.Write(header); err != nil {
		return err
	}
	for row := range frame.Rows() {
		var line []string
		for _, field := range frame.Fields {
			switch value := cell(field, row).(type) {
			case nil:
				line = append(line, "")
			case float64:
				line = append(line, strconv.FormatFloat(value, 'g', -1, 64))
			default:
				line = append(line, fmt.Sprint(value))
			}
		}
		if err := writer.Write(line); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

// printNotices writes what the answer says of itself, once each.
func printNotices(out io.Writer, frames data.Frames) {
	said := map[string]bool{}
	for _, frame := range frames {
		if frame.Meta == nil {
			continue
		}
		for _, notice := range frame.Meta.Notices {
			if !said[notice.Text] {
				fmt.Fprintln(out, "note:", notice.Text)
			}
			said[notice.Text] = true
		}
	}
}
