package postgrestest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryCallIsADatabaseOfItsOwn(t *testing.T) {
	first, second := DSN(t), DSN(t)
	require.NotEqual(t, first, second)
	require.NoError(t, execute(t.Context(), first, "CREATE TABLE mine (n int)"))
	assert.ErrorContains(t, execute(t.Context(), second, "SELECT FROM mine"), "does not exist")
}

func TestTheDatabaseGoesWithItsTest(t *testing.T) {
	var dsn string
	t.Run("inner", func(t *testing.T) {
		dsn = DSN(t)
		// A connection that the test forgets does not keep the database.
		connection, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		require.NoError(t, connection.Ping(context.Background()))
	})
	_, err := pgx.Connect(t.Context(), dsn)
	assert.ErrorContains(t, err, "does not exist")
}

func TestTheTestIsASuperuser(t *testing.T) {
	require.NoError(t, execute(t.Context(), DSN(t), "SET session_replication_role = replica"), "only a superuser may set it")
}

func TestOnDatabase(t *testing.T) {
	tests := map[string]string{
		"postgres://me:a%2Fb@db:5433/postgres?sslmode=disable":   "postgres://me:a%2Fb@db:5433/mine?sslmode=disable",
		"postgresql://db?dbname=postgres&connect_timeout=3":      "postgresql://db/mine?connect_timeout=3",
		"host=/var/run/postgresql user=postgres dbname=postgres": "host=/var/run/postgresql user=postgres dbname=postgres dbname=mine",
	}
	for given, want := range tests {
		got, err := onDatabase(given, "mine")
		require.NoError(t, err)
		assert.Equal(t, want, got)
		config, err := pgx.ParseConfig(got)
		require.NoError(t, err)
		assert.Equal(t, "mine", config.Database)
	}
}
