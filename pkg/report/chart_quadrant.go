package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var roundGlyph = draw.CircleGlyph{}

// quadrantColours are those of the dashboards.
var quadrantColours = map[kpi.Quadrant]color.Color{
	kpi.QuadrantImmediateAction: redColour, kpi.QuadrantShowcase: greenColour,
	kpi.QuadrantOptimiseOrRetire: amberColour, kpi.QuadrantMaintain: blueColour,
}

const quadrantHeight = 230

// drawQuadrant draws the models by criticality and Energy Score, larger with more
// requests. The models of the table have its numbers, because names would be cut.
func drawQuadrant(id string, models []model) (template.HTML, error) {
	most := 0.0
	for _, m := range models {
		if m.requests != nil {
			most = max(most, *m.requests)
		}
	}
	p := newChart()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 100, 0, 100
	p.X.Label.Text, p.Y.Label.Text = "Business criticality", "Energy Score"
	ticks := plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 25, Label: "25"}, {Value: 50, Label: "50"}, {Value: 75, Label: "75"}, {Value: 100, Label: "100"}}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, ticks
	cut := kpi.DefaultQuadrantThresholds
	for _, line := range []plotter.XYs{{{X: cut.Criticality, Y: 0}, {X: cut.Criticality, Y: 100}}, {{X: 0, Y: cut.Score}, {X: 100, Y: cut.Score}}} {
		drawn, err := plotter.NewLine(line)
		if err != nil {
			return "", err
		}
		drawn.Color, drawn.Width = neutralColour, 1
		p.Add(drawn)
	}
	for _, corner := range []struct {
		quadrant kpi.Quadrant
		at       plotter.XY
		align    float64
	}{
		{kpi.QuadrantImmediateAction, plotter.XY{X: 99, Y: 3}, -1}, {kpi.QuadrantShowcase, plotter.XY{X: 99, Y: 94}, -1},
		{kpi.QuadrantOptimiseOrRetire, plotter.XY{X: 1, Y: 3}, 0}, {kpi.QuadrantMaintain, plotter.XY{X: 1, Y: 94}, 0},
	} {
		style := text.Style{Font: sans, Color: quadrantColours[corner.quadrant], XAlign: text.XAlignment(corner.align), YAlign: text.YBottom, Handler: plot.DefaultTextHandler}
		p.Add(caption{corner.at, string(corner.quadrant), style})
	}
	for i := len(models) - 1; i >= 0; i-- { // the first of the table lie on top
		m := models[i]
		if m.criticality == nil || m.score == nil {
			continue
		}
		radius := 4.0
		if m.requests != nil && most > 0 {
			radius += 8 * math.Sqrt(*m.requests/most)
		}
		if i < modelsShown {
			radius = max(radius, 7) // room for its number
		}
		at := plotter.XY{X: *m.criticality, Y: *m.score}
		p.Add(dot{at, vg.Length(radius), quadrantColours[m.quadrant]})
		if i < modelsShown {
			style := text.Style{Font: sans, Color: color.White, XAlign: text.XCenter, YAlign: text.YCenter, Handler: plot.DefaultTextHandler}
			p.Add(caption{at, strconv.Itoa(i + 1), style})
		}
	}
	urgent := 0
	for _, m := range models {
		if m.quadrant == kpi.QuadrantImmediateAction {
			urgent++
		}
	}
	return drawing(id, p, quadrantHeight, "Model portfolio: business criticality against Energy Score",
		fmt.Sprintf("%d models; %d need immediate action: critical to the business, and under an Energy Score of %g. The numbers are those of the table.", len(models), urgent, cut.Score))
}

// dot is a model, ringed in white so that neighbours are told apart.
type dot struct {
	at     plotter.XY
	radius vg.Length
	colour color.Color
}

func (d dot) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := vg.Point{X: x(d.at.X), Y: y(d.at.Y)}
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: d.radius + 1, Shape: roundGlyph}, at)
	c.DrawGlyph(draw.GlyphStyle{Color: d.colour, Radius: d.radius, Shape: roundGlyph}, at)
}

// caption is a text at a point of the chart.
type caption struct {
	at    plotter.XY
	words string
	style text.Style
}

func (w caption) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	c.FillText(w.style, vg.Point{X: x(w.at.X), Y: y(w.at.Y)}, w.words)
}
