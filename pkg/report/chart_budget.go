package report

import (
	"fmt"
	"html/template"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// statusColours are those of the budgets in every dashboard.
var statusColours = map[kpi.BudgetStatus]color.Color{
	kpi.BudgetOn: greenColour, kpi.BudgetClose: amberColour, kpi.BudgetOver: redColour, kpi.BudgetNone: neutralColour,
}

// drawBudget draws what was used as bars in the colour of their status, and the
// budget as a line over each.
func drawBudget(id, title, unit, layout string, steps []budgetStep) (template.HTML, error) {
	most := 0.0
	for _, s := range steps {
		for _, value := range []*float64{s.budget, s.actual} {
			if value != nil {
				most = max(most, *value)
			}
		}
	}
	if most == 0 {
		return "", nil
	}
	p := newChart()
	const half = 0.34
	for i, s := range steps {
		x := float64(i)
		if s.actual != nil {
			bar, err := plotter.NewPolygon(plotter.XYs{{X: x - half, Y: 0}, {X: x - half, Y: *s.actual}, {X: x + half, Y: *s.actual}, {X: x + half, Y: 0}})
			if err != nil {
				return "", err
			}
			bar.Color, bar.LineStyle.Width = statusColours[s.status], 0
			p.Add(bar)
		}
		if s.budget != nil {
			line, err := plotter.NewLine(plotter.XYs{{X: x - half - 0.1, Y: *s.budget}, {X: x + half + 0.1, Y: *s.budget}})
			if err != nil {
				return "", err
			}
			line.Color, line.Width = inkColour, 1.6
			p.Add(line)
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.6, float64(len(steps))-0.4, 0, most*1.05
	p.Y.Tick.Marker = amounts(unit, most)
	var ticks []plot.Tick
	every := 1 + (len(steps)-1)/6 // six labels have room
	for i := 0; i < len(steps); i += every {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: steps[i].from.Format(layout)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	over := 0
	for _, s := range steps {
		if s.status == kpi.BudgetOver {
			over++
		}
	}
	return drawing(id, p, vg.Length(chartHeight), title,
		fmt.Sprintf("Bars are the actual amounts from %s to %s, lines their budgets; %d of %d are over.", day(steps[0].from), day(steps[len(steps)-1].from), over, len(steps)))
}
