package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/pluginprocess"
)

// printSummary starts the plugin's executable as Grafana would and prints what
// it answers for the last twelve full months.
func printSummary(ctx context.Context, out, log io.Writer, executable string, settings *backend.DataSourceInstanceSettings, now time.Time) error {
	process, err := pluginprocess.Start(pluginprocess.Options{
		Executable: executable,
		Context:    backend.PluginContext{OrgID: 1, PluginID: plugin.ID, DataSourceInstanceSettings: settings},
		Log:        log,
	})
	if err != nil {
		return err
	}
	defer process.Stop()
	health, err := process.CheckHealth(ctx)
	if err != nil {
		return err
	}
	if health.Status != backend.HealthStatusOk {
		return fmt.Errorf("the data source does not work: %s", health.Message)
	}
	zone, err := companyZone(ctx, process)
	if err != nil {
		return err
	}
	span := lastTwelveMonths(now.In(zone))
	answers, err := askAll(ctx, process, span)
	if err != nil {
		return err
	}
	return writeSummary(out, span, health.Message, answers)
}

// carbonPrice in USD per tonne is that of provisioning/datasources.
const carbonPrice = 100

// dataSourceSettings are those of a data source on a server of this machine.
func dataSourceSettings(address, database, user, password string) (*backend.DataSourceInstanceSettings, error) {
	connection, err := json.Marshal(map[string]any{
		"host": address, "database": database, "user": user, "tlsMode": "disable", "carbonPriceUsdPerTonne": carbonPrice,
	})
	if err != nil {
		return nil, err
	}
	return &backend.DataSourceInstanceSettings{
		UID: DataSourceUID, Name: "WattScore", Type: plugin.ID, JSONData: connection,
		DecryptedSecureJSONData: map[string]string{"password": password},
	}, nil
}

// companyZone is the time zone of the warehouse's calendar.
func companyZone(ctx context.Context, process *pluginprocess.Process) (*time.Location, error) {
	response, err := process.CallResource(ctx, &backend.CallResourceRequest{Path: "calendar", URL: "calendar", Method: http.MethodGet})
	if err != nil {
		return nil, err
	}
	var calendar struct {
		TimeZone string `json:"timeZone"`
	}
	if err := json.Unmarshal(response.Body, &calendar); err != nil || response.Status != http.StatusOK {
		return nil, fmt.Errorf("the plugin's calendar answers %d: %s", response.Status, response.Body)
	}
	return time.LoadLocation(calendar.TimeZone)
}

// lastTwelveMonths ends with the last full month, in the time's zone.
func lastTwelveMonths(now time.Time) backend.TimeRange {
	thisMonth := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	return backend.TimeRange{From: thisMonth.AddDate(-1, 0, 0), To: thisMonth}
}

// The questions of the summary, by name.
const (
	overall  = "overall"
	scores   = "scores"
	carbon   = "carbon"
	quadrant = "quadrant"
	hardware = "hardware"
)

var questions = map[string]string{
	overall:  `{"queryType":"energyScore","options":{"total":true}}`,
	scores:   `{"queryType":"energyScore","groupBy":["model"]}`,
	carbon:   `{"queryType":"carbonAttribution","groupBy":["businessUnit"]}`,
	quadrant: `{"queryType":"efficiencyQuadrant"}`,
	hardware: `{"queryType":"hardwareLifecycle"}`,
}

// askAll asks the questions together, as a dashboard does.
func askAll(ctx context.Context, process *pluginprocess.Process, span backend.TimeRange) (map[string]*data.Frame, error) {
	var queries []backend.DataQuery
	for name, question := range questions {
		queries = append(queries, backend.DataQuery{RefID: name, JSON: []byte(question), TimeRange: span})
	}
	responses, err := process.QueryData(ctx, queries...)
	if err != nil {
		return nil, err
	}
	answers := map[string]*data.Frame{}
	for name := range questions {
		response := responses[name]
		if response.Error != nil {
			return nil, fmt.Errorf("the plugin cannot answer %s: %w", name, response.Error)
		}
		if len(response.Frames) == 0 {
			return nil, fmt.Errorf("the plugin answers %s with nothing", name)
		}
		answers[name] = response.Frames[0]
	}
	return answers, nil
}
