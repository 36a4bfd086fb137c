package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

var now = time.Now()

// settingsFor are a data source's that reaches the pool's database as its login.
func settingsFor(pool *pgxpool.Pool, change func(jsonData map[string]any, secure map[string]string)) backend.DataSourceInstanceSettings {
	config := pool.Config().ConnConfig
	jsonData := map[string]any{
		"host": net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), "database": config.Database, "user": config.User, "tlsMode": "disable",
	}
	secure := map[string]string{"password": config.Password}
	if change != nil {
		change(jsonData, secure)
	}
	body, _ := json.Marshal(jsonData) // plain values always marshal
	return backend.DataSourceInstanceSettings{UID: "wattscore", JSONData: body, DecryptedSecureJSONData: secure}
}

func instance(t *testing.T, settings backend.DataSourceInstanceSettings) *plugin.Instance {
	t.Helper()
	made, err := plugin.NewInstance(context.Background(), settings)
	require.NoError(t, err)
	i := made.(*plugin.Instance)
	t.Cleanup(i.Dispose)
	return i
}

// readerLogin makes a login that may only read.
func readerLogin(t *testing.T, pool *pgxpool.Pool) (name, password string) {
	name = "reader_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	warehousetest.Exec(t, pool, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'open sesame' IN ROLE wattscore_reader", name))
	t.Cleanup(func() { warehousetest.Exec(t, pool, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	return name, "open sesame"
}

func health(t *testing.T, settings backend.DataSourceInstanceSettings) *backend.CheckHealthResult {
	t.Helper()
	result, err := instance(t, settings).CheckHealth(context.Background(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	return result
}

func TestHealthSaysExactlyWhatIsWrong(t *testing.T) {
	pool := warehousetest.Open(t)
	name, password := readerLogin(t, pool)
	asReader := func(jsonData map[string]any, secure map[string]string) {
		jsonData["user"], secure["password"] = name, password
	}
	for _, test := range []struct {
		name   string
		change func(map[string]any, map[string]string)
		says   string
	}{
		{"no host", func(j map[string]any, _ map[string]string) { delete(j, "host") }, "no host is set"},
		{"no database", func(j map[string]any, _ map[string]string) { j["database"] = "" }, "no database is set"},
		{"no user", func(j map[string]any, _ map[string]string) { j["user"] = "" }, "no user is set"},
		{"nobody listens", func(j map[string]any, _ map[string]string) { j["host"] = "127.0.0.1:1" }, "cannot be reached"},
		{"no such name", func(j map[string]any, _ map[string]string) { j["host"] = "warehouse.invalid" }, `No server has the name`},
		{"no TLS there", func(j map[string]any, _ map[string]string) { j["tlsMode"] = "require" }, "does not offer TLS"},
		{"TLS mode that is none", func(j map[string]any, _ map[string]string) { j["tlsMode"] = "maybe" }, `"maybe" is not a TLS mode`},
		{"broken CA", func(j map[string]any, s map[string]string) { j["tlsMode"], s["tlsCaCert"] = "verify-full", "x" }, "not a PEM certificate"},
		{"wrong database", func(j map[string]any, _ map[string]string) { j["database"] = "nowhere" }, "no such database"},
		{"time zone that is none", func(j map[string]any, _ map[string]string) { j["timeZone"] = "Mars/Olympus" }, "is not a time zone"},
		{"month that is none", func(j map[string]any, _ map[string]string) { j["fiscalYearStartMonth"] = 13 }, "must lie between 1 and 12"},
		{"a role that may write", func(map[string]any, map[string]string) {}, "may change the warehouse"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := health(t, settingsFor(pool, test.change))
			assert.Equal(t, backend.HealthStatusError, result.Status)
			assert.Contains(t, result.Message, test.says)
		})
	}
	t.Run("all is well", func(t *testing.T) {
		result := health(t, settingsFor(pool, asReader))
		assert.Equal(t, backend.HealthStatusOk, result.Status, result.Message)
		assert.Contains(t, result.Message, "The warehouse is empty")
		warehousetest.Write(t, pool, now, warehousetest.Event("one", time.Date(2026, 5, 4, 3, 2, 0, 0, time.UTC)))
		assert.Contains(t, health(t, settingsFor(pool, asReader)).Message, "4 May 2026 03:02 UTC")
	})
	t.Run("limited to a business unit", func(t *testing.T) {
		warehousetest.Exec(t, pool, "UPDATE wattscore.project SET business_unit = 'Care'")
		login := warehousetest.ScopedTo(t, pool, "Care").Config().ConnConfig
		i := instance(t, settingsFor(pool, func(j map[string]any, s map[string]string) { j["user"], s["password"] = login.User, login.Password }))
		result, err := i.CheckHealth(context.Background(), &backend.CheckHealthRequest{})
		require.NoError(t, err)
		assert.Equal(t, backend.HealthStatusOk, result.Status, result.Message)
		assert.Contains(t, result.Message, "Limited to Care.")
		warehousetest.Exec(t, pool, "INSERT INTO wattscore.project (name, business_unit) VALUES ('other', 'Ads')")
		_, body := resource(t, i, "dimensions/businessUnit")
		assert.JSONEq(t, `[{"value":"Care","label":"Care"}]`, body)
	})
	t.Run("an old schema", func(t *testing.T) {
		warehousetest.Exec(t, pool, "UPDATE wattscore.schema_migration SET is_applied = false WHERE version_id > 5",
			"DROP VIEW wattscore.fact_measure CASCADE") // which that version did not have as it is now
		assert.Contains(t, health(t, settingsFor(pool, asReader)).Message, "schema is at version 5")
	})
	t.Run("no schema", func(t *testing.T) {
		warehousetest.Exec(t, pool, "DROP SCHEMA wattscore CASCADE")
		assert.Contains(t, health(t, settingsFor(pool, nil)).Message, "no WattScore schema")
	})
}

func TestHealthRefusesAWrongPassword(t *testing.T) {
	pool := warehousetest.Open(t)
	if pool.Config().ConnConfig.Password == "" {
		t.Log("the server trusts every login, so it has no password to refuse")
		return
	}
	name, _ := readerLogin(t, pool)
	result := health(t, settingsFor(pool, func(j map[string]any, s map[string]string) { j["user"], s["password"] = name, "wrong" }))
	assert.Equal(t, backend.HealthStatusError, result.Status)
	assert.Contains(t, result.Message, "refuses this user and password")
	assert.NotContains(t, string(result.JSONDetails), "wrong", "a password is never shown")
}

func TestQueryDataAnswersEachQueryApart(t *testing.T) {
	pool := warehousetest.Open(t)
	at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", at))
	window := backend.TimeRange{From: at.Add(-time.Hour), To: at.Add(time.Hour)}
	response, err := instance(t, settingsFor(pool, nil)).QueryData(context.Background(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		{RefID: "A", TimeRange: window, JSON: []byte(`{"queryType":"energyScore"}`)},
		{RefID: "B", TimeRange: window, JSON: []byte(`{"queryType":"nonsense"}`)},
		{RefID: "C", TimeRange: window, JSON: []byte(`{"queryType":"energyScore","filters":{"model":["nobody"]}}`)},
		{RefID: "D", TimeRange: window, QueryType: "carbonAttribution", JSON: []byte(`{}`)},
	}})
	require.NoError(t, err)
	require.NoError(t, response.Responses["A"].Error)
	assert.Equal(t, "A", response.Responses["A"].Frames[0].RefID)
	assert.Equal(t, 1, response.Responses["A"].Frames[0].Rows())
	for _, ref := range []string{"B", "C"} {
		assert.Equal(t, backend.StatusBadRequest, response.Responses[ref].Status, ref)
		assert.Equal(t, backend.ErrorSourceDownstream, response.Responses[ref].ErrorSource, "a bad query is not the plugin's fault")
	}
	assert.NoError(t, response.Responses["D"].Error)
}

func TestQueryDataTranslatesTheDatabasesErrors(t *testing.T) {
	pool := warehousetest.Open(t)
	i := instance(t, settingsFor(pool, nil))
	warehousetest.Exec(t, pool, "DROP SCHEMA wattscore CASCADE")
	response, err := i.QueryData(context.Background(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		{RefID: "A", TimeRange: backend.TimeRange{From: now.Add(-time.Hour), To: now}, JSON: []byte(`{"queryType":"energyScore"}`)},
	}})
	require.NoError(t, err)
	assert.Equal(t, backend.StatusNotFound, response.Responses["A"].Status)
	assert.Equal(t, backend.ErrorSourceDownstream, response.Responses["A"].ErrorSource)
	assert.ErrorContains(t, response.Responses["A"].Error, "wattctl db migrate")
}

func resource(t *testing.T, i *plugin.Instance, url string) (int, string) {
	t.Helper()
	path, _, _ := strings.Cut(url, "?")
	var status int
	var body []byte
	err := i.CallResource(context.Background(), &backend.CallResourceRequest{Method: http.MethodGet, Path: path, URL: url},
		backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
			status, body = r.Status, append(body, r.Body...)
			return nil
		}))
	require.NoError(t, err)
	return status, string(body)
}

func TestResourcesFillTheDropDowns(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)))
	warehousetest.Exec(t, pool, "UPDATE wattscore.project SET business_unit = 'Care', team = 'Chat' WHERE name = 'helpdesk'")
	i := instance(t, settingsFor(pool, nil))
	for path, want := range map[string]string{
		"dimensions/team?businessUnit=Care":         `[{"value":"Chat","label":"Chat"}]`,
		"dimensions/region":                         `[{"value":"us-central1","label":"us-central1"}]`,
		"dimensions/business_unit?project=helpdesk": `[{"value":"Care","label":"Care"}]`,
		"calendar": `{"fiscalYearStartMonth":1,"timeZone":"UTC"}`,
	} {
		status, body := resource(t, i, path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.JSONEq(t, want, body, path)
	}
	own := instance(t, settingsFor(pool, func(j map[string]any, _ map[string]string) {
		j["timeZone"], j["fiscalYearStartMonth"] = "Europe/Berlin", 10
	}))
	status, body := resource(t, own, "calendar")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"fiscalYearStartMonth":10,"timeZone":"Europe/Berlin"}`, body, "the data source's own calendar")
	status, body = resource(t, i, "dimensions/planet")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "no such dimension")
	status, body = resource(t, i, "query-types")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"name":"efficiencyQuadrant"`)
	status, body = resource(t, i, "factor-versions")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"current":true`)
}

// A rule that is made of a table panel reads a number, and one that asks for a series
// gets what it asks for.
func TestAlertRulesReadNumbers(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Write(t, pool, now, warehousetest.Event("one", now.Add(-time.Hour)))
	i := instance(t, settingsFor(pool, nil))
	for text, want := range map[string]data.FrameType{
		`{"queryType":"energyScore"}`:                                              data.FrameTypeNumericLong,
		`{"queryType":"energyScore","format":"table"}`:                             data.FrameTypeNumericLong,
		`{"queryType":"energyScore","format":"time_series","metric":"energy_kwh"}`: data.FrameTypeTimeSeriesWide,
	} {
		query := backend.DataQuery{RefID: "A", JSON: []byte(text), TimeRange: backend.TimeRange{From: now.AddDate(0, 0, -1), To: now}, MaxDataPoints: 100}
		for alert, want := range map[string]data.FrameType{"true": want, "": ""} {
			response, err := i.QueryData(context.Background(), &backend.QueryDataRequest{Headers: map[string]string{backend.FromAlertHeaderName: alert}, Queries: []backend.DataQuery{query}})
			require.NoError(t, err)
			answer := response.Responses["A"]
			require.NoError(t, answer.Error, text)
			if want != "" {
				assert.Equal(t, want, answer.Frames[0].Meta.Type, text)
			} else if !strings.Contains(text, "time_series") {
				assert.Equal(t, data.FrameTypeTable, answer.Frames[0].Meta.Type, text)
			}
		}
		assert.Equal(t, text, string(query.JSON), "what Grafana sent stays as it is")
	}
	response, err := i.QueryData(context.Background(), &backend.QueryDataRequest{Headers: map[string]string{backend.FromAlertHeaderName: "true"},
		Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(`[]`), TimeRange: backend.TimeRange{From: now.AddDate(0, 0, -1), To: now}}}})
	require.NoError(t, err)
	assert.ErrorContains(t, response.Responses["A"].Error, "not what this data source's editor writes")
}
