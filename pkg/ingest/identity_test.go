package ingest

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEqualRecordsStayApartAndKeepTheirIDs(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	read := func() []uuid.UUID {
		ids := newIdentities()
		var seen []uuid.UUID
		for _, content := range [][]string{{"a", "b"}, {"a", "b"}, {"ab", ""}, {"a", "b"}, {"", "ab"}} {
			id, err := ids.of("test", at, content...)
			require.NoError(t, err)
			seen = append(seen, id)
		}
		return seen
	}
	first := read()
	assert.Equal(t, first, read(), "the same at every import")
	distinct := map[uuid.UUID]bool{}
	for _, id := range first {
		distinct[id] = true
	}
	assert.Len(t, distinct, len(first))
	other, err := newIdentities().of("another source", at, "a", "b")
	require.NoError(t, err)
	assert.NotContains(t, distinct, other)
	assert.Equal(t, "f522927a-e140-5681-be30-2822ebfc915e", first[0].String(), "an id that changed would count every file again")
}

// The ordinals of 20,000 records of which many are equal, in every order of time, with
// a memory of 50 records: those of a map that holds them all.
func TestIdentitiesRememberEveryRecordInABoundedMemory(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const records = 20_000
	for name, place := range map[string]func(n int) int{
		"sorted by time": func(n int) int { return n / 3 },
		"newest first":   func(n int) int { return (records - n) / 3 },
		"in no order":    func(n int) int { return n * 7919 % 6007 },
		"all equal":      func(int) int { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			ids := newIdentities()
			ids.generation = 50
			defer ids.close()
			want := map[int]int{}
			got := map[uuid.UUID]bool{}
			for n := range records {
				content := place(n)
				at := start.Add(time.Duration(content) * time.Second)
				id, err := ids.of("test", at, strconv.Itoa(content))
				require.NoError(t, err)
				first := uuid.NewSHA1(eventNamespace, []byte(joined("test", []string{strconv.Itoa(content)})))
				expected := first
				if want[content] > 0 {
					expected = uuid.NewSHA1(first, []byte(strconv.Itoa(want[content])))
				}
				want[content]++
				require.Equal(t, expected, id, "record %d is number %d of its kind", n, want[content])
				require.False(t, got[id], "every record has an id of its own")
				got[id] = true
				require.LessOrEqual(t, len(ids.newest), ids.generation)
			}
			fences := 0
			for _, run := range ids.past.runs {
				fences += len(run.fences)
			}
			assert.LessOrEqual(t, fences, records/ids.generation+records/blockEntries, "ids held of what is past")
		})
	}
}

func TestIdentitiesSortedByTimeNeverReadWhatIsPast(t *testing.T) {
	ids := newIdentities()
	ids.generation = 10
	defer ids.close()
	for n := range 1000 {
		_, err := ids.of("test", time.Unix(int64(n), 0), strconv.Itoa(n))
		require.NoError(t, err)
	}
	assert.Greater(t, len(ids.past.runs), mostRuns, "none was searched, so none was merged")
	assert.Zero(t, ids.past.reads)
}
