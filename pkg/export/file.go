package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Format is a format of files.
type Format string

// The formats.
const (
	Parquet Format = "parquet"
	CSV     Format = "csv"
)

// Formats lists the formats.
func Formats() []Format { return []Format{Parquet, CSV} }

// tableWriter writes the rows of a table.
type tableWriter interface {
	row(values []any) error
	close() error
}

// Write writes a table to w and returns how many rows it has; see Reader.Export.
func Write(ctx context.Context, reader *warehouse.Reader, table warehouse.ExportTable, span kpi.Span, format Format, w io.Writer,
	shown func(days int64)) (rows int64, err error) {
	var out tableWriter
	switch format {
	case Parquet:
		out, err = newParquetWriter(w, table)
	case CSV:
		out, err = newCSVWriter(w, table)
	default:
		err = fmt.Errorf("unknown format %q: it is one of %v", format, Formats())
	}
	if err != nil {
		return 0, err
	}
	err = reader.Export(ctx, table, span, shown, func(values []any) error {
		rows++
		return out.row(values)
	})
	if err != nil {
		return rows, err
	}
	return rows, out.close()
}

// ToFile writes a table to a file, which is there when all of it is: until then it has
// another name beside it, and a file of that name stays as it was.
func ToFile(ctx context.Context, reader *warehouse.Reader, table warehouse.ExportTable, span kpi.Span, format Format, path string,
	shown func(days int64)) (rows int64, err error) {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return 0, fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = part.Close()
			_ = os.Remove(part.Name())
		}
	}()
	out := bufio.NewWriterSize(part, 1<<20)
	if rows, err = Write(ctx, reader, table, span, format, out, shown); err != nil {
		return rows, err
	}
	const readable = 0o644 // an export is to be loaded by others
	if err = errors.Join(out.Flush(), part.Chmod(readable), part.Sync(), part.Close()); err != nil {
		return rows, fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	if err = os.Rename(part.Name(), path); err != nil {
		return rows, fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	return rows, nil
}
