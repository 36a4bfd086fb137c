// Package dashboards holds the dashboards that ship with the plugin; its test is
// their lint.
package dashboards_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

type dashboard struct {
	file        string
	UID         string
	Title       string
	Description string
	Tags        []string
	Panels      []panel
	Templating  struct {
		List []variableOf
	}
}

type variableOf struct{ Name, Type, Label string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ Type, UID string }
	Targets                  []map[string]any
	FieldConfig              struct {
		Defaults struct {
			Unit, NoValue string
			Links         []dataLink
		}
		Overrides []struct {
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
}

type dataLink struct{ Title, URL string }

// links are those of all fields and those of single ones.
func (p panel) links(t *testing.T) []dataLink {
	t.Helper()
	all := p.FieldConfig.Defaults.Links
	for _, override := range p.FieldConfig.Overrides {
		for _, property := range override.Properties {
			if property.ID == "links" {
				var links []dataLink
				require.NoError(t, json.Unmarshal(property.Value, &links))
				all = append(all, links...)
			}
		}
	}
	return all
}

func load(t *testing.T) []dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var dashboards []dashboard
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		d := dashboard{file: file}
		require.NoError(t, json.Unmarshal(body, &d), file)
		dashboards = append(dashboards, d)
	}
	return dashboards
}

func TestDashboardsCanBeToldApart(t *testing.T) {
	seen := map[string]string{}
	for _, d := range load(t) {
		assert.Regexp(t, `^wattscore-[a-z-]+$`, d.UID, d.file)
		assert.LessOrEqual(t, len(d.UID), 40, d.file)
		assert.Empty(t, seen[d.UID], "%s has the uid of %s", d.file, seen[d.UID])
		assert.True(t, strings.HasPrefix(d.Title, "WattScore · "), "%s: %s", d.file, d.Title)
		assert.NotEmpty(t, d.Description, d.file)
		assert.Contains(t, d.Tags, "wattscore", d.file)
		seen[d.UID] = d.file
	}
}

func TestEveryPanelSaysWhatItShowsAndWhatToDo(t *testing.T) {
	for _, d := range load(t) {
		ids := map[int]bool{}
		for _, p := range d.Panels {
			name := d.file + ": " + p.Title
			assert.False(t, ids[p.ID], "%s: the id %d is taken", name, p.ID)
			ids[p.ID] = true
			assert.NotEmpty(t, p.Title, d.file)
			if p.Type == "row" {
				continue
			}
			assert.Regexp(t, `(?s)^\*\*Insight:\*\* .{20,}\n\n\*\*Action:\*\* .{10,}`, p.Description, name)
			assert.NotEmpty(t, p.FieldConfig.Defaults.Unit, name)
			assert.NotEmpty(t, p.FieldConfig.Defaults.NoValue, name)
			assert.Equal(t, "${datasource}", p.Datasource.UID, "%s: a fixed data source would be somebody else's", name)
			assert.NotEmpty(t, p.Targets, name)
		}
	}
}

func TestPanelsTileTheGrid(t *testing.T) {
	for _, d := range load(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, "%s: %s", d.file, p.Title)
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					cell := [2]int{x, y}
					assert.Empty(t, taken[cell], "%s: %s lies on %s", d.file, p.Title, taken[cell])
					taken[cell] = p.Title
				}
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// TestEveryQueryIsOneThePluginAnswers reads each target as the plugin does when
// all variables are at All.
func TestEveryQueryIsOneThePluginAnswers(t *testing.T) {
	for _, d := range load(t) {
		variables := []string{}
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
			assert.NotEmpty(t, v.Label, "%s: the variable %s has no label", d.file, v.Name)
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				filters, _ := target["filters"].(map[string]any)
				for dimension, members := range filters {
					for _, member := range members.([]any) {
						name := variable.FindStringSubmatch(member.(string))
						require.NotNil(t, name, "%s: %s filters %s by a fixed member", d.file, p.Title, dimension)
						assert.Contains(t, variables, name[1], "%s: %s uses a variable the dashboard does not have", d.file, p.Title)
					}
				}
				target["filters"] = map[string]any{}
				body, err := json.Marshal(target)
				require.NoError(t, err)
				to := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
				_, err = query.Parse(backend.DataQuery{JSON: body, TimeRange: backend.TimeRange{From: to.AddDate(-1, 0, 0), To: to}}, query.Company{}, to)
				assert.NoError(t, err, "%s: %s", d.file, p.Title)
			}
		}
	}
}

var link = regexp.MustCompile(`^/d/([a-z-]+)\?`)

func TestLinksLeadToShippedDashboards(t *testing.T) {
	dashboards := load(t)
	for _, d := range dashboards {
		for _, p := range d.Panels {
			for _, l := range p.links(t) {
				assert.NotEmpty(t, l.Title, "%s: %s: a link has no title", d.file, p.Title)
				uid := link.FindStringSubmatch(l.URL)
				if !assert.NotNil(t, uid, "%s: %s: %s", d.file, p.Title, l.URL) {
					continue
				}
				at := slices.IndexFunc(dashboards, func(other dashboard) bool { return other.UID == uid[1] })
				if assert.GreaterOrEqual(t, at, 0, "%s: %s leads to %s", d.file, p.Title, uid[1]) {
					assertKeepsSelection(t, d, dashboards[at], p, l.URL)
				}
			}
		}
	}
}

// assertKeepsSelection sees to it that who follows a link finds the time range and
// what was selected where it leads, each once.
func assertKeepsSelection(t *testing.T, from, to dashboard, p panel, url string) {
	t.Helper()
	assert.Contains(t, url, "${__url_time_range}", "%s: %s loses the time range", from.file, p.Title)
	for _, v := range from.Templating.List {
		if !slices.ContainsFunc(to.Templating.List, func(other variableOf) bool { return other.Name == v.Name }) || v.Type == "textbox" || v.Name == "toRegion" {
			continue
		}
		passed := strings.Count(url, "${"+v.Name+":queryparam}") + strings.Count(url, "var-"+v.Name+"=")
		wanted := 1
		if v.Name == "workload" && (from.UID == training) != (to.UID == training) {
			wanted = 0 // training runs are of training, all else of everything
		}
		assert.Equal(t, wanted, passed, "%s: %s passes the variable %s on %d times by %s", from.file, p.Title, v.Name, passed, url)
	}
}

// training is the uid of the one dashboard with a selection of its own.
const training = "wattscore-training"

// TestDrillDown follows the links of the columns from a business unit down to what it is
// made of.
func TestDrillDown(t *testing.T) {
	var urls []string
	for _, d := range load(t) {
		for _, p := range d.Panels {
			for _, l := range p.links(t) {
				urls = append(urls, d.UID+" "+l.URL)
			}
		}
	}
	for _, step := range []struct{ from, to, by string }{
		{"wattscore-executive", "wattscore-energy-cost", "businessUnit"},
		{"wattscore-energy-cost", "wattscore-energy-cost", "team"},
		{"wattscore-energy-cost", "wattscore-models", "project"},
		{"wattscore-models", "wattscore-models", "model"},
		{"wattscore-models", "wattscore-endpoints", "model"},
		{"wattscore-models", training, "model"},
		{"wattscore-endpoints", "wattscore-endpoints", "endpoint"},
	} {
		assert.True(t, slices.ContainsFunc(urls, func(url string) bool {
			return strings.HasPrefix(url, step.from+" /d/"+step.to+"?") && strings.Contains(url, "var-"+step.by+"=")
		}), "nothing leads from %s to %s by %s", step.from, step.to, step.by)
	}
}
