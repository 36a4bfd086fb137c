package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readParquet returns the texts of every row; a rejected row is its reason.
func readParquet(content []byte, wanted columns) (rows []string, err error) {
	reader, err := newParquetRecords(bytes.NewReader(content), int64(len(content)), wanted)
	if err != nil {
		return nil, err
	}
	defer reader.close()
	for {
		rec, err := reader.next()
		var bad *badRecord
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case errors.As(err, &bad):
			rows = append(rows, bad.Error()+": "+bad.raw)
		case err != nil:
			return rows, err
		default:
			rows = append(rows, rec.original())
		}
	}
}

// gateway.parquet was written by DuckDB 1.5 with Zstandard.
func TestParquetValuesOfEveryTypeBecomeText(t *testing.T) {
	content, err := os.ReadFile("testdata/gateway.parquet")
	require.NoError(t, err)
	rows, err := readParquet(content, columns{required: []string{"llm", "hardware.gpu"}})
	require.NoError(t, err)
	require.Len(t, rows, 6)
	assert.JSONEq(t, `{"id": "00000000-0000-4000-8000-000000000002", "called_at": "2026-03-02T09:03:00Z", "local_time": "2026-03-02T10:03:00", "day": "2026-03-02",
		"llm": "acme/Large-70B", "app": null, "joules": 4320.000, "prompt": 2000, "completion": 102, "elapsed": 0.5, "cents": 0.2, "metered": true,
		"hardware.gpu": "H100", "hardware.count": 2}`, rows[2])
	assert.Contains(t, rows[0], `"app":"help,desk \"1\""`)
	assert.Contains(t, rows[3], `"cents":0.3,`)

	_, err = readParquet(content, columns{required: []string{"lllm"}})
	assert.ErrorContains(t, err, `the column "lllm" is missing; the file has the columns "id", "called_at"`)
	for _, list := range []string{"tags", "tags.list"} {
		_, err = readParquet(content, columns{required: []string{list}})
		assert.ErrorContains(t, err, "holds a list or a group of values in each row", list)
	}
}

func TestAParquetFileThatIsBrokenIsAnError(t *testing.T) {
	content, err := os.ReadFile("testdata/gateway.parquet")
	require.NoError(t, err)
	end := func(length uint32, magic string) []byte {
		broken := bytes.Clone(content)
		binary.LittleEndian.PutUint32(broken[len(broken)-8:], length)
		copy(broken[len(broken)-4:], magic)
		return broken
	}
	for want, broken := range map[string][]byte{
		"cut off":                          content[:8],
		"its end is missing":               content[:len(content)/2],
		"is encrypted":                     end(10, "PARE"),
		"its footer is longer":             end(uint32(len(content)), "PAR1"),
		"describes its columns in":         end(1<<31, "PAR1"),
		"cannot be read":                   end(3, "PAR1"),
		"the Parquet file cannot be read:": append(bytes.Clone(content[:4]), append(bytes.Repeat([]byte{0xff}, 40), []byte("\x10\x00\x00\x00PAR1")...)...),
	} {
		_, err := readParquet(broken, columns{})
		assert.ErrorContains(t, err, want)
	}
	// A byte that is wrong anywhere is an error or another value, never a panic.
	for i := range content {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			broken := bytes.Clone(content)
			broken[i] ^= flip
			_, _ = readParquet(broken, columns{})
		}
	}
	_, err = openRecords(File{Name: "x.parquet", Reader: bytes.NewReader(content), Rejects: NewRejects("", "")}, columns{})
	assert.ErrorContains(t, err, "cannot come through a pipe")
}

// write makes a file of one column of texts, a row group.
func write(t testing.TB, logical schema.LogicalType, codec compress.Compression, dictionary bool, values ...string) []byte {
	t.Helper()
	node, err := schema.NewPrimitiveNodeLogical("text", parquet.Repetitions.Required, logical, parquet.Types.ByteArray, -1, -1)
	require.NoError(t, err)
	root, err := schema.NewGroupNode("rows", parquet.Repetitions.Required, schema.FieldList{node}, -1)
	require.NoError(t, err)
	var out bytes.Buffer
	writer := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithDictionaryDefault(dictionary),
		parquet.WithDataPageSize(1<<40), parquet.WithStats(false))))
	group := writer.AppendRowGroup()
	chunk, err := group.NextColumn()
	require.NoError(t, err)
	texts := make([]parquet.ByteArray, len(values))
	for i, value := range values {
		texts[i] = parquet.ByteArray(value)
	}
	_, err = chunk.(*file.ByteArrayColumnChunkWriter).WriteBatch(texts, nil, nil)
	require.NoError(t, err)
	require.NoError(t, chunk.Close())
	require.NoError(t, group.Close())
	require.NoError(t, writer.Close())
	return out.Bytes()
}

func TestAValueThatCannotBeUsedCostsItsRow(t *testing.T) {
	long := strings.Repeat("x", longestLine+1)
	for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Lz4Raw} {
		rows, err := readParquet(write(t, schema.StringLogicalType{}, codec, true, "good", "\xff\xfe", "nul\x00", long, "good"), columns{})
		require.NoError(t, err, codec)
		require.Len(t, rows, 5)
		assert.Equal(t, `{"text":"good"}`, rows[0])
		assert.Contains(t, rows[1], "line 2: text is not valid UTF-8")
		assert.Contains(t, rows[2], `NUL characters: {"text":"nul?"}`)
		assert.Contains(t, rows[3], "is longer than 1048576 bytes")
		assert.Less(t, len(rows[3]), 1000, "a long value is shown in part")
		assert.Equal(t, `{"text":"good"}`, rows[4])
	}
	rows, err := readParquet(write(t, schema.NoLogicalType{}, compress.Codecs.Snappy, false, "\xff\x00"), columns{})
	require.NoError(t, err)
	assert.Equal(t, []string{`{"text":"ff00"}`}, rows, "bytes that are no text")
}

// Files that state more than they hold, or hold more than anybody needs: an error, and
// memory stays bounded.
func TestHostileParquetTakesNoMoreMemoryThanItMay(t *testing.T) {
	bomb := strings.Repeat("\x00", 1<<20)
	values := make([]string, 100) // 100 MiB in a page, which compresses to little
	for i := range values {
		values[i] = bomb
	}
	for _, codec := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Zstd, compress.Codecs.Gzip} {
		content := write(t, schema.StringLogicalType{}, codec, false, values...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readParquet(content, columns{})
		runtime.ReadMemStats(&after)
		assert.ErrorContains(t, err, "exceeds configured limit", codec)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20), "%s: bytes that were asked for", codec)
	}
	// A page whose content is larger than it states.
	for name, decode := range map[string]func(to, from []byte) ([]byte, error){"snappy": decodeSnappy, "zstd": decodeZstd} {
		codec, err := compress.GetCodec(map[string]compress.Compression{"snappy": compress.Codecs.Snappy, "zstd": compress.Codecs.Zstd}[name])
		require.NoError(t, err)
		packed := codec.Encode(nil, make([]byte, 1<<20))
		_, err = decode(make([]byte, 100), packed)
		assert.Error(t, err, name)
		empty, err := decode(nil, nil)
		require.NoError(t, err, "a page of nulls alone")
		assert.Empty(t, empty)
		plain, err := decode(make([]byte, 1<<20), packed)
		require.NoError(t, err)
		assert.Len(t, plain, 1<<20)
	}
	var memory boundedMemory
	assert.PanicsWithError(t, errTooMuchMemory.Error(), func() { memory.Allocate(largestPages + 1) })
}

func FuzzParquet(f *testing.F) {
	content, err := os.ReadFile("testdata/gateway.parquet")
	require.NoError(f, err)
	f.Add(content)
	f.Add(write(f, schema.StringLogicalType{}, compress.Codecs.Snappy, true, "a", "b", "a"))
	f.Add(write(f, schema.JSONLogicalType{}, compress.Codecs.Uncompressed, false, "{}", ""))
	f.Fuzz(func(t *testing.T, content []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reader, err := newParquetRecords(bytes.NewReader(content), int64(len(content)), columns{})
		if err != nil {
			return
		}
		defer reader.close()
		for range 10_000 { // a page of nulls may state any number of rows
			rec, err := reader.next()
			var bad *badRecord
			if err != nil && !errors.As(err, &bad) {
				break
			}
			if err == nil && (len(rec.fields) != len(reader.columns) || rec.original() == "") {
				t.Fatalf("a row has %d fields of %d columns", len(rec.fields), len(reader.columns))
			}
		}
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 2*largestPages {
			t.Fatalf("%d bytes of Parquet hold %d bytes of memory", len(content), held)
		}
	})
}
