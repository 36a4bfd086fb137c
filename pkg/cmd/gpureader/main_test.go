package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// asReader makes this test binary the program itself, so that tests run what ships.
const asReader = "WATTSCORE_TEST_AS_GPUREADER"

// cleanUp is what tests leave for the end.
var cleanUp = func() {}

func TestMain(m *testing.M) {
	if os.Getenv(asReader) != "" {
		main()
	}
	code := m.Run()
	cleanUp()
	os.Exit(code)
}

func TestWrongUsage(t *testing.T) {
	tests := map[string]struct {
		arguments []string
		wantCode  int
		wantSaid  string
	}{
		"help":              {[]string{"-h"}, 0, "-interval"},
		"an unknown flag":   {[]string{"-colour"}, 2, "flag provided but not defined"},
		"an argument":       {[]string{"now"}, 2, "takes no arguments"},
		"a frantic pace":    {[]string{"-interval", "1ms"}, 2, "at least 10ms"},
		"a pace that isn't": {[]string{"-interval", "fast"}, 2, "invalid value"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			code := run(t.Context(), test.arguments, strings.NewReader(""), io.Discard, &said)
			assert.Equal(t, test.wantCode, code)
			assert.Contains(t, said.String(), test.wantSaid)
		})
	}
}

func TestOnceWritesWhyThereIsNothing(t *testing.T) {
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"-once", "-library", "/nowhere/libnvidia-ml.so.1"}, strings.NewReader(""), &out, &said)
	assert.Zero(t, code, said.String())
	var snapshot gpu.Snapshot
	require.NoError(t, json.Unmarshal(out.Bytes(), &snapshot))
	assert.NotEmpty(t, snapshot.Problem)
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestItEndsWhenStandardInputDoes(t *testing.T) {
	stdin, closer := io.Pipe()
	lines, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(context.Background(), []string{"-until-stdin-closes", "-interval", "10ms"}, stdin, out, io.Discard)
		_ = out.Close()
	}()
	var snapshot gpu.Snapshot
	require.NoError(t, json.NewDecoder(lines).Decode(&snapshot), "it works until then")
	require.NoError(t, closer.Close())
	_, _ = io.Copy(io.Discard, lines)
	assert.Zero(t, <-ended)
}

func TestItEndsWhenNobodyReads(t *testing.T) {
	lines, out := io.Pipe()
	require.NoError(t, lines.Close())
	var said bytes.Buffer
	assert.Equal(t, 1, run(t.Context(), nil, strings.NewReader(""), out, &said))
	assert.Contains(t, said.String(), "closed pipe")
}
