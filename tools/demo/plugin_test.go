package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

func TestTheSummaryIsThePluginsAnswer(t *testing.T) {
	executable := filepath.Join(t.TempDir(), "gpx"+project.ThisPlatform().ExecutableSuffix())
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", executable, "../../pkg").CombinedOutput()
	require.NoError(t, err, string(output))

	pool := warehousetest.Open(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	idle := warehousetest.Event("idle", now.AddDate(0, -2, 0))
	idle.Model, idle.Project, idle.Workload = kpi.Idle, kpi.Idle, kpi.WorkloadIdle
	idle.Requests, idle.InputTokens, idle.OutputTokens = 0, 0, 0
	warehousetest.Write(t, pool, now, warehousetest.Event("served", now.AddDate(0, -1, 0)), idle,
		warehousetest.Event("this month's, which is not over", now.AddDate(0, 0, -1)))
	reader, password := "reader_"+strings.ToLower(rand.Text()), rand.Text()
	warehousetest.Exec(t, pool, "CREATE ROLE "+reader+" LOGIN PASSWORD '"+password+"' IN ROLE wattscore_reader")
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP ROLE "+reader)
		assert.NoError(t, err)
	})
	server, err := pgx.ParseConfig(pool.Config().ConnString())
	require.NoError(t, err)
	address := net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port)))
	settings, err := dataSourceSettings(address, server.Database, reader, password)
	require.NoError(t, err)
	var out bytes.Buffer

	require.NoError(t, printSummary(t.Context(), &out, t.Output(), executable, settings, now))

	for _, want := range []string{"1 November 2025 to 31 October 2026 (UTC)", "assistant", "1,000", "Idle", "no hardware in the inventory"} {
		assert.Contains(t, out.String(), want)
	}

	settings, err = dataSourceSettings(address, "no_such_database", reader, password)
	require.NoError(t, err)
	err = printSummary(t.Context(), &out, t.Output(), executable, settings, now)
	assert.ErrorContains(t, err, "the data source does not work")
}
