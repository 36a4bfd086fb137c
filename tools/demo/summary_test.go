package demo

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var update = flag.Bool("update", false, "write testdata/summary.txt anew")

func texts(name, label string, values ...string) *data.Field {
	field := data.NewField(name, nil, values)
	field.Config = &data.FieldConfig{DisplayNameFromDS: label}
	return field
}

// none stands for a number without an answer.
const none = -1

func numbers(name, label, unit string, values ...float64) *data.Field {
	pointers := make([]*float64, len(values))
	for i, value := range values {
		if value != none {
			pointers[i] = &value
		}
	}
	field := data.NewField(name, nil, pointers)
	field.Config = &data.FieldConfig{DisplayNameFromDS: label, Unit: unit}
	return field
}

func exampleAnswers() map[string]*data.Frame {
	byModel := data.NewFrame("",
		texts("model", "Model", "chat-large", "search-embed"),
		numbers("requests", "Requests", "short", 1_234_567, 89),
		numbers("energy_kwh", "Energy", "kwatth", 41_000.25, 900),
		numbers("kwh_per_1k_requests", "kWh per 1k requests", "suffix: kWh", 0.0332, none),
		numbers("cost_usd", "Cost", "currencyUSD", 5123, 99.6),
		numbers("carbon_kg", "Carbon", "suffix: kgCO₂e", 15_000, 300),
		numbers("score", "Energy Score", "none", 43, none),
		numbers("stars", "Stars", "none", none, none),
		numbers("previous_score", "Previous score", "none", 40, none))
	byModel.Meta = &data.FrameMeta{
		Custom:  map[string]any{"measuredShare": 0.87, "factorVersion": map[string]any{"id": 1, "name": "Reference figures 2024"}},
		Notices: []data.Notice{{Text: "2.1 % of the request-serving energy is not scored."}},
	}
	return map[string]*data.Frame{
		overall: data.NewFrame("", numbers("energy_kwh", "Energy", "kwatth", 41_900.25),
			numbers("score", "Energy Score", "none", 43), numbers("previous_score", "Previous score", "none", 40)),
		scores: byModel,
		carbon: data.NewFrame("",
			texts("business_unit", "Business unit", "Search", kpi.Idle, kpi.Unallocated),
			numbers("inference", "Inference", "suffix: tCO₂e", 12, 0, 0.5),
			numbers("idle", "Idle", "suffix: tCO₂e", 0, 2.5, 0),
			numbers("total_t", "Total", "suffix: tCO₂e", 12, 2.5, 0.5),
			numbers("share", "Share", "percentunit", 0.8, 0.1667, 0.0333)),
		quadrant: data.NewFrame("",
			texts("model", "Model", "chat-large"), numbers("criticality", "Business criticality", "none", 90),
			numbers("score", "Energy Score", "none", 43), texts("quadrant", "Quadrant", string(kpi.QuadrantImmediateAction)),
			numbers("potential_saving_usd", "Potential saving", "currencyUSD", 1234.4)),
		hardware: data.NewFrame("",
			texts("stage", "Stage", "Deployed", "E-waste"), numbers("assets", "Assets", "short", 1200, 4),
			numbers("share", "Share", "percentunit", 0.9967, 0.0033),
			numbers("embodied_kg", "Embodied carbon", "suffix: kgCO₂e", 196_800, 656),
			numbers("embodied_amortised_kg", "Embodied in the period", "suffix: kgCO₂e", 32_800, 0)),
	}
}

func TestTheSummaryReadsWell(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	span := lastTwelveMonths(time.Date(2026, 11, 30, 23, 30, 0, 0, berlin))
	var out bytes.Buffer

	require.NoError(t, writeSummary(&out, span, "Connected to PostgreSQL 18.4, WattScore schema 10.", exampleAnswers()))

	const golden = "testdata/summary.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "if the new text is right, run: go test ./tools/demo -update")
}

func TestAnEmptyWarehouseSaysSo(t *testing.T) {
	empty := map[string]*data.Frame{overall: data.NewFrame(""), scores: data.NewFrame(""), carbon: data.NewFrame(""),
		quadrant: data.NewFrame(""), hardware: data.NewFrame("")}
	var out bytes.Buffer
	require.NoError(t, writeSummary(&out, lastTwelveMonths(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "Connected.", empty))
	for _, want := range []string{"No usage in this period", "No unit caused emissions", "no hardware in the inventory"} {
		assert.Contains(t, out.String(), want)
	}
}

func TestLastTwelveMonths(t *testing.T) {
	tests := map[string]struct{ now, from, to string }{
		"in a month":              {"2026-11-23T14:00:00Z", "2025-11-01T00:00:00Z", "2026-11-01T00:00:00Z"},
		"at the start of a month": {"2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		"at the end of February":  {"2028-02-29T23:00:00Z", "2027-02-01T00:00:00Z", "2028-02-01T00:00:00Z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			parse := func(text string) time.Time {
				parsed, err := time.Parse(time.RFC3339, text)
				require.NoError(t, err)
				return parsed
			}
			want := backend.TimeRange{From: parse(test.from), To: parse(test.to)}
			assert.Equal(t, want, lastTwelveMonths(parse(test.now)))
		})
	}
}

func TestThousands(t *testing.T) {
	for want, given := range map[string]struct {
		value    float64
		decimals int
	}{
		"0": {0, 0}, "999": {999.4, 0}, "1,000": {999.5, 0}, "-1,234,567.9": {-1234567.89, 1}, "0.0": {-0.04, 1}, "0.0332": {0.0332, 4},
	} {
		assert.Equal(t, want, thousands(given.value, given.decimals))
	}
}
