package export

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// sampleTable has a column of each type.
var sampleTable = warehouse.ExportTable{Name: "sample", Columns: []warehouse.ExportColumn{
	{Name: "text"}, {Name: "integer", Type: warehouse.ColumnInteger}, {Name: "kwh", Type: warehouse.ColumnDecimal, Scale: 12},
	{Name: "ms", Type: warehouse.ColumnDecimal, Scale: 3}, {Name: "double", Type: warehouse.ColumnDouble}, {Name: "time", Type: warehouse.ColumnTime},
	{Name: "day", Type: warehouse.ColumnDay}, {Name: "yes", Type: warehouse.ColumnBoolean, Required: true},
}}

var sampleRows = [][]any{
	{"a,\"b\"\n", int64(math.MinInt64), int64(1), int64(1500), 0.30000000000000004, time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.UTC), time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), true},
	{nil, nil, nil, nil, nil, nil, nil, false},
	{"", int64(0), int64(math.MaxInt64), int64(-7), math.MaxFloat64, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), true},
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	w, err := newCSVWriter(&out, sampleTable)
	require.NoError(t, err)
	for _, row := range sampleRows {
		require.NoError(t, w.row(row))
	}
	require.NoError(t, w.close())
	assert.Equal(t, "text,integer,kwh,ms,double,time,day,yes\n"+
		"\"a,\"\"b\"\"\n\",-9223372036854775808,0.000000000001,1.5,0.30000000000000004,2026-03-01T10:00:00.123456Z,1969-12-31,true\n"+
		",,,,,,,false\n"+
		",0,9223372.036854775807,-0.007,1.7976931348623157e+308,2026-03-01T10:00:00Z,2026-03-01,true\n", out.String())
	assert.ErrorContains(t, w.row([]any{1, nil, nil, nil, nil, nil, nil, true}), "column text: a value is int, which its type does not say")
}

// The types that other warehouses read the columns by.
func TestParquetTypes(t *testing.T) {
	var out bytes.Buffer
	w, err := newParquetWriter(&out, sampleTable)
	require.NoError(t, err)
	for _, row := range sampleRows {
		require.NoError(t, w.row(row))
	}
	require.NoError(t, w.close())
	reader, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	assert.EqualValues(t, 3, reader.NumRows())
	schema := reader.MetaData().Schema
	for i, want := range []string{
		"BYTE_ARRAY String 1", "INT64 Int(bitWidth=64, isSigned=true) 1", "FIXED_LEN_BYTE_ARRAY Decimal(precision=19, scale=12) 1",
		"FIXED_LEN_BYTE_ARRAY Decimal(precision=19, scale=3) 1", "DOUBLE None 1",
		"INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false) 1", "INT32 Date 1", "BOOLEAN None 0",
	} {
		column := schema.Column(i)
		assert.Equal(t, want, column.PhysicalType().String()+" "+column.LogicalType().String()+" "+string(rune('0'+column.MaxDefinitionLevel())), column.Name())
		chunk, err := reader.RowGroup(0).MetaData().ColumnChunk(i)
		require.NoError(t, err)
		assert.Equal(t, compress.Codecs.Zstd, chunk.Compression())
	}
	assert.ErrorContains(t, w.row([]any{1, nil, nil, nil, nil, nil, nil, true}), "column text: a value is int")
	assert.ErrorContains(t, w.row([]any{nil, nil, nil, nil, nil, nil, nil, nil}), "column yes: a value is null, and none may be")
}

// More rows than a row group holds are several.
func TestRowsAreWrittenAGroupAtATime(t *testing.T) {
	var out bytes.Buffer
	w, err := newParquetWriter(&out, sampleTable)
	require.NoError(t, err)
	for range rowGroup*2 + 1 {
		require.NoError(t, w.row(sampleRows[0]))
	}
	assert.Equal(t, 1, w.rows, "what is written is not held")
	require.NoError(t, w.close())
	reader, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, 3, reader.NumRowGroups())
	assert.EqualValues(t, rowGroup*2+1, reader.NumRows())
}

// What an export holds is a row group, however many it has written.
func TestMemoryDoesNotGrowWithTheRowsThatAreWritten(t *testing.T) {
	w, err := newParquetWriter(io.Discard, sampleTable)
	require.NoError(t, err)
	held := map[int]int64{}
	const few, many = 4, 16
	for group := range many + 1 {
		if group == few || group == many {
			for range 3 { // compressors that are kept for later are let go by the second
				runtime.GC()
			}
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			held[group] = int64(stats.HeapAlloc)
		}
		for n := range rowGroup {
			row := slices.Clone(sampleRows[0])
			row[0] = strconv.Itoa(group*rowGroup + n)
			require.NoError(t, w.row(row))
		}
	}
	require.NoError(t, w.close())
	assert.Less(t, held[many]-held[few], int64(4<<20), "live heap after %d row groups against that after %d: %d and %d", many, few, held[many], held[few])
}

func TestAFileIsThereWhenItIsComplete(t *testing.T) {
	now := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	reader := warehouse.NewReader(warehousetest.SmallCompany(t, now))
	events := warehouse.ExportTables()[0]
	path := filepath.Join(t.TempDir(), "events.parquet")
	span := kpi.Span{From: now.AddDate(0, -3, 0), To: now}
	ctx, stop := context.WithCancel(context.Background())
	_, err := ToFile(ctx, reader, events, span, Parquet, path, func(int64) { stop() })
	assert.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Empty(t, left)

	rows, err := ToFile(context.Background(), reader, events, span, Parquet, path, func(int64) {})
	require.NoError(t, err)
	assert.EqualValues(t, 12+6+1, rows, "twelve requests, six hours of a training run, and idle energy")
	content, err := os.Open(path)
	require.NoError(t, err)
	defer content.Close() //nolint:errcheck // only read
	written, err := file.NewParquetReader(content)
	require.NoError(t, err)
	assert.Equal(t, rows, written.NumRows())
	_, err = Write(context.Background(), reader, events, span, "xml", &bytes.Buffer{}, nil)
	assert.ErrorContains(t, err, `unknown format "xml"`)
	_, err = Write(context.Background(), reader, events, span, CSV, failing{}, func(int64) {})
	assert.ErrorContains(t, err, "no space")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space") }

// What is committed while an export runs is not in it.
func TestAnExportIsOneSnapshot(t *testing.T) {
	now := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	pool := warehousetest.SmallCompany(t, now)
	reader := warehouse.NewReader(pool)
	events := warehouse.ExportTables()[0]
	span := kpi.Span{From: now.AddDate(0, -3, 0), To: now}
	count := func(during func()) int {
		rows := 0
		require.NoError(t, reader.Export(context.Background(), events, span, func(days int64) {
			if days == 1 {
				during()
			}
		}, func([]any) error { rows++; return nil }))
		return rows
	}
	before := count(func() { warehousetest.Write(t, pool, now, warehousetest.Event("during", now.Add(-time.Hour))) })
	assert.Equal(t, before+1, count(func() {}))
}
