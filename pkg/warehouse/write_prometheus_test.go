package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestAWindowIsInTheFactsOnce(t *testing.T) {
	const source = "prometheus"
	ctx := context.Background()
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(asWriter(t, pool))
	hour := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	now := hour.Add(3 * time.Hour)
	event := func(name string, at time.Time, kilowattHours float64) warehouse.Event {
		e := warehousetest.Event(name, at)
		e.Source = source
		e.GPUHours, e.Requests = kilowattHours, 1
		return e
	}
	total := func() (hours float64, facts int) {
		require.NoError(t, pool.QueryRow(ctx, "SELECT coalesce(sum(gpu_hours), 0), count(*) FROM wattscore.event WHERE source = $1", source).Scan(&hours, &facts))
		return hours, facts
	}
	first := warehouse.PrometheusWindow{Start: hour, End: hour.Add(time.Hour), Content: []byte("a")}
	events := []warehouse.Event{event("1", hour, 3), event("2", hour, 4)}
	result, err := store.WritePrometheusWindow(ctx, source, first, events, now)
	require.NoError(t, err)
	assert.Equal(t, 2, result.Stored)

	_, err = store.WritePrometheusWindow(ctx, source, first, []warehouse.Event{event("3", hour, 50)}, now)
	assert.ErrorIs(t, err, warehouse.ErrWindowMoved, "the window is there already")
	within := warehouse.PrometheusWindow{Start: hour.Add(30 * time.Minute), End: hour.Add(45 * time.Minute), Content: []byte("a")}
	_, err = store.WritePrometheusWindow(ctx, source, within, []warehouse.Event{event("4", within.Start, 50)}, now)
	assert.ErrorIs(t, err, warehouse.ErrWindowMoved, "another step would count the time twice")
	hours, facts := total()
	assert.Equal(t, 7.0, hours)
	assert.Equal(t, 2, facts)

	replaced := first
	replaced.Revision, replaced.Content = 1, []byte("b")
	_, err = store.WritePrometheusWindow(ctx, source, replaced, []warehouse.Event{event("1'", hour, 5)}, now)
	require.NoError(t, err)
	hours, facts = total()
	assert.Equal(t, 5.0, hours, "what the window had is out")
	assert.Equal(t, 1, facts)
	_, err = store.WritePrometheusWindow(ctx, source, replaced, []warehouse.Event{event("1''", hour, 5)}, now)
	assert.ErrorIs(t, err, warehouse.ErrWindowMoved, "somebody else has replaced it meanwhile")

	windows, err := store.PrometheusWindows(ctx, source, hour.Add(-time.Hour), hour.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, windows, 1)
	assert.Equal(t, 1, windows[0].Revision)
	assert.True(t, windows[0].Same([]byte("b")))
	last, err := store.LastPrometheusWindow(ctx, source)
	require.NoError(t, err)
	assert.True(t, last.Equal(hour.Add(time.Hour)), last)
	last, err = store.LastPrometheusWindow(ctx, "another")
	require.NoError(t, err)
	assert.Zero(t, last)
	warehousetest.Refresh(t, pool)
	var differences int
	require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM wattscore.verify_rollups()").Scan(&differences))
	assert.Zero(t, differences, "the roll-ups agree with the facts after a window was replaced")
}

// asWriter is a pool whose login is a member of wattscore_writer and nothing else.
func asWriter(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	settings := pool.Config()
	settings.AfterConnect = func(ctx context.Context, connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, "SET ROLE wattscore_writer")
		return err
	}
	writer, err := pgxpool.NewWithConfig(context.Background(), settings)
	require.NoError(t, err)
	t.Cleanup(writer.Close)
	return writer
}
