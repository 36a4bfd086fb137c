package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// fakeWarehouse keeps what it is given, each thing once.
type fakeWarehouse struct {
	mu       sync.Mutex
	away     error
	regions  map[string]bool
	samples  map[string]warehouse.GPUSample
	events   map[uuid.UUID]warehouse.Event
	devices  map[string]warehouse.GPUDevice
	refuses  func(warehouse.GPUSample) error // the whole batch, as a database does
	attempts int
}

func newFakeWarehouse() *fakeWarehouse {
	return &fakeWarehouse{regions: map[string]bool{"FRA": true}, samples: map[string]warehouse.GPUSample{}, events: map[uuid.UUID]warehouse.Event{},
		devices: map[string]warehouse.GPUDevice{}, refuses: func(warehouse.GPUSample) error { return nil }}
}

func (w *fakeWarehouse) HasRegion(_ context.Context, code string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	return w.regions[code], w.away
}

func (w *fakeWarehouse) WriteGPUSamples(_ context.Context, batch warehouse.GPUBatch) (result warehouse.GPUResult, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	for _, s := range batch.Samples {
		if err := w.refuses(s); err != nil {
			return result, err
		}
	}
	for i, s := range batch.Samples {
		if err := s.Validate(); err != nil {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: i, Reason: err})
			continue
		}
		key := fmt.Sprint(s.UUID, s.Time.UnixMicro(), s.Sequence)
		if _, ok := w.samples[key]; !ok {
			w.samples[key] = s
			result.Stored++
		}
	}
	for _, d := range batch.Devices {
		w.devices[d.UUID] = d
	}
	return result, w.away // as if the connection broke after the commit
}

func (w *fakeWarehouse) WriteEvents(_ context.Context, events []warehouse.Event, now time.Time) (result warehouse.EventResult, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range events {
		if err := e.Validate(now); err != nil {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: i, Reason: err})
			continue
		}
		if _, ok := w.events[e.ID]; !ok {
			w.events[e.ID] = e
			result.Stored++
		}
	}
	return result, w.away
}

func (w *fakeWarehouse) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// energy is what the samples and what the facts add up to.
func (w *fakeWarehouse) energy() (samples, facts int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples {
		if s.Energy != nil {
			samples += *s.Energy
		}
	}
	for _, e := range w.events {
		facts += int64(float64(e.ITEnergy)*1e12 + 0.5)
	}
	return samples, facts
}

// in a bubble of synctest the agent's clock runs as fast as it can, and a test sees
// the agent only when it has come to rest.
func inBubble(t *testing.T, test func(t *testing.T, store *fakeWarehouse, watcher *fakeWatcher, options Options)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))) // a bubble begins in 2000, when no clock is set
		store, watcher := newFakeWarehouse(), newFakeWatcher()
		rules, err := ParseRules([]byte(testRules))
		require.NoError(t, err)
		test(t, store, watcher, Options{Watcher: watcher, Warehouse: store, Processes: testProcesses, Rules: rules, Host: "node-1", Region: "FRA", Spool: dir})
	})
}

// agentOn runs an agent until the function that it returns is called.
func agentOn(t *testing.T, options Options) (a *Agent, stop func() error) {
	t.Helper()
	a, err := New(options)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return a, func() error {
		cancel()
		return <-ended
	}
}

func TestAnOutageOfHoursOnASmallDiskLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, store *fakeWarehouse, watcher *fakeWatcher, options Options) {
		var told []string
		options.Tell = func(format string, arguments ...any) { told = append(told, fmt.Sprintf(format, arguments...)) }
		options.SpoolBytes = 96 << 10
		host := newFakeHost(time.Now(), 2)
		a, stop := agentOn(t, options)
		step := func(snapshots int) {
			for range snapshots {
				time.Sleep(5 * time.Second) // the bubble's
				host.clock = time.Now()
				for i := range host.devices {
					host.draw(i, 1_234_567)
					host.devices[i].Processes = []gpu.Process{{PID: 11 + i, Utilization: pointer(0.4)}}
				}
				watcher.show(host.snapshot(), true)
				synctest.Wait()
			}
		}
		step(1)
		first := host.truth[0]
		step(60)
		store.set(func() { store.away = errors.New("the network is cut") })
		step(6 * 720) // six hours
		waiting, size := a.Waiting()
		assert.NotZero(t, waiting)
		assert.LessOrEqual(t, size, int64(96<<10))
		assert.NotZero(t, a.spool.counts().thinned, "old intervals became coarser")
		store.set(func() { store.away = nil })
		step(60)
		require.NoError(t, stop())
		waiting, _ = a.Waiting()
		assert.Zero(t, waiting)
		samples, facts := store.energy()
		want := int64(2 * kpi.NanowattHoursBetween(0, host.truth[0]-first))
		assert.Equal(t, want, samples)
		assert.Equal(t, want, facts)
		said := strings.Join(told, "\n")
		assert.Equal(t, 1, strings.Count(said, "The warehouse took nothing: the network is cut"), "once, not once an attempt: %s", said)
		assert.Contains(t, said, "The warehouse has everything again.")
	})
}

func TestWhenNothingMoreFitsTheIntervalGrows(t *testing.T) {
	inBubble(t, func(t *testing.T, store *fakeWarehouse, watcher *fakeWatcher, options Options) {
		options.SpoolBytes = 64 << 10
		store.away = errors.New("the network is cut")
		host := newFakeHost(time.Now(), 8)
		a, stop := agentOn(t, options)
		for range 6 * 60 * 24 { // a day
			time.Sleep(10 * time.Second)
			host.clock = time.Now()
			for i := range host.devices {
				host.draw(i, 1_000_003)
			}
			watcher.show(host.snapshot(), true)
			synctest.Wait()
		}
		_, size := a.Waiting()
		assert.LessOrEqual(t, size, int64(64<<10))
		store.set(func() { store.away = nil })
		time.Sleep(2 * longestWait)
		require.NoError(t, stop())
		samples, facts := store.energy()
		want := int64(8 * kpi.NanowattHoursBetween(0, host.truth[0]-1_000_003))
		assert.Equal(t, want, samples)
		assert.Equal(t, want, facts)
	})
}

func TestARegionThatIsNotThereIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, store *fakeWarehouse, watcher *fakeWatcher, options Options) {
		store.regions = map[string]bool{}
		host := newFakeHost(time.Now(), 1)
		_, stop := agentOn(t, options)
		for range 3 {
			watcher.show(host.snapshot(), true)
			time.Sleep(10 * time.Second)
			host.clock = time.Now()
			host.draw(0, 9000)
		}
		synctest.Wait()
		assert.Empty(t, store.devices)
		store.set(func() { store.regions["FRA"] = true })
		time.Sleep(2 * longestWait)
		synctest.Wait()
		assert.Len(t, store.devices, 1)
		require.NoError(t, stop())
		assert.NoFileExists(t, filepath.Join(options.Spool, rejectedFile))
	})
}

func TestWhatIsRefusedIsSetAsideAndTheRestGoesIn(t *testing.T) {
	inBubble(t, func(t *testing.T, store *fakeWarehouse, watcher *fakeWatcher, options Options) {
		store.away = errors.New("not yet")
		store.refuses = func(s warehouse.GPUSample) error {
			if s.Sequence == 2 {
				return fmt.Errorf("storing: %w", &pgconn.PgError{Code: "22003", Message: "value out of range"})
			}
			return nil
		}
		host := newFakeHost(time.Now(), 1)
		host.devices[0].Utilization = pointer(7.0) // what no GPU says
		a, stop := agentOn(t, options)
		for range 5 {
			watcher.show(host.snapshot(), true)
			time.Sleep(10 * time.Second)
			host.clock = time.Now()
			host.draw(0, 9000)
			host.devices[0].Utilization = pointer(0.5)
		}
		store.set(func() { store.away = nil })
		time.Sleep(2 * longestWait)
		synctest.Wait()
		require.NoError(t, stop())
		waiting, _ := a.Waiting()
		assert.Zero(t, waiting)
		text, err := os.ReadFile(filepath.Join(options.Spool, rejectedFile))
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(text), "value out of range"), "the record that cannot be stored: %s", text)
		assert.Len(t, store.samples, 3, "and the others went in")
	})
}

func TestTheAgentAnswersHowItIs(t *testing.T) {
	store, watcher := newFakeWarehouse(), newFakeWatcher()
	clock := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	a, stop := agentOn(t, Options{Watcher: watcher, Warehouse: store, Processes: testProcesses, Host: "node-1", Region: "FRA", Spool: t.TempDir(),
		Listen: "127.0.0.1:0", Snapshots: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "snapshots") }),
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return clock
		}})
	get := func(path string) (int, string) {
		response, err := http.Get("http://" + a.Address().String() + path)
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	status, text := get("/healthz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "no GPU reading yet")
	host := newFakeHost(clock, 1)
	watcher.show(host.snapshot(), true)
	require.Eventually(t, func() bool {
		status, text = get("/healthz")
		return status == http.StatusOK
	}, 10*time.Second, time.Millisecond)
	assert.Contains(t, text, "ok;")
	_, text = get("/metrics")
	assert.Contains(t, text, "wattscore_collect_snapshots_total 1")
	_, text = get("/gpus")
	assert.Equal(t, "snapshots", text)
	mu.Lock()
	clock = clock.Add(2 * time.Minute)
	mu.Unlock()
	status, text = get("/healthz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "2m0s old")
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, stop())
}

func TestOptionsSayWhatIsMissing(t *testing.T) {
	whole := Options{Watcher: newFakeWatcher(), Warehouse: newFakeWarehouse(), Processes: testProcesses, Host: "h", Region: "FRA", Spool: filepath.Join(t.TempDir(), "s")}
	for reason, change := range map[string]func(*Options){
		"needs a watcher": func(o *Options) { o.Watcher = nil }, "host has no name": func(o *Options) { o.Host = "" },
		"no region": func(o *Options) { o.Region = "" }, "no directory": func(o *Options) { o.Spool = "" },
		"not between a second": func(o *Options) { o.Every = time.Millisecond }, "too small": func(o *Options) { o.SpoolBytes = 1 },
		"address for metrics": func(o *Options) { o.Listen = "nowhere:99999" },
	} {
		changed := whole
		change(&changed)
		_, err := New(changed)
		assert.ErrorContains(t, err, reason)
	}
}
