package query_test

import (
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestDataQualityTellsMeasuredFromEstimated(t *testing.T) {
	pool := warehousetest.Open(t)
	measured, estimated := warehousetest.Event("m", november.From.AddDate(0, 0, 27)), warehousetest.Event("e", november.From.AddDate(0, 0, 28))
	estimated.Measured, estimated.Source, estimated.Region = false, "guess", "europe-west4"
	measured.ITEnergy, estimated.ITEnergy = 3, 1
	old := warehousetest.Event("old", november.From)
	old.ITEnergy, old.Source = 4, "before"
	warehousetest.Write(t, pool, now, measured, estimated, old)

	coverage := askIn(t, pool, november, map[string]any{"queryType": "dataQuality"})[0]
	assert.Equal(t, []string{"us-central1", "europe-west4"}, texts(t, coverage, "region"), "the most energy first")
	assert.Equal(t, 1.0, value(t, coverage, "measured_share", 0))
	assert.Equal(t, []float64{1, 1, 0, 0}, []float64{value(t, coverage, "energy_kwh", 1), value(t, coverage, "estimated_kwh", 1),
		value(t, coverage, "measured_kwh", 1), value(t, coverage, "measured_share", 1)})

	total := askIn(t, pool, november, map[string]any{"queryType": "dataQuality", "options": map[string]any{"total": true}})[0]
	assert.Equal(t, 1, total.Rows())
	assert.Equal(t, 7.0/8, value(t, total, "measured_share", 0))

	sources := askIn(t, pool, november, map[string]any{"queryType": "dataQuality", "options": map[string]any{"view": "sources"}})[0]
	assert.Equal(t, []string{measured.Source, "guess"}, texts(t, sources, "source"), "of the last seven days")
	assert.Equal(t, now.Sub(measured.Time).Seconds(), value(t, sources, "age_seconds", 0))
	assert.Zero(t, value(t, sources, "measured_share", 1))
	ages := askIn(t, pool, november, map[string]any{"queryType": "dataQuality", "format": "number", "metric": "age_seconds", "options": map[string]any{"view": "sources"}})[0]
	assert.Equal(t, data.FrameTypeNumericLong, ages.Meta.Type)
	assert.Equal(t, 2, ages.Rows())
}

func TestDataQualityOfAnEmptyWarehouseSaysWhatToDo(t *testing.T) {
	pool := warehousetest.Open(t)
	for view, says := range map[string]string{"coverage": "no usage", "sources": "Nothing was reported", "factors": "wattctl import", "restatements": "restated"} {
		frame := askIn(t, pool, november, map[string]any{"queryType": "dataQuality", "options": map[string]any{"view": view}})[0]
		assert.Zero(t, frame.Rows(), view)
		assert.Contains(t, notices(frame), says)
	}
}

// Every number of every answer is in the list of figures with what it means.
func TestFiguresExplainEveryMetric(t *testing.T) {
	frame := askIn(t, warehousetest.Open(t), november, map[string]any{"queryType": "dataQuality", "options": map[string]any{"view": "figures"}})[0]
	fields, meanings := texts(t, frame, "field"), texts(t, frame, "meaning")
	known := map[string]bool{}
	for i, field := range fields {
		known[field] = true
		assert.NotEmpty(t, meanings[i], field)
	}
	for _, queryType := range query.Types() {
		for _, metric := range queryType.Metrics {
			assert.True(t, known[metric], "%s of %s", metric, queryType.Name)
		}
	}
}

func TestRestatementsAreListed(t *testing.T) {
	pool := warehousetest.Open(t)
	warehousetest.Exec(t, pool, `INSERT INTO wattscore.factor_restatement (restated_at, from_version, to_version)
		SELECT '2026-11-05 10:00Z', version_id, version_id FROM wattscore.factor_version WHERE in_force`)
	frame := askIn(t, pool, november, map[string]any{"queryType": "dataQuality", "options": map[string]any{"view": "restatements"}})[0]
	require.Equal(t, 1, frame.Rows())
	at, _ := frame.FieldByName("time")
	assert.Equal(t, time.Date(2026, 11, 5, 10, 0, 0, 0, time.UTC), at.At(0))
	assert.Equal(t, texts(t, frame, "from_version"), texts(t, frame, "to_version"))
}

func TestDataQualityRefusesWhatHasNoAnswer(t *testing.T) {
	pool := warehousetest.Open(t)
	for _, fields := range []map[string]any{
		{"options": map[string]any{"view": "gossip"}},
		{"options": map[string]any{"view": "factors"}, "format": "time_series"},
		{"options": map[string]any{"view": "sources"}, "format": "time_series"},
		{"options": map[string]any{"view": "figures"}, "format": "number"},
	} {
		_, err := ask(t, pool, "dataQuality", fields)
		assert.ErrorContains(t, err, "view", "%v", fields)
	}
}
