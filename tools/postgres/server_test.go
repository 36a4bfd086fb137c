package postgres_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

func start(t *testing.T, options postgres.Options) *postgres.Server {
	t.Helper()
	options.Volatile = true
	options.Log = t.Output()
	server, err := postgres.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, server.Stop())
		assert.NoError(t, os.RemoveAll(server.Directory()), "where root keeps it is not the test's own folder")
	})
	return server
}

func run(t *testing.T, dsn, statement string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer connection.Close(context.Background()) //nolint:errcheck // the statement is what counts
	_, err = connection.Exec(t.Context(), statement)
	require.NoError(t, err)
}

func ask[T any](t *testing.T, dsn, statement string) T {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer connection.Close(context.Background()) //nolint:errcheck // the answer is what counts
	rows, err := connection.Query(t.Context(), statement)
	require.NoError(t, err)
	answer, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return answer
}

func TestServerIsAsTheWarehouseExpects(t *testing.T) {
	server := start(t, postgres.Options{Settings: map[string]string{"max_connections": "37"}})
	tests := map[string]string{
		"SHOW server_encoding":         "UTF8",
		"SHOW listen_addresses":        "127.0.0.1",
		"SHOW unix_socket_directories": "",
		"SHOW password_encryption":     "scram-sha-256",
		"SHOW timezone":                "UTC",
		"SHOW fsync":                   "off",
		"SHOW max_connections":         "37",
		"SELECT datcollate FROM pg_database WHERE datname = 'template0'":                         "C",
		"SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user":                       "true",
		"SELECT to_char(timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'Asia/Kolkata', 'HH24:MI')": "17:30",
	}
	for statement, want := range tests {
		assert.Equal(t, want, ask[string](t, server.DSN("postgres"), statement), statement)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	server := start(t, postgres.Options{})
	_, err := pgx.Connect(t.Context(), "postgres://postgres:guessed@"+server.Address()+"/postgres?sslmode=disable")
	assert.ErrorContains(t, err, "password authentication failed")
}

func TestDatabasesStayFromRunToRun(t *testing.T) {
	directory := t.TempDir()
	first := start(t, postgres.Options{Directory: directory})
	run(t, first.DSN("postgres"), "CREATE DATABASE kept")
	require.NoError(t, first.Stop())

	second := start(t, postgres.Options{Directory: directory})

	assert.Equal(t, "kept", ask[string](t, second.DSN("kept"), "SELECT current_database()::text"))
}

func TestAThrowAwayServerLeavesNothing(t *testing.T) {
	server := start(t, postgres.Options{})
	require.DirExists(t, server.Directory())
	require.NoError(t, server.Stop())
	assert.NoDirExists(t, server.Directory())
}

func TestStopTwice(t *testing.T) {
	server := start(t, postgres.Options{})
	require.NoError(t, server.Stop())
	require.NoError(t, server.Stop())
	select {
	case <-server.Done():
	default:
		t.Fatal("the server still runs after Stop")
	}
}

func TestAKilledServerComesBackWithWhatWasCommitted(t *testing.T) {
	server, err := postgres.Start(t.Context(), postgres.Options{Log: t.Output()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	dsn := server.DSN("postgres")
	run(t, dsn, "CREATE TABLE kept AS SELECT 7 AS n")
	for range 2 {
		require.NoError(t, server.Kill(t.Context()))
		_, err = pgx.Connect(t.Context(), dsn)
		require.Error(t, err, "nobody answers")
		require.NoError(t, server.Restart(t.Context()))
		assert.Equal(t, int32(7), ask[int32](t, dsn, "SELECT n FROM kept"))
	}
}

func TestOtherBinariesMustBeThere(t *testing.T) {
	_, err := postgres.Start(t.Context(), postgres.Options{Binaries: filepath.Join(t.TempDir(), "none")})
	assert.ErrorContains(t, err, "no PostgreSQL in", "the given ones are run, or nothing is")
}

func TestASecondServerOnTheSameFolderIsRefused(t *testing.T) {
	directory := t.TempDir()
	start(t, postgres.Options{Directory: directory})
	_, err := postgres.Start(t.Context(), postgres.Options{Directory: directory})
	assert.ErrorContains(t, err, "stop that one first")
}

func TestALockOfAKilledServerIsCleared(t *testing.T) {
	directory := t.TempDir()
	server := start(t, postgres.Options{Directory: directory})
	lock := filepath.Join(server.Directory(), "data", "postmaster.pid")
	text, err := os.ReadFile(lock)
	require.NoError(t, err)
	require.NoError(t, server.Stop())
	// The lock is back, and its process id has been given to another process: ours.
	require.NoError(t, os.WriteFile(lock, text, 0o600))

	again := start(t, postgres.Options{Directory: directory})

	assert.Equal(t, int32(1), ask[int32](t, again.DSN("postgres"), "SELECT 1"))
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // nothing was sent

	_, err = postgres.Start(t.Context(), postgres.Options{Port: listener.Addr().(*net.TCPAddr).Port, Volatile: true})
	assert.ErrorContains(t, err, "could not bind", "the error shows the server's log")
}
