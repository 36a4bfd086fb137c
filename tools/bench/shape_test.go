package bench

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheNumbersOfFacts(t *testing.T) {
	tests := map[string]struct {
		text      string
		want      []int64
		wantError string
	}{
		"the default":  {defaultFacts, []int64{1_000_000, 10_000_000, 50_000_000}, ""},
		"one":          {" 200000 ", []int64{200_000}, ""},
		"too few":      {"9999", nil, "from 10000 up"},
		"a part":       {"1e5,123456.5", nil, `has "123456.5"`},
		"no number":    {"many", nil, `has "many"`},
		"descending":   {"1e6,1e5", nil, "must ascend"},
		"twice":        {"1e6,1e6", nil, "must ascend"},
		"an empty one": {"1e6,", nil, `has ""`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseSizes(test.text)
			if test.wantError != "" {
				assert.ErrorContains(t, err, test.wantError)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestTheShapes(t *testing.T) {
	for text, want := range map[string][]string{"": {"typical", "wide"}, "wide": {"wide"}, "typical,wide": {"typical", "wide"}} {
		t.Setenv(ShapesVariable, text)
		got, err := shapes()
		assert.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	t.Setenv(ShapesVariable, "round")
	_, err := shapes()
	assert.ErrorContains(t, err, `has "round"`)
}

func TestTheFactsOfTheWideShape(t *testing.T) {
	for text, want := range map[string]int64{"": 50_000_000, "2e7": 20_000_000} {
		t.Setenv(WideFactsVariable, text)
		got, err := wideFacts(50_000_000)
		assert.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	t.Setenv(WideFactsVariable, "1e6,2e7")
	_, err := wideFacts(50_000_000)
	assert.ErrorContains(t, err, "one whole number")
}

func TestKeepingNeedsAServerThatStays(t *testing.T) {
	tests := map[string]struct {
		keep, dsn string
		want      keep
		wantError string
	}{
		"nothing":         {"", "", keepNothing, ""},
		"to measure":      {"measure", "postgres://x", keepMeasure, ""},
		"to load":         {"load", "postgres://x", keepLoad, ""},
		"on no server":    {"load", "", "", "name it with WATTSCORE_BENCH_DSN"},
		"what is no word": {"1", "postgres://x", "", `has "1"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(KeepVariable, test.keep)
			t.Setenv(DSNVariable, test.dsn)
			got, err := keeping()
			if test.wantError != "" {
				assert.ErrorContains(t, err, test.wantError)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}
