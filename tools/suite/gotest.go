package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"gotest.tools/gotestsum/testjson"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// runGo runs Go tests with the race detector.
func runGo(ctx context.Context, runner step.Runner, packages ...string) (counts, error) {
	var result counts
	err := runner.Do("Test the Go code with the race detector", func() (err error) {
		if err := checkCompiler(ctx, runner); err != nil {
			return err
		}
		result, err = goTest(ctx, runner, slices.Concat([]string{"-race"}, nvmlFlags(), packages)...)
		return err
	})
	return result, err
}

// nvmlFlags have the tests read GPUs through a real library, which Linux can.
func nvmlFlags() []string {
	if runtime.GOOS != "linux" {
		return nil
	}
	return build.NVMLFlags
}

// checkCompiler says what is missing before the race detector fails for it.
func checkCompiler(ctx context.Context, runner step.Runner) error {
	output, err := runner.Command(ctx, "go", "env", "CC").Output()
	if err != nil {
		return err
	}
	if compiler := strings.Fields(string(output)); len(compiler) > 0 {
		if _, err := exec.LookPath(compiler[0]); err != nil {
			return fmt.Errorf("the race detector needs a C compiler: install %s", compiler[0])
		}
	}
	return nil
}

func goTest(ctx context.Context, runner step.Runner, arguments ...string) (counts, error) {
	command := runner.Command(ctx, "go", append([]string{"test", "-json", "-count=1", "-timeout=30m"}, arguments...)...)
	command.Env = append(command.Env, "CGO_ENABLED=1")
	stdout, err := command.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		return counts{}, err
	}
	if err := command.Start(); err != nil {
		return counts{}, err
	}
	execution, scanErr := testjson.ScanTestOutput(testjson.ScanConfig{
		Stdout: stdout, Stderr: stderr, IgnoreNonJSONOutputLines: true,
		Handler: reporter{testjson.NewEventFormatter(runner.Log, "pkgname-and-test-fails", testjson.FormatOptions{HideEmptyPackages: true}), runner.Log},
	})
	if scanErr != nil {
		return counts{}, errors.Join(fmt.Errorf("read the output of go test: %w", scanErr), command.Wait())
	}
	testjson.PrintSummary(runner.Log, execution, testjson.SummarizeAll)
	// Failed has packages too: those that do not compile or end too early.
	result := counts{failed: len(execution.Failed()), skipped: len(execution.Skipped())}
	for _, name := range execution.Packages() {
		result.passed += len(execution.Package(name).Passed)
	}
	return result, command.Wait()
}

// reporter prints each package as it ends and each test that fails.
type reporter struct {
	testjson.EventFormatter
	out io.Writer
}

func (r reporter) Event(event testjson.TestEvent, execution *testjson.Execution) error {
	return r.Format(event, execution)
}

func (r reporter) Err(text string) error {
	_, err := fmt.Fprintln(r.out, text)
	return err
}
