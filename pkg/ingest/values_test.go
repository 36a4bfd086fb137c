package ingest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-0": 0, "1": 1, "+1.5": 1.5, "4.567967333151677e-05": 4.567967333151677e-05, "1E3": 1000, ".5": 0.5,
	} {
		got, err := parseAmount(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		assert.False(t, math.Signbit(got), text)
	}
	for text, reason := range map[string]string{
		"-1": "-1 is negative", "-1e-300": "is negative", "NaN": "is NaN", "nan": "is NaN", "-nan": "is NaN", "inf": "is infinite", "+Inf": "is infinite",
		"-Infinity": "is infinite", "1e999": "too large", "-1e999": "too large", "0x1F": "hexadecimal", "-0X1p-2": "hexadecimal",
		"1,5": "without separators", "1'000.5": "without separators", "1_000": "without separators", "1 000": "without separators",
		"abc": "is not a number", "1.2.3": "is not a number", "e": "is not a number", "--1": "is not a number", "١": "is not a number", "$5": "is not a number",
	} {
		_, err := parseAmount(text)
		assert.ErrorContains(t, err, reason, text)
	}
	_, err := parseAmount(strings.Repeat("z", 10_000))
	assert.Less(t, len(err.Error()), 300, "a message is for a terminal")
}

func recordOf(t testing.TB, text string) record {
	t.Helper()
	reader, err := newRecordReader(strings.NewReader(text), columns{})
	require.NoError(t, err)
	rec, err := reader.next()
	require.NoError(t, err)
	return rec
}

func TestValuesOfColumns(t *testing.T) {
	rec := recordOf(t, "n,f,empty,day,month,first,time,zoned,bad\n8.0,2.5,,2026-01-31,2026-02,2026-03-01,2023-11-16 18:15:46.6805900,2024-05-10 00:00:00.009930+02:00,x\n")
	count, err := rec.count("n")
	require.NoError(t, err)
	assert.Equal(t, int64(8), count)
	_, err = rec.count("f")
	assert.ErrorContains(t, err, "f 2.5 is not a whole number")
	_, err = rec.amount("empty")
	assert.EqualError(t, err, "empty is empty")
	missing, err := rec.optionalAmount("not there")
	require.NoError(t, err)
	assert.Nil(t, missing)
	_, err = rec.optionalAmount("bad")
	assert.EqualError(t, err, `bad "x" is not a number`)

	day, err := rec.day("day")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), day)
	month, err := rec.month("month")
	require.NoError(t, err)
	assert.Equal(t, time.February, month.Month())
	_, err = rec.month("first")
	require.NoError(t, err)
	_, err = rec.month("day")
	assert.ErrorContains(t, err, "write it as 2026-01")
	_, err = rec.day("bad")
	assert.ErrorContains(t, err, "write it as 2026-01-31")

	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at, err := rec.time("time", berlin)
	require.NoError(t, err)
	assert.True(t, at.Equal(time.Date(2023, 11, 16, 17, 15, 46, 680590000, time.UTC)), at)
	zoned, err := rec.time("zoned", berlin)
	require.NoError(t, err)
	assert.True(t, zoned.Equal(time.Date(2024, 5, 9, 22, 0, 0, 9930000, time.UTC)), "a time that says its zone keeps it: %s", zoned)
	_, err = rec.time("bad", time.UTC)
	assert.ErrorContains(t, err, "is not a time")
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"1", "-1", "NaN", "0x1p-2", "1e999", "1_0", "", "1e-999", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := parseAmount(text)
		if err == nil {
			assert.False(t, math.IsNaN(amount) || math.IsInf(amount, 0) || math.Signbit(amount), "%q gives %g", text, amount)
		}
	})
}
