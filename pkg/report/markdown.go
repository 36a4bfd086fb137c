package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteMarkdown writes the report as Markdown with tables, as GitHub and most
// wikis show it.
func (r *Report) WriteMarkdown(to io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# AI energy, cost and carbon: %s\n\n", escapeMarkdown(r.Period.Name))
	for _, line := range r.subtitle() {
		fmt.Fprintf(&out, "%s  \n", escapeMarkdown(line))
	}
	if r.Empty {
		fmt.Fprintf(&out, "\n**%s**\n", escapeMarkdown(r.emptiness()))
	}
	for i := range r.Sections {
		r.Sections[i].markdown(&out)
	}
	out.WriteString("\n## Method\n\n")
	for _, f := range r.Formulas {
		fmt.Fprintf(&out, "- **%s**: %s\n", escapeMarkdown(f.Label), escapeMarkdown(f.Formula))
	}
	for _, f := range r.FactorSources {
		fmt.Fprintf(&out, "- %s (%s): %s\n", escapeMarkdown(f.Quantity), escapeMarkdown(f.Years), escapeMarkdown(f.Source))
	}
	fmt.Fprintf(&out, "- After %s.\n", escapeMarkdown(strings.Join(Literature, "; ")))
	if len(r.Notices) > 0 {
		out.WriteString("\n## Notices\n\n")
		for i, n := range r.Notices {
			fmt.Fprintf(&out, "%d. %s\n", i+1, escapeMarkdown(n.Text))
		}
	}
	_, err := io.WriteString(to, out.String())
	return err
}

func (s *Section) markdown(out *strings.Builder) {
	fmt.Fprintf(out, "\n## %s\n\n", escapeMarkdown(s.Title))
	for _, lead := range s.Lead {
		fmt.Fprintf(out, "%s\n\n", escapeMarkdown(lead))
	}
	if len(s.Rows) == 0 {
		fmt.Fprintf(out, "%s\n", escapeMarkdown(s.notAvailable()))
		return
	}
	header, rule := "| |", "| --- |"
	for _, column := range s.Columns {
		header += " " + escapeMarkdown(column.Label) + " |"
		if column.Number {
			rule += " ---: |"
		} else {
			rule += " --- |"
		}
	}
	fmt.Fprintf(out, "%s\n%s\n", header, rule)
	for i, row := range s.Rows {
		fmt.Fprintf(out, "| %s |", escapeMarkdown(row.Name))
		for column := range s.Columns {
			fmt.Fprintf(out, " %s |", escapeMarkdown(s.show(i, column)))
		}
		out.WriteString("\n")
	}
}

// escapeMarkdown keeps a name from being markup or HTML.
func escapeMarkdown(s string) string {
	return markdownEscapes.Replace(s)
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`",
	"[", `\[`, "]", `\]`, "\n", " ", "\r", " ")

// subtitle says of when and of what the report is.
func (r *Report) subtitle() []string {
	lines := []string{fmt.Sprintf("%s (%s)", r.days(r.Period.Span), r.Zone)}
	if !r.Period.Over(r.Now) {
		lines[0] += fmt.Sprintf(", not over yet: figures up to %s", r.moment(r.until()))
	}
	if r.Previous != nil && r.Previous.From.Before(r.Previous.To) {
		lines = append(lines, "Compared with "+r.days(*r.Previous))
	}
	if len(r.Filters) > 0 {
		lines = append(lines, "Only "+strings.Join(r.Filters, "; "))
	}
	return lines
}

// until is when the figures end: now, where the period is not over.
func (r *Report) until() time.Time {
	if r.Now.Before(r.Elapsed.To) {
		return r.Now
	}
	return r.Elapsed.To
}

func (r *Report) emptiness() string {
	said := "Nothing was recorded in this period"
	if len(r.Filters) > 0 {
		said += " with these filters"
	}
	if r.Freshness.IsZero() {
		return said + ": the warehouse holds no event. Bring measurements in with: wattctl import"
	}
	return said + ". The newest event is of " + r.moment(r.Freshness) + "."
}
