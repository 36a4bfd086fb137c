package collect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

const testRules = `
rules:
  - match: {command: "vllm serve llama"}
    project: helpdesk
    model: llama
    endpoint: helpdesk-chat
  - match: {user: "^trainer$"}
    project: research
    model: llama-next
    workload: training
`

var testProcesses = fakeProcesses{
	11: {PID: 11, Command: "vllm serve llama --port 8000"},
	12: {PID: 12, Command: "python train.py", User: "trainer"},
	13: {PID: 13, Command: "python notebook.py", User: "somebody"},
}

// life runs an agent on a spool until it is killed or stopped. Killed, it stops where
// it is: nothing is cut, delivered or closed properly.
func life(t *testing.T, options Options, kill bool, during func()) {
	t.Helper()
	a, err := New(options)
	require.NoError(t, err)
	a.deliverer.firstWait = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		if kill {
			ended <- a.serve(ctx)
			return
		}
		ended <- a.Run(ctx)
	}()
	during()
	cancel()
	require.NoError(t, <-ended)
	if kill {
		require.NoError(t, a.spool.close())
	}
}

// tear leaves at the end of the spool what a write that was cut off leaves.
func tear(t *testing.T, dir string, random *rand.Rand) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	slices.Sort(paths)
	whole := frame(1<<40, []byte(`{"state":{"meters":{"GPU-0":{"total_mj":1}}}}`))
	file, err := os.OpenFile(paths[len(paths)-1], os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = file.Write(whole[:1+random.IntN(len(whole)-1)])
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

// What this proves: whatever becomes of the network, the agent and the clock, the
// energy in samples and facts is the difference of the meters, to the last nWh.
func TestEnergyInTheWarehouseIsTheMeters(t *testing.T) {
	pool := warehousetest.Open(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			warehousetest.Exec(t, pool, "TRUNCATE wattscore.gpu_sample, wattscore.gpu_energy, wattscore.inference_energy_fact, wattscore.fact_removal")
			collectThroughTrouble(t, pool, rand.New(rand.NewPCG(seed, 14)))
		})
	}
}

func collectThroughTrouble(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) {
	proxied, between := through(t, pool)
	rules, err := ParseRules([]byte(testRules))
	require.NoError(t, err)
	host := newFakeHost(time.Now().UTC().Add(-12*time.Hour).Truncate(time.Second), 3)
	watcher := newFakeWatcher()
	options := Options{Watcher: watcher, Warehouse: warehouse.OpenStore(proxied), Processes: testProcesses, Rules: rules,
		Host: "node-1", Region: "us-central1", Spool: t.TempDir(), Grace: time.Minute}
	var first []int64 // the meters when counting began
	watched := false
	pass := func(running bool) {
		host.clock = host.clock.Add(time.Second)
		for i := range host.devices {
			host.draw(i, random.Int64N(700_000))
			d := &host.devices[i]
			d.Utilization, d.Processes = pointer(random.Float64()), nil
			for pid := 11; pid <= 14; pid++ {
				if random.IntN(2) == 0 {
					d.Processes = append(d.Processes, gpu.Process{PID: pid, Utilization: pointer(random.Float64() / 3), MemoryUsedBytes: pointer(int64(pid << 30))})
				}
			}
			switch random.IntN(200) {
			case 0: // it does not answer for a while; its counter goes on
				if first != nil { // counting begins with the first answer
					d.Lost = "GPU is lost"
				}
			case 1, 2, 3, 4, 5, 6, 7, 8:
				if d.Lost != "" {
					d.Lost = ""
					d.Gaps++
				}
			case 9: // the driver was reloaded; the sampler saw it
				if d.Lost != "" || !watched { // what nobody saw before a reset nobody can know
					break
				}
				d.EnergyCounterMillijoules = pointer(int64(0))
				d.Gaps++
			}
			if i == 2 { // by memory
				for k := range d.Processes {
					d.Processes[k].Utilization = nil
				}
			}
		}
		switch random.IntN(300) {
		case 0:
			host.clock = host.clock.Add(-time.Duration(random.IntN(3600)) * time.Second)
		case 1:
			host.clock = host.clock.Add(time.Duration(random.IntN(3600)) * time.Second)
		}
		watcher.show(host.snapshot(), running)
		watched = running
	}
	const lives = 6
	for n := range lives {
		host.restart()
		watched = false
		last := n == lives-1
		life(t, options, !last, func() {
			for range 150 + random.IntN(200) {
				pass(true)
				if first == nil {
					first = slices.Clone(host.truth)
				}
				if random.IntN(20) == 0 {
					between.set(random.IntN(2) == 0)
				}
			}
			if last {
				for i := range host.devices {
					host.devices[i].Lost = ""
				}
				between.set(false)
				pass(true)
			}
		})
		if !last {
			tear(t, options.Spool, random)
			for range random.IntN(100) { // nobody watches
				host.clock = host.clock.Add(time.Second)
				for i := range host.devices {
					host.draw(i, random.Int64N(700_000))
				}
			}
		}
	}
	var total kpi.NanowattHours
	for i, device := range host.devices {
		// The first snapshot that an agent saw is where counting began.
		want := kpi.NanowattHoursBetween(0, host.truth[i]-first[i])
		var stored, parts, byQuarter int64
		require.NoError(t, pool.QueryRow(context.Background(), `SELECT sum(energy_nwh), sum(attributed_nwh + idle_nwh),
			(SELECT sum(energy_nwh) FROM wattscore.gpu_energy WHERE gpu_uuid = $1) FROM wattscore.gpu_sample WHERE gpu_uuid = $1`, device.UUID).Scan(&stored, &parts, &byQuarter))
		assert.Equal(t, int64(want), stored, "%s: the samples add up to the counter's difference", device.UUID)
		assert.Equal(t, stored, byQuarter)
		assert.LessOrEqual(t, parts, stored)
		total += want
	}
	var facts int64
	require.NoError(t, pool.QueryRow(context.Background(), "SELECT sum(it_energy_nwh) FROM wattscore.inference_energy_fact WHERE source = 'nvml'").Scan(&facts))
	assert.Equal(t, int64(total), facts, "the facts add up to the counters' differences")
	assert.NoFileExists(t, filepath.Join(options.Spool, rejectedFile))
	var kinds []string
	rows, err := pool.Query(context.Background(), "SELECT DISTINCT project || '/' || model || '/' || workload || '/' || quality FROM wattscore.event ORDER BY 1")
	require.NoError(t, err)
	for rows.Next() {
		var kind string
		require.NoError(t, rows.Scan(&kind))
		kinds = append(kinds, kind)
	}
	require.NoError(t, rows.Err())
	assert.Subset(t, kinds, []string{"__idle__/__idle__/idle/measured", "__unallocated__/__unallocated__/inference/measured",
		"helpdesk/llama/inference/measured", "helpdesk/llama/inference/estimated", "research/llama-next/training/measured"})
}
