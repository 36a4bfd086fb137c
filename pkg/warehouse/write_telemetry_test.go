package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestTelemetryIsWrittenWholeOrNotAtAll(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	span, stream := uuid.New(), uuid.New()
	step := func(known *int64, at int64) map[uuid.UUID]warehouse.TelemetryStep {
		return map[uuid.UUID]warehouse.TelemetryStep{stream: {Known: known, TelemetryReading: warehouse.TelemetryReading{AtNanoseconds: at, Reading: []byte(`{"count": 1}`)}}}
	}
	result, err := store.WriteTelemetry(ctx, warehouse.TelemetryBatch{
		Events:  []warehouse.Event{warehousetest.Event("first", now.Add(-time.Hour))},
		Kinship: map[uuid.UUID]warehouse.Kinship{span: warehouse.KinshipAbove},
		Streams: step(nil, 10),
	}, now)
	require.NoError(t, err)
	assert.Equal(t, 1, result.Stored)

	// Another receiver did not see that: nothing of its batch holds.
	for _, known := range []*int64{nil, new(int64)} {
		_, err = store.WriteTelemetry(ctx, warehouse.TelemetryBatch{
			Events:  []warehouse.Event{warehousetest.Event("second", now.Add(-time.Hour))},
			Kinship: map[uuid.UUID]warehouse.Kinship{span: warehouse.KinshipCounted},
			Streams: step(known, 20),
		}, now)
		require.ErrorIs(t, err, warehouse.ErrStreamMoved)
	}
	kinship, err := store.Kinship(ctx, []uuid.UUID{span, uuid.New()})
	require.NoError(t, err)
	assert.Equal(t, map[uuid.UUID]warehouse.Kinship{span: warehouse.KinshipAbove}, kinship)
	var events int
	require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM wattscore.inference_energy_fact").Scan(&events))
	assert.Equal(t, 1, events)

	known := int64(10)
	_, err = store.WriteTelemetry(ctx, warehouse.TelemetryBatch{
		Kinship: map[uuid.UUID]warehouse.Kinship{span: warehouse.KinshipCounted | warehouse.KinshipCovered}, Streams: step(&known, 20),
	}, now)
	require.NoError(t, err, "without events")
	kinship, err = store.Kinship(ctx, []uuid.UUID{span})
	require.NoError(t, err)
	assert.Equal(t, warehouse.Kinship(7), kinship[span], "what was known stays")
	readings, err := store.TelemetryReadings(ctx, []uuid.UUID{stream})
	require.NoError(t, err)
	assert.Equal(t, int64(20), readings[stream].AtNanoseconds)
	assert.JSONEq(t, `{"count": 1}`, string(readings[stream].Reading))

	require.NoError(t, store.ForgetTelemetry(ctx, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)))
	kinship, err = store.Kinship(ctx, []uuid.UUID{span})
	require.NoError(t, err)
	assert.Empty(t, kinship)
	readings, err = store.TelemetryReadings(ctx, []uuid.UUID{stream})
	require.NoError(t, err)
	assert.Len(t, readings, 1)
}

func TestCollectedHostsAreThoseWithACounter(t *testing.T) {
	pool := warehousetest.Open(t)
	store, ctx := warehouse.OpenStore(pool), context.Background()
	energy := int64(1e9)
	device := func(id, host string) warehouse.GPUDevice {
		return warehouse.GPUDevice{UUID: id, Host: host, Region: "us-central1", Name: "NVIDIA L4", SeenAt: now.Add(-time.Hour)}
	}
	_, err := store.WriteGPUSamples(ctx, warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{device("GPU-1", "gpu-1"), device("GPU-2", "gpu-2")},
		Samples: []warehouse.GPUSample{
			{UUID: "GPU-1", Start: now.Add(-time.Hour), Time: now.Add(-time.Hour + time.Minute), Host: "gpu-1", Region: "us-central1", Name: "NVIDIA L4", Energy: &energy, Method: "counter"},
			{UUID: "GPU-2", Start: now.Add(-time.Hour), Time: now.Add(-time.Hour + time.Minute), Host: "gpu-2", Region: "us-central1", Name: "NVIDIA L4"},
		},
	})
	require.NoError(t, err)
	hosts, err := store.CollectedHosts(ctx)
	require.NoError(t, err)
	require.Len(t, hosts, 1, "a device without energy leaves nothing to join")
	assert.Equal(t, "gpu-1", hosts[0].Name)

	intensities, err := store.ReferenceIntensities(ctx)
	require.NoError(t, err)
	assert.InDelta(t, 61.3, intensities["chat"], 1e-9)
	_, err = store.UpsertModels(ctx, []warehouse.Model{{Name: "m", TaskClass: "chat"}, {Name: "n"}})
	require.NoError(t, err)
	classes, err := store.TaskClasses(ctx)
	require.NoError(t, err)
	assert.Equal(t, "chat", classes["m"])
	assert.Contains(t, classes, "n")
}
