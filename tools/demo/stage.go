package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/grafana"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

// Stage is the demo's company in a Grafana of its own, for what tries it out.
type Stage struct {
	// Grafana shows the company. Nobody has changed anything in it.
	Grafana *grafana.Server
	// Reader is the password of the login that the data source uses.
	Reader   string
	database *postgres.Server
	gpus     *gpuFeed
}

// SetUp builds the project, loads the company into a PostgreSQL, lets its GPUs be
// measured and starts the installation on the port (0 for a free one). Its files are in
// directory: the company stays there until the day is over, what people change in
// Grafana does not.
func SetUp(ctx context.Context, builder *build.Builder, installation grafana.Installation, directory string, port int) (*Stage, error) {
	wattctl, err := buildAll(ctx, builder, installation)
	if err != nil {
		return nil, err
	}
	files := filepath.Join(directory, "grafana")
	if err := os.RemoveAll(files); err != nil {
		return nil, err
	}
	database, err := postgres.Start(ctx, postgres.Options{Directory: filepath.Join(directory, "postgres"), Log: builder.Runner.Log})
	if err != nil {
		return nil, err
	}
	company := company{server: database, wattctl: wattctl, runner: builder.Runner}
	if err := company.load(ctx, time.Now()); err != nil {
		return nil, errors.Join(err, database.Stop())
	}
	gpus, err := company.startGPUs(ctx, time.Now())
	if err != nil {
		return nil, errors.Join(err, database.Stop())
	}
	server, err := startGrafana(ctx, installation, builder, company, files, port)
	if err != nil {
		return nil, errors.Join(err, gpus.Stop(), database.Stop())
	}
	return &Stage{Grafana: server, Reader: company.readerPassword, database: database, gpus: gpus}, nil
}

// TearDown stops both servers, and the company's GPUs.
func (s *Stage) TearDown() error {
	s.Grafana.Stop()
	return errors.Join(s.gpus.Stop(), s.database.Stop())
}
