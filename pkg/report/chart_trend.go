package report

import (
	"fmt"
	"html/template"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// draw draws the months that were, the months expected, and between what four of
// five outcomes lie. The axis begins at nothing, so that a change looks as large
// as it is.
func (t trend) draw(id, label string) (template.HTML, error) {
	var actual, forecast, lower, upper plotter.XYs
	most := 0.0
	for i, point := range t.points {
		for _, line := range []struct {
			to    *plotter.XYs
			value *float64
		}{{&actual, point.actual}, {&forecast, point.forecast}, {&lower, point.lower}, {&upper, point.upper}} {
			if line.value != nil {
				*line.to = append(*line.to, plotter.XY{X: float64(i), Y: *line.value})
				most = max(most, *line.value)
			}
		}
	}
	if len(actual) == 0 {
		return "", nil
	}
	p := newChart()
	if len(lower) > 0 {
		band := append(plotter.XYs{}, upper...)
		for i := len(lower) - 1; i >= 0; i-- {
			band = append(band, lower[i])
		}
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return "", err
		}
		area.Color, area.LineStyle.Width = bandColour, 0
		p.Add(area)
	}
	for _, line := range []struct {
		points plotter.XYs
		dashes []vg.Length
	}{{forecast, []vg.Length{4, 3}}, {actual, nil}} {
		if len(line.points) == 0 {
			continue
		}
		drawn, err := plotter.NewLine(line.points)
		if err != nil {
			return "", err
		}
		drawn.Color, drawn.Width, drawn.Dashes = blueColour, 1.8, line.dashes
		p.Add(drawn)
	}
	last, err := plotter.NewScatter(actual[len(actual)-1:])
	if err != nil {
		return "", err
	}
	last.Color, last.Shape, last.Radius = blueColour, roundGlyph, 3
	p.Add(last)
	p.X.Min, p.X.Max = -0.4, float64(len(t.points))-0.6
	p.Y.Min, p.Y.Max = 0, most*1.05
	p.X.Tick.Marker = plot.ConstantTicks(monthTicks(t.points))
	p.Y.Tick.Marker = amounts(t.unit, most)
	description := fmt.Sprintf("By month from %s: %s in %s.", monthOf(t.points[0].month), amount(t.unit, actual[len(actual)-1].Y),
		monthOf(t.points[int(actual[len(actual)-1].X)].month))
	if n := len(forecast); n > 1 {
		description += fmt.Sprintf(" Expected for %s: %s.", monthOf(t.points[int(forecast[n-1].X)].month), amount(t.unit, forecast[n-1].Y))
		if len(lower) > 0 {
			description += fmt.Sprintf(" In four of five cases between %s and %s.", amount(t.unit, lower[len(lower)-1].Y), amount(t.unit, upper[len(upper)-1].Y))
		}
	}
	return drawing(id, p, chartHeight, label+" by month, with forecast", description)
}

// monthTicks names every third month from the last one backwards.
func monthTicks(points []trendPoint) []plot.Tick {
	var ticks []plot.Tick
	for i := len(points) - 2; i >= 0; i -= 3 {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: points[i].month.Format("Jan 2006")})
	}
	return ticks
}

func monthOf(t time.Time) string { return t.Format("January 2006") }
