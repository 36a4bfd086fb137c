package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var someRows = []row{
	{"the dashboard", "under 150 ms", "90 ms", true},
	{"a | b", "at least 100 ×", "12 ×", false},
}

func TestTheTableForTheREADME(t *testing.T) {
	assert.Equal(t, `| what | limit | measured |  |
| --- | --- | --- | --- |
| the dashboard | under 150 ms | 90 ms | ✓ |
| a \| b | at least 100 × | 12 × | ✗ |
`, markdown(someRows))
}

func TestTheTableForATerminal(t *testing.T) {
	var out bytes.Buffer
	writeTable(&out, someRows)
	assert.Equal(t, `┌───────────────┬────────────────┬──────────┬───┐
│ what          │ limit          │ measured │   │
├───────────────┼────────────────┼──────────┼───┤
│ the dashboard │ under 150 ms   │ 90 ms    │ ✓ │
│ a | b         │ at least 100 × │ 12 ×     │ ✗ │
└───────────────┴────────────────┴──────────┴───┘
`, out.String())
}

func TestFiguresHaveTheDigitsTheyAreWorth(t *testing.T) {
	assert.Equal(t, "3.1 ms", milliseconds(3149*time.Microsecond))
	assert.Equal(t, "20 ms", milliseconds(20*time.Millisecond))
	assert.Equal(t, "1234 ms", milliseconds(1234*time.Millisecond))
	assert.Equal(t, "0.71 ×", times(0.714))
	assert.Equal(t, "104 ×", times(104.2))
	assert.Equal(t, "12,034 ×", times(12034.6))
	assert.Equal(t, "1,000 ×", times(1000))
	assert.Equal(t, "1.5 M", inWords(1_500_000))
	assert.Equal(t, "50 M", inWords(50_000_000))
	assert.Equal(t, "200 k", inWords(200_000))
}
