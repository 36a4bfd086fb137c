package query_test

import (
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// kpiValues reads the answer by KPI; what has no value is absent.
func kpiValues(t *testing.T, frame *data.Frame) map[string]float64 {
	t.Helper()
	names := texts(t, frame, "kpi")
	values, _ := frame.FieldByName("value")
	read := map[string]float64{}
	for row, name := range names {
		if v := values.At(row).(*float64); v != nil {
			read[name] = *v
		}
	}
	return read
}

func TestBusinessKPIs(t *testing.T) {
	pool := smallCompany(t)
	warehousetest.Exec(t, pool,
		`INSERT INTO wattscore.business_metric VALUES ('2026-10-01', 'revenue', '', 3100, 'test'), ('2026-11-01', 'revenue', '', 6000, 'test'),
			('2026-11-01', 'arr', '', 73000, 'test'), ('2026-11-01', 'revenue', 'Unit 1', 600, 'test')`,
		`INSERT INTO wattscore.carbon_budget VALUES ('2026-11-16', '', 8, 'test'), ('2026-11-23', '', 8, 'test')`,
		`UPDATE wattscore.model SET parameters_billion = 10, accuracy = 0.8, accuracy_metric = 'F1' WHERE name = 'chat-0'`,
		`UPDATE wattscore.inference_energy_fact SET gpu_memory_microhours = 100e6, gpu_microhours = 30e6 WHERE run_id = 'run-1' AND slice = 0`,
		`SELECT wattscore.rebuild_rollups()`,
		`UPDATE wattscore.hardware_asset SET lifetime_years = 8`)
	frames := askIn(t, pool, november, map[string]any{"queryType": "kpi"})
	got := kpiValues(t, frames[0])
	// November: 4.2 kWh serve 60,000 requests with 600,000 output tokens, 40 train, 5 idle; PUE 1.11, 0.1 USD, 369.473 g.
	for name, want := range map[string]float64{
		"Cost per AI transaction":          4.2 * 1.11 * 0.1 / 60_000,
		"Carbon intensity of revenue":      49.2 * 1.11 * 0.369473 / 30 * 365 / 73,
		"Infrastructure efficiency ratio":  60,
		"Efficiency of R&D: cost":          0.2 * 1.11 * 0.1 / 10,
		"Efficiency of R&D: accuracy":      0.08,
		"Operational sustainability score": 1 / 1.11,
		"Energy to solution":               0.07,
		"Energy per million tokens":        7,
		// Two of four H100s are in service all November: 2 × 30,000 USD over eight years, and 1,440 GPU hours of which 30 worked.
		"Capital expenditure ROI": 30.0 / 1440 * (2 * 30_000 * 30 / (8 * 365.0)) / (49.2 * 1.11 * 0.1),
		// Four of 164 kg over eight years, with the operational carbon, for 60 thousand requests.
		"Software Carbon Intensity": (49.2*1.11*0.369473 + 4*164*30/(8*365.0)) / 60 * 1000,
	} {
		assert.InEpsilon(t, want, got[name], 1e-9, name)
	}
	assert.NotContains(t, got, "User experience & cost trade-off", "no latency was reported")
	assert.NotContains(t, got, "Weekly carbon budget variance", "nothing ran in the week of the 23rd")
	golden(t, "kpi", frames)

	t.Run("a business unit has its own revenue", func(t *testing.T) {
		of := kpiValues(t, askIn(t, pool, november, map[string]any{"queryType": "kpi", "filters": map[string]any{"businessUnit": []string{"Unit 1"}}})[0])
		assert.NotContains(t, of, "Infrastructure efficiency ratio", "Unit 1 used no GPU memory")
		assert.NotContains(t, of, "Carbon intensity of revenue", "and reported no ARR")
		assert.Contains(t, of, "Cost per AI transaction")
	})
	t.Run("a model has no revenue and no hardware", func(t *testing.T) {
		frames := askIn(t, pool, november, map[string]any{"queryType": "kpi", "filters": map[string]any{"model": []string{"chat-0"}}})
		of := kpiValues(t, frames[0])
		for _, name := range []string{"Carbon intensity of revenue", "Infrastructure efficiency ratio", "Capital expenditure ROI", "Software Carbon Intensity", "Weekly carbon budget variance"} {
			assert.NotContains(t, of, name)
			assert.Contains(t, noticesOf(frames[0]), name+" (Needs ")
		}
	})
	t.Run("a month without revenue leaves the sum out", func(t *testing.T) {
		span := november
		span.From = span.From.AddDate(0, -2, 0)
		assert.NotContains(t, kpiValues(t, askIn(t, pool, span, map[string]any{"queryType": "kpi"})[0]), "Infrastructure efficiency ratio")
	})
	t.Run("half a month has half its revenue", func(t *testing.T) {
		span := november
		span.To = span.From.AddDate(0, 0, 24)
		assert.InEpsilon(t, 48, kpiValues(t, askIn(t, pool, span, map[string]any{"queryType": "kpi"})[0])["Infrastructure efficiency ratio"], 1e-9)
	})
	t.Run("for one audience, as an alert's numbers", func(t *testing.T) {
		frames := askIn(t, pool, november, map[string]any{"queryType": "kpi", "format": "number", "options": map[string]any{"audience": "cfo"}})
		require.Equal(t, []string{"Cost per AI transaction"}, texts(t, frames[0], "kpi"))
		_, err := ask(t, pool, "kpi", map[string]any{"options": map[string]any{"audience": "Cook"}})
		assert.ErrorContains(t, err, `No KPI is for the audience "Cook"`)
		assert.ErrorContains(t, err, "ESG Committee")
	})
}
