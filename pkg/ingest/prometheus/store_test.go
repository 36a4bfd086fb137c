package prometheus

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// memory is a warehouse that holds what it is given.
type memory struct {
	windows   []warehouse.PrometheusWindow
	events    map[time.Time][]warehouse.Event
	collected []warehouse.CollectedGPU
	models    []warehouse.Model
}

func (m *memory) Regions(context.Context) ([]warehouse.Region, error) {
	return []warehouse.Region{{Code: "us-central1"}, {Code: "FRA"}}, nil
}
func (m *memory) TaskClasses(context.Context) (map[string]string, error) {
	return map[string]string{}, nil
}
func (m *memory) CollectedGPUs(context.Context) ([]warehouse.CollectedGPU, error) {
	return m.collected, nil
}

func (m *memory) UpsertModels(_ context.Context, models []warehouse.Model) (warehouse.WriteResult, error) {
	m.models = append(m.models, models...)
	return warehouse.WriteResult{Stored: len(models)}, nil
}

func (m *memory) PrometheusWindows(_ context.Context, _ string, start, end time.Time) (there []warehouse.PrometheusWindow, _ error) {
	for _, w := range m.windows {
		if w.Start.Before(end) && w.End.After(start) {
			there = append(there, w)
		}
	}
	return there, nil
}

func (m *memory) LastPrometheusWindow(context.Context, string) (last time.Time, _ error) {
	for _, w := range m.windows {
		if w.End.After(last) {
			last = w.End
		}
	}
	return last, nil
}

func (m *memory) WritePrometheusWindow(_ context.Context, _ string, window warehouse.PrometheusWindow, events []warehouse.Event, now time.Time) (warehouse.EventResult, error) {
	for _, e := range events {
		if err := e.Validate(now); err != nil {
			return warehouse.EventResult{}, fmt.Errorf("%+v: %w", e, err)
		}
	}
	for i, w := range m.windows {
		if w.Start.Equal(window.Start) {
			if w.Revision+1 != window.Revision {
				return warehouse.EventResult{}, warehouse.ErrWindowMoved
			}
			m.windows[i] = window
			m.events[window.Start] = events
			return warehouse.EventResult{Stored: len(events)}, nil
		}
	}
	m.windows = append(m.windows, window)
	if m.events == nil {
		m.events = map[time.Time][]warehouse.Event{}
	}
	m.events[window.Start] = events
	return warehouse.EventResult{Stored: len(events)}, nil
}

// totals are what the facts of some windows add up to.
type totals struct {
	kWh, estimated          float64
	requests, input, output int64
	gpuHours, memoryHours   float64
}

// by sums the facts up by project, model and endpoint.
func (m *memory) by(windows ...time.Time) map[string]totals {
	all := map[string]totals{}
	for start, events := range m.events {
		wanted := len(windows) == 0
		for _, w := range windows {
			wanted = wanted || w.Equal(start)
		}
		if !wanted {
			continue
		}
		for _, e := range events {
			key := e.Project + "/" + e.Model + "/" + e.Endpoint
			t := all[key]
			t.kWh += float64(e.ITEnergy)
			if !e.Measured {
				t.estimated += float64(e.ITEnergy)
			}
			t.requests, t.input, t.output = t.requests+e.Requests, t.input+e.InputTokens, t.output+e.OutputTokens
			t.gpuHours, t.memoryHours = t.gpuHours+e.GPUHours, t.memoryHours+e.GPUMemoryHours
			all[key] = t
		}
	}
	return all
}

func (m *memory) nanowattHours() (all kpi.NanowattHours) {
	for _, events := range m.events {
		for _, e := range events {
			all += kpi.NanowattHours(float64(e.ITEnergy)*1e12 + 0.5)
		}
	}
	return all
}

// Times of the recorded scrapes.
var (
	ten    = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	eleven = ten.Add(time.Hour)
	twelve = ten.Add(2 * time.Hour)
)

func mappingOf(t testing.TB, text string) Mapping {
	t.Helper()
	m, err := ParseMapping([]byte(text))
	require.NoError(t, err)
	return m.WithRegion("us-central1")
}

// puller pulls from an API into a memory, with a clock that stands at noon and a bit.
func puller(t testing.TB, api API, store Warehouse, mapping Mapping, changes ...func(*Options)) *Puller {
	t.Helper()
	options := Options{API: api, Warehouse: store, Mapping: mapping, Now: func() time.Time { return twelve.Add(10 * time.Minute) }}
	for _, change := range changes {
		change(&options)
	}
	p, err := New(options)
	require.NoError(t, err)
	return p
}

// asking is a client of a fake.
func asking(t testing.TB, f *prometheustest.Fake) *Client {
	t.Helper()
	return clientOf(t, f.URL(t))
}

func clientOf(t testing.TB, url string) *Client {
	t.Helper()
	client, err := NewClient(Access{URL: url})
	require.NoError(t, err)
	client.firstWait = time.Millisecond
	return client
}

func pull(t testing.TB, p *Puller, from, to time.Time) ingest.Report {
	t.Helper()
	report, err := p.Pull(context.Background(), from, to)
	require.NoError(t, err)
	return report
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
