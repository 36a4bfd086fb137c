// Package suite runs every check and test of the project, against a PostgreSQL
// server that it starts, and counts them.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres/postgrestest"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// counts are tests by how they ended. A check that is no test, such as the
// linter, counts only if it fails.
type counts struct{ passed, failed, skipped int }

func (c *counts) add(other counts) {
	c.passed += other.passed
	c.failed += other.failed
	c.skipped += other.skipped
}

func (c counts) String() string {
	text := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		text += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return text
}

// Run runs everything to the end, whatever fails on the way, and closes with a
// line "N passed, N failed" on out. Its error names what failed.
func Run(ctx context.Context, out io.Writer) error {
	builder, err := build.New(out)
	if err != nil {
		return err
	}
	var (
		total    counts
		failures []error
	)
	check := func(err error) {
		if err != nil {
			fmt.Fprintf(out, "  FAILED: %s\n", err)
			failures = append(failures, err)
			total.failed++
		}
	}
	tests := func(c counts, err error) {
		total.add(c)
		if err != nil {
			fmt.Fprintf(out, "  FAILED: %s\n", err)
			failures = append(failures, err)
			if c.failed == 0 { // it broke before it could count
				total.failed++
			}
		}
	}
	if err := builder.NodeModules(ctx); err != nil {
		check(err)
	} else {
		check(Lint(ctx, builder.Runner))
		tests(runJest(ctx, builder.Runner))
		check(builder.Frontend(ctx))
	}
	check(builder.Backend(project.ThisPlatform()))
	tests(runGoOnServer(ctx, builder.Runner))
	fmt.Fprintln(out, total)
	if len(failures) > 0 {
		return fmt.Errorf("%d checks failed: %w", len(failures), errors.Join(failures...))
	}
	return nil
}

// runGoOnServer runs the Go tests with one PostgreSQL for all of them: the one
// that WATTSCORE_TEST_DSN names, or one of our own.
func runGoOnServer(ctx context.Context, runner step.Runner) (counts, error) {
	if os.Getenv(postgrestest.DSNVariable) == "" {
		var server *postgres.Server
		err := runner.Do("Start PostgreSQL", func() (err error) {
			server, err = postgres.Start(ctx, postgres.Options{Volatile: true, Settings: postgrestest.Settings, Log: runner.Log})
			return err
		})
		if err != nil {
			return counts{}, err
		}
		defer server.Stop() //nolint:errcheck // its files are thrown away; the tests' result is what counts
		runner.Environment = append(runner.Environment, postgrestest.DSNVariable+"="+server.DSN("postgres"))
	}
	return runGo(ctx, runner, "./...")
}
