package kpi

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestModelVersionsAreOrderedByTheirNumbers(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"9", "10", -1}, {"v9.1.0", "v10.0.0", -1}, {"v3.0.0", "v3.0.0", 0}, {"v3.0.1", "v3.0", 1}, {"", "1", -1},
		{"v2.0.0", "v3.0.0", -1}, {"007", "7", 0}, {"v3.0.0-beta", "v3.0.0-alpha", 1}, {"18446744073709551616", "18446744073709551615", 1},
	} {
		assert.Equal(t, test.want, CompareModelVersions(test.a, test.b), "%s and %s", test.a, test.b)
		assert.Equal(t, -test.want, CompareModelVersions(test.b, test.a), "%s and %s", test.b, test.a)
	}
}
