package step_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

func TestACommandIsQuietUnlessItFails(t *testing.T) {
	var log bytes.Buffer
	runner := step.Runner{Directory: t.TempDir(), Log: &log, Environment: []string{"GOFLAGS=", "GOOS=plan9"}}

	require.NoError(t, runner.Run(t.Context(), "ask for the system", "go", "env", "GOOS"))
	assert.Equal(t, "• ask for the system\n", log.String())

	err := runner.Run(t.Context(), "try what is none", "go", "no-such-command")
	assert.ErrorContains(t, err, "try what is none: exit status")
	assert.Contains(t, log.String(), "unknown command")

	output, err := runner.Command(t.Context(), "go", "env", "GOOS").Output()
	require.NoError(t, err)
	assert.Equal(t, "plan9\n", string(output), "the environment is the runner's")
}

func TestAMissingToolIsNamedWithWhereToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := step.Runner{Log: &bytes.Buffer{}}.Run(t.Context(), "Install", "npm", "ci")
	assert.ErrorContains(t, err, "install Node.js")
}

func TestDoNamesWhatFailed(t *testing.T) {
	err := step.Runner{Log: &bytes.Buffer{}}.Do("Load", func() error { return errors.New("no such table") })
	assert.EqualError(t, err, "Load: no such table")
}
