// Command echo is a data source plugin that answers with what it was asked.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func main() {
	if err := datasource.Manage("wattscore-echo-datasource", newEcho, datasource.ManageOpts{}); err != nil {
		os.Exit(1)
	}
}

type echo struct {
	backend.CallResourceHandler
	settings backend.DataSourceInstanceSettings
}

func newEcho(_ context.Context, settings backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /parts", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("first "))
		w.(http.Flusher).Flush()
		_, _ = w.Write([]byte("second " + r.URL.Query().Get("word")))
	})
	return &echo{CallResourceHandler: httpadapter.New(mux), settings: settings}, nil
}

func (e *echo) QueryData(_ context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response := backend.NewQueryDataResponse()
	for _, query := range request.Queries {
		if query.QueryType == "fail" {
			response.Responses[query.RefID] = backend.ErrDataResponseWithSource(backend.StatusBadRequest, backend.ErrorSourceDownstream, "no such type")
			continue
		}
		response.Responses[query.RefID] = backend.DataResponse{Frames: data.Frames{data.NewFrame("echo",
			data.NewField("json", nil, []string{string(query.JSON)}),
			data.NewField("from", nil, []string{query.TimeRange.From.UTC().String()}),
			data.NewField("password", nil, []string{e.settings.DecryptedSecureJSONData["password"]}),
			data.NewField("host_home", nil, []string{os.Getenv("HOME")}),
		)}}
	}
	return response, nil
}

func (e *echo) CheckHealth(context.Context, *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if e.settings.UID == "" {
		return nil, errors.New("no settings came")
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: "well: " + e.settings.UID}, nil
}
