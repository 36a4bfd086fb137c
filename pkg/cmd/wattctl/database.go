package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const (
	dsnFlag     = "dsn"
	dsnVariable = "WATTSCORE_DSN"
)

// pool makes a pool on the database that the command is to work on, which it
// does not reach yet. No error repeats the DSN: there is a password in it.
func (c console) pool(cmd *cobra.Command) (*pgxpool.Pool, error) {
	dsn, err := cmd.Flags().GetString(dsnFlag)
	if err != nil {
		return nil, err
	}
	if dsn == "" {
		dsn = c.getenv(dsnVariable)
	}
	if dsn == "" {
		return nil, usage("no database is named: pass --%s or set %s, for example postgres://user@localhost:5432/energy", dsnFlag, dsnVariable)
	}
	pool, err := warehouse.OpenDSN(cmd.Context(), dsn)
	if err != nil {
		return nil, &usageError{err}
	}
	return pool, nil
}

// connect opens the database without looking at its schema. The caller closes
// the pool.
func (c console) connect(cmd *cobra.Command) (*pgxpool.Pool, error) {
	pool, err := c.pool(cmd)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(cmd.Context()); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// open opens a warehouse whose schema this program works with. The caller closes
// the pool.
func (c console) open(cmd *cobra.Command) (*pgxpool.Pool, error) {
	pool, err := c.connect(cmd)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(cmd.Context(), pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// onDatabase makes a command of work on an open database.
func (c console) onDatabase(work func(context.Context, *pgxpool.Pool) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		pool, err := c.open(cmd)
		if err != nil {
			return err
		}
		defer pool.Close()
		return work(cmd.Context(), pool)
	}
}

func checkSchema(ctx context.Context, pool *pgxpool.Pool) error {
	condition, err := warehouse.NewReader(pool).Inspect(ctx)
	if err != nil {
		return err
	}
	switch needed := warehouse.SchemaVersion(); {
	case condition.SchemaVersion == 0:
		return errors.New("the database has no WattScore tables that this login can see. Run: wattctl db migrate")
	case condition.SchemaVersion < needed:
		return fmt.Errorf("the database has version %d of the schema and this wattctl needs %d. Run: wattctl db migrate", condition.SchemaVersion, needed)
	case condition.SchemaVersion > needed:
		return fmt.Errorf("the database has version %d of the schema and this wattctl knows %d: install the newer wattctl", condition.SchemaVersion, needed)
	}
	return nil
}
