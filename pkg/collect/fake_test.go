package collect

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
)

// fakeWatcher sends the snapshots a test gives it, each until it is taken.
type fakeWatcher struct {
	mu     sync.Mutex
	newest gpu.Snapshot
	steps  chan gpu.Snapshot
	taken  chan struct{}
}

func newFakeWatcher() *fakeWatcher {
	return &fakeWatcher{steps: make(chan gpu.Snapshot), taken: make(chan struct{})}
}

func (w *fakeWatcher) Snapshot() gpu.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

func (w *fakeWatcher) Watch(ctx context.Context) <-chan gpu.Snapshot {
	snapshots := make(chan gpu.Snapshot)
	go func() {
		defer close(snapshots)
		for {
			select {
			case <-ctx.Done():
				return
			case snapshot := <-w.steps:
				snapshots <- snapshot
				w.taken <- struct{}{}
			}
		}
	}()
	return snapshots
}

// show makes a snapshot the newest, and hands it to the agent if one runs.
func (w *fakeWatcher) show(snapshot gpu.Snapshot, running bool) {
	w.mu.Lock()
	w.newest = snapshot
	w.mu.Unlock()
	if running {
		w.steps <- snapshot
		<-w.taken
	}
}

// fakeProcesses is a host's processes.
type fakeProcesses map[int]Process

func (f fakeProcesses) Process(pid int) (Process, error) {
	process, ok := f[pid]
	if !ok {
		return Process{}, fmt.Errorf("no process %d", pid)
	}
	return process, nil
}

func pointer[T any](value T) *T { return &value }

// proxy is a TCP proxy that can be cut.
type proxy struct {
	listener net.Listener
	target   string

	mu          sync.Mutex
	cut         bool
	connections map[net.Conn]bool
	running     sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target, connections: map[net.Conn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(true)
		p.running.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || !p.add(client, server) {
			_ = client.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			p.running.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
				_ = way[1].Close()
			})
		}
	}
}

func (p *proxy) add(client, server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		_ = server.Close()
		return false
	}
	p.connections[client], p.connections[server] = true, true
	return true
}

// set cuts every connection and lets no new one through, or lets them through again.
func (p *proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for connection := range p.connections {
			_ = connection.Close()
		}
		p.connections = map[net.Conn]bool{}
	}
}

// through returns a pool that reaches the database of another through a proxy.
func through(t *testing.T, pool *pgxpool.Pool) (*pgxpool.Pool, *proxy) {
	t.Helper()
	config := pool.Config()
	between := newProxy(t, net.JoinHostPort(config.ConnConfig.Host, fmt.Sprint(config.ConnConfig.Port)))
	config.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", between.listener.Addr().String())
	}
	proxied, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(proxied.Close)
	return proxied, between
}

// fakeHost is GPUs whose counters rise, and what their meters truly stand at.
type fakeHost struct {
	clock   time.Time
	devices []gpu.Reading
	truth   []int64
	began   []int64 // the truth when the sampler began
}

func newFakeHost(clock time.Time, gpus int) *fakeHost {
	h := &fakeHost{clock: clock, truth: make([]int64, gpus), began: make([]int64, gpus)}
	for i := range gpus {
		h.devices = append(h.devices, gpu.Reading{
			Identity:                 gpu.Identity{UUID: fmt.Sprintf("GPU-%d", i), Index: i, Name: "NVIDIA H100 80GB HBM3", Serial: fmt.Sprintf("165%d", i)},
			EnergyCounterMillijoules: pointer(int64(1000 * i)), EnergyMethod: gpu.MethodCounter, PowerScope: gpu.ScopeGPU,
		})
	}
	return h
}

// draw lets time pass and a GPU draw energy.
func (h *fakeHost) draw(i int, millijoules int64) {
	h.truth[i] += millijoules
	h.devices[i].EnergyCounterMillijoules = pointer(*h.devices[i].EnergyCounterMillijoules + millijoules)
}

// restart is a sampler that begins anew.
func (h *fakeHost) restart() { copy(h.began, h.truth) }

// snapshot is what the sampler would see now.
func (h *fakeHost) snapshot() gpu.Snapshot {
	s := gpu.Snapshot{Host: "node-1", Time: h.clock, DriverVersion: "580.1"}
	for i, device := range h.devices {
		device.EnergyMillijoules = pointer(h.truth[i] - h.began[i])
		device.Time = h.clock
		s.Devices = append(s.Devices, device)
	}
	return s
}
