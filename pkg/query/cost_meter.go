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

var costMeter = Type{
	Name:        "costMeter",
	Label:       "Cost meter",
	Description: "What AI costs this hour and today, at which rate, and whether the day stays within its budget",
	GroupBy:     []kpi.Dimension{kpi.DimensionBusinessUnit},
	OneGroup:    true,
	RestsOn:     []Evidence{EvidenceEvents, EvidenceBusiness},
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics:     []string{"budget_used", "projected_day_usd", "spend_day_usd", "spend_hour_usd", "burn_usd_per_hour", "budget_day_usd"},
	Streams:     true,
	ofTheMoment: true,
	answer:      answerCostMeter,
}

// burnHours is how many full hours the burn rate looks back: one is too restless
// to read, a day too slow to act on.
const burnHours = 3

// staleAfter is how old the newest event may be before the meter says that it
// stands still.
const staleAfter = 2 * time.Hour

// costMeterOptions are the options of the query type. See src/types.ts.
type costMeterOptions struct {
	// Scope serving is the work that answers requests; all is everything, which is
	// what budgets are for.
	Scope     string        `json:"scope"`
	CostBasis kpi.CostBasis `json:"costBasis"`
	WarnAt    float64       `json:"warnAt"` // part of the budget from which the status is yellow
	Live      bool          `json:"live"`   // the panel follows the answer; nothing else is different
}

func (o costMeterOptions) cost(m kpi.Measures) *float64 {
	if o.Scope == "all" {
		return maybe(o.CostBasis.Cost(m))
	}
	return maybe(o.CostBasis.ServingCost(m))
}

func answerCostMeter(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := costMeterOptions{Scope: "serving", CostBasis: kpi.CostBasisFull, WarnAt: 0.9}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("scope", options.Scope, "serving", "all"),
		oneOf("costBasis", string(options.CostBasis), string(kpi.CostBasisEnergy), string(kpi.CostBasisFull)),
		checkWarnAt(options.WarnAt),
	} {
		if err != nil {
			return nil, err
		}
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	at := meterTime(request).In(p.calendar.Location)
	b := newBudgetAnswer(request, p)
	day := kpi.Span{From: p.calendar.Start(at, kpi.IntervalDay), To: p.calendar.Next(at, kpi.IntervalDay)}
	hour := kpi.Span{From: p.calendar.Start(at, kpi.IntervalHour), To: p.calendar.Next(at, kpi.IntervalHour)}
	rests, wholes := b.restsBefore(at, kpi.IntervalDay)
	now := warehouse.UsageRequest{
		Periods: []kpi.Span{day, hour, {From: hour.From.Add(-burnHours * time.Hour), To: hour.From}},
		GroupBy: request.GroupBy, Filters: request.Filters, FactorVersion: request.FactorVersion,
		Omit: warehouse.MeasureTokens | warehouse.MeasureCarbon | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureScore,
	}
	history := now
	history.Periods = slices.Concat(rests, wholes)
	answers, provenance, err := source.Usage(ctx, now, history)
	if err != nil {
		return nil, err
	}
	budgets, err := source.CostBudgets(ctx, day)
	if err != nil {
		return nil, err
	}
	current, past := byPeriod(answers[0], options.cost), byPeriod(answers[1], options.cost)
	var rows []meterRow
	found := false
	for _, member := range b.members(current, budgets) {
		row := meterRow{member: member, day: current[member][0], hour: current[member][1], burn: current[member][2]}
		row.fillIdleHours(len(answers[0])+len(answers[1]) > 0, current[member])
		if row.burn != nil {
			*row.burn /= burnHours
		}
		if amount, ok := budgetsByDay(b, member, budgets)[day.From.Format(time.DateOnly)]; ok {
			row.budget, found = number(amount), true
		}
		row.projected = projectFrom(row.day, past[member], at.Sub(day.From), day.Duration())
		row.status = kpi.StandingOf(row.projected, row.budget, options.WarnAt)
		rows = append(rows, row)
	}

	m := newMeta(request, day, provenance, p.calendar.Location)
	m.MeasuredShare, m.CostBasis = measuredShare(inPeriod(answers[0], 0)), string(options.CostBasis)
	m.Formulas = []formulaMeta{
		{"spend_hour_usd", "Σ cost since the full hour"},
		{"spend_day_usd", "Σ cost since midnight"},
		{"budget_used", "spend today / budget today"},
		{"burn_usd_per_hour", fmt.Sprintf("Σ cost of the last %d full hours / %d", burnHours, burnHours)},
		{"projected_day_usd", "spend today + mean of what the last four same weekdays took after this time; without any, the pace so far"},
	}
	notices := meterNotices(answers[0], provenance, at)
	notices = append(notices, b.notices(found, "cost")...)
	if found && options.Scope == "serving" {
		notices = append(notices, information("The budget is for all AI work and the spend is that of answering requests alone. For like with like, choose the scope all."))
	}
	return data.Frames{attach(costMeterFrame(request, rows), m, provenance.SQL, notices)}, nil
}

// meterTime is the moment the meter reads: now, or the end of a range that is
// over.
func meterTime(request Request) time.Time {
	if request.Span.To.Before(request.Now) {
		return request.Span.To.Add(-time.Nanosecond) // the end itself is the next day's
	}
	return request.Now
}

func meterNotices(rows []warehouse.UsageRow, provenance warehouse.Provenance, at time.Time) []data.Notice {
	var notices []data.Notice
	if len(rows) > 0 {
		notices = noticesWithout(warehouse.MeasureCarbon, rows, provenance)
	}
	switch age := at.Sub(provenance.NewestEvent); {
	case provenance.NewestEvent.IsZero():
		notices = append(notices, information("There is no usage in the warehouse yet."))
	case age > staleAfter:
		notices = append(notices, warning(fmt.Sprintf("The meter stands still: the newest event is of %s, %s before. Check what writes to the warehouse.",
			provenance.NewestEvent.In(at.Location()).Format("2006-01-02 15:04"), age.Round(time.Minute))))
	}
	return notices
}

// meterRow is the meter of one member in USD.
type meterRow struct {
	member                             string
	hour, day, burn, budget, projected *float64
	status                             kpi.BudgetStatus
}

// fillIdleHours makes a zero of a period in which nothing ran, in a warehouse that
// has usage: nothing was spent. A period whose cost is not known stays empty.
func (r *meterRow) fillIdleHours(hasUsage bool, known map[int]*float64) {
	if !hasUsage {
		return
	}
	for period, value := range []**float64{&r.day, &r.hour, &r.burn} {
		if _, ran := known[period]; !ran {
			*value = number(0.0)
		}
	}
}

func costMeterFrame(request Request, rows []meterRow) *data.Frame {
	n := len(rows)
	members, statuses := make([]string, n), make([]string, n)
	hour, day, budget, used := make([]*float64, n), make([]*float64, n), make([]*float64, n), make([]*float64, n)
	projected, burn := make([]*float64, n), make([]*float64, n)
	for i, row := range rows {
		members[i], statuses[i] = row.member, string(row.status)
		hour[i], day[i], budget[i], projected[i], burn[i] = row.hour, row.day, row.budget, row.projected, row.burn
		used[i] = kpi.BudgetUsed(row.day, row.budget)
	}
	frame := data.NewFrame("Cost meter")
	if len(request.GroupBy) > 0 {
		frame.Fields = append(frame.Fields, memberField(request.GroupBy[0], members))
	}
	frame.Fields = append(frame.Fields, numberField("spend_hour_usd", hour), numberField("spend_day_usd", day),
		numberField("budget_day_usd", budget), numberField("budget_used", used), numberField("projected_day_usd", projected),
		numberField("burn_usd_per_hour", burn))
	if request.Format == FormatTable {
		frame.Fields = append(frame.Fields, statusField(statuses))
	}
	return frame
}
