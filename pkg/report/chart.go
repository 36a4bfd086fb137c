package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of the charts. Red, amber and green are as in the dashboards: the
// status of a budget, the quadrant of a model.
var (
	inkColour     = color.NRGBA{0x1f, 0x29, 0x33, 0xff}
	quietColour   = color.NRGBA{0x52, 0x60, 0x6d, 0xff}
	gridColour    = color.NRGBA{0xe1, 0xe5, 0xea, 0xff}
	blueColour    = color.NRGBA{0x1f, 0x5f, 0xa8, 0xff}
	bandColour    = color.NRGBA{0xcf, 0xdf, 0xf2, 0xff}
	redColour     = color.NRGBA{0xc4, 0x31, 0x2b, 0xff}
	amberColour   = color.NRGBA{0xc7, 0x7c, 0x02, 0xff}
	greenColour   = color.NRGBA{0x2e, 0x7d, 0x4f, 0xff}
	neutralColour = color.NRGBA{0x8a, 0x96, 0xa3, 0xff}
)

// The size of a chart in CSS pixels, half a page wide: a phone shows it whole, and
// its letters are those of the text.
const (
	chartWidth  = 340
	chartHeight = 104
	letterSize  = 10
)

var sans = font.Font{Typeface: "Liberation", Variant: "Sans", Size: letterSize}

// newChart is an empty chart with a quiet grid.
func newChart() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Tick.Label.Font, axis.Label.TextStyle.Font = sans, sans
		axis.Tick.Label.Color, axis.Label.TextStyle.Color = quietColour, quietColour
		axis.Tick.LineStyle.Width, axis.Tick.Length = 0, 2
		axis.LineStyle.Width, axis.Padding = 0, 4
	}
	p.X.LineStyle.Width, p.X.LineStyle.Color = 0.7, quietColour
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Width, grid.Horizontal.Color = 0, 0.7, gridColour
	p.Add(grid)
	return p
}

// amounts marks an axis in the scale of an amount.
func amounts(unit string, most float64) plot.Ticker {
	return plot.TickerFunc(func(least, greatest float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(least, greatest)
		s := scaleOf(unit, most)
		var kept []plot.Tick
		for _, tick := range ticks {
			if tick.Label == "" {
				continue
			}
			tick.Label = shortest(s, tick.Value)
			kept = append(kept, tick)
		}
		return kept
	})
}

// shortest writes the round amount of a tick without the zeros at its end.
func shortest(s scale, value float64) string {
	if value == 0 {
		s.decimals, s.significant = 0, 0
		return s.text(0)
	}
	if s.before == "$" && value >= 1000 { // a tick is round
		s.per, s.after = s.per*1000, "k"+s.after
	}
	bare := s.bare(value)
	if strings.Contains(bare, ".") {
		bare = strings.TrimRight(strings.TrimRight(bare, "0"), ".")
	}
	return s.before + bare + s.after
}

var svgRoot = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)

// drawing writes a chart as an SVG element of the page, with a title and a
// description for those who do not see it.
func drawing(id string, p *plot.Plot, height vg.Length, title, description string) (template.HTML, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(chartWidth, height))
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("drawing %s: %w", title, err)
	}
	root := fmt.Sprintf(`<svg class="chart" role="img" aria-labelledby="%[1]s-title %[1]s-desc" viewBox="0 0 %[2]d %[3]g" xmlns="http://www.w3.org/2000/svg"><title id="%[1]s-title">%[4]s</title><desc id="%[1]s-desc">%[5]s</desc>`,
		id, chartWidth, float64(height), template.HTMLEscapeString(title), template.HTMLEscapeString(description))
	drawn := svgRoot.ReplaceAllLiteralString(out.String(), root)
	// Liberation Sans has the widths of Arial, so labels fit where it is not installed.
	drawn = strings.ReplaceAll(drawn, "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	return template.HTML(drawn), nil //nolint:gosec // the library escapes its texts, and title and description are escaped here
}
