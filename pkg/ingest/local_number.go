package ingest

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// numberFormat is how a file writes its numbers.
type numberFormat struct {
	Decimal   string `yaml:"decimal"`
	Thousands string `yaml:"thousands"`
	// Signs may stand before or after a number, such as $ and EUR.
	Signs []string `yaml:"signs"`
	// Empty are the cells that say nothing, besides the empty one.
	Empty []string `yaml:"empty"`
}

func (f *numberFormat) complete() error {
	if f.Decimal == "" {
		f.Decimal = "."
	}
	switch {
	case f.Decimal != "." && f.Decimal != ",":
		return fmt.Errorf(`numbers.decimal %q is not "." or ","`, f.Decimal)
	case !slices.Contains([]string{"", ".", ",", " ", "'", "’"}, f.Thousands):
		return fmt.Errorf(`numbers.thousands %q is not one of ".", ",", " " or "'"`, f.Thousands)
	case f.Thousands == f.Decimal:
		return fmt.Errorf("numbers.decimal and numbers.thousands are both %q", f.Decimal)
	}
	return nil
}

// longestLocalNumber bounds what is worked with exactly.
const (
	longestLocalNumber = 60
	largestExponent    = 15
	blanksInNumbers    = "\u00a0\u202f\u2009" // that ERPs put between thousands
	minusesOfNumbers   = "-\u2212"
)

// parse reads a number exactly; nil is a cell that says nothing. Negative is what has a
// minus before or after it (1.234,56- as SAP writes) or stands in parentheses.
func (f numberFormat) parse(text string) (*big.Rat, error) {
	shown := excerpt([]byte(text))
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(blanksInNumbers, r) {
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if text == "" || slices.Contains(f.Empty, text) {
		return nil, nil
	}
	wrong := fmt.Errorf("%q is not a number with the decimal %q and %s: correct the cell, or numbers in the mapping", shown, f.Decimal, f.thousandsName())
	if len(text) > longestLocalNumber {
		return nil, wrong
	}
	negative, digits := sign(f.unsigned(text))
	digits = f.unsigned(digits)
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, _ := strings.Cut(mantissa, f.Decimal)
	whole, grouped := f.ungroup(whole)
	if !grouped || !isDigits(whole+fraction) || hasExponent && !isExponent(exponent) {
		return nil, wrong
	}
	number := whole + "." + fraction
	if hasExponent {
		number += "e" + exponent
	}
	value, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, wrong
	}
	if negative {
		value.Neg(value)
	}
	return value, nil
}

func (f numberFormat) thousandsName() string {
	if f.Thousands == "" {
		return "no sign between thousands"
	}
	return fmt.Sprintf("%q between thousands", f.Thousands)
}

// unsigned takes a sign of currency off.
func (f numberFormat) unsigned(text string) string {
	for _, mark := range f.Signs {
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, mark), mark))
	}
	return text
}

func sign(text string) (negative bool, digits string) {
	if inner, is := strings.CutPrefix(text, "("); is {
		if inner, is = strings.CutSuffix(inner, ")"); is {
			return true, strings.TrimSpace(inner)
		}
	}
	for _, minus := range minusesOfNumbers {
		if rest, is := strings.CutPrefix(text, string(minus)); is {
			return true, strings.TrimSpace(rest)
		}
		if rest, is := strings.CutSuffix(text, string(minus)); is {
			return true, strings.TrimSpace(rest)
		}
	}
	return false, strings.TrimPrefix(text, "+")
}

// ungroup takes the signs between thousands out. Groups of other than three digits are
// none: 1,25 with a comma between thousands is a decimal that the mapping does not know.
func (f numberFormat) ungroup(whole string) (string, bool) {
	if f.Thousands == "" || !strings.Contains(whole, f.Thousands) {
		return whole, true
	}
	groups := strings.Split(whole, f.Thousands)
	for i, group := range groups {
		if i > 0 && len(group) != 3 || i == 0 && (group == "" || len(group) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func isExponent(text string) bool {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "+"), "-")
	if !isDigits(text) || len(text) > 2 {
		return false
	}
	value := int(text[0] - '0')
	if len(text) == 2 {
		value = value*10 + int(text[1]-'0')
	}
	return value <= largestExponent
}

// exactNumber is a number of a YAML file, as it is written and not the nearest float.
type exactNumber struct{ *big.Rat }

// UnmarshalYAML reads the number.
func (n *exactNumber) UnmarshalYAML(node *yaml.Node) error {
	value, err := numberFormat{Decimal: "."}.parse(node.Value)
	if err == nil && value == nil {
		err = errors.New("it is empty")
	}
	if node.Kind != yaml.ScalarNode || err != nil {
		return fmt.Errorf("line %d: %q is not a number like 1000 or 1.0843", node.Line, excerpt([]byte(node.Value)))
	}
	n.Rat = value
	return nil
}

// or is the number, or another where none is given.
func (n exactNumber) or(otherwise int64) *big.Rat {
	if n.Rat == nil {
		return big.NewRat(otherwise, 1)
	}
	return n.Rat
}
