package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/concurrent"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// concurrentQueries is how many queries of one panel run at once.
const concurrentQueries = 10

// QueryData answers the queries of a panel side by side. A query that fails has
// its own error; the others are answered.
func (i *Instance) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	if request.Headers[backend.FromAlertHeaderName] == "true" {
		alert := *request
		alert.Queries = slices.Clone(request.Queries)
		for n, q := range alert.Queries {
			alert.Queries[n].JSON = numberOfTable(q.JSON)
		}
		request = &alert
	}
	return concurrent.QueryData(ctx, request, i.answer, concurrentQueries)
}

// numberOfTable asks for the most telling number of a query that asks for a table, which
// an alert rule cannot read: so a rule made of a panel works as it is.
func numberOfTable(text json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return text // the answer says what is wrong with it
	}
	if format := string(fields["format"]); format != "" && format != `"table"` {
		return text
	}
	fields["format"] = json.RawMessage(`"number"`)
	changed, err := json.Marshal(fields)
	if err != nil {
		return text
	}
	return changed
}

func (i *Instance) answer(ctx context.Context, q concurrent.Query) backend.DataResponse {
	if i.settingsErr != nil {
		return errorResponse(ctx, &settingsError{i.settingsErr})
	}
	request, err := query.Parse(q.DataQuery, i.company, time.Now())
	if err != nil {
		return errorResponse(ctx, err)
	}
	frames, err := i.framesOf(ctx, request, q.DataQuery)
	if err != nil {
		return errorResponse(ctx, err)
	}
	own := make(data.Frames, len(frames)) // an answer may be of several viewers
	for n, frame := range frames {
		named := *frame
		named.RefID = q.DataQuery.RefID
		own[n] = &named
	}
	return backend.DataResponse{Frames: own, Status: backend.StatusOK}
}

// framesOf answers a request, from an answer that is kept where there may be one.
func (i *Instance) framesOf(ctx context.Context, request query.Request, q backend.DataQuery) (data.Frames, error) {
	if request.Live() {
		request.Local = i.localGPUs
		return request.Answer(ctx, i.reader)
	}
	return i.answers.answer(ctx, i.reader, request, q)
}

// settingsError is a mistake in the data source's settings.
type settingsError struct{ cause error }

func (e *settingsError) Error() string {
	return "The data source is not set up: " + e.cause.Error() + ". An administrator can correct it in the data source's settings."
}

func (e *settingsError) Unwrap() error { return e.cause }

// errorResponse translates an error once, into its status, its source and words
// a person can act on.
func errorResponse(ctx context.Context, err error) backend.DataResponse {
	status, source, message := classify(err)
	if source == backend.ErrorSourcePlugin {
		log.DefaultLogger.FromContext(ctx).Error("A query failed by a fault of the plugin", "error", err)
	}
	response := backend.ErrDataResponseWithSource(status, source, message)
	return response
}

// classify sorts an error: what the asker or the database can put right is
// downstream, only our own faults are the plugin's.
func classify(err error) (backend.Status, backend.ErrorSource, string) {
	var (
		badRequest *query.BadRequestError
		unknown    *warehouse.UnknownMemberError
		setup      *settingsError
		problem    *warehouse.Problem
	)
	switch {
	case errors.As(err, &setup):
		return backend.StatusBadRequest, backend.ErrorSourceDownstream, setup.Error()
	case errors.As(err, &badRequest):
		return backend.StatusBadRequest, backend.ErrorSourceDownstream, badRequest.Error()
	case errors.As(err, &unknown):
		return backend.StatusBadRequest, backend.ErrorSourceDownstream, "No such member: " + unknown.Error() + ". Choose one from the list."
	case errors.Is(err, warehouse.ErrNoSuchFactorVersion):
		return backend.StatusBadRequest, backend.ErrorSourceDownstream, err.Error()
	case errors.As(warehouse.Explain(err), &problem):
		return problemStatus(problem.Kind), backend.ErrorSourceDownstream, problem.Message
	}
	return backend.StatusInternal, backend.ErrorSourcePlugin, "WattScore could not answer: " + err.Error()
}

func problemStatus(kind warehouse.ProblemKind) backend.Status {
	switch kind {
	case warehouse.ProblemPassword:
		return backend.StatusUnauthorized
	case warehouse.ProblemPrivilege:
		return backend.StatusForbidden
	case warehouse.ProblemTimeout:
		return backend.StatusTimeout
	case warehouse.ProblemCancelled:
		return backend.Status(499) // as nginx has it: the client closed the request
	case warehouse.ProblemSchemaMissing, warehouse.ProblemDatabase:
		return backend.StatusNotFound
	}
	return backend.Status(http.StatusBadGateway)
}
