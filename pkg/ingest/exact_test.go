package ingest

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The expected figures are computed by hand from the definitions of the units.
func TestUnitsAreConvertedExactly(t *testing.T) {
	for _, test := range []struct {
		quantity     *quantity
		unit, amount string
		want         int64
		exact        bool
	}{
		{energyUnits, "", "0.1", 100_000_000_000, true},                               // kWh → nWh: × 10^12
		{energyUnits, "kWh", "9007.199254740993", 9_007_199_254_740_993, true},        // 2^53 + 1, which no float64 is
		{energyUnits, "J", "3.6", 1_000_000, true},                                    // 3.6 J = 1 mWh
		{energyUnits, "J", "1", 277_778, false},                                       // 1/3.6 mWh = 277,777.8 nWh
		{energyUnits, "mJ", "3600", 1_000_000, true},                                  // 3.6 J
		{energyUnits, "uJ", "18", 5, true},                                            // 3.6 µJ = 1 nWh
		{energyUnits, "MJ", "3.6", 1_000_000_000_000, true},                           // 1 kWh
		{energyUnits, "kJ", "3.6", 1_000_000_000, true},                               // 1 Wh
		{energyUnits, "MWh", "0.002", 2_000_000_000_000, true},                        // 2 kWh
		{energyUnits, "mWh", "1e-6", 1, true},                                         // 1 nWh
		{energyUnits, "Wh", "0.0000000005", 1, false},                                 // half an nWh is rounded up
		{energyUnits, "Wh", "0.00000000049999999999999999999", 0, false},              // and less is not, whatever its digits
		{carbonUnits, "lb", "1", 453_592_370, true},                                   // 0.45359237 kg
		{carbonUnits, "t", "0.001", 1_000_000_000, true},                              // 1 kg
		{carbonUnits, "g", "1.5", 1_500_000, true},                                    // µg
		{moneyUnits, "cents", "12.5", 125_000_000, true},                              // 0.125 USD
		{latencyUnits, "s", "1.2345678", 1_234_568, false},                            // µs
		{latencyUnits, "ns", "1500", 2, false},                                        // 1.5 µs
		{latencyUnits, "μs", "7", 7, true},                                            // the Greek letter
		{tokenUnits, "1k tokens", "1.5", 1500, true},                                  //
		{requestUnits, "1M requests", "0.000001", 1, true},                            //
		{gpuTimeUnits, "s", "3600", 1_000_000, true},                                  // 1 h
		{gpuMemoryUnits, "GBh", "1.073741824", 1_000_000, true},                       // 2^30 bytes for an hour
		{gpuMemoryUnits, "MiBh", "1024", 1_000_000, true},                             //
		{gpuMemoryUnits, "MiBs", "3686400", 1_000_000, true},                          // 1024 · 3600
		{parameterUnits, "1M parameters", "8030", 8_030_000_000, true},                //
		{durationUnits, "h", "1.5", int64(90 * time.Minute), true},                    //
		{energyUnits, "kWh", "1.000000000000000000000000000000", 1e12, true},          // more digits than 64 bits hold
		{energyUnits, "kWh", "0000000000000000000000000000000001", 1e12, true},        //
		{energyUnits, "kWh", "1e3", 1e15, true},                                       //
		{energyUnits, "kWh", "0e9999", 0, true},                                       //
		{energyUnits, "kWh", "1e-999999999999", 0, true},                              // next to nothing
		{energyUnits, "kWh", "4611686.018427387904", 4_611_686_018_427_387_904, true}, // 2^62, the most that is stored
	} {
		unit, err := test.quantity.find(test.unit)
		require.NoError(t, err)
		n, err := parseNumber(test.amount)
		require.NoError(t, err, test.amount)
		whole, exact, err := n.times(unit.whole)
		require.NoError(t, err, test.amount)
		assert.Equal(t, test.want, whole, "%s %s", test.amount, unit.name)
		assert.Equal(t, test.exact, exact, "%s %s", test.amount, unit.name)
	}
	for _, text := range []string{"4611686.018427387905", "1e30"} {
		n, err := parseNumber(text)
		require.NoError(t, err)
		_, _, err = n.times(energyUnits.units[0].whole)
		assert.ErrorIs(t, err, errTooLarge, text)
	}
	for text, want := range map[string]string{"": "is not a number", "-1": "negative", "NaN": "NaN", "inf": "infinite", "1,5": "decimal point", "0x1": "hexadecimal", "1e999": "too large", "1.2.3": "not a number"} {
		_, err := parseNumber(text)
		assert.ErrorContains(t, err, want, text)
	}
}

// What is computed in 128 bits is what big integers give.
func TestTheQuickWayIsTheExactOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := number{digits: rapid.Uint64().Draw(t, "digits"), exponent: rapid.IntRange(-19, 0).Draw(t, "exponent")}
		r := ratio{rapid.Uint64Range(1, 1<<62).Draw(t, "over"), rapid.Uint64Range(1, 1<<40).Draw(t, "under")}
		whole, exact, ok := n.quickTimes(r)
		if !ok {
			return
		}
		over, under := n.fraction()
		over.Mul(over, new(big.Int).SetUint64(r.over))
		under.Mul(under, new(big.Int).SetUint64(r.under))
		wantWhole, wantExact, err := round(over, under)
		if err != nil || whole != wantWhole || exact != wantExact {
			t.Fatalf("%+v × %+v: %d %v, and should be %d %v (%v)", n, r, whole, exact, wantWhole, wantExact, err)
		}
	})
}

func TestAPUEIsDividedOut(t *testing.T) {
	energy, err := parseNumber("4320000") // J at the meter: 1.2 kWh
	require.NoError(t, err)
	pue, err := parsePUE("1.2")
	require.NoError(t, err)
	whole, exact, err := energy.dividedBy(pue, energyUnits.units[4].whole)
	require.NoError(t, err)
	assert.Equal(t, int64(1e12), whole, "1 kWh of IT")
	assert.True(t, exact)
	for _, text := range []string{"0.99", "0", "11", "x", "-1.2"} {
		_, err := parsePUE(text)
		assert.Error(t, err, text)
	}
}

func TestTimesAreReadAsTheirFormatSays(t *testing.T) {
	for _, test := range []struct{ format, zone, text, want string }{
		{"", "", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"},
		{"", "", "2026-03-01 10:00:00.123456", "2026-03-01T10:00:00.123456Z"},
		{"", "", "2026-03-01 10:00:00+00", "2026-03-01T10:00:00Z"},       // PostgreSQL
		{"", "", "2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00Z"},      // BigQuery
		{"", "", "2026-03-01 10:00:00.5-0800", "2026-03-01T18:00:00.5Z"}, // Snowflake
		{"", "Asia/Kolkata", "2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00Z"},
		{"iso", "Asia/Kolkata", "2026-03-01T10:00:00", "2026-03-01T04:30:00Z"},
		{"iso", "Europe/Berlin", "2026-03-01", "2026-02-28T23:00:00Z"},
		{"unix_s", "", "1772359200", "2026-03-01T10:00:00Z"},
		{"unix_s", "", "1772359200.25", "2026-03-01T10:00:00.25Z"},
		{"unix_ms", "", "1772359200250", "2026-03-01T10:00:00.25Z"},
		{"unix_us", "", "1772359200000001", "2026-03-01T10:00:00.000001Z"},
		{"unix_ns", "", "1772359200000000001", "2026-03-01T10:00:00.000000001Z"},
		{"%d.%m.%Y %H:%M:%S", "Europe/Berlin", "01.07.2026 10:00:00", "2026-07-01T08:00:00Z"},
		{"%d/%b/%Y:%H:%M:%S %z", "Europe/Berlin", "01/Jul/2026:10:00:00 -0700", "2026-07-01T17:00:00Z"},
		{"%Y-%m-%d %H:%M:%S.%f", "", "2026-07-01 10:00:00.000123", "2026-07-01T10:00:00.000123Z"},
		{"iso", "Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // clocks show it twice: the first
		{"iso", "Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"iso", "America/New_York", "2026-11-01T01:15:00", "2026-11-01T05:15:00Z"},
		{"iso", "Pacific/Apia", "2011-12-29T12:00:00", "2011-12-29T22:00:00Z"}, // the day before one was left out
	} {
		format, err := newTimeFormat(test.format, test.zone)
		require.NoError(t, err, test.format)
		at, err := format.parse(test.text)
		require.NoError(t, err, test.text)
		assert.Equal(t, test.want, at.UTC().Format(time.RFC3339Nano), "%s %s", test.text, test.zone)
	}
	berlin, err := newTimeFormat("", "Europe/Berlin")
	require.NoError(t, err)
	_, err = berlin.parse("2026-03-29T02:30:00")
	assert.ErrorContains(t, err, "clocks in Europe/Berlin skip")
	_, err = berlin.parse("2026-10-25T02:30:00")
	require.NoError(t, err)
	assert.Equal(t, 1, berlin.twice)
	for format, text := range map[string]string{"": "01/02/2026", "unix_ms": "17723592002500000000", "%d.%m.%Y": "31.02.2026"} {
		read, err := newTimeFormat(format, "")
		require.NoError(t, err)
		_, err = read.parse(text)
		assert.Error(t, err, text)
	}
}
