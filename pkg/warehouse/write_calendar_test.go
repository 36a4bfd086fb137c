package warehouse_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// loginIn makes a login of the test's own, with the password "test", that is a
// member of a role. Roles belong to the server and outlive the test's database.
func loginIn(t *testing.T, pool *pgxpool.Pool, role string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	warehousetest.Exec(t, pool, "CREATE ROLE "+name+" LOGIN PASSWORD 'test' IN ROLE "+role)
	t.Cleanup(func() { warehousetest.Exec(t, pool, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	return name
}

// openAs opens the database of a pool with another login.
func openAs(t *testing.T, pool *pgxpool.Pool, user, password string) *pgxpool.Pool {
	t.Helper()
	config := pool.Config()
	config.ConnConfig.User, config.ConnConfig.Password = user, password
	opened, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	return opened
}

func TestSetCalendar(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	ctx := context.Background()
	warehousetest.Write(t, pool, now, warehousetest.Event("late in the evening, UTC", time.Date(2026, 11, 18, 23, 30, 0, 0, time.UTC)))
	warehousetest.Refresh(t, pool)

	require.NoError(t, store.SetCalendar(ctx, "Europe/Berlin", time.October))
	calendar, err := warehouse.NewReader(pool).Calendar(ctx)
	require.NoError(t, err)
	assert.Equal(t, "Europe/Berlin", calendar.Location.String())
	assert.Equal(t, time.October, calendar.FiscalYearStartMonth)
	assert.Equal(t, "(t)", row(t, pool, "SELECT bucket = '2026-11-18T23:00Z' FROM wattscore.rollup_day"), "the event's day is the next in Berlin")

	for _, zone := range []string{"", "Local", "Mars/Olympus"} {
		assert.ErrorContains(t, store.SetCalendar(ctx, zone, time.January), "not a time zone", zone)
	}
	assert.ErrorContains(t, store.SetCalendar(ctx, "UTC", 13), "month 13")
}
