package suite

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

func TestGoTestsAreCounted(t *testing.T) {
	tests := map[string]struct {
		files     map[string]string
		want      counts
		wantError bool
		wantLog   string
	}{
		"all pass": {map[string]string{"a/a_test.go": `
			func TestOne(t *testing.T) { t.Run("inner", func(t *testing.T) {}) }
			func TestTwo(t *testing.T) {}`}, counts{passed: 3}, false, "DONE 3 tests"},
		"one fails, one is skipped": {map[string]string{"a/a_test.go": `
			func TestOne(t *testing.T) { t.Error("because of this") }
			func TestTwo(t *testing.T) {}
			func TestThree(t *testing.T) { t.SkipNow() }`}, counts{passed: 1, failed: 1, skipped: 1}, true, "because of this"},
		"one package does not compile": {map[string]string{
			"a/a_test.go": `func TestOne(t *testing.T) { undefined() }`,
			"b/b_test.go": `func TestOne(t *testing.T) {}`,
		}, counts{passed: 1, failed: 1}, true, "undefined: undefined"},
		"one panics": {map[string]string{"a/a_test.go": `func TestOne(t *testing.T) { panic("at the disco") }`},
			counts{failed: 1}, true, "at the disco"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(directory, "go.mod"), []byte("module m\n\ngo 1.26\n"), 0o644))
			for name, text := range test.files {
				path := filepath.Join(directory, name)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				source := "package " + filepath.Base(filepath.Dir(path)) + "\nimport \"testing\"\n" + text
				require.NoError(t, os.WriteFile(path, []byte(source), 0o644))
			}
			var log bytes.Buffer

			got, err := goTest(t.Context(), step.Runner{Directory: directory, Log: &log, Environment: []string{"GOFLAGS="}}, "./...")

			assert.Equal(t, test.want, got, log.String())
			assert.Equal(t, test.wantError, err != nil, "error: %v", err)
			assert.Contains(t, log.String(), test.wantLog)
		})
	}
}

func TestJestsReportIsCounted(t *testing.T) {
	var report jestReport
	require.NoError(t, json.Unmarshal([]byte(`{"numFailedTestSuites":2,"numFailedTests":3,"numPassedTests":40,
		"numPendingTests":1,"numRuntimeErrorTestSuites":1,"success":false}`), &report))
	assert.Equal(t, counts{passed: 40, failed: 4, skipped: 1}, report.counts(), "a suite that cannot run is a failure")
}

func TestTheClosingLine(t *testing.T) {
	total := counts{passed: 2}
	assert.Equal(t, "2 passed, 0 failed", total.String())
	total.add(counts{passed: 1, failed: 3, skipped: 4})
	assert.Equal(t, "3 passed, 3 failed, 4 skipped", total.String())
}
