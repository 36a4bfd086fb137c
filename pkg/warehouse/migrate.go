package warehouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

//go:embed statements/bootstrap.sql
var bootstrapSQL string

const migrationTable = "schema_migration"

// Migration is one step of the schema and, when it has been applied, since when.
type Migration struct {
	Version   int64
	File      string
	AppliedAt time.Time // zero: not applied
}

// SchemaVersion is the version of the schema this program works with: the
// newest migration it carries.
func SchemaVersion() int64 {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		panic("warehouse: no migrations are embedded") // cannot happen in a build that compiled
	}
	version, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		panic(err)
	}
	return version
}

// Migrate brings the database to SchemaVersion and returns the steps it took,
// none when it was there already. The login needs to create roles the first
// time; everything it creates belongs to the role wattscore_owner. Several
// callers at once wait for each other.
func Migrate(ctx context.Context, config *pgx.ConnConfig) ([]Migration, error) {
	var applied []Migration
	up := func() error {
		return withMigrations(ctx, config, true, func(provider *goose.Provider) error {
			results, err := provider.Up(ctx)
			for _, r := range results {
				applied = append(applied, Migration{Version: r.Source.Version, File: r.Source.Path, AppliedAt: time.Now()})
			}
			return err
		})
	}
	err := up()
	// A step is one transaction, and a refresh that crosses it may end it: try again.
	for tries := 0; isDeadlock(err) && tries < migrationRetries; tries++ {
		err = up()
	}
	if err != nil {
		return applied, fmt.Errorf("migrating database %s: %w", config.Database, err)
	}
	return applied, nil
}

// migrationRetries is how often a step is tried again that others crossed.
const migrationRetries = 20

func isDeadlock(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "40P01"
}

// MigrationStatus lists every step this program carries, oldest first.
func MigrationStatus(ctx context.Context, config *pgx.ConnConfig) ([]Migration, error) {
	var steps []Migration
	err := withMigrations(ctx, config, false, func(provider *goose.Provider) error {
		status, err := provider.Status(ctx)
		for _, s := range status {
			steps = append(steps, Migration{Version: s.Source.Version, File: s.Source.Path, AppliedAt: s.AppliedAt})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the schema's status in database %s: %w", config.Database, err)
	}
	return steps, nil
}

// withMigrations runs work as wattscore_owner, so that the owner role owns what
// a migration creates, whoever logs in to run it.
func withMigrations(ctx context.Context, config *pgx.ConnConfig, bootstrap bool, work func(*goose.Provider) error) error {
	config = config.Copy()
	config.RuntimeParams["search_path"] = "wattscore"
	config.RuntimeParams["client_min_messages"] = "warning"
	afterConnect := func(ctx context.Context, conn *pgx.Conn) error {
		if bootstrap {
			if _, err := conn.Exec(ctx, bootstrapSQL); err != nil {
				return explainBootstrap(err)
			}
		}
		_, err := conn.Exec(ctx, "SET ROLE wattscore_owner")
		return err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(afterConnect))
	defer db.Close()

	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithTableName(migrationTable))
	if err != nil {
		return err
	}
	return work(provider)
}

func explainBootstrap(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42501" {
		return fmt.Errorf("%w: this login may not create the roles wattscore_owner, wattscore_writer and wattscore_reader; "+
			"migrate with a login that has CREATEROLE and CREATE on the database", err)
	}
	return err
}
