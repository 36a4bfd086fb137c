package bench

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// feedCombinations is how many endpoints the events come from in turn.
const feedCombinations = 100

// feedEvent is the event of an ordinal in a stream of calls that ends at a time, a
// quarter of a second apart. Its id rises with time and is the stream's own.
func feedEvent(stream uint16, ordinal, count int, end time.Time) warehouse.Event {
	endpoint := ordinal % feedCombinations
	at := end.Add(-time.Duration(count-ordinal) * 250 * time.Millisecond)
	latency := time.Duration(200+ordinal*7919%1800) * time.Millisecond
	return warehouse.Event{
		ID: feedID(stream, ordinal, at), Time: at,
		Model: fmt.Sprintf("feed-model-%d", endpoint%12), Project: fmt.Sprintf("feed-project-%d", endpoint%20),
		Endpoint: fmt.Sprintf("feed-endpoint-%d", endpoint), Region: []string{"us-central1", "europe-west4", "us-east-1", "europe-north1"}[endpoint%4],
		Workload: kpi.WorkloadInference, Requests: int64(1 + ordinal%4), InputTokens: int64(300 + ordinal%700), OutputTokens: int64(50 + ordinal%400),
		Latency: &latency, ITEnergy: kpi.KilowattHours(6e-5 + 1e-8*float64(ordinal%1000)), Measured: ordinal%5 > 0,
		GPUHours: 1.2e-4, GPUMemoryHours: 9.6e-3, Source: "bench",
	}
}

// feedID is a UUID of version 7 without anything random.
func feedID(stream uint16, ordinal int, at time.Time) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|0x7000|uint64(stream&0xfff))
	binary.BigEndian.PutUint64(id[8:], 1<<63|uint64(ordinal))
	return id
}

func feedEvents(stream uint16, count int, end time.Time) []warehouse.Event {
	events := make([]warehouse.Event, count)
	for i := range events {
		events[i] = feedEvent(stream, i, count, end)
	}
	return events
}
