package query_test

import (
	"encoding/json"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// asText is frames without what their metadata says of how they came about.
func asText(t *testing.T, frames data.Frames) string {
	t.Helper()
	for _, frame := range frames {
		frame.Meta = nil
	}
	text, err := json.Marshal(frames)
	require.NoError(t, err)
	return string(text)
}

// Every query type, a new one too, answers a scoped login what it answers others of
// the same business unit, and nothing of another.
func TestEveryQueryTypeKeepsToTheScope(t *testing.T) {
	pool := smallCompany(t)
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.business_metric (month, metric, business_unit, value, source) SELECT '2026-11-01', m, u, 70000, 'test'
			FROM unnest(ARRAY['', 'Unit 0', 'Unit 1']) u, unnest(ARRAY['revenue', 'arr']) m`,
		`INSERT INTO wattscore.cost_budget (day, business_unit, usd, source) SELECT d, u, 7, 'test'
			FROM unnest(ARRAY['', 'Unit 0', 'Unit 1']) u, generate_series('2026-10-01'::date, '2026-12-31', '1 day') d`)
	stating(t, pool)
	scoped := warehousetest.ScopedTo(t, pool, "Unit 0")
	// What compares with the whole company, on purpose, is of the scope then.
	wider := map[string]bool{"modelComparison": true, "energyScore": true, "annotations": true, "dataQuality": true, "whatIf": true}
	for _, queryType := range query.Types() {
		t.Run(queryType.Name, func(t *testing.T) {
			answered := func(on *pgxpool.Pool, filters string) data.Frames {
				text := `{"queryType":"` + queryType.Name + `"` + filters + `}`
				request, err := query.Parse(backend.DataQuery{JSON: []byte(text), TimeRange: november, MaxDataPoints: 500}, query.Company{CarbonPrice: 100}, now)
				require.NoError(t, err)
				frames, err := request.Answer(t.Context(), warehouse.NewReader(on))
				require.NoError(t, err)
				return frames
			}
			own := answered(scoped, "")
			require.NotEmpty(t, own)
			assert.Contains(t, notices(own[0]), "Limited to Unit 0.")
			mine := asText(t, own)
			for _, other := range []string{"Unit 1", "Team 1", "project-1", "chat-1", "chat-3", "chat-5"} {
				assert.NotContains(t, mine, other)
			}
			if !wider[queryType.Name] {
				assert.Equal(t, asText(t, answered(pool, `,"filters":{"businessUnit":["Unit 0"]}`)), mine)
			}
			// Asking for somebody else's is no way in either.
			text := `{"queryType":"` + queryType.Name + `","filters":{"businessUnit":["Unit 1"]}}`
			request, err := query.Parse(backend.DataQuery{JSON: []byte(text), TimeRange: november, MaxDataPoints: 500}, query.Company{}, now)
			require.NoError(t, err)
			frames, err := request.Answer(t.Context(), warehouse.NewReader(scoped))
			if err == nil {
				for _, other := range []string{"project-1", "chat-1", "chat-3", "chat-5"} {
					assert.NotContains(t, asText(t, frames), other)
				}
			}
		})
	}
}

func TestAScopedLoginSeesNobodysGPUs(t *testing.T) {
	pool := smallCompany(t)
	scoped := warehousetest.ScopedTo(t, pool, "Unit 0", kpi.Idle)
	frame := askGPUs(t, warehouse.NewReader(scoped), query.LocalGPUs{Source: oneGPU(now), Region: "us-central1"}, "")
	assert.Zero(t, frame.Rows(), "the machine that answers belongs to no unit")
	assert.Contains(t, notices(frame), "Limited to Unit 0, "+kpi.Idle)
	frames, err := ask(t, scoped, "carbonAttribution", map[string]any{})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"Unit 0", kpi.Idle, kpi.Unallocated}, texts(t, frames[0], "business_unit"), "of the last there is nothing, as always")
}
