package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// liveHeap is what is held after everything else was collected, in bytes.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers of the first have let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// mostGrowth is how much more the heap may hold after many rows than after some. A
// hundred bytes kept of each row would be far over it.
const mostGrowth = 4 << 20

// generator is a CSV file that is made as it is read.
type generator struct {
	rows int
	row  func(n int) string
	next int
	rest []byte
	// at calls back when so many rows were made.
	at map[int]func()
}

func (g *generator) Read(p []byte) (int, error) {
	for len(g.rest) == 0 {
		if g.next > g.rows {
			return 0, io.EOF
		}
		g.rest = []byte(g.row(g.next))
		g.next++
		if call := g.at[g.next]; call != nil {
			call()
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// memoryRow is row n of a file; one in seven is bad, and one in fifty equals the row
// before.
func memoryRow(n int) string {
	if n == 0 {
		return "started,llm,joules,note\n"
	}
	same := n - n%50/49
	energy := strconv.Itoa(same % 10_000)
	if n%7 == 0 {
		energy = "much"
	}
	return fmt.Sprintf("%s,model-%d,%s,%032x\n", time.Unix(1_770_000_000+int64(same)*37%4_000_000, 0).UTC().Format(time.RFC3339), same%10, energy, same)
}

const memoryMapping = `
columns:
  ts: started
  model: llm
  region: {value: us-central1}
  workload: {value: inference}
  requests: {value: 1}
  it_energy_kwh: {from: joules, unit: J}
  source: {value: test}
  quality: {value: measured}
`

func TestMemoryDoesNotGrowWithTheRowsThatAreStored(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	mapping, err := ParseMapping([]byte(memoryMapping), "events")
	require.NoError(t, err)
	var some, many int64
	rows := &generator{rows: 80_000, row: func(n int) string {
		if n == 0 {
			return "event_id," + memoryRow(n)
		}
		return fmt.Sprintf("request-%d,%s", n, memoryRow(n))
	}}
	rows.at = map[int]func(){20_000: func() { some = liveHeap() }, 80_000: func() { many = liveHeap() }}
	rejects := NewRejects(t.TempDir()+"/rejects.csv", "")
	report, err := Events(context.Background(), store, File{Name: "generated", Reader: rows, Rejects: rejects}, mapping, now)
	require.NoError(t, err)
	require.NoError(t, rejects.Close())
	assert.Equal(t, 80_000, report.Read)
	assert.Equal(t, 80_000/7, report.Rejected)
	assert.Equal(t, 80_000-80_000/7, report.Stored)
	assert.Less(t, many-some, int64(mostGrowth), "live heap after 80,000 rows against that after 20,000: %d and %d", many, some)
}

// Rows that have no id of their own, in no order of time.
func TestMemoryDoesNotGrowWithTheRowsThatAreToldApart(t *testing.T) {
	mapping, err := ParseMapping([]byte(memoryMapping), "events")
	require.NoError(t, err)
	read := func(t *testing.T, input File) (identified int, report Report) {
		parser := eventParser{mapped: &mapped{shape: eventShape, mapping: mapping}, now: now, ids: newIdentities()}
		defer parser.ids.close()
		input.Rejects = NewRejects(t.TempDir()+"/rejects.csv", "")
		require.NoError(t, report.eachMapped(context.Background(), input, parser.mapped, func(rec record) error {
			_, err := parser.event(rec)
			if err == nil {
				identified++
			}
			return err
		}))
		require.NoError(t, input.Rejects.Close())
		return identified, report
	}
	t.Run("CSV", func(t *testing.T) {
		var some, many int64
		const all = 640_000 // the ids of half of them are more than memory holds
		rows := &generator{rows: all, row: memoryRow, at: map[int]func(){all / 2: func() { some = liveHeap() }, all: func() { many = liveHeap() }}}
		identified, report := read(t, File{Name: "generated", Reader: rows})
		assert.Equal(t, all-all/7, identified)
		assert.Equal(t, all/7, report.Rejected)
		assert.Less(t, many-some, int64(mostGrowth), "live heap after %d rows against that after half of them: %d and %d", all, many, some)
	})
	t.Run("Parquet", func(t *testing.T) {
		const all, group = 600_000, 50_000
		content := manyRows(t, all, group)
		before := liveHeap()
		var most int64
		watched := &watchedReader{Reader: bytes.NewReader(content), every: len(content) / 20, look: func() { most = max(most, liveHeap()) }}
		identified, _ := read(t, File{Name: "generated", Random: watched, Size: int64(len(content))})
		assert.Equal(t, all, identified)
		assert.Less(t, most-before, int64(remembered*64+16<<20), "besides the ids that are remembered, pages of %d columns", 3)
	})
}

// watchedReader looks now and then while a file is read.
type watchedReader struct {
	*bytes.Reader
	every, read int
	look        func()
}

func (w *watchedReader) ReadAt(p []byte, offset int64) (int, error) {
	n, err := w.Reader.ReadAt(p, offset)
	if w.read += n; w.read >= w.every {
		w.read = 0
		w.look()
	}
	return n, err
}

// manyRows is a Parquet file of distinct rows.
func manyRows(t *testing.T, rows, group int) []byte {
	t.Helper()
	column := func(name string, logical schema.LogicalType, physical parquet.Type) schema.Node {
		node, err := schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Required, logical, physical, -1, -1)
		require.NoError(t, err)
		return node
	}
	root, err := schema.NewGroupNode("rows", parquet.Repetitions.Required, schema.FieldList{
		column("started", schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), parquet.Types.Int64),
		column("llm", schema.StringLogicalType{}, parquet.Types.ByteArray), column("joules", schema.NoLogicalType{}, parquet.Types.Double),
	}, -1)
	require.NoError(t, err)
	var out bytes.Buffer
	writer := file.NewParquetWriter(&out, root)
	for from := 0; from < rows; from += group {
		times, models, energies := make([]int64, group), make([]parquet.ByteArray, group), make([]float64, group)
		for i := range group {
			times[i], models[i], energies[i] = (1_770_000_000+int64(from+i)*37%4_000_000)*1e6, parquet.ByteArray(fmt.Sprint("model-", i%10)), float64(from+i)
		}
		chunks := writer.AppendRowGroup()
		next := func() file.ColumnChunkWriter {
			chunk, err := chunks.NextColumn()
			require.NoError(t, err)
			return chunk
		}
		_, err := next().(*file.Int64ColumnChunkWriter).WriteBatch(times, nil, nil)
		require.NoError(t, err)
		_, err = next().(*file.ByteArrayColumnChunkWriter).WriteBatch(models, nil, nil)
		require.NoError(t, err)
		_, err = next().(*file.Float64ColumnChunkWriter).WriteBatch(energies, nil, nil)
		require.NoError(t, err)
		require.NoError(t, chunks.Close())
	}
	require.NoError(t, writer.Close())
	return out.Bytes()
}
