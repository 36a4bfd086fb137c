package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAmount(t *testing.T) {
	for _, test := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"currencyUSD", 727129.3, "$727,129"},
		{"currencyUSD", -15954.9, "−$15,955"},
		{"currencyUSD", 12.345, "$12.35"},
		{"currencyUSD", 0.0829, "$0.0829"},
		{"currencyUSD", 2.77231e-06, "$0.00000277"},
		{"currencyUSD", 0, "$0.00"},
		{"kwatth", 275430.4, "275.4 MWh"},
		{"kwatth", 1.5e6, "1.50 GWh"},
		{"kwatth", 89.12, "89.1 kWh"},
		{"kwatth", 0.0221, "0.0221 kWh"},
		{"suffix:kgCO₂e", 62874, "62.9 tCO₂e"},
		{"suffix:kgCO₂e", 757.2, "757.2 kgCO₂e"},
		{"suffix:tCO₂e", 26.84, "26.8 tCO₂e"},
		{"suffix:tCO₂e", 0.0123, "12.3 kgCO₂e"},
		{"percentunit", 0.123, "12.3 %"},
		{"short", 262, "262"},
		{"short", 5_712_345_678, "5.71 billion"},
		{"short", 42_000_000, "42.0 million"},
		{"none", 40.327, "40.3"},
		{"none", -0.01, "0.0"},
		{"suffix:kWh", 0.02214, "0.0221 kWh"},
		{"", 0.345, "0.345"},
		{"", 52.178, "52.2"},
		{"", 123456.7, "123,457"},
	} {
		assert.Equal(t, test.want, amount(test.unit, test.value), "%v %s", test.value, test.unit)
	}
}

func TestChange(t *testing.T) {
	for value, want := range map[float64]string{0.1308: "+13.1 %", -0.037: "−3.7 %", 0: "0.0 %", 0.00001: "0.0 %", -0.00001: "0.0 %", 12: "+1,200.0 %"} {
		assert.Equal(t, want, change(value))
	}
}
