package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var budgetColumns = columns{
	required: []string{"kind", "date", "amount"},
	optional: []string{"period", "business_unit", "source"},
}

// Budgets imports budgets, one a record:
//
//	kind,period,date,amount,business_unit,source
//
// kind is cost (USD) or carbon (kg CO2e). date is the first day of the period.
// A cost budget is of a day, a week or a month (period, a day where it is left
// out); that of a week or month is spread over its days to the cent, the first
// days taking the cents that do not divide. A carbon budget is of a week, from
// its Monday. Without a business unit the budget is the whole company's.
func Budgets(ctx context.Context, store *warehouse.Store, file File) (Report, error) {
	var report Report
	parser := budgetParser{source: file.Name, seen: map[string]budgetLine{}}
	all, err := readTable(ctx, &report, file, budgetColumns, parser.budget)
	if err != nil {
		return report, err
	}
	// The two kinds go to tables of their own; their answers are joined again.
	var costs []warehouse.CostBudget
	var carbons []warehouse.CarbonBudget
	var costItems, carbonItems []int
	for i, item := range all.items {
		if item.carbon != nil {
			carbons, carbonItems = append(carbons, *item.carbon), append(carbonItems, i)
			continue
		}
		costs, costItems = append(costs, *item.cost), append(costItems, i)
	}
	costResult, err := store.WriteCostBudgets(ctx, costs)
	if err != nil {
		return report, err
	}
	carbonResult, err := store.WriteCarbonBudgets(ctx, carbons)
	if err != nil {
		return report, err
	}
	var result warehouse.WriteResult
	for _, part := range []struct {
		result warehouse.WriteResult
		items  []int
	}{{costResult, costItems}, {carbonResult, carbonItems}} {
		for _, rejection := range part.result.Rejected {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: part.items[rejection.Index], Reason: rejection.Reason})
		}
		for _, index := range part.result.StoredItems {
			result.StoredItems = append(result.StoredItems, part.items[index])
		}
	}
	return report, all.settle(&report, file, result)
}

// budget is one of the two.
type budget struct {
	cost   *warehouse.CostBudget
	carbon *warehouse.CarbonBudget
}

type budgetParser struct {
	source string
	seen   map[string]budgetLine // by kind, day and business unit
}

// budgetLine is where a budget of a day was said, and how much it was.
type budgetLine struct {
	line   int
	amount float64
}

func (p *budgetParser) budget(rec record) ([]budget, error) {
	date, err := rec.day("date")
	if err != nil {
		return nil, err
	}
	amount, err := rec.amount("amount")
	if err != nil {
		return nil, err
	}
	kind, period := rec.text("kind"), rec.text("period")
	var budgets []budget
	switch kind {
	case "cost":
		budgets, err = p.costs(rec, orElse(period, "day"), date, amount)
	case "carbon":
		if orElse(period, "week") != "week" {
			return nil, fmt.Errorf("period %q: a carbon budget is of a week, dated with its Monday", excerpt([]byte(period)))
		}
		if date.Weekday() != time.Monday {
			monday := date.AddDate(0, 0, -(int(date.Weekday())+6)%7)
			return nil, fmt.Errorf("date %s is not a Monday, as a week begins with one: write %s", date.Format(time.DateOnly), monday.Format(time.DateOnly))
		}
		budgets = []budget{{carbon: &warehouse.CarbonBudget{Week: date, BusinessUnit: rec.text("business_unit"), Kilograms: amount,
			Source: orElse(rec.text("source"), p.source)}}}
	default:
		return nil, fmt.Errorf("kind %q is neither cost nor carbon", excerpt([]byte(kind)))
	}
	if err != nil {
		return nil, err
	}
	return budgets, p.note(rec, budgets)
}

// note refuses a budget of a day that an earlier record has set otherwise, such
// as a month that was budgeted and then one of its days.
func (p *budgetParser) note(rec record, budgets []budget) error {
	key := func(b budget) (string, float64) {
		if b.carbon != nil {
			return joined("carbon", []string{b.carbon.Week.Format(time.DateOnly), b.carbon.BusinessUnit}), b.carbon.Kilograms
		}
		return joined("cost", []string{b.cost.Day.Format(time.DateOnly), b.cost.BusinessUnit}), b.cost.USD
	}
	for _, b := range budgets {
		k, amount := key(b)
		if before, seen := p.seen[k]; seen && before.amount != amount {
			return fmt.Errorf("line %d sets another budget for the same time and business unit: keep the one that is right", before.line)
		}
	}
	for _, b := range budgets {
		k, amount := key(b)
		if _, seen := p.seen[k]; !seen {
			p.seen[k] = budgetLine{rec.line, amount}
		}
	}
	return nil
}

func (p *budgetParser) costs(rec record, period string, date time.Time, amount float64) ([]budget, error) {
	days := 1
	switch period {
	case "day":
	case "week":
		days = 7
	case "month":
		if date.Day() != 1 {
			return nil, fmt.Errorf("date %s is not the first of a month: write %s", date.Format(time.DateOnly), date.AddDate(0, 0, 1-date.Day()).Format(time.DateOnly))
		}
		days = date.AddDate(0, 1, -1).Day()
	default:
		return nil, fmt.Errorf("period %q is not day, week or month", excerpt([]byte(period)))
	}
	shares, err := spreadCents(amount, days)
	if err != nil {
		return nil, err
	}
	budgets := make([]budget, days)
	for i, share := range shares {
		budgets[i] = budget{cost: &warehouse.CostBudget{Day: date.AddDate(0, 0, i), BusinessUnit: rec.text("business_unit"), USD: share,
			Source: orElse(rec.text("source"), p.source)}}
	}
	return budgets, nil
}

// spreadCents cuts dollars into parts that are whole cents and add up exactly.
func spreadCents(dollars float64, parts int) ([]float64, error) {
	const mostDollars = 1e10
	if dollars > mostDollars {
		return nil, fmt.Errorf("amount %g is too large", dollars)
	}
	cents := math.Round(dollars * 100)
	if math.Abs(dollars*100-cents) > 1e-6*max(1, dollars/1e6) {
		return nil, errors.New("amount has fractions of a cent")
	}
	each, left := int64(cents)/int64(parts), int64(cents)%int64(parts)
	shares := make([]float64, parts)
	for i := range shares {
		share := each
		if int64(i) < left {
			share++
		}
		shares[i] = float64(share) / 100
	}
	return shares, nil
}
