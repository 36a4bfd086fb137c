package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var abc = columns{required: []string{"a", "b"}, optional: []string{"c"}}

// readAll returns the records as "line: fields" and the bad ones as "line! reason".
func readAll(t testing.TB, text io.Reader, wanted columns) []string {
	t.Helper()
	reader, err := newRecordReader(text, wanted)
	require.NoError(t, err)
	var seen []string
	for {
		rec, err := reader.next()
		var bad *badRecord
		switch {
		case errors.Is(err, io.EOF):
			return seen
		case errors.As(err, &bad):
			seen = append(seen, fmt.Sprintf("%d! %s", bad.line, bad.reason))
		default:
			require.NoError(t, err)
			seen = append(seen, fmt.Sprintf("%d: %s", rec.line, strings.Join(rec.fields, "|")))
		}
	}
}

func TestRecordsGoOnAfterABadOne(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"plain":                       {"a,b\n1,2\n3,4", []string{"2: 1|2", "3: 3|4"}},
		"carriage returns and blanks": {"\r\na,b\r\n\r\n1,2\r\n", []string{"4: 1|2"}},
		"byte order mark":             {"\xef\xbb\xbfa,b\n1,2\n", []string{"2: 1|2"}},
		"columns by name":             {" B ,x,A\n1,2,3\n", []string{"2: 1|2|3"}},
		"quotes over lines":           {"a,b\n\"x\ny\",\"say \"\"hi\"\"\"\n3,4\n", []string{"2: x\ny|say \"hi\"", "4: 3|4"}},
		"too few fields":              {"a,b\n1\n3,4\n", []string{"2! it has 1 fields and the header has 2", "3: 3|4"}},
		"too many fields":             {"a,b\n1,2,3\n3,4,,\n", []string{"2! it has 3 fields and the header has 2", "3: 3|4||"}},
		"invalid UTF-8":               {"a,b\n1,\xff\n3,4\n", []string{"2! it is not valid UTF-8", "3: 3|4"}},
		"NUL":                         {"a,b\n1,\x00\n3,4\n", []string{"2! it holds a NUL character", "3: 3|4"}},
		"stray quote":                 {"a,b\n1,2\" disk\n3,4\n5,6\n", []string{"2! a quote (\") is opened and not closed", "3: 3|4", "4: 5|6"}},
		"stray quotes that pair": {"a,b\n1,2\"\n3,4\n5\",6\n7,8\n", []string{
			"2! column 4: bare \" in non-quoted-field", "3: 3|4", "4! a quote (\") is opened and not closed", "5: 7|8"}},
		"quote never closed": {"a,b\n\"1,2\n3,4\n5,6", []string{"2! a quote (\") is opened and not closed", "3: 3|4", "4: 5|6"}},
		"a line too long": {"a,b\n" + strings.Repeat("x", longestLine+1) + "\n3,4\n", []string{
			"2! the line is longer than 1048576 bytes", "3: 3|4"}},
		"a line as long as can be": {"a,b\n1," + strings.Repeat("2", longestLine-2) + "\n3,4\n", []string{
			"2: 1|" + strings.Repeat("2", longestLine-2), "3: 3|4"}},
		"a record too long over lines": {"a,b\n\"1\n" + strings.Repeat("y", longestLine-2) + "\n3,4\n5,6\"\n7,8\n", []string{
			"2! a quote (\") is opened and not closed", "3! it has 1 fields and the header has 2", "4: 3|4",
			"5! a quote (\") is opened and not closed", "6: 7|8"}},
		"header only": {"a,b\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, readAll(t, strings.NewReader(test.text), abc))
		})
	}
}

func TestHeadersThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":            {"", "the file is empty: it must begin with a header with the columns a, b"},
		"blank":            {"\n \n\n", "the file is empty"},
		"missing column":   {"a,c,d\n", `the column "b" is missing; the file has the columns "a", "c", "d"`},
		"missing columns":  {"x\n", `the columns ["a" "b"] are missing; the file has the one column "x"`},
		"semicolons":       {"a;b\n1;2\n", `the columns are separated by semicolons (";") and must be separated by commas (",")`},
		"tabs":             {"a\tb\n1\t2\n", `the columns are separated by tabs and must be separated by commas (",")`},
		"bars":             {"a|b|c\n", `the columns are separated by vertical bars ("|")`},
		"column twice":     {"a,b,A\n", `the column "a" is there twice`},
		"UTF-16":           {"\xff\xfea\x00,\x00b\x00\n\x00", "the file is UTF-16"},
		"gzip":             {"\x1f\x8b\x08\x00", "the file is compressed with gzip"},
		"binary":           {"\x00\x01\x02", "not text in UTF-8"},
		"old Mac lines":    {"a,b\r1,2\r", "the lines end with a carriage return alone"},
		"no line at all":   {strings.Repeat("x", longestLine+1), "the first line is longer than 1048576 bytes"},
		"broken header":    {"a,\"b\n1,2\n", "the header in line 1 cannot be read"},
		"very many others": {strings.Repeat("x,", 60) + "a\n", "and 11 more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newRecordReader(strings.NewReader(test.text), abc)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestTheErrorOfTheFileIsNotTheEndOfIt(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("a,b\n1,2\n3,"), failingReader{})
	reader, err := newRecordReader(broken, abc)
	require.NoError(t, err)
	_, err = reader.next()
	require.NoError(t, err)
	_, err = reader.next()
	assert.ErrorIs(t, err, io.ErrClosedPipe, "half a record is not a record")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// endless is a line of many bytes that is never in memory.
type endless struct{ left int64 }

func (r *endless) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), int64(len(xs)), r.left))
	copy(p, xs[:n])
	r.left -= int64(n)
	return n, nil
}

var xs = bytes.Repeat([]byte("x"), 64<<10)

func TestAGigabyteLineIsSkippedInConstantMemory(t *testing.T) {
	const gigabyte = 1 << 30
	text := io.MultiReader(strings.NewReader("a,b\n1,2\n"), &endless{gigabyte}, strings.NewReader("\n3,4\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	seen := readAll(t, text, abc)
	runtime.ReadMemStats(&after)
	assert.Equal(t, []string{"2: 1|2", "3! the line is longer than 1048576 bytes", "4: 3|4"}, seen)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*longestLine), "all that was ever allocated, for a line of %d bytes", gigabyte)
}

func TestManyOpenQuotesTakeLinearWork(t *testing.T) {
	// Every line opens a quote, so each is drawn into the one before it.
	lines := 50_000
	text := "a,b\n" + strings.Repeat("x\",y\n", lines)
	seen := readAll(t, strings.NewReader(text), abc)
	assert.Len(t, seen, lines)
}

func FuzzRecords(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a,b\n\"x\ny\",2\n", "a,b\n\"1,2\n3,4\n", "a,b\n1,\xff\n", "\xef\xbb\xbfa,b\r\n1,2\r\n", "a;b\n", "", "a,b\n1,2\"\n3\",4\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reader, err := newRecordReader(strings.NewReader(text), abc)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		lines := strings.Count(text, "\n") + 1
		var good [][]string
		last, bad := 0, 0
		for {
			rec, err := reader.next()
			if errors.Is(err, io.EOF) {
				break
			}
			var badRec *badRecord
			line := rec.line
			if errors.As(err, &badRec) {
				line = badRec.line
				bad++
			} else {
				require.NoError(t, err)
				good = append(good, rec.fields)
				require.GreaterOrEqual(t, len(rec.fields), len(rec.header.names))
			}
			require.Greater(t, line, last, "records come in the order of their lines")
			require.LessOrEqual(t, line, lines)
			last = line
		}
		// What encoding/csv reads without complaint, we read as it does.
		strict := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\xef\xbb\xbf")))
		if all, err := strict.ReadAll(); err == nil && bad == 0 && len(all) == len(good)+1 {
			for i, fields := range good {
				assert.Equal(t, all[i+1], fields)
			}
		}
	})
}
