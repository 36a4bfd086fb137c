package export

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// rowGroup is how many rows are held before they are written: some tens of MB.
const rowGroup = 1 << 16

// Decimals hold what 64 bits do, 19 digits, which takes 9 bytes. Snowflake, BigQuery and
// Spark have them exactly.
const (
	decimalDigits = 19
	decimalBytes  = 9
)

type parquetWriter struct {
	out     *file.Writer
	columns []parquetColumn
	rows    int
}

// parquetColumn gathers the values of a row group.
type parquetColumn interface {
	add(value any) error
	// write writes what was gathered, and begins anew.
	write(file.ColumnChunkWriter) error
}

func newParquetWriter(w io.Writer, table warehouse.ExportTable) (*parquetWriter, error) {
	p := &parquetWriter{}
	fields := make(schema.FieldList, len(table.Columns))
	for i, column := range table.Columns {
		field, gatherer, err := describe(column)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", column.Name, err)
		}
		fields[i] = field
		p.columns = append(p.columns, gatherer)
	}
	root, err := schema.NewGroupNode("wattscore_"+table.Name, parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, err
	}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("WattScore"),
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithDataPageVersion(parquet.DataPageV1))
	p.out, err = file.NewParquetWriterWithError(w, root, file.WithWriterProps(properties))
	return p, err
}

// describe gives a column its type in the file, and what gathers its values.
func describe(column warehouse.ExportColumn) (schema.Node, parquetColumn, error) {
	repetition := parquet.Repetitions.Optional
	if column.Required {
		repetition = parquet.Repetitions.Required
	}
	node := func(logical schema.LogicalType, physical parquet.Type, length int, gatherer parquetColumn) (schema.Node, parquetColumn, error) {
		n, err := schema.NewPrimitiveNodeLogical(column.Name, repetition, logical, physical, length, -1)
		return n, gatherer, err
	}
	switch column.Type {
	case warehouse.ColumnText:
		return node(schema.StringLogicalType{}, parquet.Types.ByteArray, -1,
			gather(column, func(v string) parquet.ByteArray { return parquet.ByteArray(v) }, (*file.ByteArrayColumnChunkWriter).WriteBatch))
	case warehouse.ColumnInteger:
		return node(schema.NewIntLogicalType(64, true), parquet.Types.Int64, -1,
			gather(column, func(v int64) int64 { return v }, (*file.Int64ColumnChunkWriter).WriteBatch))
	case warehouse.ColumnDecimal:
		return node(schema.NewDecimalLogicalType(decimalDigits, int32(column.Scale)), parquet.Types.FixedLenByteArray, decimalBytes,
			gather(column, decimal, (*file.FixedLenByteArrayColumnChunkWriter).WriteBatch))
	case warehouse.ColumnDouble:
		return node(schema.NoLogicalType{}, parquet.Types.Double, -1,
			gather(column, func(v float64) float64 { return v }, (*file.Float64ColumnChunkWriter).WriteBatch))
	case warehouse.ColumnTime:
		return node(schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), parquet.Types.Int64, -1,
			gather(column, time.Time.UnixMicro, (*file.Int64ColumnChunkWriter).WriteBatch))
	case warehouse.ColumnDay:
		return node(schema.DateLogicalType{}, parquet.Types.Int32, -1,
			gather(column, func(v time.Time) int32 { return int32(v.Unix() / (24 * 3600)) }, (*file.Int32ColumnChunkWriter).WriteBatch))
	case warehouse.ColumnBoolean:
		return node(schema.NoLogicalType{}, parquet.Types.Boolean, -1,
			gather(column, func(v bool) bool { return v }, (*file.BooleanColumnChunkWriter).WriteBatch))
	}
	return nil, nil, fmt.Errorf("its type %d has no place in Parquet", column.Type)
}

// decimal is a whole number of units as a big-endian two's complement integer.
func decimal(v int64) parquet.FixedLenByteArray {
	sign := byte(0)
	if v < 0 {
		sign = 0xff
	}
	return binary.BigEndian.AppendUint64([]byte{sign}, uint64(v))
}

func (p *parquetWriter) row(values []any) error {
	for i, column := range p.columns {
		if err := column.add(values[i]); err != nil {
			return err
		}
	}
	if p.rows++; p.rows == rowGroup {
		return p.flush()
	}
	return nil
}

func (p *parquetWriter) flush() error {
	group, err := p.out.AppendRowGroupChecked()
	if err != nil {
		return fmt.Errorf("writing Parquet: %w", err)
	}
	for _, column := range p.columns {
		chunk, err := group.NextColumn()
		if err == nil {
			err = column.write(chunk)
		}
		if err == nil {
			err = chunk.Close()
		}
		if err != nil {
			return fmt.Errorf("writing Parquet: %w", err)
		}
	}
	p.rows = 0
	if err := group.Close(); err != nil {
		return fmt.Errorf("writing Parquet: %w", err)
	}
	return nil
}

func (p *parquetWriter) close() error {
	if p.rows > 0 {
		if err := p.flush(); err != nil {
			return err
		}
	}
	if err := p.out.Close(); err != nil {
		return fmt.Errorf("writing Parquet: %w", err)
	}
	return nil
}

// gathered are the values of a column: V as the warehouse gives them, T in the file.
type gathered[V, T any, W file.ColumnChunkWriter] struct {
	column warehouse.ExportColumn
	as     func(V) T
	batch  func(w W, values []T, defined, repeated []int16) (int64, error)
	values []T
	levels []int16 // 1: there, 0: null; nil where the column is required
}

func gather[V, T any, W file.ColumnChunkWriter](column warehouse.ExportColumn, as func(V) T, batch func(W, []T, []int16, []int16) (int64, error)) *gathered[V, T, W] {
	return &gathered[V, T, W]{column: column, as: as, batch: batch}
}

func (g *gathered[V, T, W]) add(value any) error {
	if value == nil {
		if g.column.Required {
			return fmt.Errorf("column %s: a value is null, and none may be", g.column.Name)
		}
		g.levels = append(g.levels, 0)
		return nil
	}
	v, ok := value.(V)
	if !ok {
		return typeError(g.column, value)
	}
	g.values = append(g.values, g.as(v))
	if !g.column.Required {
		g.levels = append(g.levels, 1)
	}
	return nil
}

func (g *gathered[V, T, W]) write(chunk file.ColumnChunkWriter) error {
	writer, ok := chunk.(W)
	if !ok {
		return fmt.Errorf("column %s: it is written as %T", g.column.Name, chunk)
	}
	_, err := g.batch(writer, g.values, g.levels, nil)
	clear(g.values) // the texts are garbage
	g.values, g.levels = g.values[:0], g.levels[:0]
	return err
}
