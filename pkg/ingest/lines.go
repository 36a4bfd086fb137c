package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// longestLine is how much of a line is ever held in memory, in bytes. No record
// of the field comes near it; what is longer is no record.
const longestLine = 1 << 20

// line is a line of a file without its end.
type line struct {
	number int // from 1
	text   []byte
	// tooLong says that text is only the beginning of the line.
	tooLong bool
}

// lineReader cuts a stream into lines. It holds one line at a time, besides the
// lines that were put back.
type lineReader struct {
	in     *bufio.Reader
	number int
	queue  []line // put back, oldest first
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next line, io.EOF after the last, or the stream's error.
func (r *lineReader) next() (line, error) {
	if len(r.queue) > 0 {
		first := r.queue[0]
		r.queue = r.queue[1:]
		return first, nil
	}
	l := line{number: r.number + 1}
	for {
		part, err := r.in.ReadSlice('\n')
		room := longestLine - len(l.text)
		if len(part) > room {
			// One more than fits is the line's end when it is its newline.
			l.tooLong = l.tooLong || len(part) > room+1 || part[len(part)-1] != '\n'
			part = part[:room]
		}
		l.text = append(l.text, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return line{}, err
		case err != nil && len(l.text) == 0:
			return line{}, io.EOF
		}
		r.number++
		if !l.tooLong {
			l.text = bytes.TrimSuffix(bytes.TrimSuffix(l.text, []byte("\n")), []byte("\r"))
		}
		return l, nil
	}
}

// putBack makes lines the next ones to be read again.
func (r *lineReader) putBack(lines ...line) {
	r.queue = append(append([]line{}, lines...), r.queue...)
}
