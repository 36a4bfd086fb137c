package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// Lint runs the checks that read the code and do not run it.
func Lint(ctx context.Context, runner step.Runner) error {
	return errors.Join(
		runner.Run(ctx, "Check the TypeScript types", "npm", "run", "typecheck"),
		runner.Run(ctx, "Lint the TypeScript", "npm", "run", "lint"),
		runner.Do("Check the Go formatting", func() error { return checkFormat(ctx, runner) }),
		runner.Run(ctx, "Vet the Go code", "go", "vet", "./..."),
	)
}

func checkFormat(ctx context.Context, runner step.Runner) error {
	output, err := runner.Command(ctx, "gofmt", "-l", "Magefile.go", "dashboards", "pkg", "tools").Output()
	if err != nil {
		return err
	}
	if files := strings.Fields(string(output)); len(files) > 0 {
		return fmt.Errorf("gofmt has not seen %s", strings.Join(files, ", "))
	}
	return nil
}
