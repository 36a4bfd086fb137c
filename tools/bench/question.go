package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// company is what the data source's settings would say of it.
var company = query.Company{CarbonPrice: 100}

// calendar is the one that statements/company sets.
func calendar() (kpi.Calendar, error) {
	zone, err := time.LoadLocation("Europe/Berlin")
	return kpi.Calendar{Location: zone, FiscalYearStartMonth: time.February}, err
}

// lastQuarter is the last whole fiscal quarter before a time.
func lastQuarter(now time.Time) (backend.TimeRange, error) {
	c, err := calendar()
	if err != nil {
		return backend.TimeRange{}, err
	}
	end := c.Start(now, kpi.IntervalQuarter)
	return backend.TimeRange{From: c.Start(end.Add(-time.Nanosecond), kpi.IntervalQuarter), To: end}, nil
}

// ninetyDays are those before a time some hours ago.
func ninetyDays(now time.Time, hoursAgo int) backend.TimeRange {
	end := now.Add(-time.Duration(hoursAgo) * time.Hour)
	return backend.TimeRange{From: end.AddDate(0, 0, -90), To: end}
}

// asked is a query type as a new panel asks it.
func asked(name string, span backend.TimeRange) backend.DataQuery {
	text, err := json.Marshal(map[string]string{"queryType": name})
	if err != nil {
		panic(err) // a string is always JSON
	}
	return backend.DataQuery{RefID: "A", JSON: text, TimeRange: span, MaxDataPoints: 1000, Interval: time.Hour}
}

// newViewer is a data source that has answered no question yet, but knows the
// company's calendar, as one that has been up for a moment does. What it may keep
// of its answers is of no use to the next one.
func newViewer(ctx context.Context, pool *pgxpool.Pool) (*plugin.Instance, error) {
	instance := plugin.NewInstanceOn(pool, company)
	now := time.Now()
	lines := asked("efficiencyQuadrant", backend.TimeRange{From: now.Add(-time.Hour), To: now})
	lines.JSON = []byte(`{"queryType":"efficiencyQuadrant","options":{"shape":"thresholds"}}`) // reads the calendar and nothing else
	_, err := ask(ctx, instance, lines)
	return instance, err
}

// ask sends a panel's queries and returns their frames in the form that Grafana
// gets, encoded.
func ask(ctx context.Context, instance *plugin.Instance, queries ...backend.DataQuery) (backend.Responses, error) {
	response, err := instance.QueryData(ctx, &backend.QueryDataRequest{Queries: queries})
	if err != nil {
		return nil, err
	}
	for _, q := range queries {
		answer := response.Responses[q.RefID]
		if answer.Status == backend.StatusTimeout {
			answer.Error = errors.Join(errTimeout, answer.Error)
		}
		if answer.Error != nil {
			return nil, fmt.Errorf("%s: %w", q.JSON, answer.Error)
		}
	}
	_, err = backend.ToProto().QueryDataResponse(backend.DataFrameFormat_ARROW, response)
	return response.Responses, err
}

// errTimeout is that the data source gave up.
var errTimeout = errors.New("there is no answer within the time limit")

// errNoRows is what a question gets that measures nothing.
var errNoRows = errors.New("the answer has no rows, so its time says nothing")

func firstFrame(responses backend.Responses) (*data.Frame, error) {
	frames := responses["A"].Frames
	if len(frames) == 0 || frames[0].Rows() == 0 {
		return nil, errNoRows
	}
	return frames[0], nil
}
