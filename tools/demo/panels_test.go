package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

// shownDashboard is what of a dashboard's JSON asks queries.
type shownDashboard struct {
	UID        string
	Time       struct{ From string }
	Templating struct {
		List []struct {
			Name    string
			Current struct{ Value any }
		}
	}
	Panels []struct {
		ID      int
		Title   string
		Targets []map[string]any
	}
}

func shownDashboards(t *testing.T) []shownDashboard {
	t.Helper()
	root, err := project.Root()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, "dashboards", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	dashboards := make([]shownDashboard, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &dashboards[i]), file)
	}
	return dashboards
}

// shownCompany is a warehouse with the demo's company, as wattctl loads it, and its GPU
// hosts up to the moment.
func shownCompany(t *testing.T) (pool *pgxpool.Pool, now time.Time) {
	t.Helper()
	wattctl := filepath.Join(t.TempDir(), "wattctl"+project.ThisPlatform().ExecutableSuffix())
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", wattctl, "../../pkg/cmd/wattctl").CombinedOutput()
	require.NoError(t, err, string(output))
	pool = warehousetest.Open(t)
	output, err = exec.CommandContext(t.Context(), wattctl, "demo-data", "--seed", seed, "--dsn", pool.Config().ConnString()).CombinedOutput()
	require.NoError(t, err, string(output))

	now = time.Now().UTC()
	gpus, err := openGPUs(t.Context(), pool, now)
	require.NoError(t, err)
	require.NoError(t, gpus.write(t.Context(), now))
	return pool, now
}

// answered asks a query as Grafana does, with nothing chosen in the variables.
func answered(t *testing.T, pool *pgxpool.Pool, text []byte, span backend.TimeRange) (data.Frames, error) {
	t.Helper()
	instance := plugin.NewInstanceOn(pool, query.Company{CarbonPrice: carbonPrice})
	response, err := instance.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		{RefID: "A", JSON: text, TimeRange: span, MaxDataPoints: 800, Interval: time.Hour}}})
	require.NoError(t, err)
	return response.Responses["A"].Frames, response.Responses["A"].Error
}

var (
	relativeTime = regexp.MustCompile(`^now-(\d+)([Mdm])(/M)?$`)
	variable     = regexp.MustCompile(`\$\{\w+\}`)
)

// dashboardStart is the beginning of a dashboard's default range.
func dashboardStart(t *testing.T, from string, now time.Time) time.Time {
	t.Helper()
	parts := relativeTime.FindStringSubmatch(from)
	require.NotNil(t, parts, from)
	count, err := strconv.Atoi(parts[1])
	require.NoError(t, err)
	start := map[string]time.Time{"M": now.AddDate(0, -count, 0), "d": now.AddDate(0, 0, -count), "m": now.Add(-time.Duration(count) * time.Minute)}[parts[2]]
	if parts[3] != "" {
		start = time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return start
}

// mayBeEmpty are panels that say so in words: the company has restated nothing.
var mayBeEmpty = map[string]bool{"wattscore-methodology/Restatements": true}

// valuesIn counts the numbers that a panel would draw, or the texts where it has no
// field of numbers.
func valuesIn(frames data.Frames) int {
	count := 0
	for _, frame := range frames {
		texts := !slices.ContainsFunc(frame.Fields, func(f *data.Field) bool { return f.Type().Numeric() })
		for _, field := range frame.Fields {
			if !field.Type().Numeric() && !texts {
				continue
			}
			for row := range field.Len() {
				if _, ok := field.ConcreteAt(row); ok {
					count++
				}
			}
		}
	}
	return count
}

func TestEveryPanelAndAlertRuleHasAnAnswerInTheDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a company's year")
	}
	pool, now := shownCompany(t)
	for _, d := range shownDashboards(t) {
		values := map[string]string{}
		for _, v := range d.Templating.List {
			values[v.Name], _ = v.Current.Value.(string)
		}
		span := backend.TimeRange{From: dashboardStart(t, d.Time.From, now), To: now}
		for _, p := range d.Panels {
			for i, target := range p.Targets {
				t.Run(fmt.Sprintf("%s/%s/%d", d.UID, p.Title, i), func(t *testing.T) {
					target["filters"] = map[string]any{} // all
					text, err := json.Marshal(target)
					require.NoError(t, err)
					text = variable.ReplaceAllFunc(text, func(name []byte) []byte { return []byte(values[string(name[2:len(name)-1])]) })
					frames, err := answered(t, pool, text, span)
					require.NoError(t, err, "%s", text)
					if !mayBeEmpty[d.UID+"/"+p.Title] {
						assert.NotZero(t, valuesIn(frames), "the panel is empty: %s", text)
					}
				})
			}
		}
	}
	for _, r := range alertRules(t) {
		for _, q := range r.Data {
			if q.DatasourceUID != DataSourceUID {
				continue
			}
			t.Run("alert/"+r.UID+"/"+q.RefID, func(t *testing.T) {
				text, err := json.Marshal(q.Model)
				require.NoError(t, err)
				back := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
				frames, err := answered(t, pool, text, backend.TimeRange{From: back(q.RelativeTimeRange.From), To: back(q.RelativeTimeRange.To)})
				require.NoError(t, err)
				require.Len(t, frames, 1)
				assert.Equal(t, data.FrameTypeNumericLong, frames[0].Meta.Type)
				assert.NotZero(t, frames[0].Rows(), "the demo shows how the rule stands")
				numeric := slices.DeleteFunc(slices.Clone(frames[0].Fields), func(f *data.Field) bool { return !f.Type().Numeric() })
				assert.Len(t, numeric, 1, "one number for each set of labels")
			})
		}
	}
}

// alertRule is a rule of provisioning/alerting.
type alertRule struct {
	UID, Title, Condition, For string
	NoDataState                string `yaml:"noDataState"`
	ExecErrState               string `yaml:"execErrState"`
	Labels, Annotations        map[string]string
	Data                       []struct {
		RefID             string                 `yaml:"refId"`
		DatasourceUID     string                 `yaml:"datasourceUid"`
		RelativeTimeRange struct{ From, To int } `yaml:"relativeTimeRange"`
		Model             map[string]any
	}
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct {
		Groups []struct {
			Folder string
			Rules  []alertRule
		}
	}
	readProvisioning(t, "alerting/wattscore.yaml", &file)
	var rules []alertRule
	for _, g := range file.Groups {
		assert.Equal(t, "WattScore", g.Folder)
		rules = append(rules, g.Rules...)
	}
	require.NotEmpty(t, rules)
	return rules
}

// What Grafana would refuse at its start, or what would leave its reader alone.
func TestAlertRulesAreWhole(t *testing.T) {
	panels := map[string][]string{}
	for _, d := range shownDashboards(t) {
		for _, p := range d.Panels {
			panels[d.UID] = append(panels[d.UID], strconv.Itoa(p.ID))
		}
	}
	seen := map[string]bool{}
	for _, r := range alertRules(t) {
		t.Run(r.UID, func(t *testing.T) {
			assert.False(t, seen[r.UID], "two rules have this uid")
			seen[r.UID] = true
			assert.Regexp(t, `^[a-z0-9-]{1,40}$`, r.UID)
			assert.NotEmpty(t, r.Title)
			assert.Equal(t, "wattscore", r.Labels["product"])
			assert.Contains(t, []string{"warning", "critical"}, r.Labels["severity"])
			assert.Contains(t, []string{"OK", "Alerting", "NoData"}, r.NoDataState)
			assert.Equal(t, "Error", r.ExecErrState)
			_, err := time.ParseDuration(r.For)
			assert.NoError(t, err)
			assert.NotEmpty(t, r.Annotations["summary"])
			assert.NotEmpty(t, r.Annotations["description"])
			assert.Contains(t, panels[r.Annotations["__dashboardUid__"]], r.Annotations["__panelId__"], "the panel it leads to")
			known := map[string]bool{}
			for _, q := range r.Data {
				assert.Equal(t, q.RefID, q.Model["refId"])
				expression, _ := q.Model["expression"].(string)
				for _, reference := range regexp.MustCompile(`\b[A-Z]\b`).FindAllString(expression, -1) {
					assert.True(t, known[reference], "%s reads %s, which is not before it", q.RefID, reference)
				}
				known[q.RefID] = true
				if q.DatasourceUID == DataSourceUID {
					assert.Greater(t, q.RelativeTimeRange.From, q.RelativeTimeRange.To)
				} else {
					assert.Equal(t, "__expr__", q.DatasourceUID)
				}
			}
			assert.Equal(t, r.Data[len(r.Data)-1].RefID, r.Condition)
			for _, match := range regexp.MustCompile(`\$values\.(\w)`).FindAllStringSubmatch(strings.Join([]string{r.Annotations["summary"], r.Annotations["description"]}, " "), -1) {
				assert.True(t, known[match[1]], "a text names the value %s, which is not there", match[1])
			}
		})
	}
}
