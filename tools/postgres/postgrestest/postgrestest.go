// Package postgrestest gives tests real PostgreSQL databases.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

// DSNVariable names a server to use in place of one of our own: the DSN of any
// of its databases, as a superuser.
const DSNVariable = "WATTSCORE_TEST_DSN"

// Settings are those of a test server: many packages' tests share one.
var Settings = map[string]string{"max_connections": "300"}

// DSN makes an empty database for this test and returns its DSN, as a superuser.
// The database goes when the test ends. Without WATTSCORE_TEST_DSN a server is
// started once for all tests of the binary. A test that gets no database fails;
// it is never skipped.
func DSN(t testing.TB) string {
	t.Helper()
	server, err := serverDSN()
	if err != nil {
		t.Fatalf("These tests need a PostgreSQL server and none could be started. "+
			"Set %s to the DSN of a superuser on a server of yours, or correct this: %s", DSNVariable, err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	// template0 takes no connections, so none is in the way of the copy.
	if err := execute(t.Context(), server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("No test database could be made. Is the server that %s names running, and its user a superuser? %s", DSNVariable, err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("remove the test database: %s", err)
		}
	})
	dsn, err := onDatabase(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// serverDSN is the given server's, or that of one started once. The started one
// ends with the test binary.
var serverDSN = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv(DSNVariable); dsn != "" {
		return dsn, nil
	}
	server, err := postgres.Start(context.Background(), postgres.Options{Volatile: true, Settings: Settings, Log: os.Stderr})
	if err != nil {
		return "", err
	}
	return server.DSN("postgres"), nil
})

func execute(ctx context.Context, dsn, statement string) error {
	connection, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer connection.Close(ctx) //nolint:errcheck // the statement's error is what counts
	_, err = connection.Exec(ctx, statement)
	return err
}

// onDatabase replaces the database of a DSN, which is a URL or keywords and values.
func onDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name, nil // the last one counts
	}
	address, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("%s is not a DSN: %w", DSNVariable, err)
	}
	address.Path = "/" + name
	parameters := address.Query()
	parameters.Del("dbname")
	parameters.Del("database")
	address.RawQuery = parameters.Encode()
	return address.String(), nil
}
