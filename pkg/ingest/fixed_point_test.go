package ingest

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFixedPointIsExact(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0.0": 0, "1": 1_000_000_000, "+1": 1_000_000_000, "-1.5": -1_500_000_000, "0.1": 100_000_000,
		"6.123E-7":             612, // 612.3 nano-USD
		"0.0000000005":         1,   // half of one is one, away from zero
		"-0.0000000005":        -1,
		"0.00000000049":        0,
		"1e-400":               0,
		"0.123456789012345678": 123_456_789,
		// One float64 could not tell from the next: 2^53 is 9.007e15.
		"9223372036.000000001": 9_223_372_036_000_000_001,
	} {
		got, err := fixedPoint(text, 9)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	tonnes, err := fixedPoint("8.292e-7", microgramsInTonne)
	require.NoError(t, err)
	assert.Equal(t, int64(829_200), tonnes, "0.829 g")
	for text, says := range map[string]string{
		"": "not a number", "many": "not a number", "1,5": "decimal point", "NaN": "NaN", "-Inf": "infinite", "--1": "negative", "0x1p4": "hexadecimal",
		"1e10": "too large", "1e999999999": "too large", "-1e300": "too large", "9223372036.9": "too large", strings.Repeat("1", 101): "longer than 100",
	} {
		_, err := fixedPoint(text, 9)
		assert.ErrorContains(t, err, says, text)
	}
	_, err = positive("co2e", "-1", microgramsInTonne)
	assert.EqualError(t, err, "co2e -1 is negative")
	_, err = sumOf(math.MaxInt64, 1)
	assert.Error(t, err)
	_, err = sumOf(math.MinInt64, -1)
	assert.Error(t, err)
}

func FuzzFixedPoint(f *testing.F) {
	for _, text := range []string{"1", "-0.5", "6.123E-7", "1e9", "1e-999999999", ".5", "5.", "+3", "12345678901234567890"} {
		f.Add(text, 9)
	}
	f.Fuzz(func(t *testing.T, text string, power int) {
		power = 9 + abs(power)%4
		whole, err := fixedPoint(text, power)
		if err != nil {
			return
		}
		exact, ok := new(big.Float).SetPrec(2000).SetString(text)
		require.True(t, ok, text)
		exact.Mul(exact, new(big.Float).SetFloat64(math.Pow10(power)))
		off, _ := new(big.Float).Sub(exact, new(big.Float).SetInt64(whole)).Float64()
		assert.LessOrEqual(t, math.Abs(off), 0.5000001, text)
	})
}

func abs(n int) int {
	if n < 0 {
		return -max(n, -math.MaxInt)
	}
	return n
}
