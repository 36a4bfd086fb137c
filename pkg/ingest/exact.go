package ingest

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// number is an exact decimal number that is not negative: digits × 10^exponent.
type number struct {
	digits   uint64
	exponent int
	long     *big.Int // the digits where they are more than fit, else nil
}

// parseNumber reads a number as parseAmount does, and keeps every digit of it.
func parseNumber(text string) (number, error) {
	if n, ok := quickNumber(text); ok {
		return n, nil
	}
	if _, err := parseAmount(text); err != nil { // it says what is wrong
		return number{}, err
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(strings.TrimLeft(text, "+-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, ok := new(big.Int).SetString(orElse(whole+fraction, "0"), 10)
	if !ok {
		return number{}, fmt.Errorf("%q is not a number", excerpt([]byte(text)))
	}
	if digits.Sign() == 0 {
		return number{}, nil
	}
	scale := 0
	if exponent != "" {
		var err error
		if scale, err = strconv.Atoi(exponent); err != nil || scale < -mostExponent || scale > mostExponent {
			return number{}, nil // parseAmount has refused what is too large, so it is next to nothing
		}
	}
	return number{exponent: scale - len(fraction), long: digits}, nil
}

// mostExponent is beyond that of any float64.
const mostExponent = 400

// quickNumber reads digits with a point, as nearly all numbers are written.
func quickNumber(text string) (n number, ok bool) {
	const mostDigits = 19 // always fit
	if text == "" || len(text) > mostDigits {
		return n, false
	}
	point := -1
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			n.digits = n.digits*10 + uint64(c-'0')
		case c == '.' && point < 0 && len(text) > 1:
			point = i
		default:
			return number{}, false
		}
	}
	if point >= 0 {
		n.exponent = point + 1 - len(text)
	}
	return n, true
}

// ratio is a whole number over another, exactly.
type ratio struct{ over, under uint64 }

var errTooLarge = errors.New("is too large")

// times multiplies by a ratio and rounds to the nearest whole number, half up. exact
// says that nothing was rounded.
func (n number) times(r ratio) (whole int64, exact bool, err error) {
	if whole, exact, ok := n.quickTimes(r); ok {
		return whole, exact, nil
	}
	over, under := n.fraction()
	return round(over.Mul(over, new(big.Int).SetUint64(r.over)), under.Mul(under, new(big.Int).SetUint64(r.under)))
}

// dividedBy is times, and divides by another number, which is not 0.
func (n number) dividedBy(by number, r ratio) (whole int64, exact bool, err error) {
	over, under := n.fraction()
	byOver, byUnder := by.fraction()
	over.Mul(over, byUnder).Mul(over, new(big.Int).SetUint64(r.over))
	under.Mul(under, byOver).Mul(under, new(big.Int).SetUint64(r.under))
	return round(over, under)
}

// quickTimes does without a big integer where 128 bits hold the product.
func (n number) quickTimes(r ratio) (whole int64, exact, ok bool) {
	if n.long != nil || n.exponent > 0 || -n.exponent >= len(tens) {
		return 0, false, false
	}
	carry, under := bits.Mul64(r.under, tens[-n.exponent])
	if carry != 0 {
		return 0, false, false
	}
	high, low := bits.Mul64(n.digits, r.over)
	if high >= under {
		return 0, false, false
	}
	quotient, rest := bits.Div64(high, low, under)
	if rest >= under-rest {
		quotient++
	}
	if quotient > 1<<62 {
		return 0, false, false
	}
	return int64(quotient), rest == 0, true
}

// tens are the powers of ten that fit.
var tens = func() (powers [20]uint64) {
	powers[0] = 1
	for i := 1; i < len(powers); i++ {
		powers[i] = 10 * powers[i-1]
	}
	return powers
}()

// fraction is the number as one integer over another.
func (n number) fraction() (over, under *big.Int) {
	over, under = new(big.Int).SetUint64(n.digits), big.NewInt(1)
	if n.long != nil {
		over.Set(n.long)
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n.exponent, -n.exponent))), nil)
	if n.exponent > 0 {
		over.Mul(over, power)
	} else {
		under = power
	}
	return over, under
}

func round(over, under *big.Int) (int64, bool, error) {
	quotient, rest := new(big.Int).QuoRem(over, under, new(big.Int))
	exact := rest.Sign() == 0
	if rest.Lsh(rest, 1).Cmp(under) >= 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if !quotient.IsInt64() || quotient.Int64() > 1<<62 {
		return 0, false, errTooLarge
	}
	return quotient.Int64(), exact, nil
}
