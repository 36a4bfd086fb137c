package report

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"join": strings.Join, "inc": func(i int) int { return i + 1 }}).Parse(pageText))

// tile is a headline figure of the page; the two methods of carbon share one.
type tile struct {
	Label   string
	Figures []tileFigure
	Wide    bool
	Class   string
}

type tileFigure struct {
	Label, Value, Change, Previous, Tone, Explains string
}

// table is a section as the page shows it.
type table struct {
	Title   string
	Lead    []string
	Columns []Column
	Rows    []tableRow
	More    int // rows that the page has no room for
	Head    string
	None    string
}

type tableRow struct {
	Name             string
	Number           int    // of the chart, 0 none
	Under, UnderTone string // what stands under the name
	Cells            []tableCell
}

type tableCell struct {
	Text   string
	Number bool
	Tone   string
	Bar    int // tenths of a per cent of the longest bar; 0: none
}

// pageData is what the template shows.
type pageData struct {
	*Report
	Style                                   template.CSS
	Subtitle                                []string
	Emptiness                               string
	Running                                 bool
	Tiles                                   []tile
	Drivers                                 []driverList
	Cost, Carbon, Portfolio, KPIs, Forecast table
	Budgets                                 []budgetPanel
	BudgetKey                               bool
	NoDrivers, Avoided                      string
	Hardware                                []string
	CostTrend, IntensityTrend, QuadrantPlot template.HTML
	Basis                                   table
	Sources                                 []string
}

// budgetPanel is a budget as the page shows it.
type budgetPanel struct {
	table
	Chart template.HTML
}

// driverList is what changed a measure.
type driverList struct {
	Lead      string
	Sentences []string
}

// WriteHTML writes the report as one page with nothing outside it: style, charts
// and all. A browser prints it on two sheets of A4 or Letter.
func (r *Report) WriteHTML(to io.Writer) error {
	data := pageData{Report: r, Style: template.CSS(pageStyle), Subtitle: r.subtitle(), Running: !r.Period.Over(r.Now), //nolint:gosec // our own style sheet
		Tiles: r.tiles(), Drivers: r.driverLists(), Hardware: slices.Clone(r.Section("hardware").Lead), Sources: Literature,
		Carbon: r.table("carbon", 0, 1), Portfolio: r.table("models", 1, 4, 5), KPIs: r.table("kpis", 0, 1, 2, 3, 4),
		Forecast: r.table("forecast", 0, 1, 2, 3, 4, 5, 6), NoDrivers: r.Section("drivers").notAvailable(), Avoided: r.avoided(), Basis: r.table("basis", 0)}
	if r.Empty {
		data.Emptiness = r.emptiness()
	}
	data.Carbon.bars(r.Section("carbon"))
	for i := range data.Portfolio.Rows {
		row, quadrant := &data.Portfolio.Rows[i], r.models[i].quadrant
		row.Number, row.Under, row.UnderTone = i+1, string(quadrant), quadrantTones[quadrant]
	}
	for i := range data.KPIs.Rows {
		data.KPIs.Rows[i].Under = "For " + r.Section("kpis").Rows[i].Cells[5].Text
	}
	for i, line := range data.Hardware {
		data.Hardware[i] = strings.ReplaceAll(line, " %", "\u00a0%")
	}
	if err := r.draw(&data); err != nil {
		return err
	}
	return page.Execute(to, data)
}

func (r *Report) draw(data *pageData) error {
	var err error
	if data.CostTrend, err = r.trends["cost_usd"].draw("cost-trend", "Cost"); err != nil {
		return err
	}
	if data.IntensityTrend, err = r.trends["kwh_per_1k_requests"].draw("intensity-trend", "IT energy per 1k requests"); err != nil {
		return err
	}
	costLayout := "Jan 2006"
	if costStep(r.Period.Interval) == "week" {
		costLayout = "2 Jan"
	}
	for _, b := range []struct{ key, id, unit, layout string }{
		{"cost budget", "cost-budget", "currencyUSD", costLayout}, {"carbon budget", "carbon-budget", "suffix:kgCO₂e", "2 Jan"},
	} {
		panel := budgetPanel{table: r.table(b.key)}
		if panel.Chart, err = drawBudget(b.id, panel.Title, b.unit, b.layout, r.budgets[b.key]); err != nil {
			return err
		}
		data.Budgets, data.BudgetKey = append(data.Budgets, panel), data.BudgetKey || panel.Chart != ""
	}
	if len(r.models) > 0 {
		data.QuadrantPlot, err = drawQuadrant("quadrant", r.models)
	}
	return err
}

// The page's classes of what is good and what is not.
const (
	toneGood, toneBad, toneCare, toneCalm = "good", "bad", "care", "calm"
)

var quadrantTones = map[kpi.Quadrant]string{
	kpi.QuadrantImmediateAction: toneBad, kpi.QuadrantShowcase: toneGood,
	kpi.QuadrantOptimiseOrRetire: toneCare, kpi.QuadrantMaintain: toneCalm,
}

func toneOf(better int) string {
	switch {
	case better > 0:
		return toneGood
	case better < 0:
		return toneBad
	}
	return ""
}

func (r *Report) tiles() []tile {
	s := r.Section("headline")
	var tiles []tile
	for i, row := range s.Rows {
		label, method, split := strings.Cut(row.Name, ", ")
		f := tileFigure{Label: method, Value: s.show(i, 0), Previous: s.show(i, 1), Explains: row.Cells[3].Text}
		if ratio := row.Cells[2]; ratio.Value != nil {
			f.Change, f.Tone = arrow(*ratio.Value)+" "+ratio.Text, toneOf(ratio.better)
		}
		if last := len(tiles) - 1; split && last >= 0 && tiles[last].Label == label {
			tiles[last].Figures, tiles[last].Wide = append(tiles[last].Figures, f), true
			continue
		}
		tiles = append(tiles, tile{Label: label, Figures: []tileFigure{f}})
	}
	for i := range tiles { // three to a row; in the row of the pair it takes half
		switch {
		case tiles[i].Wide:
			tiles[i].Class = "wide"
		case i >= 3:
			tiles[i].Class = "slim"
		}
	}
	return tiles
}

func arrow(ratio float64) string {
	switch {
	case ratio >= 0.0005:
		return "▲"
	case ratio <= -0.0005:
		return "▼"
	}
	return "="
}

func (r *Report) driverLists() []driverList {
	s := r.Section("drivers")
	var lists []driverList
	for _, d := range driversOf {
		list := driverList{Lead: r.changes[d.answer]}
		for row := range s.Rows {
			if s.Rows[row].Cells[1].Text == lowerFirst(d.measure) {
				list.Sentences = append(list.Sentences, s.Rows[row].Name)
			}
		}
		if len(list.Sentences) > 0 {
			lists = append(lists, list)
		}
	}
	return lists
}

// avoided says what efficiency has saved.
func (r *Report) avoided() string {
	s := r.Section("cost avoided")
	return s.Rows[0].Name + ": " + s.show(0, 0) + " " + s.Rows[0].Cells[1].Text + "."
}

// table takes a section's columns that the page shows.
func (r *Report) table(key string, columns ...int) table {
	s := r.Section(key)
	t := table{Title: s.Title, Lead: s.Lead, More: len(s.Rows) - s.shown()}
	if len(s.Rows) == 0 {
		t.None = s.notAvailable()
	}
	for _, column := range columns {
		t.Columns = append(t.Columns, s.Columns[column])
	}
	for i := range s.shown() {
		row := tableRow{Name: s.Rows[i].Name}
		for _, column := range columns {
			cell := s.Rows[i].Cells[column]
			row.Cells = append(row.Cells, tableCell{Text: s.show(i, column), Number: cell.number, Tone: toneOf(cell.better)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// bars gives each figure a bar as long as it is large, in one scale for both
// methods.
func (t *table) bars(s *Section) {
	most := 0.0
	for _, row := range s.Rows {
		for _, cell := range row.Cells {
			if cell.Value != nil {
				most = max(most, *cell.Value)
			}
		}
	}
	for i := range t.Rows {
		for column := range t.Rows[i].Cells {
			if value := s.Rows[i].Cells[column].Value; value != nil && most > 0 {
				t.Rows[i].Cells[column].Bar = int(math.Round(1000 * *value / most))
			}
		}
	}
}
