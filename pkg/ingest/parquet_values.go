package ingest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/uuid"
)

// fieldKind is what the values of a column are.
type fieldKind int

const (
	fieldText fieldKind = iota
	fieldNumber
	fieldBoolean
	fieldTime // a point in time, or a local one
)

// unusableValue is a value that costs its row alone.
type unusableValue struct{ reason, shown string }

func (e *unusableValue) Error() string { return e.reason }

// parquetColumn is a column that is read.
type parquetColumn struct {
	index int
	name  string
	kind  fieldKind
	node  *schema.Column
}

var errSeveralValues = errors.New("it holds several values a row")

func newParquetColumn(index int, node *schema.Column) (parquetColumn, error) {
	column := parquetColumn{index: index, name: node.Path(), node: node}
	if node.MaxRepetitionLevel() > 0 {
		return column, errSeveralValues
	}
	switch node.LogicalType().(type) {
	case schema.TimestampLogicalType, schema.DateLogicalType:
		column.kind = fieldTime
		return column, nil
	case schema.TimeLogicalType:
		return column, nil // shown as text
	case schema.DecimalLogicalType, schema.IntLogicalType, schema.Float16LogicalType:
		column.kind = fieldNumber
		return column, nil
	}
	switch node.PhysicalType() {
	case parquet.Types.Boolean:
		column.kind = fieldBoolean
	case parquet.Types.Int32, parquet.Types.Int64, parquet.Types.Float, parquet.Types.Double:
		column.kind = fieldNumber
	case parquet.Types.Int96:
		column.kind = fieldTime
	}
	return column, nil
}

// cursor goes through the values of a column of a row group.
type cursor interface {
	// next returns the value of the next row as text, or that it is null.
	next() (text string, null bool, err error)
	close()
}

// The values that are decoded at once. A value of a hostile file may be as long as a
// page, and prefixes may be shared, so of texts there are few.
const (
	numbersAtOnce = 512
	textsAtOnce   = 16
)

func (c parquetColumn) cursor(chunk file.ColumnChunkReader) cursor {
	switch chunk := chunk.(type) {
	case *file.BooleanColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, func(v bool) (string, error) { return strconv.FormatBool(v), nil })
	case *file.Int32ColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, c.int32Text)
	case *file.Int64ColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, c.int64Text)
	case *file.Int96ColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, func(v parquet.Int96) (string, error) {
			return v.ToTime().UTC().Format(time.RFC3339Nano), nil
		})
	case *file.Float32ColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, func(v float32) (string, error) {
			return strconv.FormatFloat(float64(v), 'g', -1, 32), nil
		})
	case *file.Float64ColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, numbersAtOnce, func(v float64) (string, error) {
			return strconv.FormatFloat(v, 'g', -1, 64), nil
		})
	case *file.FixedLenByteArrayColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, textsAtOnce, func(v parquet.FixedLenByteArray) (string, error) { return c.bytesText(v) })
	case *file.ByteArrayColumnChunkReader:
		return newCursor(c, chunk, chunk.ReadBatchInPage, textsAtOnce, func(v parquet.ByteArray) (string, error) { return c.bytesText(v) })
	}
	panic(fmt.Errorf("the column %q is of a type that is not known", c.name))
}

type typedCursor[T any] struct {
	chunk     file.ColumnChunkReader
	read      func(batch int64, values []T, defined, repeated []int16) (int64, int, error)
	text      func(T) (string, error)
	values    []T
	levels    []int16
	mostLevel int16 // at which a value is there
	rows      int   // decoded
	row       int   // the next of them
	there     int   // of the values, how many
	value     int   // the next of them
}

func newCursor[T any](c parquetColumn, chunk file.ColumnChunkReader,
	read func(int64, []T, []int16, []int16) (int64, int, error), batch int, text func(T) (string, error)) *typedCursor[T] {
	return &typedCursor[T]{chunk: chunk, read: read, text: text, values: make([]T, batch), levels: make([]int16, batch), mostLevel: c.node.MaxDefinitionLevel()}
}

func (c *typedCursor[T]) next() (string, bool, error) {
	if c.row == c.rows {
		rows, values, err := c.read(int64(len(c.values)), c.values, c.levels, nil)
		if err == nil && rows == 0 {
			err = c.chunk.Err()
		}
		if err == nil && (rows <= 0 || rows > int64(len(c.values)) || values > int(rows)) {
			err = errors.New("it has fewer values than the file has rows: the file is broken, write it anew")
		}
		if err != nil {
			return "", false, err
		}
		c.rows, c.there, c.row, c.value = int(rows), values, 0, 0
	}
	row := c.row
	c.row++
	if c.mostLevel > 0 && c.levels[row] < c.mostLevel {
		return "", true, nil
	}
	if c.value >= c.there {
		return "", false, errors.New("a value is missing: the file is broken, write it anew")
	}
	text, err := c.text(c.values[c.value])
	c.value++
	return text, false, err
}

func (c *typedCursor[T]) close() { _ = c.chunk.Close() }

func (c parquetColumn) int32Text(v int32) (string, error) {
	switch logical := c.node.LogicalType().(type) {
	case schema.DateLogicalType:
		return time.Unix(int64(v)*24*3600, 0).UTC().Format(time.DateOnly), nil
	case schema.IntLogicalType:
		if !logical.IsSigned() {
			return strconv.FormatUint(uint64(uint32(v)), 10), nil
		}
	}
	return c.int64Text(int64(v))
}

func (c parquetColumn) int64Text(v int64) (string, error) {
	switch logical := c.node.LogicalType().(type) {
	case schema.DecimalLogicalType:
		return decimalText(strconv.FormatInt(v, 10), logical.Scale())
	case schema.TimestampLogicalType:
		return timestampText(v, logical), nil
	case schema.TimeLogicalType:
		unit := map[schema.TimeUnitType]time.Duration{schema.TimeUnitMillis: time.Millisecond, schema.TimeUnitMicros: time.Microsecond}[logical.TimeUnit()]
		return time.Unix(0, 0).UTC().Add(time.Duration(v) * max(unit, 1)).Format("15:04:05.999999999"), nil
	case schema.IntLogicalType:
		if !logical.IsSigned() {
			return strconv.FormatUint(uint64(v), 10), nil
		}
	}
	return strconv.FormatInt(v, 10), nil
}

// timestampText writes a point in time with its zone, a local time without.
func timestampText(v int64, logical schema.TimestampLogicalType) string {
	var t time.Time
	switch logical.TimeUnit() {
	case schema.TimeUnitMillis:
		t = time.UnixMilli(v).UTC()
	case schema.TimeUnitMicros:
		t = time.UnixMicro(v).UTC()
	default:
		t = time.Unix(0, v).UTC()
	}
	if logical.IsAdjustedToUTC() {
		return t.Format(time.RFC3339Nano)
	}
	return t.Format("2006-01-02T15:04:05.999999999")
}

func (c parquetColumn) bytesText(v []byte) (string, error) {
	if len(v) > longestLine {
		return "", &unusableValue{fmt.Sprintf("is longer than %d bytes", longestLine), excerpt(v)}
	}
	isText := false
	switch logical := c.node.LogicalType().(type) {
	case schema.DecimalLogicalType:
		const longest = 32 // bytes: 76 digits
		if len(v) == 0 || len(v) > longest {
			return "", &unusableValue{fmt.Sprintf("is a decimal of %d bytes, and 1 to %d are read", len(v), longest), hex.EncodeToString(v[:min(len(v), longest)])}
		}
		return decimalText(signedInteger(v).String(), logical.Scale())
	case schema.UUIDLogicalType:
		if id, err := uuid.FromBytes(v); err == nil {
			return id.String(), nil
		}
	case schema.Float16LogicalType:
		if len(v) == 2 {
			return strconv.FormatFloat(float64(float16.FromLEBytes(v).Float32()), 'g', -1, 32), nil
		}
	case schema.StringLogicalType, schema.EnumLogicalType, schema.JSONLogicalType:
		isText = true
	}
	if utf8.Valid(v) && !slices.Contains(v, 0) {
		return string(v), nil
	}
	if isText {
		return "", &unusableValue{"is not valid UTF-8 without NUL characters", strings.ReplaceAll(strings.ToValidUTF8(string(v), "?"), "\x00", "?")}
	}
	return hex.EncodeToString(v), nil // no text: a key, an image
}

// signedInteger reads a big-endian two's complement integer.
func signedInteger(v []byte) *big.Int {
	n := new(big.Int).SetBytes(v)
	if v[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	return n
}

// decimalText puts the point into the digits of an integer.
func decimalText(digits string, scale int32) (string, error) {
	const mostDigits = 76
	switch {
	case scale == 0:
		return digits, nil
	case scale < 0 || scale > mostDigits:
		return "", fmt.Errorf("it has a decimal scale of %d: the file is broken, write it anew", scale)
	}
	digits, negative := strings.CutPrefix(digits, "-")
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	text := digits[:len(digits)-int(scale)] + "." + digits[len(digits)-int(scale):]
	if negative {
		text = "-" + text
	}
	return text, nil
}
