package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

// DSNVariable names a server to measure on in place of one of our own: the DSN of
// any of its databases, as a superuser. The bench makes databases there whose names
// begin with bench_ and drops them.
const DSNVariable = "WATTSCORE_BENCH_DSN"

// serverSettings are those of a small server with room for the load; what answers
// read fits into the default memory too.
var serverSettings = map[string]string{
	"shared_buffers": "1GB", "maintenance_work_mem": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "max_connections": "100",
}

// server is where the databases are made.
type server struct {
	config  *pgx.ConnConfig
	version string // PostgreSQL's
	tls     bool
	stop    func() error
}

func startServer(ctx context.Context, log io.Writer) (*server, error) {
	s := &server{stop: func() error { return nil }}
	dsn := os.Getenv(DSNVariable)
	if dsn == "" {
		own, err := postgres.Start(ctx, postgres.Options{Settings: serverSettings, Log: log})
		if err != nil {
			return nil, err
		}
		dsn, s.stop = own.DSN("postgres"), own.Stop
	}
	err := func() (err error) {
		if s.config, err = pgx.ParseConfig(dsn); err != nil {
			return fmt.Errorf("%s is no connection string: it looks like postgres://user@host:5432/database", DSNVariable)
		}
		s.config.RuntimeParams["application_name"] = "wattscore bench"
		return s.on(ctx, "", func(connection *pgx.Conn) error {
			return connection.QueryRow(ctx,
				"SELECT split_part(current_setting('server_version'), ' ', 1), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&s.version, &s.tls)
		})
	}()
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// on does something on a connection of its own to a database, or to that of the
// connection string where none is named.
func (s *server) on(ctx context.Context, database string, something func(*pgx.Conn) error) error {
	config := s.config.Copy()
	if database != "" {
		config.Database = database
	}
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer connection.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what was done on it has its own error
	return something(connection)
}

// create makes an empty warehouse, in place of one that is there.
func (s *server) create(ctx context.Context, database string) error {
	if err := s.drop(ctx, database); err != nil {
		return err
	}
	err := s.on(ctx, "", func(connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" TEMPLATE template0")
		return err
	})
	if err != nil {
		return err
	}
	config := s.config.Copy()
	config.Database = database
	_, err = warehouse.Migrate(ctx, config)
	return err
}

func (s *server) drop(ctx context.Context, database string) error {
	return s.on(ctx, "", func(connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{database}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

// connection is that of a data source to a database.
func (s *server) connection(database string) warehouse.Connection {
	mode := warehouse.TLSDisable
	if s.tls {
		mode = warehouse.TLSRequire
	}
	return warehouse.Connection{
		Host: net.JoinHostPort(s.config.Host, strconv.Itoa(int(s.config.Port))), Database: database,
		User: s.config.User, Password: s.config.Password, TLSMode: mode,
	}
}

// writers is a pool for those who write.
func (s *server) writers(ctx context.Context, database string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = s.config.Copy()
	config.ConnConfig.Database = database
	config.ConnConfig.RuntimeParams["jit"] = "off" // as wattctl has it
	config.MaxConns = 8
	return pgxpool.NewWithConfig(ctx, config)
}
