package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// asNumber reduces a table to what an alert rule takes: its text fields, which
// become labels, and one number field.
func asNumber(frame *data.Frame, metric string) *data.Frame {
	kept := data.NewFrame(frame.Name)
	kept.Meta = frame.Meta
	for _, field := range frame.Fields {
		if field.Type() == data.FieldTypeString || field.Name == metric {
			kept.Fields = append(kept.Fields, field)
		}
	}
	return dropNullRows(kept, metric)
}

// dropNullRows leaves out the rows whose metric has no value: an alert rule would
// take a null for a fault.
func dropNullRows(frame *data.Frame, metric string) *data.Frame {
	index := slices.IndexFunc(frame.Fields, func(f *data.Field) bool { return f.Name == metric })
	kept := frame.EmptyCopy()
	kept.Meta = frame.Meta
	for row := range frame.Rows() {
		if _, ok := frame.ConcreteAt(index, row); ok {
			kept.AppendRow(frame.RowCopy(row)...)
		}
	}
	for i, field := range kept.Fields {
		field.Config = frame.Fields[i].Config
	}
	return kept
}

// finish gives a frame the kind that Grafana goes by, and turns a table into
// numbers where those were asked for.
func finish(frame *data.Frame, request Request) error {
	if frame.Meta == nil {
		frame.Meta = &data.FrameMeta{}
	}
	switch request.Format {
	case FormatTimeSeries:
		frame.Meta.Type = data.FrameTypeTimeSeriesWide
	case FormatNumber:
		if err := offers(frame, request.Metric); err != nil {
			return err
		}
		*frame = *asNumber(frame, request.Metric)
		frame.Meta.Type = data.FrameTypeNumericLong
	default:
		frame.Meta.Type = data.FrameTypeTable
	}
	frame.Meta.TypeVersion = data.FrameTypeVersion{0, 1}
	explainEmptiness(frame)
	return nil
}

// explainEmptiness says of a frame that has number fields and not one number what
// they would be, where nothing else says why.
func explainEmptiness(frame *data.Frame) {
	if len(frame.Meta.Notices) > 0 {
		return
	}
	var without *data.Field
	for _, field := range frame.Fields {
		if !field.Type().Numeric() {
			continue
		}
		for row := range field.Len() {
			if _, ok := field.ConcreteAt(row); ok {
				return
			}
		}
		without = field
	}
	if without == nil {
		return
	}
	name, meaning := without.Name, ""
	if c, known := columns[without.Name]; known {
		name, meaning = c.label, c.description
	}
	text := fmt.Sprintf("There is no %s in this period with these filters", name)
	if meaning != "" {
		text += fmt.Sprintf(" (%s)", meaning)
	}
	frame.Meta.Notices = append(frame.Meta.Notices, information(text+"."))
}

// offers refuses a number that the request's options leave out of the answer.
func offers(frame *data.Frame, metric string) error {
	var numbers []string
	for _, field := range frame.Fields {
		if field.Name == metric {
			return nil
		}
		if field.Type().Numeric() {
			numbers = append(numbers, field.Name)
		}
	}
	return BadRequest("There is no %s with these options. The numbers there are: %s.", metric, strings.Join(numbers, ", "))
}
