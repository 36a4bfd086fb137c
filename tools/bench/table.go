package bench

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// row is a limit and how it was met.
type row struct {
	what, limit, measured string
	met                   bool
}

func (r row) verdict() string {
	if r.met {
		return "✓"
	}
	return "✗"
}

var heading = []string{"what", "limit", "measured", ""}

// widest is how many characters a cell has in a line, in a terminal.
const widest = 50

// writeTable writes rows for a terminal.
func writeTable(out io.Writer, rows []row) {
	writer := table.NewWriter()
	writer.SetOutputMirror(out)
	writer.SetStyle(table.StyleLight)
	writer.Style().Format.Header = text.FormatDefault
	writer.SetColumnConfigs([]table.ColumnConfig{{Number: 1, WidthMax: widest}, {Number: 3, WidthMax: widest}})
	header := table.Row{}
	for _, name := range heading {
		header = append(header, name)
	}
	writer.AppendHeader(header)
	for _, r := range rows {
		writer.AppendRow(table.Row{r.what, r.limit, r.measured, r.verdict()})
	}
	writer.Render()
}

// markdown writes rows for the README.
func markdown(rows []row) string {
	var out strings.Builder
	line := func(cells ...string) {
		for _, cell := range cells {
			out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		out.WriteString("|\n")
	}
	line(heading...)
	line("---", "---", "---", "---")
	for _, r := range rows {
		line(r.what, r.limit, r.measured, r.verdict())
	}
	return out.String()
}

// milliseconds is a duration with as many digits as it is worth.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// times is a ratio with as many digits as it is worth.
func times(r float64) string {
	switch {
	case r >= 1000:
		thousands, rest := int(r)/1000, int(r)%1000
		return fmt.Sprintf("%d,%03d ×", thousands, rest)
	case r >= 10:
		return fmt.Sprintf("%.0f ×", r)
	default:
		return fmt.Sprintf("%.2f ×", r)
	}
}
