package plugin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// asked is a query of the last days up to a time, as a panel sends it.
func asked(refID, queryType string, until time.Time) backend.DataQuery {
	return backend.DataQuery{RefID: refID, MaxDataPoints: 500, TimeRange: backend.TimeRange{From: until.AddDate(0, 0, -7), To: until},
		JSON: []byte(fmt.Sprintf(`{"refId":%q,"queryType":%q,"groupBy":["model"]}`, refID, queryType))}
}

func frameOf(t *testing.T, ctx context.Context, i *plugin.Instance, query backend.DataQuery) (*data.Frame, error) {
	t.Helper()
	response, err := i.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{query}})
	require.NoError(t, err)
	answer := response.Responses[query.RefID]
	if answer.Error != nil {
		return nil, answer.Error
	}
	require.Len(t, answer.Frames, 1)
	return answer.Frames[0], nil
}

func requests(t *testing.T, frame *data.Frame) float64 {
	t.Helper()
	field, _ := frame.FieldByName("requests")
	require.NotNil(t, field)
	sum := 0.0
	for row := range field.Len() {
		value, err := field.NullableFloatAt(row)
		require.NoError(t, err)
		sum += *value
	}
	return sum
}

func TestAnAnswerIsKeptUntilAnythingIsCommitted(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-3*time.Hour)))
	i := instance(t, settingsFor(pool, nil))
	ctx, until := context.Background(), now.Truncate(time.Hour).Add(10*time.Minute)

	var first, again *data.Frame
	// The state is the whole server's, and other tests commit on it too.
	require.Eventually(t, func() bool {
		var err error
		first, err = frameOf(t, ctx, i, asked("A", "energyScore", until))
		require.NoError(t, err)
		again, err = frameOf(t, ctx, i, asked("B", "energyScore", until.Add(time.Second)))
		require.NoError(t, err)
		return first.Fields[0] == again.Fields[0]
	}, time.Minute, time.Millisecond, "another panel with the same question in the same hours gets the same answer")
	assert.Equal(t, []string{"A", "B"}, []string{first.RefID, again.RefID}, "each under its own name")
	other, err := frameOf(t, ctx, i, asked("A", "energyScore", until.Add(-25*time.Hour)))
	require.NoError(t, err)
	assert.NotSame(t, first.Fields[0], other.Fields[0], "another range is another question")

	// Whatever is committed, by whomever, is in the very next answer.
	for n := range 20 {
		warehousetest.Write(t, pool, now, warehousetest.Event(fmt.Sprint("more ", n), now.Add(-2*time.Hour)))
		next, err := frameOf(t, ctx, i, asked("A", "energyScore", until))
		require.NoError(t, err)
		require.Equal(t, float64(1000*(n+2)), requests(t, next))
	}
	warehousetest.Exec(t, pool, "UPDATE wattscore.event SET requests = 1")
	next, err := frameOf(t, ctx, i, asked("A", "energyScore", until))
	require.NoError(t, err)
	assert.Equal(t, 21.0, requests(t, next))

	// A transaction that was open when the answer was made and commits after it.
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "UPDATE wattscore.event SET requests = 2")
	require.NoError(t, err)
	before, err := frameOf(t, ctx, i, asked("A", "energyScore", until))
	require.NoError(t, err)
	assert.Equal(t, 21.0, requests(t, before))
	require.NoError(t, tx.Commit(ctx))
	after, err := frameOf(t, ctx, i, asked("A", "energyScore", until))
	require.NoError(t, err)
	assert.Equal(t, 42.0, requests(t, after))
}

func TestViewersWhoAskTheSameAtOnceShareAnAnswer(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-3*time.Hour)))
	i := instance(t, settingsFor(pool, nil))
	ctx := context.Background()
	_, err := frameOf(t, ctx, i, asked("A", "energyScore", now.Add(-100*time.Hour)))
	require.NoError(t, err)

	// Who asks while another test commits on this server sees another state and has
	// an answer of their own, so it may take several goes.
	share := func() bool {
		lock, err := pool.Begin(ctx) // holds the answers back until everybody has asked
		require.NoError(t, err)
		_, err = lock.Exec(ctx, "LOCK TABLE wattscore.rollup_day")
		require.NoError(t, err)
		const viewers = 6
		frames := make([]*data.Frame, viewers)
		var wait sync.WaitGroup
		leaving, leave := context.WithCancel(ctx)
		defer leave()
		for n := range viewers {
			wait.Go(func() {
				viewer := ctx
				if n == 0 {
					viewer = leaving
				}
				frame, err := frameOf(t, viewer, i, asked("A", "energyScore", now))
				frames[n] = frame
				assert.Equal(t, n == 0, err != nil, "who left gets no answer, the others do: %v", err)
			})
		}
		time.Sleep(300 * time.Millisecond) // for all to ask; one that comes later has an answer of its own
		leave()
		time.Sleep(50 * time.Millisecond)
		require.NoError(t, lock.Rollback(ctx))
		wait.Wait()
		for n := 2; n < viewers; n++ {
			if frames[n] == nil || frames[n].Fields[0] != frames[1].Fields[0] {
				return false
			}
		}
		return true
	}
	for range 50 {
		if share() {
			return
		}
	}
	assert.Fail(t, "the viewers never shared an answer")
}

func TestTheStatementEndsWhenTheLastViewerLeaves(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-3*time.Hour)))
	i := instance(t, settingsFor(pool, nil))
	ctx := context.Background()
	lock, err := pool.Begin(ctx)
	require.NoError(t, err)
	defer lock.Rollback(ctx) //nolint:errcheck // nothing was written
	_, err = lock.Exec(ctx, "LOCK TABLE wattscore.rollup_day")
	require.NoError(t, err)
	viewing, leave := context.WithCancel(ctx)
	left := make(chan error)
	go func() {
		_, err := frameOf(t, viewing, i, asked("A", "energyScore", now))
		left <- err
	}()
	waiting := func() (count int) {
		require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wattscore' AND wait_event_type = 'Lock'
			AND datname = current_database()`).Scan(&count))
		return count
	}
	require.Eventually(t, func() bool { return waiting() == 1 }, 10*time.Second, 10*time.Millisecond)
	leave()
	require.Error(t, <-left)
	require.Eventually(t, func() bool { return waiting() == 0 }, 10*time.Second, 10*time.Millisecond, "the server is told to stop")
}
