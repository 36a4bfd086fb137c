package plugin_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// channel asks the resource for the channel of a query.
func channel(t *testing.T, i *plugin.Instance, text string) (status int, path string) {
	t.Helper()
	var answer struct{ Path string }
	err := i.CallResource(t.Context(), &backend.CallResourceRequest{Path: "streams", URL: "streams", Method: http.MethodPost, Body: []byte(text)},
		backend.CallResourceResponseSenderFunc(func(response *backend.CallResourceResponse) error {
			status = response.Status
			return json.Unmarshal(response.Body, &answer)
		}))
	require.NoError(t, err)
	return status, answer.Path
}

// sentFrames gives the frames that a stream sends.
type sentFrames chan *data.Frame

func (s sentFrames) Send(packet *backend.StreamPacket) error {
	var frame data.Frame
	if err := json.Unmarshal(packet.Data, &frame); err != nil {
		return err
	}
	s <- &frame
	return nil
}

func TestAStreamSendsTheMeterWhenItChanges(t *testing.T) {
	pool := warehousetest.Open(t)
	i := instance(t, settingsFor(pool, nil))
	const meter = `{"queryType":"costMeter","format":"table","options":{"live":true}}`
	status, path := channel(t, i, meter)
	require.Equal(t, http.StatusOK, status)
	_, again := channel(t, i, `{"options":{"live":true},"format":"table","queryType":"costMeter"}`)
	assert.Equal(t, path, again, "the same question is the same channel")
	_, other := channel(t, i, `{"queryType":"costMeter","format":"table","groupBy":["businessUnit"]}`)
	assert.NotEqual(t, path, other)

	subscribed, err := i.SubscribeStream(t.Context(), &backend.SubscribeStreamRequest{Path: path, Data: []byte(meter)})
	require.NoError(t, err)
	assert.Equal(t, backend.SubscribeStreamStatusOK, subscribed.Status)
	require.NotNil(t, subscribed.InitialData, "whoever joins sees what is")
	for what, request := range map[string]backend.SubscribeStreamRequest{
		"another query's channel": {Path: other, Data: []byte(meter)},
		"no query":                {Path: path, Data: []byte("{}")},
		"what is not streamed":    {Path: path, Data: []byte(`{"queryType":"energyScore"}`)},
	} {
		refused, err := i.SubscribeStream(t.Context(), &request)
		require.NoError(t, err)
		assert.Equal(t, backend.SubscribeStreamStatusNotFound, refused.Status, what)
	}

	ctx, stop := context.WithCancel(t.Context())
	frames, ended := make(sentFrames, 10), make(chan error, 1)
	go func() {
		ended <- i.RunStream(ctx, &backend.RunStreamRequest{Path: path, Data: []byte(meter)}, backend.NewStreamSender(frames))
	}()
	require.NotNil(t, <-frames)
	e := warehousetest.Event("now", time.Now().Add(-time.Minute))
	warehousetest.Write(t, pool, time.Now(), e)
	changed := <-frames // nothing else changes within its five seconds but the clock's minute
	spend, _ := changed.FieldByName("spend_day_usd")
	require.NotNil(t, spend)
	stop()
	require.NoError(t, <-ended, "a stream that nobody follows ends well")

	published, err := i.PublishStream(t.Context(), &backend.PublishStreamRequest{Path: path})
	require.NoError(t, err)
	assert.Equal(t, backend.PublishStreamStatusPermissionDenied, published.Status)
	status, _ = channel(t, i, `{"queryType":"energyScore"}`)
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestAStreamOfGPUsKeepsItsSeriesWhenTheyGo(t *testing.T) {
	pool := warehousetest.Open(t)
	i := instance(t, settingsFor(pool, nil))
	const power = `{"queryType":"gpuLive","format":"time_series","metric":"power_w","options":{"live":true,"source":"fleet"}}`
	_, path := channel(t, i, power)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	frames := make(sentFrames, 100)
	go func() {
		_ = i.RunStream(ctx, &backend.RunStreamRequest{Path: path, Data: []byte(power)}, backend.NewStreamSender(frames))
	}()
	assert.Empty(t, (<-frames).Fields, "no GPU, no field, so that the panel says what it has to say")

	now, watts := time.Now().UTC(), 300.0
	_, err := warehouse.OpenStore(pool).WriteGPUSamples(t.Context(), warehouse.GPUBatch{
		Devices: []warehouse.GPUDevice{{UUID: "GPU-1", Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", SeenAt: now}},
		Samples: []warehouse.GPUSample{{UUID: "GPU-1", Start: now.Add(-10 * time.Second), Time: now, Host: "node-1", Region: "us-central1", Name: "NVIDIA L4", PowerWatts: &watts}},
	})
	require.NoError(t, err)
	next := func(rows int) *data.Frame {
		for {
			if frame := <-frames; len(frame.Fields) > 0 && frame.Rows() == rows {
				return frame
			}
		}
	}
	assert.Len(t, next(1).Fields, 2, "the moment alone: the past is there once")
	warehousetest.Exec(t, pool, "DELETE FROM wattscore.gpu_sample")
	gone := next(0)
	require.Len(t, gone.Fields, 2)
	assert.Equal(t, "node-1 #0", gone.Fields[1].Config.DisplayNameFromDS)
	require.NotEmpty(t, gone.Meta.Notices)
	assert.Contains(t, gone.Meta.Notices[0].Text, "No agent sent a sample")
}
