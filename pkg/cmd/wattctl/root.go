package main

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// dsnVariable names the database where --dsn does not.
const dsnVariable = "WATTSCORE_DSN"

// database is the flag that says where the warehouse is.
type database struct{ dsn string }

func newRootCommand() *cobra.Command {
	var db database
	root := &cobra.Command{
		Use:   "wattctl",
		Short: "Run a WattScore warehouse",
		Long: "wattctl installs and fills a WattScore warehouse in PostgreSQL and asks it what a Grafana panel would ask.\n\n" +
			"It finds the database by --dsn or " + dsnVariable + ".",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.PersistentFlags().StringVar(&db.dsn, "dsn", "", "the database, for example postgres://user@host:5432/energy (default "+dsnVariable+")")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newDatabaseCommand(&db), newImportCommand(&db), newQueryCommand(&db), newRollupCommand(&db),
		newRestateCommand(&db))
	checkArguments(root)
	return root
}

// checkArguments makes a wrong number of arguments a usage error, everywhere.
func checkArguments(command *cobra.Command) {
	if check := command.Args; check != nil {
		command.Args = func(command *cobra.Command, arguments []string) error {
			if err := check(command, arguments); err != nil {
				return &usageError{err}
			}
			return nil
		}
	}
	for _, child := range command.Commands() {
		checkArguments(child)
	}
}

// resolve returns the connection string.
func (d *database) resolve() (string, error) {
	if d.dsn != "" {
		return d.dsn, nil
	}
	if dsn := os.Getenv(dsnVariable); dsn != "" {
		return dsn, nil
	}
	return "", usagef("no database is named: set %s or give --dsn, for example postgres://user@host:5432/energy", dsnVariable)
}

// open returns a pool, which the caller closes.
func (d *database) open(ctx context.Context) (*pgxpool.Pool, error) {
	dsn, err := d.resolve()
	if err != nil {
		return nil, err
	}
	return warehouse.OpenDSN(ctx, dsn)
}

// withStore calls work with a store on the database.
func (d *database) withStore(ctx context.Context, work func(*warehouse.Store) error) error {
	pool, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	return work(warehouse.OpenStore(pool))
}
