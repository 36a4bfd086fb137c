package ingest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// The bounds of a Parquet file. A file states sizes that its reader must allocate, so
// they are looked at before it does; no file of the field comes near them.
const (
	mostParquetColumns = 2_000
	longestFooter      = 32 << 20
	largestPage        = 64 << 20  // of a column, compressed or not
	largestPages       = 512 << 20 // of all columns, at one time
)

var parquetMagic = "PAR1"

// startsAsParquet looks at the first bytes and leaves them to be read.
func startsAsParquet(f *File) (bool, error) {
	if f.Random != nil {
		var magic [4]byte
		n, err := f.Random.ReadAt(magic[:], 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		return string(magic[:n]) == parquetMagic, nil
	}
	in := bufio.NewReader(f.Reader)
	f.Reader = in
	magic, err := in.Peek(len(parquetMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return string(magic) == parquetMagic, nil
}

// parquetRecords reads the rows of a Parquet file, a row group after another, a page
// of each column in memory. Columns with one value a row are read, those in a group by
// their path (usage.tokens); lists and maps are not. Whatever is wrong with a file is
// an error, never a panic.
type parquetRecords struct {
	reader  *file.Reader
	memory  *boundedMemory
	header  *header
	columns []parquetColumn // those that are read
	cursors []cursor        // of the row group, one a column
	group   int             // the next row group
	left    int64           // rows of this one
	row     int             // the last that was read, from 1
}

func newParquetRecords(random io.ReaderAt, size int64, wanted columns) (records *parquetRecords, err error) {
	defer recoverAs(&err)
	if err := checkParquetFooter(random, size); err != nil {
		return nil, err
	}
	r := &parquetRecords{memory: &boundedMemory{}}
	properties := parquet.NewReaderProperties(r.memory)
	properties.BufferedStreamEnabled = true // a page at a time, not a column chunk
	properties.MaxCompressedPageSize, properties.MaxUncompressedPageSize = largestPage, largestPage
	reader, err := file.NewParquetReader(io.NewSectionReader(random, 0, size), file.WithReadProps(properties))
	if err != nil {
		return nil, fmt.Errorf("the Parquet file cannot be read: %w. Write it anew", err)
	}
	r.reader = reader
	schema := reader.MetaData().Schema
	if schema.NumColumns() > mostParquetColumns {
		return nil, fmt.Errorf("the file has %d columns and at most %d are read: choose those that the import needs", schema.NumColumns(), mostParquetColumns)
	}
	var names, lists []string
	var kinds []fieldKind
	for i := range schema.NumColumns() {
		column, err := newParquetColumn(i, schema.Column(i))
		if err != nil {
			lists = append(lists, schema.Column(i).Path())
			continue
		}
		r.columns = append(r.columns, column)
		names, kinds = append(names, schema.Column(i).Path()), append(kinds, column.kind)
	}
	if len(names) == 0 {
		return nil, errors.New("the Parquet file has no column with one plain value a row")
	}
	r.header = newHeader(names)
	r.header.kinds, r.header.lists = kinds, lists
	return r, r.header.check(wanted)
}

// checkParquetFooter looks at the end of a file, where its columns are described.
func checkParquetFooter(random io.ReaderAt, size int64) error {
	const ending = 8 // the footer's length and the magic bytes
	if size < int64(len(parquetMagic))+ending {
		return errors.New("the Parquet file is cut off: copy or write it anew")
	}
	var end [ending]byte
	if _, err := random.ReadAt(end[:], size-ending); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	switch magic := string(end[4:]); {
	case magic == "PARE":
		return errors.New("the Parquet file is encrypted: write it without encryption")
	case magic != parquetMagic:
		return errors.New("the Parquet file is cut off, its end is missing: copy or write it anew")
	case length > longestFooter:
		return fmt.Errorf("the Parquet file describes its columns in %d bytes and at most %d are read: write it with fewer row groups or columns", length, longestFooter)
	case length > size-ending-int64(len(parquetMagic)):
		return errors.New("the Parquet file is broken, its footer is longer than the file: write it anew")
	}
	return nil
}

func (r *parquetRecords) close() {
	for _, cursor := range r.cursors {
		cursor.close()
	}
	r.cursors = nil
}

// next returns the next row. Text that is no UTF-8 and values that are too long cost
// their row alone; a page that cannot be read ends the file.
func (r *parquetRecords) next() (rec record, err error) {
	defer recoverAs(&err)
	for r.left == 0 {
		if err := r.nextGroup(); err != nil {
			return record{}, err
		}
	}
	r.left--
	r.row++
	rec = record{line: r.row, fields: make([]string, len(r.columns)), nulls: make([]bool, len(r.columns)), header: r.header}
	var bad error
	size := 0
	for i, cursor := range r.cursors {
		text, null, err := cursor.next()
		var unusable *unusableValue
		switch {
		case errors.As(err, &unusable):
			bad, text = errors.Join(bad, fmt.Errorf("%s %w", r.header.names[i], err)), unusable.shown
		case err != nil:
			return record{}, fmt.Errorf("row %d, column %q: %w", r.row, r.header.names[i], err)
		}
		if size += len(text); size > longestLine {
			bad, text = errors.Join(bad, fmt.Errorf("the row is longer than %d bytes", longestLine)), excerpt([]byte(text))
			size = 0
		}
		rec.fields[i], rec.nulls[i] = text, null
	}
	if bad != nil {
		return rec, &badRecord{r.row, rec.json(), bad}
	}
	return rec, nil
}

func (r *parquetRecords) nextGroup() error {
	r.close()
	r.memory.used = 0 // whatever the group before has left for the collector
	if r.group >= r.reader.NumRowGroups() {
		return io.EOF
	}
	group := r.reader.RowGroup(r.group)
	if group.NumRows() < 0 {
		return fmt.Errorf("row group %d states %d rows: the file is broken, write it anew", r.group+1, group.NumRows())
	}
	for _, column := range r.columns {
		chunk, err := group.Column(column.index)
		if err != nil {
			return fmt.Errorf("row group %d, column %q: %w", r.group+1, column.name, err)
		}
		r.cursors = append(r.cursors, column.cursor(chunk))
	}
	r.group++
	r.left = group.NumRows()
	return nil
}

// recoverAs makes an error of a panic: the decoder's own checks are not all it takes.
func recoverAs(err *error) {
	switch cause := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("the Parquet file cannot be decoded: %w. Write it anew", cause)
	default:
		*err = fmt.Errorf("the Parquet file cannot be decoded: %v. Write it anew", cause)
	}
}

// boundedMemory gives a decoder memory up to a bound, and panics beyond it.
type boundedMemory struct{ used int }

var errTooMuchMemory = fmt.Errorf("its pages take more than %d MiB at one time: write it with smaller pages", largestPages>>20)

func (m *boundedMemory) Allocate(size int) []byte {
	if m.used += size; size < 0 || m.used > largestPages {
		panic(errTooMuchMemory)
	}
	return make([]byte, size)
}

func (m *boundedMemory) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	grown := m.Allocate(size)
	copy(grown, b)
	m.Free(b)
	return grown
}

func (m *boundedMemory) Free(b []byte) { m.used = max(0, m.used-cap(b)) }

// json shows a row as JSON, numbers as numbers.
func (r record) json() string {
	var all strings.Builder
	all.WriteByte('{')
	for i, field := range r.fields {
		if i > 0 {
			all.WriteByte(',')
		}
		name, _ := json.Marshal(r.header.names[i]) // a string always can be
		all.Write(name)
		all.WriteByte(':')
		switch kind := r.header.kind(i); {
		case r.nulls[i]:
			all.WriteString("null")
		case (kind == fieldNumber || kind == fieldBoolean) && json.Valid([]byte(field)):
			all.WriteString(field)
		default:
			text, _ := json.Marshal(field)
			all.Write(text)
		}
	}
	all.WriteByte('}')
	return all.String()
}
