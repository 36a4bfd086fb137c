package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// longestElement is how much of a JSON file one element may take.
const longestElement = 4 << 20

var errLongElement = fmt.Errorf("an element is longer than %d bytes", longestElement)

// elementReader counts lines, and ends where one element has taken too much.
type elementReader struct {
	in       io.Reader
	read     int64
	limit    int64
	newlines []int64 // where they were read and not yet passed
	passed   int     // how many
}

func (r *elementReader) Read(p []byte) (int, error) {
	if r.read >= r.limit {
		return 0, errLongElement
	}
	n, err := r.in.Read(p[:min(len(p), int(r.limit-r.read))])
	for i, c := range p[:n] {
		if c == '\n' {
			r.newlines = append(r.newlines, r.read+int64(i))
		}
	}
	r.read += int64(n)
	return n, err
}

// lineAt is the line of an offset, from 1. Offsets only grow.
func (r *elementReader) lineAt(offset int64) int {
	for len(r.newlines) > 0 && r.newlines[0] < offset {
		r.newlines, r.passed = r.newlines[1:], r.passed+1
	}
	return r.passed + 1
}

// jsonStream reads a JSON file element by element, and holds one at a time.
type jsonStream struct {
	source  *elementReader
	decoder *json.Decoder
}

func newJSONStream(in io.Reader) *jsonStream {
	source := &elementReader{in: in, limit: longestElement}
	decoder := json.NewDecoder(source)
	decoder.UseNumber()
	return &jsonStream{source, decoder}
}

// step makes room for the next element.
func (s *jsonStream) step() { s.source.limit = s.decoder.InputOffset() + longestElement }

// more says whether the array or object goes on.
func (s *jsonStream) more() bool {
	s.step()
	return s.decoder.More()
}

func (s *jsonStream) line() int { return s.source.lineAt(s.decoder.InputOffset()) }

// open reads the beginning of an array or object.
func (s *jsonStream) open(delimiter json.Delim, what string) error {
	s.step()
	token, err := s.decoder.Token()
	if err != nil {
		return s.broken(err)
	}
	if token != delimiter {
		return fmt.Errorf("line %d: %s must begin with %q and begins with %s", s.line(), what, delimiter.String(), excerpt(fmt.Append(nil, token)))
	}
	return nil
}

// close reads its end.
func (s *jsonStream) close() error {
	s.step()
	_, err := s.decoder.Token()
	return s.broken(err)
}

// key reads the name of an object's next value.
func (s *jsonStream) key() (string, error) {
	s.step()
	token, err := s.decoder.Token()
	name, _ := token.(string)
	return name, s.broken(err)
}

// element reads the next value as it stands.
func (s *jsonStream) element() (json.RawMessage, error) {
	s.step()
	var raw json.RawMessage
	err := s.decoder.Decode(&raw)
	return raw, s.broken(err)
}

// broken says where a file stops being JSON. Nothing after that can be read.
func (s *jsonStream) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the file ends in line %d, before its JSON does: it was cut off", s.line())
	}
	return fmt.Errorf("the file is not JSON from line %d on: %w", s.line(), err)
}
