package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var budgetVariance = Type{
	Name:        "budgetVariance",
	Label:       "Budget variance",
	Description: "What was emitted or spent against its budget, week by week, and where the running week is heading",
	GroupBy:     []kpi.Dimension{kpi.DimensionBusinessUnit},
	OneGroup:    true,
	RestsOn:     []Evidence{EvidenceEvents, EvidenceBusiness},
	Formats:     []Format{FormatTable, FormatTimeSeries, FormatNumber},
	Metrics:     []string{"variance_pct", "variance", "actual", "budget", "projected"},
	answer:      answerBudgetVariance,
}

// budgetVarianceOptions are the options of the query type. See src/types.ts.
type budgetVarianceOptions struct {
	Budget string  `json:"budget"` // carbon, by week, or cost, by day
	Method string  `json:"method"` // location or market, of a carbon budget
	Step   string  `json:"step"`   // day, week or month, of a cost budget
	WarnAt float64 `json:"warnAt"` // part of the budget from which the status is yellow
}

func (o budgetVarianceOptions) interval() kpi.Interval {
	if o.Budget == "carbon" {
		return kpi.IntervalWeek
	}
	return kpi.Interval(o.Step)
}

// omits is what the amounts do without.
func (o budgetVarianceOptions) omits() warehouse.Measure {
	omit := warehouse.MeasureTokens | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureScore | warehouse.MeasureFacility
	switch {
	case o.Budget == "cost":
		return omit | warehouse.MeasureCarbon
	case o.Method == "market":
		return omit | warehouse.MeasureCost | warehouse.MeasureCarbonLocation
	default:
		return omit | warehouse.MeasureCost | warehouse.MeasureCarbonMarket
	}
}

func (o budgetVarianceOptions) amount(m kpi.Measures) *float64 {
	switch {
	case o.Budget == "cost":
		return maybe(m.Cost)
	case o.Method == "market":
		return maybe(m.CarbonMarket)
	default:
		return maybe(m.CarbonLocation)
	}
}

func answerBudgetVariance(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := budgetVarianceOptions{Budget: "carbon", Method: "location", Step: "week", WarnAt: 0.9}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("budget", options.Budget, "carbon", "cost"),
		oneOf("method", options.Method, "location", "market"),
		oneOf("step", options.Step, "day", "week", "month"),
		checkWarnAt(options.WarnAt),
	} {
		if err != nil {
			return nil, err
		}
	}
	if options.Budget == "carbon" && options.Step != "week" {
		return nil, BadRequest("Carbon budgets are by week, so the step cannot be %s. Leave it out, or ask for the cost budget.", options.Step)
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	steps := budgetSteps(p, options.interval(), request.Now)
	m := newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location)
	if len(steps) == 0 {
		frame := budgetVarianceFrame(request, options, nil)
		return data.Frames{attach(frame, m, "", []data.Notice{information("This period has not begun.")})}, nil
	}
	b := newBudgetAnswer(request, p)
	usage := warehouse.UsageRequest{Periods: steps, GroupBy: request.GroupBy, Filters: request.Filters, FactorVersion: request.FactorVersion, Omit: options.omits()}
	asked := []warehouse.UsageRequest{usage}
	if request.Now.Before(steps[len(steps)-1].To) { // the last step runs, and is projected
		rests, wholes := b.restsBefore(request.Now, options.interval())
		history := usage
		history.Periods = slices.Concat(rests, wholes)
		asked = append(asked, history)
	}
	whole := kpi.Span{From: steps[0].From, To: steps[len(steps)-1].To}
	var cost []warehouse.Budget[kpi.USD]
	var carbon []warehouse.Budget[kpi.KilogramsCO2e]
	also := warehouse.AndCarbonBudgets(whole, &carbon)
	if options.Budget == "cost" {
		also = warehouse.AndCostBudgets(whole, &cost)
	}
	answers, provenance, err := source.UsageAnd(ctx, []warehouse.And{also}, asked...)
	if err != nil {
		return nil, err
	}
	budgets := slices.Concat(cost, plainBudgets(carbon)) // one of them is empty
	rows, found := budgetRows(b, options, steps, answers, budgets, request.Now)
	if request.Format == FormatTimeSeries && b.grouped {
		return nil, BadRequest("A time series of budgets is of one budget: leave the group-by out, or ask for a table.")
	}
	if request.Format == FormatNumber { // an alert asks how it stands now
		rows = latestOfEach(rows)
	}
	m = newMeta(request, whole, provenance, p.calendar.Location)
	m.MeasuredShare = measuredShare(answers[0])
	m.Step = string(options.interval())
	if options.Budget == "carbon" {
		m.CarbonMethod = options.Method + "-based"
	}
	m.Formulas = []formulaMeta{
		{"budget", "Σ budgets of the " + m.Step},
		{"actual", "Σ " + map[string]string{"carbon": "operational emissions, " + m.CarbonMethod, "cost": "cost: billed, else energy cost"}[options.Budget]},
		{"variance", "actual − budget"},
		{"variance_pct", "(actual − budget) / budget"},
		{"projected", "actual so far + mean of what the last four comparable periods took after the same moment; without any, the pace so far"},
	}
	notices := append(noticesWithout(options.omits(), answers[0], provenance), b.notices(found, options.Budget)...)
	return data.Frames{attach(budgetVarianceFrame(request, options, rows), m, provenance.SQL, notices)}, nil
}

// budgetSteps are the whole steps that the range touches and that have begun.
func budgetSteps(p plan, interval kpi.Interval, now time.Time) []kpi.Span {
	var steps []kpi.Span
	for from := p.calendar.Start(p.span.From, interval); from.Before(p.span.To) && from.Before(now); {
		to := p.calendar.Next(from, interval)
		steps = append(steps, kpi.Span{From: from, To: to})
		from = to
	}
	return steps
}

// plainBudgets are budgets of kgCO2e as plain amounts, so that both kinds are told alike.
func plainBudgets(carbon []warehouse.Budget[kpi.KilogramsCO2e]) []warehouse.Budget[kpi.USD] {
	amounts := make([]warehouse.Budget[kpi.USD], len(carbon))
	for i, budget := range carbon {
		amounts[i] = warehouse.Budget[kpi.USD]{Start: budget.Start, BusinessUnit: budget.BusinessUnit, Amount: kpi.USD(budget.Amount)}
	}
	return amounts
}

// budgetRow is a step of one member, in USD or kgCO2e.
type budgetRow struct {
	member                    string
	from                      time.Time
	budget, actual, projected *float64
	status                    kpi.BudgetStatus
}

func budgetRows(b budgetAnswer, options budgetVarianceOptions, steps []kpi.Span, answers [][]warehouse.UsageRow, budgets []warehouse.Budget[kpi.USD], now time.Time) ([]budgetRow, bool) {
	actuals, history := byPeriod(answers[0], options.amount), map[string]map[int]*float64{}
	if len(answers) > 1 {
		history = byPeriod(answers[1], options.amount)
	}
	var rows []budgetRow
	found := false
	for _, member := range b.members(actuals, budgets) {
		byDay := budgetsByDay(b, member, budgets)
		for i, step := range steps {
			row := budgetRow{member: member, from: step.From, actual: actuals[member][i]}
			if options.Budget == "cost" {
				row.budget = maybe(b.sumOfDays(byDay, step))
			} else if amount, ok := byDay[step.From.Format(time.DateOnly)]; ok {
				row.budget = number(amount)
			}
			found = found || row.budget != nil
			row.projected = row.actual
			if now.Before(step.To) {
				row.projected = projectFrom(row.actual, history[member], now.Sub(step.From), step.Duration())
			}
			row.status = kpi.StandingOf(row.projected, row.budget, options.WarnAt)
			if row.actual != nil || row.budget != nil {
				rows = append(rows, row)
			}
		}
	}
	return rows, found
}

// members are those of the answer in order: the business units with usage or a
// budget, or the one nameless member of an answer without groups.
func (b budgetAnswer) members(actuals map[string]map[int]*float64, budgets []warehouse.Budget[kpi.USD]) []string {
	if !b.grouped {
		return []string{""}
	}
	var members []string
	for member := range actuals {
		members = append(members, member)
	}
	for _, budget := range budgets {
		wanted := budget.BusinessUnit != "" && (len(b.units) == 0 || slices.Contains(b.units, budget.BusinessUnit))
		if wanted && !slices.Contains(members, budget.BusinessUnit) {
			members = append(members, budget.BusinessUnit)
		}
	}
	slices.Sort(members)
	return members
}

func latestOfEach(rows []budgetRow) []budgetRow {
	var latest []budgetRow
	for i, row := range rows {
		if i+1 == len(rows) || rows[i+1].member != row.member {
			latest = append(latest, row)
		}
	}
	return latest
}

func budgetVarianceFrame(request Request, options budgetVarianceOptions, rows []budgetRow) *data.Frame {
	n := len(rows)
	times, members, statuses := make([]time.Time, n), make([]string, n), make([]string, n)
	columnsOf := map[string][]*float64{}
	numbers := []string{"budget", "actual", "variance", "variance_pct", "projected"}
	for _, name := range numbers {
		columnsOf[name] = make([]*float64, n)
	}
	for i, row := range rows {
		times[i], members[i], statuses[i] = row.from, row.member, string(row.status)
		columnsOf["budget"][i], columnsOf["actual"][i], columnsOf["projected"][i] = row.budget, row.actual, row.projected
		columnsOf["variance"][i] = kpi.Variance(row.actual, row.budget)
		columnsOf["variance_pct"][i] = kpi.VarianceShare(row.actual, row.budget)
	}
	unit := unitKilograms
	if options.Budget == "cost" {
		unit = columns["cost_usd"].unit
	}
	frame := data.NewFrame(fmt.Sprintf("Budget variance by %s", options.interval()), data.NewField("time", nil, times))
	if len(request.GroupBy) > 0 {
		frame.Fields = append(frame.Fields, memberField(request.GroupBy[0], members))
	}
	for _, name := range numbers {
		field := numberField(name, columnsOf[name])
		if name != "variance_pct" {
			field.Config.Unit = unit
		}
		frame.Fields = append(frame.Fields, field)
	}
	if request.Format == FormatTable { // a status is no label: it would make a new alert whenever it changes
		frame.Fields = append(frame.Fields, statusField(statuses))
	}
	return frame
}
