package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// budgetStep is a step of a budget as the chart draws it.
type budgetStep struct {
	from                      time.Time
	budget, actual, projected *float64
	status                    kpi.BudgetStatus
}

func (r *Report) addBudgets(answers map[string]data.Frames) {
	r.budgets = map[string][]budgetStep{}
	for _, b := range []struct{ answer, title, key string }{
		{"costBudget", "Cost against budget", "cost budget"},
		{"carbonBudget", "Carbon against budget", "carbon budget"},
	} {
		s := Section{Key: b.key, Title: b.title, Drawn: true,
			Columns: []Column{{Label: "Budget"}, {Label: "Actual"}, {Label: "Variance"}, {Label: "Variance, relative"}, {Label: "Projected"}, {Label: "Status"}}}
		var meta struct{ Step string }
		if err := readMeta(answers[b.answer][0], &meta); err != nil {
			meta.Step = "step" // the metadata of an answer is readable
		}
		rows := records(answers[b.answer])
		for _, row := range rows {
			relative := row.figure("variance_pct")
			if relative.Value != nil {
				relative.Text = change(*relative.Value)
			}
			s.Rows = append(s.Rows, Row{Name: stepName(row.time.In(r.Zone), meta.Step), Cells: []Cell{row.figure("budget"), row.figure("actual"),
				row.figure("variance"), relative, row.figure("projected"), phrase(row.texts["status"])}})
			r.budgets[b.key] = append(r.budgets[b.key], budgetStep{from: row.time.In(r.Zone), budget: row.numbers["budget"], actual: row.numbers["actual"],
				projected: row.numbers["projected"], status: kpi.BudgetStatus(row.texts["status"])})
		}
		if said := describeBudget(rows, s, meta.Step); said != "" {
			s.Lead = []string{said}
		}
		r.add(s, source{"", answers[b.answer]})
	}
}

// stepName is how people call a step of a calendar.
func stepName(from time.Time, step string) string {
	switch step {
	case "month":
		return from.Format("January 2006")
	case "week":
		return "Week of " + day(from)
	}
	return day(from)
}

// describeBudget counts the steps by their status and names the worst.
func describeBudget(rows []record, s Section, step string) string {
	count := map[kpi.BudgetStatus]int{}
	worst := -1
	for i, row := range rows {
		count[kpi.BudgetStatus(row.texts["status"])]++
		if v := row.numbers["variance_pct"]; v != nil && (worst < 0 || *v > *rows[worst].numbers["variance_pct"]) {
			worst = i
		}
	}
	if worst < 0 {
		return ""
	}
	over, steps := count[kpi.BudgetOver], fmt.Sprintf("%d %ss", len(rows)-count[kpi.BudgetNone], step)
	variance := rows[worst].figure("variance")
	switch {
	case over == 0:
		return fmt.Sprintf("None of %s over budget.", steps)
	case variance.Value == nil || *variance.Value <= 0:
		return fmt.Sprintf("%d of %s heading over budget.", over, steps)
	}
	return fmt.Sprintf("%d of %s over budget. Furthest over: %s, %s (%s).", over, steps, strings.Replace(s.Rows[worst].Name, "Week", "the week", 1),
		change(*rows[worst].numbers["variance_pct"]), amount(variance.Unit, *variance.Value))
}
