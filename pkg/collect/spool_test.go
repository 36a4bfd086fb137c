package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// paired is a thinner that joins two records to one, from level 1 on.
func paired(payloads [][]byte, _ int) ([]merged, error) {
	var results []merged
	for chunk := range slices.Chunk(payloads, 2) {
		results = append(results, merged{bytes.Join(chunk, []byte("+")), len(chunk)})
	}
	return results, nil
}

func open(t require.TestingT, dir string, bound int64) (*spool, string) {
	s, newest, err := openSpool(dir, bound, paired)
	require.NoError(t, err)
	return s, string(newest)
}

// all delivers everything that waits.
func all(t require.TestingT, s *spool) (texts []string) {
	for {
		payloads, last, err := s.batch(100)
		require.NoError(t, err)
		if last == 0 {
			return texts
		}
		for _, payload := range payloads {
			texts = append(texts, string(payload))
		}
		require.NoError(t, s.ack(last))
	}
}

func TestSpoolKeepsWhatWasAppendedAndTheNewest(t *testing.T) {
	dir := t.TempDir()
	s, newest := open(t, dir, 1<<20)
	assert.Empty(t, newest)
	for i := range 5 {
		require.NoError(t, s.append(fmt.Appendf(nil, "record %d", i)))
	}
	_, _, err := openSpool(dir, 1<<20, paired)
	assert.ErrorContains(t, err, "another agent")
	require.NoError(t, s.close())

	s, newest = open(t, dir, 1<<20)
	assert.Equal(t, "record 4", newest)
	assert.Equal(t, []string{"record 0", "record 1", "record 2", "record 3", "record 4"}, all(t, s))
	records, _ := s.waiting()
	assert.Zero(t, records)
	require.NoError(t, s.close())

	s, newest = open(t, dir, 1<<20)
	assert.Equal(t, "record 4", newest, "the newest stays, the state is in it")
	require.NoError(t, s.append([]byte("record 5")))
	texts := all(t, s)
	assert.Equal(t, "record 5", texts[len(texts)-1])
	require.NoError(t, s.close())
}

func TestSpoolLetsGoOfWhatWasDelivered(t *testing.T) {
	s, _ := open(t, t.TempDir(), 64<<10)
	defer func() { require.NoError(t, s.close()) }()
	for i := range 2000 {
		require.NoError(t, s.append(fmt.Appendf(nil, "record %0200d", i)))
		if i%50 == 49 {
			assert.Len(t, all(t, s), 50)
		}
	}
	_, size := s.waiting()
	assert.Less(t, size, int64(32<<10))
	assert.Zero(t, s.counts().thinned)
}

// Wherever the file ends, all records that are whole are there and one can append.
func TestSpoolSurvivesATornTail(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(rt, err)
		s, _ := open(rt, dir, 1<<20)
		count := rapid.IntRange(1, 6).Draw(rt, "records")
		for i := range count {
			require.NoError(rt, s.append(fmt.Appendf(nil, "record %d", i)))
		}
		path := s.current().path
		require.NoError(rt, s.close())
		content, err := os.ReadFile(path)
		require.NoError(rt, err)
		each := len(content) / count
		end := rapid.IntRange(0, len(content)).Draw(rt, "the file's end")
		whole := end / each
		torn := slices.Clone(content[:end])
		if rapid.Bool().Draw(rt, "zeros behind it") { // as some file systems leave
			torn = append(torn, make([]byte, rapid.IntRange(1, 40).Draw(rt, "zeros"))...)
		}
		require.NoError(rt, os.WriteFile(path, torn, 0o600))

		s, newest := open(rt, dir, 1<<20)
		want := []string{}
		for i := range whole {
			want = append(want, fmt.Sprint("record ", i))
		}
		if whole > 0 {
			require.Equal(rt, want[whole-1], newest)
		}
		require.NoError(rt, s.append([]byte("next")))
		require.Equal(rt, append(want, "next"), all(rt, s))
		require.NoError(rt, s.close())
	})
}

func TestSpoolPassesOverADamagedRecord(t *testing.T) {
	for name, whileOpen := range map[string]bool{"found when opened": false, "found when read": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := open(t, dir, 1<<20)
			for i := range 3 {
				require.NoError(t, s.append(fmt.Appendf(nil, "record %d", i)))
			}
			path := s.current().path
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			content[bytes.Index(content, []byte("record 1"))] ^= 1
			require.NoError(t, os.WriteFile(path, content, 0o600))
			if whileOpen {
				_, _, err = s.batch(1000)
				assert.ErrorContains(t, err, "record 2 of")
			} else {
				require.NoError(t, s.close())
				s, _ = open(t, dir, 1<<20)
			}
			assert.Equal(t, []string{"record 0", "record 2"}, all(t, s))
			assert.Equal(t, 1, s.counts().damaged)
			require.NoError(t, s.close())
		})
	}
}

func TestAFullSpoolBecomesCoarserAndThenRefuses(t *testing.T) {
	dir := t.TempDir()
	const bound = 64 << 10
	s, _ := open(t, dir, bound)
	var sent []string
	payloads, _, err := s.batch(1)
	require.NoError(t, err)
	require.Empty(t, payloads)
	text := func(i int) string { return fmt.Sprintf("<%06d%0300d>", i, 0) }
	require.NoError(t, s.append([]byte(text(0))))
	payloads, _, err = s.batch(1) // sent, and what became of it is not known
	require.NoError(t, err)
	sent = append(sent, string(payloads[0]))
	count := 1
	for ; ; count++ {
		if err := s.append([]byte(text(count))); err != nil {
			require.ErrorIs(t, err, errFull)
			break
		}
		_, size := s.waiting()
		require.LessOrEqual(t, size, int64(bound))
	}
	assert.NotZero(t, s.counts().thinned)
	require.NoError(t, s.close())
	s, _ = open(t, dir, bound)
	var content []string
	for i, record := range all(t, s) {
		if i == 0 {
			assert.Equal(t, sent[0], record, "what was sent stays as it was")
		}
		for _, part := range bytes.Split([]byte(record), []byte("+")) {
			content = append(content, string(part))
		}
	}
	require.Len(t, content, count, "nothing is lost")
	for i, part := range content {
		require.Equal(t, text(i), part, "and in order")
	}
	require.NoError(t, s.append([]byte("there is room again")))
	require.NoError(t, s.close())
}

func TestThinningThatWasCutOffIsFinishedWhenOpened(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, 1<<20)
	for i := range 4 {
		require.NoError(t, s.append(fmt.Appendf(nil, "record %d", i)))
	}
	require.NoError(t, s.rotate())
	fine := s.segments[0].path
	content, err := os.ReadFile(fine)
	require.NoError(t, err)
	require.NoError(t, s.thinSegment(0, 1))
	require.NoError(t, s.close())
	require.NoError(t, os.WriteFile(fine, content, 0o600), "as if it had not been removed")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000000000000009-0.spool.new"), content, 0o600), "or not renamed")
	s, _ = open(t, dir, 1<<20)
	assert.Equal(t, []string{"record 0+record 1", "record 2+record 3"}, all(t, s))
	assert.NoFileExists(t, fine)
	require.NoError(t, s.close())
}

func FuzzScan(f *testing.F) {
	f.Add(append(frame(1, []byte("a")), frame(2, []byte("b"))...))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		records, end, damaged := scan(content)
		for _, r := range records {
			require.LessOrEqual(t, r.offset+int64(r.length), end)
		}
		again, endAgain, damagedAgain := scan(content[:end])
		require.Equal(t, []any{records, end, damaged}, []any{again, endAgain, damagedAgain}, "cut there it is the same")
	})
}

func TestEntriesSurviveTheSpool(t *testing.T) {
	e := entry{Facts: []fact{{factKey: factKey{GPU: "GPU-0", Assignment: Assignment{Project: "p", Workload: "batch"}, Measured: true}, Energy: 7, GPUHours: 0.1}},
		State: state{Meters: map[string]meter{"GPU-0": {Total: 1 << 60, Counter: pointer(int64(3))}}}}
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var back entry
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, e, back)
	assert.Equal(t, e.Facts[0].event().ID, back.Facts[0].event().ID)
}
