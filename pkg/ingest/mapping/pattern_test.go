package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeReadsOneDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "the default",
		"# nothing said":             "the default",
		"default: a":                 "a",
		"---\ndefault: a\n":          "a",
		"---\ndefault: a\n...\n":     "a",
		"default: 'a --- b'\n# ---":  "a --- b",
		"default: |-\n  ---\n  text": "---\ntext",
	} {
		file := Source{Default: "the default"}
		require.NoError(t, Decode([]byte(text), &file), text)
		assert.Equal(t, want, file.Default, text)
	}
	for text, want := range map[string]string{
		"default: a\n---\ndefault: b\n":      "it holds more than one document",
		"---\ndefault: a\n---\ndefault: b\n": "it holds more than one document",
		"default: a\n---\n":                  "it holds more than one document",
		"default: a\n...\n---\n[not one]":    "it holds more than one document",
		"---\n---\ndefault: b\n":             "it holds more than one document",
		"default: a\n---\n}":                 "did not find expected node content",
		"defualt: a":                         "field defualt not found",
	} {
		assert.ErrorContains(t, Decode([]byte(text), &Source{}), want, text)
	}
}

func TestDecodeRefusesWhatIsTooLong(t *testing.T) {
	const text = "default: a\n#"
	long := text + strings.Repeat(".", 1<<20-len(text))
	require.NoError(t, Decode([]byte(long), &Source{}), "1 MiB")
	assert.EqualError(t, Decode([]byte(long+"."), &Source{}),
		"it has 1048577 bytes: a mapping has at most 1 MiB (1048576 bytes); look whether it is the right file")
}
