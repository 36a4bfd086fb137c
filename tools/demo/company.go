package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

const (
	databaseName = "wattscore"
	readerName   = "grafana"
	seed         = "1"
)

// company is the demo's company in its database.
type company struct {
	server         *postgres.Server
	wattctl        string // path
	runner         step.Runner
	readerPassword string
}

// dsn is the database's for its owner.
func (c *company) dsn() string { return c.server.DSN(databaseName) }

// load brings the database to the current schema, with a login for Grafana that
// can only read, and the company's year up to the moment. Data of an earlier day
// and data that was cut off are dropped and made anew.
func (c *company) load(ctx context.Context, now time.Time) error {
	c.readerPassword = rand.Text()
	c.runner.Environment = append(c.runner.Environment, "WATTSCORE_DSN="+c.dsn(), "WATTSCORE_ROLE_PASSWORD="+c.readerPassword)
	wanted := fmt.Sprintf("seed %s until %s", seed, now.UTC().Format(time.DateOnly))
	marker := filepath.Join(c.server.Directory(), "company") // says what is loaded, once it is
	loaded, err := os.ReadFile(marker)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := string(loaded) == wanted
	if !fresh {
		if err := c.createDatabase(ctx); err != nil {
			return fmt.Errorf("make the demo's database: %w", err)
		}
	}
	if err := c.runner.Run(ctx, "Bring the warehouse's schema up to date", c.wattctl, "db", "migrate"); err != nil {
		return err
	}
	if err := c.runner.Run(ctx, "Make a login for Grafana that can only read", c.wattctl, "db", "roles", "--reader", readerName); err != nil {
		return err
	}
	if fresh {
		return nil
	}
	if err := c.runner.Show(ctx, "Load a company's year", c.wattctl, "demo-data", "--seed", seed); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte(wanted), 0o644)
}

// createDatabase makes the database, in place of the one that is there.
func (c *company) createDatabase(ctx context.Context) error {
	connection, err := pgx.Connect(ctx, c.server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer connection.Close(ctx) //nolint:errcheck // the statements' errors are what counts
	name := pgx.Identifier{databaseName}.Sanitize()
	if _, err := connection.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return err
	}
	_, err = connection.Exec(ctx, "CREATE DATABASE "+name)
	return err
}
