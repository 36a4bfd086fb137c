//go:build mage

// The project's commands, run as: go tool mage TARGET
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/bench"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/demo"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/e2e"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/suite"
)

// Default is what mage runs without a target.
var Default = Build

// Build builds the plugin for this platform into dist, by Grafana's own
// github.com/grafana/grafana-plugin-sdk-go/build, and wattctl into bin.
func Build(ctx context.Context) error {
	builder, err := build.New(os.Stdout)
	if err != nil {
		return err
	}
	return builder.All(ctx)
}

// Demo shows a company's year of AI energy in a Grafana, or in the terminal.
func Demo(ctx context.Context) error { return demo.Run(ctx, os.Stdout) }

// Test runs every check and test, against a real PostgreSQL that it starts itself.
func Test(ctx context.Context) error { return suite.Run(ctx, os.Stdout) }

// E2E uses the plugin in a real browser and a real Grafana: the one that runs at
// GRAFANA_URL, or the one in the folder GRAFANA_HOME.
func E2E(ctx context.Context) error { return e2e.Run(ctx, os.Stdout) }

// Bench measures the limits of speed, freshness and memory, and writes them into
// README.md.
func Bench(ctx context.Context) error { return bench.Run(ctx, os.Stdout) }

// Lint runs the checks that read the code and do not run it.
func Lint(ctx context.Context) error {
	builder, err := build.New(os.Stdout)
	if err != nil {
		return err
	}
	if err := builder.NodeModules(ctx); err != nil {
		return err
	}
	return suite.Lint(ctx, builder.Runner)
}

// Package builds the plugin for every platform and writes its archive into bin.
func Package(ctx context.Context) error {
	builder, err := build.New(os.Stdout)
	if err != nil {
		return err
	}
	path, err := builder.Package(ctx)
	if err == nil {
		fmt.Println("The archive is", path)
	}
	return err
}
