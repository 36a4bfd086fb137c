package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRejectsAreSetAsideAsTheyStood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv.rejects.csv")
	rejects := NewRejects(path, "in.csv")
	require.NoError(t, rejects.Close())
	assert.Empty(t, rejects.Path())
	assert.NoFileExists(t, path, "no file without a reject")

	require.NoError(t, rejects.add(7, errors.New("energy is NaN"), `x,"y ""z""",NaN`))
	require.NoError(t, rejects.add(9, errors.New("not valid UTF-8"), "a,\xff"))
	require.NoError(t, rejects.Close())
	assert.Equal(t, path, rejects.Path())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "line,reason,record\n7,energy is NaN,\"x,\"\"y \"\"\"\"z\"\"\"\"\"\",NaN\"\n9,not valid UTF-8,\"a,\xff\"\n", string(text))
}

func TestRejectsThatCannotBeWritten(t *testing.T) {
	directory := t.TempDir()
	input := filepath.Join(directory, "in.csv")
	require.NoError(t, os.WriteFile(input, []byte("precious"), 0o600))
	for want, path := range map[string]string{
		"cannot be written":             filepath.Join(directory, "missing", "rejects.csv"),
		"the file that is being import": input,
	} {
		err := NewRejects(path, input).add(2, errors.New("reason"), "raw")
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "--rejects PATH")
		assert.ErrorContains(t, err, "reason", "the record is not lost without a word")
	}
	text, err := os.ReadFile(input)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(text))

	if _, err := os.Stat("/dev/full"); err == nil {
		rejects := NewRejects("/dev/full", input)
		require.NoError(t, rejects.add(2, errors.New("reason"), "raw"))
		assert.ErrorContains(t, rejects.Close(), "Free some space")
	}
}
