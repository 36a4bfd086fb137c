package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// A panel follows an answer live in two steps: it sends its query to the resource
// /streams, which names the channel, and subscribes to that channel with the same
// query as its data. All who ask the same share one channel and one computation.

const (
	gpuStreamEvery   = time.Second
	meterStreamEvery = 5 * time.Second
	// streamRange is how far a streamed query looks back; its type reads the moment.
	streamRange = 24 * time.Hour
	// longestQuery bounds what the resource reads.
	longestQuery = 64 << 10
)

var _ backend.StreamHandler = (*Instance)(nil)

// channelOf names the channel of a query: its type, and a digest of all of it.
func channelOf(queryType string, text json.RawMessage) string {
	digest := sha256.Sum256([]byte(sameText(text)))
	return queryType + "/" + hex.EncodeToString(digest[:16])
}

// streamed reads a query that is streamed at a moment.
func (i *Instance) streamed(text json.RawMessage, now time.Time) (query.Request, backend.DataQuery, error) {
	q := backend.DataQuery{RefID: "A", JSON: text, TimeRange: backend.TimeRange{From: now.Add(-streamRange), To: now}, MaxDataPoints: 1, Interval: time.Second}
	request, err := query.Parse(q, i.company, now)
	if err == nil && !request.Type.Streams {
		err = query.BadRequest("%s is not streamed: leave the live switch off.", request.Type.Name)
	}
	return request, q, err
}

// nameStream answers the channel of the query in the body.
func (i *Instance) nameStream(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestQuery))
	if err != nil {
		return query.BadRequest("The query cannot be read: %s.", err)
	}
	request, _, err := i.streamed(text, time.Now())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"path": channelOf(request.Type.Name, text)})
	return nil
}

// SubscribeStream lets a panel join the channel that its query names, with the
// newest answer to begin with.
func (i *Instance) SubscribeStream(ctx context.Context, request *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	now := time.Now()
	asked, q, err := i.streamed(request.Data, now)
	if err != nil || i.settingsErr != nil || request.Path != channelOf(asked.Type.Name, request.Data) {
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	response := &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusOK}
	if frames, err := i.framesOf(ctx, asked, q); err == nil && len(frames) > 0 {
		if response.InitialData, err = backend.NewInitialFrame(frames[0], data.IncludeAll); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// PublishStream refuses: nobody but the plugin says what is.
func (i *Instance) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// RunStream sends the answer again whenever it has changed, until nobody follows it.
func (i *Instance) RunStream(ctx context.Context, request *backend.RunStreamRequest, sender *backend.StreamSender) error {
	every := meterStreamEvery
	if strings.HasPrefix(request.Path, "gpuLive/") {
		every = gpuStreamEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var sent []byte
	var drawn *data.Frame
	for {
		frame, err := i.streamFrame(ctx, request.Data)
		if err != nil && ctx.Err() == nil {
			frame = failedFrame(err)
		}
		if frame != nil {
			frame = keepSeries(frame, drawn)
			drawn = frame
			text, err := data.FrameToJSON(frame, data.IncludeAll)
			if err != nil {
				return err
			}
			if !bytes.Equal(text, sent) {
				if err := sender.SendFrame(frame, data.IncludeAll); err != nil {
					return err
				}
				sent = text
			}
		}
		select {
		case <-ctx.Done():
			return nil // nobody is left
		case <-ticker.C:
		}
	}
}

func (i *Instance) streamFrame(ctx context.Context, text json.RawMessage) (*data.Frame, error) {
	request, q, err := i.streamed(text, time.Now())
	if err != nil {
		return nil, err
	}
	frames, err := i.framesOf(ctx, request, q)
	if err != nil || len(frames) == 0 {
		return nil, err
	}
	return frames[0], nil
}

// failedFrame says in the panel why there is nothing new; the next answer takes its
// place.
func failedFrame(err error) *data.Frame {
	_, _, message := classify(err)
	frame := data.NewFrame("")
	frame.Meta = &data.FrameMeta{Notices: []data.Notice{{Severity: data.NoticeSeverityError, Text: message}}}
	return frame
}

// keepSeries gives a frame without fields those of the series before it, with no row. A
// chart that a stream is appended to keeps what it has drawn that way; without them
// Grafana would complain of a missing field.
func keepSeries(frame, before *data.Frame) *data.Frame {
	if len(frame.Fields) > 0 || before == nil || before.Meta.Type != data.FrameTypeTimeSeriesWide {
		return frame
	}
	kept := before.EmptyCopy()
	for n, field := range before.Fields {
		kept.Fields[n].Config = field.Config
	}
	meta := *frame.Meta
	meta.Type, meta.TypeVersion = before.Meta.Type, before.Meta.TypeVersion
	kept.Meta = &meta
	return kept
}
