package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// jestReport is the part of Jest's JSON report that counts.
type jestReport struct {
	Passed       int `json:"numPassedTests"`
	Failed       int `json:"numFailedTests"`
	Pending      int `json:"numPendingTests"`
	BrokenSuites int `json:"numRuntimeErrorTestSuites"` // could not be run at all
}

func runJest(ctx context.Context, runner step.Runner) (counts, error) {
	directory, err := os.MkdirTemp("", "wattscore-jest-")
	if err != nil {
		return counts{}, err
	}
	defer os.RemoveAll(directory) //nolint:errcheck // a temporary folder
	path := filepath.Join(directory, "report.json")
	runErr := runner.Run(ctx, "Test the TypeScript", "npm", "run", "test:ci", "--", "--json", "--outputFile", path)
	text, err := os.ReadFile(path)
	if err != nil {
		return counts{}, errors.Join(runErr, err)
	}
	var report jestReport
	if err := json.Unmarshal(text, &report); err != nil {
		return counts{}, errors.Join(runErr, fmt.Errorf("read Jest's report: %w", err))
	}
	return report.counts(), runErr
}

func (r jestReport) counts() counts {
	return counts{passed: r.Passed, failed: r.Failed + r.BrokenSuites, skipped: r.Pending}
}
