package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

type csvWriter struct {
	out    *csv.Writer
	table  warehouse.ExportTable
	fields []string
}

func newCSVWriter(w io.Writer, table warehouse.ExportTable) (*csvWriter, error) {
	c := &csvWriter{out: csv.NewWriter(w), table: table, fields: make([]string, len(table.Columns))}
	for i, column := range table.Columns {
		c.fields[i] = column.Name
	}
	return c, c.out.Write(c.fields)
}

func (c *csvWriter) row(values []any) error {
	for i, column := range c.table.Columns {
		text, err := csvText(column, values[i])
		if err != nil {
			return err
		}
		c.fields[i] = text
	}
	return c.out.Write(c.fields)
}

func (c *csvWriter) close() error {
	c.out.Flush()
	return c.out.Error()
}

// csvText writes a value; null is an empty field.
func csvText(column warehouse.ExportColumn, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case int64:
		if column.Type == warehouse.ColumnDecimal {
			return decimalText(v, column.Scale), nil
		}
		return strconv.FormatInt(v, 10), nil
	case time.Time:
		if column.Type == warehouse.ColumnDay {
			return v.Format(time.DateOnly), nil
		}
		return v.UTC().Format("2006-01-02T15:04:05.999999Z07:00"), nil
	}
	return "", typeError(column, value)
}

func typeError(column warehouse.ExportColumn, value any) error {
	return fmt.Errorf("column %s: a value is %T, which its type does not say", column.Name, value)
}

// decimalText is a whole number of units with the point put in, without zeros at its
// end.
func decimalText(v int64, scale int) string {
	digits := strconv.FormatInt(v, 10)
	digits, negative := strings.CutPrefix(digits, "-")
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	text := digits[:len(digits)-scale]
	if fraction := strings.TrimRight(digits[len(digits)-scale:], "0"); fraction != "" {
		text += "." + fraction
	}
	if negative {
		text = "-" + text
	}
	return text
}
