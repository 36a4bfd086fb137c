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

func TestIdentitiesForgetOnlyWhatIsLongPast(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := newIdentities()
	ids.generation = 10
	for i := range 100 {
		at := start.Add(time.Duration(i) * time.Second)
		first, err := ids.of("test", at, strconv.Itoa(i))
		require.NoError(t, err)
		second, err := ids.of("test", at, strconv.Itoa(i))
		require.NoError(t, err)
		assert.NotEqual(t, first, second)
		if i > 2 { // still remembered
			again, err := ids.of("test", at.Add(-2*time.Second), strconv.Itoa(i-2))
			require.NoError(t, err)
			assert.NotEqual(t, first, again)
		}
		assert.LessOrEqual(t, len(ids.newest)+len(ids.older), 2*ids.generation)
	}
	_, err := ids.of("test", start, "0")
	assert.ErrorContains(t, err, "sort the file by time")
}
