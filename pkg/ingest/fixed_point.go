package ingest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The powers of ten from a source's unit to the integers that sums are exact in.
const (
	microgramsInKilogram  = 9  // µg CO2e
	microgramsInTonne     = 12 // µg CO2e, of a metric ton
	nanoWattHoursInKWh    = 12 // nWh
	nanoDollarsInUSDollar = 9
)

// longestNumber is the most digits and signs a number has in a file of the field.
const longestNumber = 100

// fixedPoint reads a decimal number, below zero too, as a whole number of 10^-power of
// its unit: exactly, with what lies under half of that rounded away. What no float64
// would tell apart it does.
func fixedPoint(text string, power int) (int64, error) {
	magnitude, err := parseAmount(strings.TrimPrefix(text, "-"))
	switch {
	case err != nil:
		return 0, err
	case len(text) > longestNumber:
		return 0, fmt.Errorf("%q is longer than %d digits", excerpt([]byte(text)), longestNumber)
	case magnitude < math.Pow10(-power-1):
		return 0, nil
	case magnitude > math.MaxInt64/math.Pow10(power):
		return 0, fmt.Errorf("%q is too large", text)
	}
	// The bounds above keep an exponent from asking for a number of a billion digits.
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(power)), nil)))
	whole, err := strconv.ParseInt(exact.FloatString(0), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return whole, nil
}

// positive is fixedPoint for what cannot be below zero, such as emissions.
func positive(name, text string, power int) (int64, error) {
	whole, err := fixedPoint(text, power)
	if err == nil && strings.HasPrefix(text, "-") && whole != 0 {
		err = fmt.Errorf("%s is negative", excerpt([]byte(text)))
	}
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	return whole, nil
}

var errSumTooLarge = errors.New("what belongs together adds up to more than can be stored")

// sumOf adds, unless the sum cannot be held.
func sumOf(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, errSumTooLarge
	}
	return a + b, nil
}
