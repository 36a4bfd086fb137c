package warehouse_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/postgres"
)

// tortureBinariesVariable names a folder with another PostgreSQL's bin and lib to
// run in place of the one from npm.
const tortureBinariesVariable = "WATTSCORE_TORTURE_BINARIES"

// startPrivateServer starts a PostgreSQL that nobody else uses, so that killing it
// harms nobody. It is as safe as PostgreSQL is by default, and checkpoints, vacuums
// and looks for deadlocks more often, so that more of them fall into the test.
func startPrivateServer(t *testing.T) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{
		Binaries: os.Getenv(tortureBinariesVariable),
		Settings: map[string]string{
			"checkpoint_timeout": "30s", "max_wal_size": "64MB", "autovacuum_naptime": "1s", "deadlock_timeout": "200ms",
			"jit": "off", // as our own sessions have it
		},
		Log: t.Output(),
	})
	if errors.Is(err, postgres.ErrNoBinaries) {
		t.Skipf("NOT TESTED: what the warehouse holds after its server was killed. That needs a server of the test's own: %s", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	return server
}

// openSession opens a pool of one session under a name that tells it apart, in a
// role of the warehouse or, without one, as the superuser. A context that ends
// cancels its statement on the server.
func openSession(t *testing.T, dsn, name, role string) *pgxpool.Pool {
	t.Helper()
	return openSessions(t, dsn, name, role, 1)
}

func openSessions(t *testing.T, dsn, name, role string, count int32) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.MaxConns = count
	config.ConnConfig.RuntimeParams["application_name"] = name
	if role != "" {
		config.ConnConfig.RuntimeParams["role"] = role
	}
	config.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 3 * time.Second}
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// wasCutOff tells whether an error says no more than that the server or the
// session has ended.
func wasCutOff(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		// admin_shutdown, crash_shutdown, cannot_connect_now
		return refused.Code == "57P01" || refused.Code == "57P02" || refused.Code == "57P03"
	}
	var connecting *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connecting) || errors.As(err, &network) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// mayTryAgain tells whether the database refused a transaction only because of
// another one: serialization_failure, deadlock_detected.
func mayTryAgain(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == "40001" || refused.Code == "40P01")
}

// wasCancelled tells whether a statement ended because its context did.
func wasCancelled(err error) bool {
	var refused *pgconn.PgError
	return errors.Is(err, context.Canceled) || errors.As(err, &refused) && refused.Code == "57014"
}

// refresher is one of several sessions that bring the roll-ups up to date.
type refresher struct {
	name string
	pool *pgxpool.Pool
}

// refresh refreshes until the torture ends, whatever becomes of the single call.
func (r *torture) refresh(who refresher) {
	store := warehouse.OpenStore(who.pool)
	for turn := 0; r.goesOn(); turn++ {
		ctx, cancel := context.WithCancel(context.Background())
		r.cancels.Store(who.name, cancel)
		_, err := store.RefreshRollups(ctx)
		if err == nil && turn%10 == 0 { // breaches are rolled up by the objective of the moment
			_, err = who.pool.Exec(ctx, "UPDATE wattscore.model SET latency_slo_ms = $1 WHERE model_id % 3 = $2", 100+turn*37%1500, turn/10%3)
		}
		cancel()
		switch {
		case err == nil:
			r.tally.refreshes.Add(1)
		case wasCancelled(err), wasCutOff(err):
			r.tally.refreshesCutOff.Add(1)
		case mayTryAgain(err):
			r.tally.refused.Add(1)
		default:
			r.fail("a refresh failed: %s", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

const refreshHalfWay = `
SELECT pid, application_name FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND application_name LIKE 'refresher %' LIMIT 1`

// holdARefreshHalfWay makes a refresh wait when it has added to every roll-up but
// the latencies and has not moved on next_xid, calls then with its session, and
// lets go. It returns whether one was caught.
func (r *torture) holdARefreshHalfWay(then func(pid int32, name string) error) (caught bool, err error) {
	r.halfWay.Lock()
	defer r.halfWay.Unlock()
	ctx := context.Background()
	tx, err := r.holder.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // the server may be dead by now
	if _, err := tx.Exec(ctx, "LOCK TABLE wattscore.rollup_latency_hour IN EXCLUSIVE MODE"); err != nil {
		return false, err
	}
	for attempt := 0; attempt < 300 && r.goesOn(); attempt++ {
		var pid int32
		var name string
		switch err := r.watch.QueryRow(ctx, refreshHalfWay).Scan(&pid, &name); {
		case err == nil:
			return true, then(pid, name)
		case !errors.Is(err, pgx.ErrNoRows):
			return false, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false, nil
}

// interrupt ends sessions until the torture ends: refreshes half way, by
// pg_terminate_backend and by their context, and writers wherever they are.
func (r *torture) interrupt() {
	ctx := context.Background()
	terminate := func(pid int32, _ string) error {
		_, err := r.watch.Exec(ctx, "SELECT pg_terminate_backend($1)", pid)
		return err
	}
	cancel := func(_ int32, name string) error {
		cancel, ok := r.cancels.Load(name)
		if ok {
			cancel.(context.CancelFunc)()
		}
		return nil
	}
	for turn := 0; r.goesOn(); turn++ {
		var err error
		var caught bool
		switch turn % 4 {
		case 0, 2:
			if caught, err = r.holdARefreshHalfWay(terminate); caught && err == nil {
				r.tally.terminatedHalfWay.Add(1)
			}
		case 1:
			if caught, err = r.holdARefreshHalfWay(cancel); caught && err == nil {
				r.tally.cancelledHalfWay.Add(1)
			}
		case 3:
			_, err = r.watch.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name LIKE 'writer %' AND state <> 'idle' ORDER BY random() LIMIT 1`)
		}
		if err != nil && !wasCutOff(err) {
			r.fail("ending a session failed: %s", err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// killServer kills the server while a refresh is half way, and starts it again.
func (r *torture) killServer(t *testing.T) {
	t.Helper()
	killed := false
	caught, err := r.holdARefreshHalfWay(func(int32, string) error {
		killed = true
		return r.server.Kill(context.Background())
	})
	if !killed {
		if err != nil && !wasCutOff(err) {
			r.fail("holding a refresh half way failed: %s", err)
		}
		err = r.server.Kill(context.Background())
	}
	require.NoError(t, err, "killing the server")
	require.NoError(t, r.server.Restart(context.Background()), "starting the server again")
	r.tally.kills.Add(1)
	if caught {
		r.tally.killedHalfWay.Add(1)
	}
}
