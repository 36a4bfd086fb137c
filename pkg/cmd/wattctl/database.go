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

// poolConfig reads the DSN. Its error does not repeat it: there is a password in
// it.
func (c console) poolConfig(cmd *cobra.Command) (*pgxpool.Config, error) {
	dsn, err := cmd.Flags().GetString(dsnFlag)
	if err != nil {
		return nil, err
	}
	from := "--" + dsnFlag
	if dsn == "" {
		dsn, from = c.getenv(dsnVariable), dsnVariable
	}
	if dsn == "" {
		return nil, usage("no database is named: pass --%s or set %s, for example postgres://user@localhost:5432/energy", dsnFlag, dsnVariable)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, usage("%s cannot be read as the address of a database: write it as postgres://user:password@host:5432/database, "+
			"with the special characters of the password percent-encoded", from)
	}
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["application_name"] = "wattctl"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	return config, nil
}

// connect opens the database without looking at its schema.
func (c console) connect(ctx context.Context, cmd *cobra.Command) (*pgxpool.Pool, error) {
	config, err := c.poolConfig(cmd)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// open opens a warehouse whose schema this program works with. The caller closes
// the pool.
func (c console) open(ctx context.Context, cmd *cobra.Command) (*pgxpool.Pool, error) {
	pool, err := c.connect(ctx, cmd)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
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
