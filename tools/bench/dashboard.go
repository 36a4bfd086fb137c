package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"golang.org/x/sync/errgroup"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// dashboardLimit is that of a whole dashboard, typical.
const dashboardLimit = 150 * time.Millisecond

// dashboardPanel is what matters of a panel here; a row's panels lie within it.
type dashboardPanel struct {
	Targets []map[string]any `json:"targets"`
	Panels  []dashboardPanel `json:"panels"`
}

// executivePanels reads the executive dashboard: the queries of each panel, as they
// leave the browser with every variable at All.
func (b *bench) executivePanels(now time.Time) ([][]backend.DataQuery, error) {
	text, err := os.ReadFile(filepath.Join(b.root, "dashboards", "executive-overview.json"))
	if err != nil {
		return nil, err
	}
	return panelsOf(text, now)
}

func panelsOf(text []byte, now time.Time) ([][]backend.DataQuery, error) {
	var board struct {
		Panels []dashboardPanel `json:"panels"`
		Time   struct {
			From string `json:"from"`
			To   string `json:"to"`
		} `json:"time"`
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return nil, err
	}
	if board.Time.From != "now-11M/M" || board.Time.To != "now" {
		return nil, fmt.Errorf("the dashboard's range is %s to %s, not the twelve months now-11M/M to now that the bench knows", board.Time.From, board.Time.To)
	}
	c, err := calendar()
	if err != nil {
		return nil, err
	}
	// To a millisecond, as a browser sends it.
	span := backend.TimeRange{From: c.Start(c.Start(now, kpi.IntervalMonth).AddDate(0, -11, 0), kpi.IntervalMonth), To: now.Truncate(time.Millisecond)}
	var panels [][]backend.DataQuery
	var walk func([]dashboardPanel) error
	walk = func(all []dashboardPanel) error {
		for _, panel := range all {
			var queries []backend.DataQuery
			for _, target := range panel.Targets {
				forgetVariables(target)
				question, err := json.Marshal(target)
				if err != nil {
					return err
				}
				queries = append(queries, backend.DataQuery{RefID: fmt.Sprint(target["refId"]), JSON: question, TimeRange: span, MaxDataPoints: 800, Interval: 12 * time.Hour})
			}
			if len(queries) > 0 {
				panels = append(panels, queries)
			}
			if err := walk(panel.Panels); err != nil {
				return err
			}
		}
		return nil
	}
	err = walk(board.Panels)
	return panels, err
}

// forgetVariables takes out the filters that a variable at All does not restrict,
// as the frontend does.
func forgetVariables(target map[string]any) {
	filters, _ := target["filters"].(map[string]any)
	maps.DeleteFunc(filters, func(_ string, members any) bool {
		list, _ := members.([]any)
		return !slices.ContainsFunc(list, func(member any) bool {
			text, _ := member.(string)
			return text != "" && !strings.HasPrefix(text, "$")
		})
	})
}

// timeDashboard opens the executive dashboard time and again.
func (b *bench) timeDashboard(ctx context.Context, l loaded) (taken sample, panels int, err error) {
	err = b.runner.Do("Open the executive dashboard, "+l.shape.name, asThePlugin(func() error {
		pool, err := warehouse.OpenReadOnly(ctx, b.server.connection(l.database))
		if err != nil {
			return err
		}
		defer pool.Close()
		for round := range warmUp + rounds {
			all, err := b.executivePanels(l.span.to.Add(-time.Duration(round) * time.Hour))
			if err != nil {
				return err
			}
			viewer, err := newViewer(ctx, pool)
			if err != nil {
				return err
			}
			began := time.Now()
			if err := open(ctx, viewer, all); err != nil {
				return err
			}
			if round >= warmUp {
				taken = append(taken, time.Since(began))
			}
			panels = len(all)
		}
		return nil
	}))
	return taken, panels, err
}

// open asks for all panels at once, each in a request of its own.
func open(ctx context.Context, viewer *plugin.Instance, panels [][]backend.DataQuery) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, queries := range panels {
		group.Go(func() error {
			_, err := ask(ctx, viewer, queries...)
			return err
		})
	}
	return group.Wait()
}
