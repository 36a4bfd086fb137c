package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

func TestPanelsAskAsTheyLeaveTheBrowser(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 30, 0, 123456, time.UTC)
	panels, err := panelsOf([]byte(`{"time":{"from":"now-11M/M","to":"now"},"panels":[
		{"type":"text"},
		{"targets":[{"refId":"A","queryType":"kpi","filters":{"team":["${team}"],"region":["us-east-1"]}},{"refId":"B","queryType":"whatIf"}]},
		{"type":"row","panels":[{"targets":[{"refId":"A","queryType":"costMeter","filters":{"team":["$team"]}}]}]}]}`), now)

	require.NoError(t, err)
	require.Len(t, panels, 2)
	require.Len(t, panels[0], 2)
	assert.JSONEq(t, `{"refId":"A","queryType":"kpi","filters":{"region":["us-east-1"]}}`, string(panels[0][0].JSON))
	assert.Equal(t, "B", panels[0][1].RefID)
	assert.JSONEq(t, `{"refId":"A","queryType":"costMeter","filters":{}}`, string(panels[1][0].JSON), "a panel of a row")
	assert.Equal(t, time.Date(2025, 11, 30, 23, 0, 0, 0, time.UTC), panels[0][0].TimeRange.From.UTC(), "December in Berlin")
	assert.Equal(t, time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), panels[0][0].TimeRange.To)

	_, err = panelsOf([]byte(`{"time":{"from":"now-6h","to":"now"}}`), now)
	assert.ErrorContains(t, err, "now-6h")
}

func TestTheExecutiveDashboardCanBeAsked(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "executive-overview.json"))
	require.NoError(t, err)
	panels, err := panelsOf(text, time.Now())
	require.NoError(t, err)
	assert.Greater(t, len(panels), 10)
	for _, queries := range panels {
		for _, q := range queries {
			request, err := query.Parse(q, company, time.Now())
			require.NoError(t, err, string(q.JSON))
			assert.Empty(t, request.Filters, string(q.JSON))
		}
	}
}
