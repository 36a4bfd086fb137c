package query

import (
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// comparablePeriods is how many earlier periods a projection looks at.
const comparablePeriods = 4

// budgetAnswer is what spending is held against: company-wide, for the business
// units of a filter, or a group for each unit.
type budgetAnswer struct {
	calendar kpi.Calendar
	grouped  bool
	units    []string // of the filter; empty: the whole company
	// partial names the filter that no budget is for; empty: none.
	partial kpi.Dimension
}

func newBudgetAnswer(request Request, p plan) budgetAnswer {
	b := budgetAnswer{calendar: p.calendar, grouped: len(request.GroupBy) > 0, units: request.Filters[kpi.DimensionBusinessUnit]}
	for _, dimension := range kpi.FilterDimensions() {
		if dimension != kpi.DimensionBusinessUnit && len(request.Filters[dimension]) > 0 {
			b.partial = dimension
		}
	}
	return b
}

// budgetsByDay sums the budgets of days or weeks that count for a member of the
// answer, by the date each begins on. A day counts when all its units have one.
func budgetsByDay[T ~float64](b budgetAnswer, member string, budgets []warehouse.Budget[T]) map[string]T {
	wanted := b.units
	switch {
	case b.partial != "":
		return nil
	case b.grouped:
		wanted = []string{member}
	case len(wanted) == 0:
		wanted = []string{""}
	}
	sums, units := map[string]T{}, map[string]int{}
	for _, budget := range budgets {
		if slices.Contains(wanted, budget.BusinessUnit) {
			day := budget.Start.Format(time.DateOnly)
			sums[day], units[day] = sums[day]+budget.Amount, units[day]+1
		}
	}
	for day, count := range units {
		if count < len(wanted) {
			delete(sums, day)
		}
	}
	return sums
}

// sumOfDays adds the budgets of every day of a step; nil where one has none.
func (b budgetAnswer) sumOfDays(byDay map[string]kpi.USD, step kpi.Span) *kpi.USD {
	var sum kpi.USD
	for _, day := range b.calendar.Buckets(step, kpi.IntervalDay) {
		amount, ok := byDay[day.From.Format(time.DateOnly)]
		if !ok {
			return nil
		}
		sum += amount
	}
	return &sum
}

// restsBefore are the rests of the periods comparable with the running one: the
// same time of the week up to four weeks before, or of the month up to four
// months before. Each comes with the whole period it belongs to.
func (b budgetAnswer) restsBefore(at time.Time, interval kpi.Interval) (rests, wholes []kpi.Span) {
	at = at.In(b.calendar.Location)
	for k := 1; k <= comparablePeriods; k++ {
		then := at.AddDate(0, 0, -7*k)
		if interval == kpi.IntervalMonth {
			then = at.AddDate(0, -k, 0)
		}
		whole := kpi.Span{From: b.calendar.Start(then, interval), To: b.calendar.Next(then, interval)}
		rest := kpi.Span{From: b.calendar.Start(then, kpi.IntervalHour), To: whole.To}
		rests, wholes = append(rests, rest), append(wholes, whole)
	}
	return rests, wholes
}

// notices says why there is no budget, and what to do.
func (b budgetAnswer) notices(found bool, what string) []data.Notice {
	switch {
	case b.partial != "":
		return []data.Notice{warning(fmt.Sprintf("Budgets are the company's and its business units'; with a filter on %s a part would be held against the whole, "+
			"so no budget is shown. Remove the filter, or filter by business unit.", dimensionLabels[b.partial]))}
	case !found:
		return []data.Notice{information(fmt.Sprintf("There is no %s budget for this period. Bring budgets in with: wattctl import budgets FILE", what))}
	}
	return nil
}

// spendingOf is a spending of one kind, such as cost or emissions.
type spendingOf func(kpi.Measures) *float64

// byPeriod arranges usage by member and period, in the unit of the amount.
func byPeriod(rows []warehouse.UsageRow, amount spendingOf) map[string]map[int]*float64 {
	arranged := map[string]map[int]*float64{}
	for _, row := range rows {
		member := ""
		if len(row.Members) > 0 {
			member = row.Members[0]
		}
		if arranged[member] == nil {
			arranged[member] = map[int]*float64{}
		}
		arranged[member][row.Period] = amount(row.Measures)
	}
	return arranged
}

// projectFrom projects a running period. history holds, by index, the rests of
// comparable periods and after them the wholes; a period in which there was no
// usage at all compares with nothing.
func projectFrom(soFar *float64, history map[int]*float64, elapsed, whole time.Duration) *float64 {
	if soFar == nil {
		return nil
	}
	var rests []float64
	for k := range comparablePeriods {
		total, used := history[comparablePeriods+k]
		rest, drawn := history[k]
		switch {
		case !used || total == nil:
		case drawn && rest != nil:
			rests = append(rests, *rest)
		case !drawn:
			rests = append(rests, 0)
		}
	}
	return kpi.Projection(*soFar, rests, elapsed, whole)
}

// statusField shows a status in its colour, the same in every panel.
func statusField(statuses []string) *data.Field {
	field := textField("status", statuses)
	mapper := data.ValueMapper{}
	for i, status := range kpi.BudgetStatuses() {
		mapper[string(status)] = data.ValueMappingResult{Color: statusColours[status], Index: i}
	}
	field.Config.Mappings = data.ValueMappings{mapper}
	return field
}

var statusColours = map[kpi.BudgetStatus]string{
	kpi.BudgetOn: "green", kpi.BudgetClose: "yellow", kpi.BudgetOver: "red", kpi.BudgetNone: "text",
}

// checkWarnAt refuses a warning level that is no part of a budget.
func checkWarnAt(warnAt float64) error {
	if warnAt > 0 && warnAt <= 1 {
		return nil
	}
	return BadRequest("The option warnAt is %g. It must be more than 0 and at most 1: the part of the budget from which the status is yellow.", warnAt)
}
