// Package e2e runs the tests in e2e/: a real browser uses the plugin in a real
// Grafana, one that runs already or one that it starts with the demo's company.
package e2e

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/demo"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/grafana"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// What the tests are told by. See e2e/environment.ts.
const (
	// URLVariable is the address of a Grafana that runs, with the plugin and
	// what is in provisioning.
	URLVariable = "GRAFANA_URL"
	// PasswordVariable is that of the data source's user: with it the tests make
	// further data sources.
	PasswordVariable = "WATTSCORE_PASSWORD"
	// ArgumentsVariable is handed to Playwright, such as "--grep Viewer".
	ArgumentsVariable = "WATTSCORE_E2E_ARGS"
)

// Artifacts is the folder of screenshots, traces and the report, in the project's root.
const Artifacts = "e2e/artifacts"

// Run runs the tests. Where there is no Grafana to run them in it says so and
// what to set, and that is no error.
func Run(ctx context.Context, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	address := os.Getenv(URLVariable)
	if address == "" && os.Getenv(grafana.HomeVariable) == "" {
		fmt.Fprintf(out, "SKIPPED: the browser tests did not run, for there is no Grafana. Set %s to the folder of an unpacked Grafana 12 or newer, or %s to the address of one that runs with the plugin provisioned.\n",
			grafana.HomeVariable, URLVariable)
		return nil
	}
	builder, err := build.New(out)
	if err != nil {
		return err
	}
	chromium, err := findChromium(ctx, builder)
	if err != nil {
		return err
	}
	environment := []string{chromiumVariable + "=" + chromium}
	if address == "" {
		stage, err := setUp(ctx, out, builder)
		if err != nil {
			return err
		}
		defer stage.TearDown() //nolint:errcheck // the tests' result is what counts
		address = stage.Grafana.URL
		environment = append(environment, PasswordVariable+"="+stage.Reader,
			"GRAFANA_ADMIN_USER="+grafana.AdminUser, "GRAFANA_ADMIN_PASSWORD="+grafana.AdminPassword)
	} else if _, err := url.ParseRequestURI(address); err != nil {
		return fmt.Errorf("%s is no address: %w", URLVariable, err)
	}
	runner := builder.Runner
	runner.Environment = append(runner.Environment, append(environment, URLVariable+"="+address)...)
	arguments := append([]string{"playwright", "test"}, strings.Fields(os.Getenv(ArgumentsVariable))...)
	err = runner.Show(ctx, "Use the plugin in a browser, at "+address, "npx", arguments...)
	fmt.Fprintf(out, "Screenshots, and traces of what failed, are in %s\n", Artifacts)
	return err
}

// setUp starts the Grafana that GRAFANA_HOME names with the demo's company.
func setUp(ctx context.Context, out io.Writer, builder *build.Builder) (*demo.Stage, error) {
	installation, err := grafana.Find(ctx, out)
	if err != nil {
		return nil, err
	}
	cache, err := project.Cache("e2e")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return demo.SetUp(ctx, builder, installation, filepath.Clean(cache), port)
}
