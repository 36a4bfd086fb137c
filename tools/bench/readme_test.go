package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyWhatIsBetweenTheMarkersIsReplaced(t *testing.T) {
	const before, after = "# Title\n\n" + beginMarker, endMarker + "\n\nThe rest.\n"
	tests := map[string]struct{ document, want, wantError string }{
		"empty before":   {before + "\n" + after, before + "\nnew\n" + after, ""},
		"an older run":   {before + "\nold\n| a |\n" + after, before + "\nnew\n" + after, ""},
		"no beginning":   {after, "", "lacks the lines"},
		"no end":         {before, "", "lacks the lines"},
		"in wrong order": {endMarker + beginMarker, "", "lacks the lines"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := replaceBetween(test.document, "\nnew\n\n")
			if test.wantError != "" {
				assert.ErrorContains(t, err, test.wantError)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			again, err := replaceBetween(got, "new")
			require.NoError(t, err)
			assert.Equal(t, got, again, "the same run again changes nothing")
		})
	}
}

func TestTheREADMEHasTheMarkers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, err = replaceBetween(string(text), "new")
	assert.NoError(t, err)
}
