//go:build unix

package warehouse_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// ignored are the plugin's session settings, which PgBouncer does not pass on, as
// docs/operating.md lists them.
const ignored = "default_transaction_read_only,default_transaction_isolation,statement_timeout,idle_in_transaction_session_timeout,jit,plan_cache_mode,work_mem"

// settingsOfLogin gives them to the login instead, as docs/operating.md says.
const settingsOfLogin = `
ALTER ROLE %[1]s SET default_transaction_read_only = on;
ALTER ROLE %[1]s SET default_transaction_isolation = 'repeatable read';
ALTER ROLE %[1]s SET statement_timeout = '30s';
ALTER ROLE %[1]s SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE %[1]s SET jit = off;
ALTER ROLE %[1]s SET plan_cache_mode = force_generic_plan;
ALTER ROLE %[1]s SET work_mem = '64MB';`

// bounced is a warehouse with a reader's login, and a PgBouncer before it.
type bounced struct {
	direct     *pgxpool.Pool
	connection warehouse.Connection // through the pooler
}

// startPgBouncer puts a PgBouncer before a warehouse, with lines of its configuration.
func startPgBouncer(t *testing.T, lines ...string) bounced {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("NOT TESTED: there is no pgbouncer on the PATH, so nothing is known of answers through a pooler. Debian: apt install pgbouncer")
	}
	direct := warehousetest.SmallCompany(t, now)
	server := direct.Config().ConnConfig
	login := "pooled_" + server.Database
	warehousetest.Exec(t, direct, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'secret' IN ROLE wattscore_reader", login), fmt.Sprintf(settingsOfLogin, login))
	t.Cleanup(func() { warehousetest.Exec(t, direct, "DROP ROLE "+login) })

	directory := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(directory), 0o755)) // the pooler's user reads it
	port := freePort(t)
	users, configuration := filepath.Join(directory, "users.txt"), filepath.Join(directory, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(users, fmt.Appendf(nil, "%q %q\n", login, "secret"), 0o644))
	require.NoError(t, os.WriteFile(configuration, fmt.Appendf(nil, `[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
%s
`, server.Host, server.Port, port, users, strings.Join(lines, "\n")), 0o644))
	command := exec.Command(program, "-q", configuration)
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if os.Getuid() == 0 { // which it refuses to run as
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		require.NoError(t, err)
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		require.NoError(t, err)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	require.NoError(t, command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	}, 20*time.Second, 20*time.Millisecond, "PgBouncer takes connections; it says: %s", &log)
	return bounced{direct, warehouse.Connection{Host: address, Database: server.Database, User: login, Password: "secret", TLSMode: warehouse.TLSDisable}}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // nothing was sent
	return listener.Addr().(*net.TCPAddr).Port
}

func (b bounced) pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := warehouse.OpenReadOnly(context.Background(), b.connection)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// askedByModel asks what takes several statements in one snapshot.
func askedByModel(pool *pgxpool.Pool) ([][]warehouse.UsageRow, error) {
	request := warehouse.UsageRequest{Periods: []kpi.Span{quarter()}, GroupBy: []kpi.Dimension{kpi.DimensionModel}}
	answers, _, err := warehouse.NewReader(pool).Usage(context.Background(), request, warehouse.UsageRequest{Periods: request.Periods})
	return answers, err
}

func TestAPoolerOfSessions(t *testing.T) {
	b := startPgBouncer(t, "pool_mode = session", "ignore_startup_parameters = "+ignored)
	want, err := askedByModel(b.direct)
	require.NoError(t, err)
	require.NotEmpty(t, want[0])
	for range 3 { // each pool gets sessions that another one had
		pool := b.pool(t)
		for range 3 {
			got, err := askedByModel(pool)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
		for setting, value := range map[string]string{"transaction_isolation": "repeatable read", "transaction_read_only": "on", "plan_cache_mode": "force_generic_plan"} {
			var got string
			require.NoError(t, pool.QueryRow(context.Background(), "SELECT current_setting($1)", setting).Scan(&got))
			assert.Equal(t, value, got, setting)
		}
		pool.Close()
	}
}

func TestAPoolerThatIsNotSetUpIsToldHow(t *testing.T) {
	b := startPgBouncer(t, "pool_mode = session")
	_, err := askedByModel(b.pool(t))
	var problem *warehouse.Problem
	require.ErrorAs(t, warehouse.Explain(err), &problem)
	assert.Equal(t, warehouse.ProblemPooler, problem.Kind)
	assert.Contains(t, problem.Message, "ignore_startup_parameters")
}

// A pooler of transactions gives a connection another session for each. One that knows
// of prepared statements makes them there too; an older one cannot, and the problem says so.
func TestAPoolerOfTransactions(t *testing.T) {
	lines := []string{"pool_mode = transaction", "default_pool_size = 2", "ignore_startup_parameters = " + ignored}
	knows := pgBouncerVersion(t) >= 1_21
	if knows {
		lines = append(lines, "max_prepared_statements = 200")
	}
	b := startPgBouncer(t, lines...)
	b.connection.MaxConnections = 1
	want, err := askedByModel(b.direct)
	require.NoError(t, err)
	pool := b.pool(t)
	got, err := askedByModel(pool)
	require.NoError(t, err)
	assert.Equal(t, want, got)

	// Another client takes the session that the statements were prepared on.
	other := b.pool(t)
	busy, err := other.BeginTx(context.Background(), pgx.TxOptions{})
	require.NoError(t, err)
	defer busy.Rollback(context.Background()) //nolint:errcheck // nothing was done in it
	got, err = askedByModel(pool)
	if knows {
		require.NoError(t, err)
		assert.Equal(t, want, got)
		return
	}
	var problem *warehouse.Problem
	require.ErrorAs(t, warehouse.Explain(err), &problem)
	assert.Equal(t, warehouse.ProblemPooler, problem.Kind)
	assert.Contains(t, problem.Message, "max_prepared_statements")
}

// pgBouncerVersion is 1_21 for 1.21.3; 0 where there is none.
func pgBouncerVersion(t *testing.T) int {
	t.Helper()
	out, err := exec.Command("pgbouncer", "--version").Output()
	if err != nil {
		return 0
	}
	var major, minor int
	_, err = fmt.Sscanf(string(out), "PgBouncer %d.%d", &major, &minor)
	require.NoError(t, err, "%s", out)
	return 100*major + minor
}
