// Package demo shows the product on a believable company: it builds everything,
// loads a year of data into a private PostgreSQL and starts a Grafana, or where
// none can be had prints the executive summary.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/grafana"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// OnceVariable, set to 1, makes the demo print the summary and end.
const OnceVariable = "WATTSCORE_DEMO_ONCE"

// DataSourceUID is the data source's in provisioning/datasources.
const DataSourceUID = "wattscore"

// Run runs the demo until the context ends or the process is told to.
func Run(ctx context.Context, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, out)
	if ctx.Err() != nil { // told to end: what was cut off is no fault
		return nil
	}
	return err
}

func run(ctx context.Context, out io.Writer) (err error) {
	builder, err := build.New(out)
	if err != nil {
		return err
	}
	once := os.Getenv(OnceVariable) == "1"
	var installation grafana.Installation
	var missing error // why there is no Grafana
	if !once {
		if installation, missing = findGrafana(ctx, out); missing != nil && !isNotFound(missing) {
			return missing
		}
	}
	wattctl, err := buildAll(ctx, builder, installation)
	if err != nil {
		return err
	}
	cache, err := project.Cache("demo")
	if err != nil {
		return err
	}
	server, err := postgres.Start(ctx, postgres.Options{Directory: filepath.Join(cache, "postgres"), Log: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	company := company{server: server, wattctl: wattctl, runner: builder.Runner}
	if err := company.load(ctx, time.Now()); err != nil {
		return err
	}
	if !once {
		gpus, failed := company.startGPUs(ctx, time.Now())
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, gpus.Stop()) }()
	}
	if installation != nil {
		shown, err := startGrafana(ctx, installation, builder, company, filepath.Join(cache, "grafana"), 0)
		if err == nil {
			defer shown.Stop()
			fmt.Fprintf(out, "\nWattScore is at %s\nAnyone may look; to change things, sign in as %s with the password %s.\nPress Ctrl-C to stop.\n",
				shown.URL, grafana.AdminUser, grafana.AdminPassword)
			return wait(ctx, server.Done(), shown.Done())
		}
		if ctx.Err() != nil {
			return err
		}
		missing = err
	}
	if !once {
		fmt.Fprintf(out, "\nThe dashboards cannot be shown: %s.\nTo see them, unpack a Grafana 12 or newer and set %s to its folder. "+
			"This is the executive summary, answered by the plugin's own process:\n", missing, grafana.HomeVariable)
	}
	if err := summarise(ctx, out, builder, company, cache); err != nil || once {
		return err
	}
	fmt.Fprintf(out, "\nThe database stays up until you press Ctrl-C. To ask it more:\n  export WATTSCORE_DSN='%s'\n  %s query energyScore --from 2026-01-01 --to 2026-07-01\n",
		company.dsn(), relative(builder.Root, wattctl))
	return wait(ctx, server.Done(), nil)
}

func isNotFound(err error) bool {
	var notFound *grafana.NotFoundError
	return errors.As(err, &notFound)
}

func findGrafana(ctx context.Context, out io.Writer) (grafana.Installation, error) {
	installation, err := grafana.Find(ctx, out)
	if err == nil {
		fmt.Fprintf(out, "Found %s\n", installation)
	}
	return installation, err
}

// buildAll builds the plugin for this platform and for the Grafana's, which is
// another one in a container, and returns the path of wattctl.
func buildAll(ctx context.Context, builder *build.Builder, installation grafana.Installation) (string, error) {
	platforms := []project.Platform{project.ThisPlatform()}
	if installation != nil && !slices.Contains(platforms, installation.Platform()) {
		platforms = append(platforms, installation.Platform())
	}
	if err := builder.Frontend(ctx); err != nil {
		return "", err
	}
	if err := builder.Backend(platforms...); err != nil {
		return "", err
	}
	return builder.CommandLine(ctx)
}

// startGrafana starts a Grafana that shows the company, with its own files in
// directory, and asks it whether its data source works. Port 0 takes a free one.
func startGrafana(ctx context.Context, installation grafana.Installation, builder *build.Builder, c company, directory string, port int) (*grafana.Server, error) {
	var server *grafana.Server
	err := builder.Runner.Do("Start "+installation.String(), func() (err error) {
		server, err = grafana.Start(ctx, installation, grafana.Options{
			PluginID:      builder.Manifest.ID,
			Plugin:        filepath.Join(builder.Root, build.Distribution),
			Provisioning:  filepath.Join(builder.Root, "provisioning"),
			Dashboards:    filepath.Join(builder.Root, "dashboards"),
			HomeDashboard: "executive-overview.json",
			Directory:     directory,
			Port:          port,
			Environment:   provisioningVariables(installation.Reach(c.server.Address()), c.readerPassword),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := server.CheckDataSource(ctx, DataSourceUID); err != nil {
		server.Stop()
		return nil, fmt.Errorf("the data source in Grafana does not work: %w", err)
	}
	return server, nil
}

func summarise(ctx context.Context, out io.Writer, builder *build.Builder, c company, cache string) error {
	settings, err := dataSourceSettings(c.server.Address(), databaseName, readerName, c.readerPassword)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(cache, "plugin.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // nothing is read from it here
	return printSummary(ctx, out, log, builder.PluginExecutable(project.ThisPlatform()), settings, time.Now())
}

// provisioningVariables are what the files in provisioning read.
func provisioningVariables(address, password string) map[string]string {
	return map[string]string{
		"WATTSCORE_HOST":     address,
		"WATTSCORE_DATABASE": databaseName,
		"WATTSCORE_USER":     readerName,
		"WATTSCORE_PASSWORD": password,
		"WATTSCORE_TLS_MODE": "disable", // this machine's loopback interface
	}
}

// wait returns when the context ends, or with an error when a server does.
func wait(ctx context.Context, database, dashboards <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-database:
		return errors.New("PostgreSQL has ended by itself; its log is in the demo's cache folder")
	case <-dashboards:
		return errors.New("Grafana has ended by itself; its log is in the demo's cache folder")
	}
}

func relative(root, path string) string {
	if short, ok := strings.CutPrefix(path, root+string(filepath.Separator)); ok {
		return short
	}
	return path
}
