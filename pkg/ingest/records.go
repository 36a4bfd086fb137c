package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// record is one record of a file: a line or more of CSV, or a row of Parquet.
type record struct {
	line   int    // where it begins in the file, or which row it is, from 1
	raw    string // as it stands in the file; empty for Parquet
	fields []string
	nulls  []bool // which fields are null, where the file tells null from empty text
	header *header
}

// original is the record as it stands in the file; a row of Parquet is shown as JSON.
func (r record) original() string {
	if r.nulls == nil {
		return r.raw
	}
	return r.json()
}

// size is about how many bytes of memory the record takes.
func (r record) size() int {
	if r.nulls == nil {
		return len(r.raw)
	}
	size := 0
	for _, field := range r.fields {
		size += len(field) + 16
	}
	return size
}

// records are read one after another: next returns a *badRecord, io.EOF after the
// last, or the error of the file itself.
type records interface {
	next() (record, error)
	close()
}

// openRecords begins to read a file: Parquet by its magic bytes, else CSV.
func openRecords(file File, wanted columns) (records, error) {
	parquet, err := startsAsParquet(&file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", file.Name, err)
	case parquet && file.Random == nil:
		return nil, fmt.Errorf("%s is Parquet, whose columns are found from its end, so it cannot come through a pipe: save it as a file and import that", file.Name)
	case parquet && wanted.mapped:
		return nil, fmt.Errorf("%s is Parquet, and a mapping of business figures reads the text of a CSV file: save it as CSV", file.Name)
	case parquet:
		file.Rejects.countRows()
		reader, err := newParquetRecords(file.Random, file.Size, wanted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		return reader, nil
	}
	reader, err := newRecordReader(file.Reader, wanted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name, err)
	}
	return reader, nil
}

// text returns the field of a column, without blanks around it; empty where the
// file has no such column.
func (r record) text(column string) string {
	index, ok := r.header.index[fold(column)]
	if !ok || index >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(r.fields[index])
}

// header is a file's columns.
type header struct {
	names []string
	index map[string]int // by folded name
	kinds []fieldKind    // of Parquet; nil for CSV, where everything is text
	lists []string       // columns that hold several values a row, which cannot be read
}

func (h *header) kind(column int) fieldKind {
	if h.kinds == nil {
		return fieldText
	}
	return h.kinds[column]
}

func (h *header) has(column string) bool {
	_, ok := h.index[fold(column)]
	return ok
}

// fold makes names comparable: column names differ in case and blanks from tool
// to tool.
func fold(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// columns says what a source reads: required columns must be there.
type columns struct {
	required, optional []string

	// What a mapping says of a file that is not ours.
	mapped     bool
	delimiter  rune // 0 is a comma
	headerLine int  // where the header is, from 1; 0 is the first line that is not empty
	// leaveOut says whether a record is none; nil: every one is.
	leaveOut func(record) bool
	// rejected is told the line of each record that cannot be used; nil: nobody asks.
	rejected func(line int)
}

func (c columns) tellRejected(line int) {
	if c.rejected != nil {
		c.rejected(line)
	}
}

func (c columns) separator() rune {
	if c.delimiter == 0 {
		return ','
	}
	return c.delimiter
}

// badRecord is a record that cannot be used; the ones after it can.
type badRecord struct {
	line   int
	raw    string
	reason error
}

func (e *badRecord) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

// mostLines is how many lines one record may span.
const mostLines = 10_000

// recordReader reads the records of a CSV file (RFC 4180) by the names in its
// header. A bad record costs itself alone: a quote that is never closed does not
// swallow the rest of the file. It holds one record at a time and no record is
// longer than longestLine.
type recordReader struct {
	lines  *lineReader
	header *header
	wanted columns
}

// newRecordReader reads the header. Its error says what is wrong with the file
// as a whole and what would be right.
func newRecordReader(r io.Reader, wanted columns) (*recordReader, error) {
	reader := &recordReader{lines: newLineReader(r), wanted: wanted}
	for {
		first, err := reader.lines.next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the file is empty: it must begin with a header with the columns %s", strings.Join(wanted.required, ", "))
		}
		if err != nil {
			return nil, err
		}
		if first.number == 1 {
			first.text = bytes.TrimPrefix(first.text, []byte("\xef\xbb\xbf")) // byte order mark
		}
		if len(bytes.TrimSpace(first.text)) == 0 || first.number < wanted.headerLine {
			continue
		}
		reader.header, err = parseHeader(first, wanted)
		return reader, err
	}
}

func parseHeader(l line, wanted columns) (*header, error) {
	switch {
	case bytes.HasPrefix(l.text, []byte("\xff\xfe")), bytes.HasPrefix(l.text, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16: save it as CSV in UTF-8")
	case bytes.HasPrefix(l.text, []byte("\x1f\x8b")):
		return nil, errors.New("the file is compressed with gzip: unpack it first")
	case l.tooLong:
		return nil, fmt.Errorf("the first line is longer than %d bytes: this is not a CSV file with a header", longestLine)
	case !utf8.Valid(l.text) || bytes.IndexByte(l.text, 0) >= 0:
		if wanted.mapped {
			return nil, errors.New("the header is not text in UTF-8: set file.encoding in the mapping, to windows-1252 for instance")
		}
		return nil, errors.New("the first line is not text in UTF-8: this is not a CSV file with a header")
	case bytes.IndexByte(l.text, '\r') >= 0:
		return nil, errors.New("the lines end with a carriage return alone: save the file with line feeds")
	}
	names, err := splitFields(string(l.text), wanted.separator())
	if err != nil {
		return nil, fmt.Errorf("the header in line %d cannot be read: %w", l.number, err)
	}
	h := newHeader(names)
	if missing := h.missing(wanted.required); len(missing) > 0 {
		if err := findDelimiter(string(l.text), wanted, len(missing)); err != nil {
			return nil, err
		}
		if wanted.mapped {
			return nil, fmt.Errorf("%s missing in line %d; it has %s. Correct the names, or file.header_line, in the mapping", joinColumns(missing), l.number, describeColumns(names))
		}
	}
	return h, h.check(wanted)
}

// missingColumns says which columns a file lacks.
type missingColumns struct {
	columns []string
	names   []string // of the file
}

func (e *missingColumns) Error() string {
	return fmt.Sprintf("%s missing; the file has %s", joinColumns(e.columns), describeColumns(e.names))
}

// check returns why the columns that are wanted cannot be read, or nil.
func (h *header) check(wanted columns) error {
	if missing := h.missing(wanted.required); len(missing) > 0 {
		for _, column := range missing {
			if slices.ContainsFunc(h.lists, func(list string) bool {
				return fold(list) == fold(column) || strings.HasPrefix(fold(list), fold(column)+".")
			}) {
				return fmt.Errorf("the column %q holds a list or a group of values in each row: give it a plain value a row before the import", column)
			}
		}
		return &missingColumns{missing, h.names}
	}
	for _, column := range slices.Concat(wanted.required, wanted.optional) {
		same := func(name string) bool { return fold(name) == fold(column) }
		if first := slices.IndexFunc(h.names, same); first >= 0 && slices.ContainsFunc(h.names[first+1:], same) {
			return fmt.Errorf("the column %q is there twice: which one counts cannot be told", column)
		}
	}
	return nil
}

func newHeader(names []string) *header {
	h := &header{names: names, index: make(map[string]int, len(names))}
	for i, name := range names {
		if _, taken := h.index[fold(name)]; !taken {
			h.index[fold(name)] = i
		}
	}
	return h
}

func (h *header) missing(required []string) []string {
	return slices.DeleteFunc(slices.Clone(required), h.has)
}

// findDelimiter returns an error that names the delimiter of a header when one
// other than the comma gives it more of the required columns.
func findDelimiter(text string, wanted columns, missing int) error {
	for _, delimiter := range []struct {
		mark rune
		name string
	}{{';', `semicolons (";")`}, {'\t', "tabs"}, {'|', `vertical bars ("|")`}, {',', `commas (",")`}} {
		names, err := splitFields(text, delimiter.mark)
		if err == nil && len(newHeader(names).missing(wanted.required)) < missing {
			if wanted.mapped {
				return fmt.Errorf("the columns are separated by %s: correct file.delimiter in the mapping", delimiter.name)
			}
			return fmt.Errorf(`the columns are separated by %s and must be separated by commas (","): save the file as comma-separated CSV`, delimiter.name)
		}
	}
	return nil
}

func (r *recordReader) close() {}

// next returns the next record of the file.
func (r *recordReader) next() (record, error) {
	for {
		rec, err := r.nextOfAll()
		if !errors.Is(err, errLeftOut) {
			return rec, err
		}
	}
}

// errLeftOut says that a record is to be read over.
var errLeftOut = errors.New("left out")

func (r *recordReader) nextOfAll() (record, error) {
	first, err := r.lines.next()
	for err == nil && len(bytes.TrimSpace(first.text)) == 0 && !first.tooLong {
		first, err = r.lines.next()
	}
	if err != nil {
		return record{}, err
	}
	if first.tooLong {
		return record{}, &badRecord{first.number, excerpt(first.text), fmt.Errorf("the line is longer than %d bytes", longestLine)}
	}
	text := first.text
	if openQuote(text) {
		if text, err = r.closeQuote(first); err != nil {
			return record{}, err
		}
	}
	return r.parse(first, text)
}

func (r *recordReader) parse(first line, text []byte) (record, error) {
	rec := record{line: first.number, raw: string(text), header: r.header}
	bad := func(reason error) error { return &badRecord{rec.line, rec.raw, reason} }
	if !utf8.Valid(text) {
		return rec, bad(errors.New("it is not valid UTF-8"))
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return rec, bad(errors.New("it holds a NUL character"))
	}
	var err error
	if rec.fields, err = splitFields(rec.raw, r.wanted.separator()); err != nil {
		// What a stray quote has drawn in are records of their own.
		if within := text[len(first.text):]; len(within) > 0 {
			r.putBackLines(first.number, within[1:])
			rec.raw = string(first.text)
		}
		return rec, bad(err)
	}
	if r.wanted.leaveOut != nil && r.wanted.leaveOut(rec) {
		return rec, errLeftOut
	}
	// A writer that drops empty columns from a record shifts the others: CodeCarbon
	// has done so. Surplus empty fields are a spreadsheet's.
	expected := len(r.header.names)
	surplus := len(rec.fields) > expected && slices.ContainsFunc(rec.fields[expected:], func(f string) bool { return f != "" })
	if len(rec.fields) < expected || surplus {
		return rec, bad(fmt.Errorf("it has %d fields and the header has %d", len(rec.fields), expected))
	}
	return rec, nil
}

// closeQuote returns the text of a record whose first line leaves a quote open.
// Where no line closes it in reach, the first line alone is bad.
func (r *recordReader) closeQuote(first line) ([]byte, error) {
	text := slices.Clone(first.text)
	var drawn []line
	giveUp := func() ([]byte, error) {
		r.lines.putBack(drawn...)
		return nil, &badRecord{first.number, string(first.text), errors.New(`a quote (") is opened and not closed`)}
	}
	for {
		next, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			return giveUp()
		}
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, next)
		if next.tooLong || len(text)+1+len(next.text) > longestLine || len(drawn) == mostLines {
			return giveUp()
		}
		text = append(append(text, '\n'), next.text...)
		if openQuote(next.text) { // an odd number of quotes: it closes
			return text, nil
		}
	}
}

func (r *recordReader) putBackLines(first int, text []byte) {
	var lines []line
	for i, part := range bytes.Split(text, []byte("\n")) {
		lines = append(lines, line{number: first + 1 + i, text: part})
	}
	r.lines.putBack(lines...)
}

func openQuote(text []byte) bool { return bytes.Count(text, []byte{'"'})%2 == 1 }

func splitFields(text string, delimiter rune) ([]string, error) {
	if !strings.Contains(text, `"`) { // the same, without a parser for each record
		return strings.Split(text, string(delimiter)), nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = delimiter
	reader.FieldsPerRecord = -1
	fields, err := reader.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("column %d: %w", syntax.Column, syntax.Err)
	}
	if err != nil {
		return nil, err
	}
	return fields, nil
}

func joinColumns(names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("the column %q is", names[0])
	}
	return fmt.Sprintf("the columns %q are", names)
}

// describeColumns lists the columns found, bounded for a terminal.
func describeColumns(names []string) string {
	const most = 50
	shown := make([]string, 0, min(len(names), most))
	for _, name := range names[:min(len(names), most)] {
		shown = append(shown, fmt.Sprintf("%q", excerpt([]byte(strings.TrimSpace(name)))))
	}
	if len(names) > most {
		shown = append(shown, fmt.Sprintf("and %d more", len(names)-most))
	}
	if len(names) == 0 {
		return "none"
	}
	if len(names) == 1 {
		return "the one column " + shown[0]
	}
	return "the columns " + strings.Join(shown, ", ")
}

// excerpt is the beginning of a text, for a message or a reject file.
func excerpt(text []byte) string {
	const most = 200
	if len(text) <= most {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text[:most], []byte("?"))) + "…"
}
