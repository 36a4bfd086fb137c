// Package warehousetest gives tests a warehouse on a real PostgreSQL.
package warehousetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres/postgrestest"
)

// Open returns a pool on a new database with the current schema, gone when the
// test ends.
func Open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	dsn := postgrestest.DSN(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	_, err = warehouse.Migrate(context.Background(), config)
	require.NoError(t, err, "migrating the test's database")
	pool, err := warehouse.OpenDSN(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// Event returns a valid event of a minute's inference at a time, for a test to
// change; the same name and time give the same id.
func Event(name string, at time.Time) warehouse.Event {
	return warehouse.Event{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name+at.UTC().String())), Time: at, Model: "assistant", Project: "helpdesk",
		Region: "us-central1", Workload: kpi.WorkloadInference, Requests: 1000, InputTokens: 200_000, OutputTokens: 100_000,
		ITEnergy: 0.06, Measured: true, Source: "test",
	}
}

// Write stores events that must all be new, and leaves them out of the roll-ups.
func Write(t testing.TB, pool *pgxpool.Pool, now time.Time, events ...warehouse.Event) {
	t.Helper()
	result, err := warehouse.OpenStore(pool).WriteEvents(context.Background(), events, now)
	require.NoError(t, err)
	require.Empty(t, result.Rejected)
	require.Equal(t, len(events), result.Stored, "every event is new")
}

// Refresh brings the roll-ups up to date. They advance over finished transactions
// of the whole server, so it waits for those of other tests to end.
func Refresh(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	const longestWait = time.Minute
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, err := warehouse.OpenStore(pool).RefreshRollups(context.Background())
		require.NoError(t, err)
		condition, err := warehouse.NewReader(pool).Inspect(context.Background())
		require.NoError(t, err)
		if condition.FactsWaiting == 0 {
			return
		}
		require.Less(t, time.Since(began), longestWait, "%d facts are still not rolled up: a transaction of this server does not end", condition.FactsWaiting)
	}
}

// Exec runs statements that arrange a test.
func Exec(t testing.TB, pool *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := pool.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

// ScopedTo opens the warehouse as a login of its own that is limited to business units.
func ScopedTo(t testing.TB, pool *pgxpool.Pool, units ...string) *pgxpool.Pool {
	t.Helper()
	name, password := "scoped_"+strings.ToLower(rand.Text()), rand.Text()
	_, err := warehouse.OpenStore(pool).PutLogin(context.Background(), name, warehouse.RoleScoped, password, units...)
	require.NoError(t, err)
	t.Cleanup(func() { Exec(t, pool, "DROP ROLE "+name) })
	config := pool.Config().Copy()
	config.ConnConfig.User, config.ConnConfig.Password = name, password
	as, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(as.Close)
	return as
}
