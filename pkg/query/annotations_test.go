package query_test

import (
	"context"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// titles reads the annotations as tag and title.
func titles(frame *data.Frame) []string {
	title, _ := frame.FieldByName("title")
	tags, _ := frame.FieldByName("tags")
	read := make([]string, frame.Rows())
	for row := range read {
		read[row] = tags.At(row).(string) + ": " + title.At(row).(string)
	}
	return read
}

func TestAnnotationsMarkWhatHappened(t *testing.T) {
	pool := smallCompany(t)
	day := november.From.AddDate(0, 0, 3)
	_, err := warehouse.OpenStore(pool).UpsertModels(context.Background(), []warehouse.Model{{Name: "chat-5", ReleasedOn: &day}})
	require.NoError(t, err)
	warehousetest.Exec(t, pool,
		// The weeks of 9 and 16 November: 1.7 kg against 2, and 16.7 against 2; that of 2 November has no budget.
		`INSERT INTO wattscore.carbon_budget VALUES ('2026-11-09', '', 2, 'test'), ('2026-11-16', '', 2, 'test'), ('2026-11-16', 'Unit 0', 20, 'test')`,
		`INSERT INTO wattscore.factor_restatement (restated_at, from_version, to_version) VALUES ('2026-11-15 12:00Z', 1, 1)`)

	frames, err := ask(t, pool, "annotations", map[string]any{})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"release: chat-5 released",
		"hardware: Hardware decommissioned: 2",
		"restatement: Factors restated: version 1 (Reference figures 2024)",
		"budget: Weekly carbon budget exceeded",
		"hardware: Hardware recycled: 1",
	}, titles(frames[0]))
	experimental.CheckGoldenJSONResponse(t, "testdata", "annotations", &backend.DataResponse{Frames: frames}, *update)

	t.Run("of one kind", func(t *testing.T) {
		frames, err := ask(t, pool, "annotations", map[string]any{"options": map[string]any{"kinds": []string{"hardware"}}})
		require.NoError(t, err)
		assert.Equal(t, []string{"hardware: Hardware decommissioned: 2", "hardware: Hardware recycled: 1"}, titles(frames[0]))
	})
	t.Run("of a business unit within its own budget", func(t *testing.T) {
		frames, err := ask(t, pool, "annotations", map[string]any{
			"filters": map[string]any{"businessUnit": []string{"Unit 0"}}, "options": map[string]any{"kinds": []string{"budget"}}})
		require.NoError(t, err)
		assert.Empty(t, titles(frames[0]))
		require.NotEmpty(t, frames[0].Meta.Notices)
	})
	t.Run("a part of the company has no budget to exceed", func(t *testing.T) {
		frames, err := ask(t, pool, "annotations", map[string]any{
			"filters": map[string]any{"model": []string{"chat-0"}}, "options": map[string]any{"kinds": []string{"budget"}}})
		require.NoError(t, err)
		assert.Empty(t, titles(frames[0]))
	})
	t.Run("a kind that is none", func(t *testing.T) {
		_, err := ask(t, pool, "annotations", map[string]any{"options": map[string]any{"kinds": []string{"party"}}})
		assert.ErrorContains(t, err, `"party"`)
		assert.ErrorContains(t, err, "release, hardware, restatement, budget")
	})
}

func TestAnUnfinishedWeekIsNoBreachYet(t *testing.T) {
	pool := warehousetest.Open(t)
	monday := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	thirsty := warehousetest.Event("thirsty", monday.Add(time.Hour))
	thirsty.ITEnergy = kpi.KilowattHours(1000)
	warehousetest.Write(t, pool, now, thirsty)
	warehousetest.Exec(t, pool, `INSERT INTO wattscore.carbon_budget VALUES ('2026-11-30', '', 1, 'test')`)
	// The test's range ends within that week, and the week itself after now.
	frames, err := ask(t, pool, "annotations", map[string]any{"options": map[string]any{"kinds": []string{"budget"}}})
	require.NoError(t, err)
	assert.Empty(t, titles(frames[0]))
}
