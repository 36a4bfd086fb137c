package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/report"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "write the golden reports anew")

var december = time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)

// noNumber is what a formula's slip would print.
var noNumber = regexp.MustCompile(`NaN|\bInf\b|%!|<nil>`)

// style is page.css, which a golden page need not repeat.
var style = regexp.MustCompile(`(?s)<style>.+?</style>`)

// formats write a report, by the ending of their files.
var formats = map[string]func(*report.Report, io.Writer) error{
	"html": (*report.Report).WriteHTML, "md": (*report.Report).WriteMarkdown, "csv": (*report.Report).WriteCSV,
}

// asker answers from a warehouse at a moment, without the plugin around it.
func asker(pool *pgxpool.Pool, now time.Time) report.Ask {
	return func(ctx context.Context, queries []backend.DataQuery) (map[string]data.Frames, error) {
		answers := map[string]data.Frames{}
		for _, q := range queries {
			request, err := query.Parse(q, query.Company{}, now)
			if err != nil {
				return nil, err
			}
			if answers[q.RefID], err = request.Answer(ctx, warehouse.NewReader(pool)); err != nil {
				return nil, err
			}
		}
		return answers, nil
	}
}

func reportOf(t *testing.T, pool *pgxpool.Pool, period string, now time.Time, filters kpi.Filters) *report.Report {
	t.Helper()
	calendar, err := warehouse.NewReader(pool).Calendar(context.Background())
	require.NoError(t, err)
	of, err := report.ParsePeriod(period, calendar, now)
	require.NoError(t, err)
	made, err := report.Make(context.Background(), asker(pool, now), report.Options{Period: of, Calendar: calendar, Filters: filters, Now: now})
	require.NoError(t, err)
	return made
}

func write(t *testing.T, made *report.Report, format string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, formats[format](made, &out))
	return out.String()
}

func TestGoldenReports(t *testing.T) {
	made := reportOf(t, warehousetest.SmallCompany(t, december), "2026-11", december, nil)
	made.FactorSources = []report.FactorSource{{Quantity: "Electricity price", Source: "the test", Years: "2026"}}
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			path := filepath.Join("testdata", "small_company."+format)
			got := style.ReplaceAllString(write(t, made, format), "<style></style>")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), got, "look at the difference, and run with -update if it is meant")
		})
	}
}

// figures are the values of a CSV report by section, item and measure.
func figures(t *testing.T, text string) (values, previous map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"section", "item", "measure", "unit", "value", "previous"}, lines[0])
	values, previous = map[string]string{}, map[string]string{}
	for _, line := range lines[1:] {
		key := line[0] + "/" + line[1] + "/" + line[2]
		values[key], previous[key] = line[4], line[5]
	}
	return values, previous
}

// number reads a figure that must be there.
func number(t *testing.T, values map[string]string, key string) float64 {
	t.Helper()
	require.Contains(t, values, key)
	v, err := strconv.ParseFloat(values[key], 64)
	require.NoError(t, err, key)
	return v
}

// TestFiguresAreThoseOfTheQueryTypes asks the query types beside the report.
func TestFiguresAreThoseOfTheQueryTypes(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	values, previous := figures(t, write(t, reportOf(t, pool, "2026-11", december, nil), "csv"))
	ask := func(queryType string, month time.Month, fields map[string]any) map[string]map[string]float64 {
		fields["queryType"] = queryType
		body, err := json.Marshal(fields)
		require.NoError(t, err)
		from := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
		answers, err := asker(pool, december)(context.Background(), []backend.DataQuery{{RefID: "A", JSON: body,
			TimeRange: backend.TimeRange{From: from, To: from.AddDate(0, 1, 0)}}})
		require.NoError(t, err)
		rows := map[string]map[string]float64{}
		frame := answers["A"][0]
		for row := range frame.Rows() {
			numbers := map[string]float64{}
			name := ""
			for _, field := range frame.Fields {
				switch v, ok := field.ConcreteAt(row); v := v.(type) {
				case string:
					if name == "" {
						name = query.MemberLabel(v)
					}
				case float64:
					if ok {
						numbers[field.Name] = v
					}
				}
			}
			rows[name] = numbers
		}
		return rows
	}
	total := map[string]any{"options": map[string]any{"total": true, "costBasis": "full"}}
	now, before := ask("energyScore", time.November, total)[""], ask("energyScore", time.October, total)[""]
	for item, field := range map[string]string{"Cost": "cost_usd", "AI Energy Score": "score", "Carbon, location-based": "carbon_kg", "Requests": "requests"} {
		key := "headline/" + item + "/This period"
		assert.Equal(t, now[field], number(t, values, key), item)
		assert.Equal(t, before[field], number(t, previous, key), item)
	}
	assert.InDelta(t, 1000*now["cost_per_transaction_usd"], number(t, values, "headline/Cost per 1k requests/This period"), 1e-12)
	assert.InDelta(t, 1.11*now["energy_kwh"], number(t, values, "headline/Facility energy/This period"), 1e-9, "the region's PUE is 1.11")

	var market float64
	for name, row := range ask("carbonAttribution", time.November, map[string]any{"options": map[string]any{"method": "both"}}) {
		assert.Equal(t, row["location_t"], number(t, values, "carbon/"+name+"/Location-based"))
		assert.Equal(t, row["market_t"], number(t, values, "carbon/"+name+"/Market-based"))
		market += row["market_t"]
	}
	assert.InDelta(t, 1000*market, number(t, values, "headline/Carbon, market-based/This period"), 1e-9, "the units add up to the headline")

	for name, row := range ask("kpi", time.November, map[string]any{}) {
		if value, ok := row["value"]; ok {
			assert.Equal(t, value, number(t, values, "kpis/"+name+"/Value"))
		} else {
			assert.Equal(t, "n/a", values["kpis/"+name+"/Value"])
		}
	}
	for name, row := range ask("efficiencyQuadrant", time.November, map[string]any{}) {
		assert.Equal(t, row["potential_saving_usd"], number(t, values, "models/"+name+"/Potential saving"))
	}
	for name, row := range ask("hardwareLifecycle", time.November, map[string]any{}) {
		assert.Equal(t, row["assets"], number(t, values, "hardware/"+name+"/Assets"))
	}
}

func TestPageStandsAloneAndCanBeReadAloud(t *testing.T) {
	text := write(t, reportOf(t, warehousetest.SmallCompany(t, december), "2026-11", december, nil), "html")
	outside := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|<script|<link|<img`)
	assert.NotRegexp(t, outside, text, "nothing is fetched")
	charts := regexp.MustCompile(`(?s)<svg class="chart".*?</svg>`).FindAllString(text, -1)
	require.NotEmpty(t, charts)
	for _, chart := range charts {
		assert.Regexp(t, `role="img" aria-labelledby="(\S+)-title (\S+)-desc"`, chart)
		assert.Regexp(t, `<title id="\S+-title">[^<]+</title><desc id="\S+-desc">[^<]+</desc>`, chart)
		assert.NotContains(t, chart, "NaN")
	}
	assert.NotRegexp(t, `<th(>| class)`, text, "every header says of what it is")
	assert.Equal(t, 2, strings.Count(text, `<div class="sheet">`))
	assert.Regexp(t, `@page \{ margin`, text)
}

func TestNamesAreNoMarkup(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	warehousetest.Exec(t, pool,
		`UPDATE wattscore.model SET name = '<script>alert("x")</script>' WHERE name = 'chat-5'`,
		`UPDATE wattscore.model SET name = '=cmd|''/C calc''!A0' WHERE name = 'chat-4'`,
		`UPDATE wattscore.project SET business_unit = 'R&D | <b>*core*</b>' WHERE name = 'project-1'`)
	made := reportOf(t, pool, "2026-11", december, nil)
	page := write(t, made, "html")
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "<b>")
	assert.Contains(t, page, "&lt;script&gt;")
	assert.Contains(t, page, "R&amp;D | &lt;b&gt;*core*&lt;/b&gt;")
	markdown := write(t, made, "md")
	assert.NotContains(t, markdown, "<script")
	assert.Contains(t, markdown, `R&amp;D \| &lt;b&gt;\*core\*&lt;/b&gt;`)
	values, _ := figures(t, write(t, made, "csv"))
	assert.Contains(t, values, "carbon/R&D | <b>*core*</b>/Location-based")
	assert.Contains(t, values, "models/'=cmd|'/C calc'!A0/Potential saving", "a spreadsheet computes no name")
}

func TestEmptyWarehouseSaysSo(t *testing.T) {
	made := reportOf(t, warehousetest.Open(t), "2026-Q3", december, nil)
	assert.True(t, made.Empty)
	for format, says := range map[string][]string{
		"html": {"Nothing was recorded in this period: the warehouse holds no event", "n/a [", "There is no usage in this period"},
		"md":   {"Nothing was recorded in this period: the warehouse holds no event", `n/a \[`},
		"csv":  {"headline,Cost,This period,USD,n/a,n/a", "There is no usage in this period"},
	} {
		text := write(t, made, format)
		for _, part := range says {
			assert.Contains(t, text, part, format)
		}
		assert.NotRegexp(t, noNumber, text, format)
	}
}

func TestOddPeriodsOfTheSmallCompany(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	running := time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, period string
		now          time.Time
		filters      kpi.Filters
		says         []string
	}{
		{"still running", "2026-11", running, nil, []string{"not over yet", "figures up to 16 November 2026, 12:00 UTC", "Compared with 1 October to 16 October 2026"}},
		{"just begun", "2026-Q4", time.Date(2026, 10, 1, 0, 20, 0, 0, time.UTC), nil, []string{"not over yet"}},
		{"nothing before", "2026-10", december, nil, []string{"1 October to 31 October 2026", "no usage in the preceding period"}},
		{"before the company", "2025", december, nil, []string{"Nothing was recorded in this period. The newest event is of 21 November 2026"}},
		{"a year", "2026", december, nil, []string{"1 January to 31 December 2026"}},
		{"one unit", "2026-11", december, kpi.Filters{kpi.DimensionBusinessUnit: {"Unit 0"}}, []string{"Only Business unit: Unit 0"}},
		{"one model", "2026-11", december, kpi.Filters{kpi.DimensionModel: {"chat-1"}}, []string{"Only Model: chat-1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			made := reportOf(t, pool, test.period, test.now, test.filters)
			for format := range formats {
				text := write(t, made, format)
				assert.NotRegexp(t, noNumber, text, format)
			}
			page := write(t, made, "html")
			for _, part := range test.says {
				assert.Contains(t, page, part)
			}
		})
	}
}

func TestFiscalYearFromOctoberInBerlin(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	warehousetest.Exec(t, pool, `UPDATE wattscore.calendar_setting SET time_zone = 'Europe/Berlin', fiscal_year_start_month = 10`)
	page := write(t, reportOf(t, pool, "2027-Q1", december, nil), "html")
	assert.Contains(t, page, "Q1 fiscal year 2027")
	assert.Contains(t, page, "1 October to 31 December 2026 (Europe/Berlin)")
	assert.Contains(t, page, "CET", "times are the company's")
}

func TestUnknownMembersAreRefused(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	period, err := report.ParsePeriod("2026-11", kpi.Calendar{}, december)
	require.NoError(t, err)
	_, err = report.Make(context.Background(), asker(pool, december),
		report.Options{Period: period, Filters: kpi.Filters{kpi.DimensionModel: {"chat-99"}}, Now: december})
	assert.ErrorContains(t, err, "chat-99")
}

func TestProvidersFiguresStandBesideOurs(t *testing.T) {
	pool := warehousetest.SmallCompany(t, december)
	november := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	key := warehouse.ProviderKey{ModelVersion: "14", Cloud: "gcp", StatementFrom: november, StatementTo: november.AddDate(0, 1, 0), Month: november,
		Account: "01AB", Service: "Compute Engine", Region: "us-central1", Quantity: kpi.ProviderCarbonLocation, Scope: kpi.ScopeTotal}
	cost := key
	cost.ModelVersion, cost.Quantity, cost.Charge = "", kpi.ProviderCost, kpi.ChargeUsage
	store := warehouse.OpenStore(pool)
	_, err := store.WriteProviderFigures(context.Background(), kpi.ProviderGoogle, "test", []warehouse.ProviderFigure{{ProviderKey: key, Value: 25e9}})
	require.NoError(t, err)
	_, err = store.WriteProviderFigures(context.Background(), kpi.ProviderFOCUS, "test", []warehouse.ProviderFigure{{ProviderKey: cost, Value: 6e9}})
	require.NoError(t, err)
	made := reportOf(t, pool, "2026-11", december, nil)
	values, _ := figures(t, write(t, made, "csv"))
	// Ours: 54.612 kWh of facility energy × 369.473 g/kWh and × 0.10 USD.
	carbon := "reconciliation/November 2026 · Google Carbon Footprint · Carbon, location-based/"
	assert.Equal(t, 25.0, number(t, values, carbon+"Provider's"))
	assert.InDelta(t, 54.612*0.369473, number(t, values, carbon+"Ours"), 1e-9)
	assert.InDelta(t, 5.4612, number(t, values, "reconciliation/November 2026 · Bill (FOCUS) · Cost/Ours"), 1e-9)
	assert.InDelta(t, 5.4612/6-1, number(t, values, "reconciliation/November 2026 · Bill (FOCUS) · Cost/Difference"), 1e-9)
	text := write(t, made, "md")
	assert.Contains(t, text, "| 25.0 kgCO₂e | 20.2 kgCO₂e |")
	assert.NotRegexp(t, noNumber, text)
	assert.NotContains(t, write(t, made, "html"), "Google Carbon Footprint", "two sheets have no room for it")
}
