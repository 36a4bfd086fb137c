package company

import (
	"math"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// unitFigures are a business unit's in the month of the company's end.
type unitFigures struct {
	revenue, arr, transactions, users float64
	growth                            float64 // factor a year
}

var business = map[string]unitFigures{
	unitSearch:      {revenue: 184e6, arr: 412e6, transactions: 9.6e6, users: 14.2e6, growth: 1.14},
	unitCare:        {revenue: 22e6, arr: 96e6, transactions: 2.1e6, users: 3.4e6, growth: 1.08},
	unitSupplyChain: {revenue: 131e6, arr: 58e6, transactions: 6.3e6, users: 0.021e6, growth: 1.06},
	unitMarketing:   {revenue: 67e6, arr: 171e6, transactions: 3.2e6, users: 8.9e6, growth: 1.11},
}

// company stands for all business units in the figures and budgets.
const company = ""

// reportBusiness makes the figures of every month. A customer uses more than one
// unit, so the company has fewer active users than its units together.
func (c *Company) reportBusiness() {
	for month := c.Start; month.Before(c.End); month = month.AddDate(0, 1, 0) {
		totals := map[string]float64{}
		for _, unit := range units() {
			f, r := business[unit], c.random("business "+unit+month.Format(time.DateOnly))
			growth := math.Pow(f.growth, month.Sub(c.current).Hours()/hoursPerYear)
			sales := growth * monthSeason(month.Month()) * around(r, 0.015)
			for _, figure := range []struct {
				metric string
				value  float64
			}{
				{"revenue", f.revenue * sales},
				{"arr", f.arr * growth * around(r, 0.004)},
				{"transactions", f.transactions * sales * around(r, 0.01)},
				{"active_users", f.users * growth * around(r, 0.01)},
			} {
				value := math.Round(figure.value)
				totals[figure.metric] += value
				c.addMetric(month, figure.metric, unit, value)
			}
		}
		totals["active_users"] = math.Round(0.71 * totals["active_users"])
		for _, metric := range warehouse.BusinessMetrics() {
			c.addMetric(month, metric, company, totals[metric])
		}
	}
}

func (c *Company) addMetric(month time.Time, metric, unit string, value float64) {
	c.BusinessMetrics = append(c.BusinessMetrics, warehouse.BusinessMetric{
		Month: month, Metric: metric, BusinessUnit: unit, Value: value, Source: Name + ", controlling"})
}

func monthSeason(month time.Month) float64 {
	switch month {
	case time.November:
		return 1.17
	case time.December:
		return 1.26
	case time.February:
		return 0.91
	case time.July, time.August:
		return 0.95
	}
	return 1
}

// spending is what each business unit and the company spent and emitted, by the
// unit and the day that a period begins.
type spending map[string]map[time.Time]amounts

type amounts struct{ usd, kilograms float64 }

func (a amounts) plus(b amounts) amounts { return amounts{a.usd + b.usd, a.kilograms + b.kilograms} }

func (a amounts) times(factor float64) amounts {
	return amounts{a.usd * factor, a.kilograms * factor}
}

// atLeast is the larger of each amount.
func (a amounts) atLeast(b amounts) amounts {
	return amounts{max(a.usd, b.usd), max(a.kilograms, b.kilograms)}
}

// spending adds up the events that count, by the period of their days.
func (c *Company) spending(period func(time.Time) time.Time, counts func(*warehouse.Event) bool) spending {
	unitOf := map[string]string{}
	for _, p := range c.Projects {
		unitOf[p.Name] = p.BusinessUnit
	}
	spent := spending{company: {}}
	for _, unit := range units() {
		spent[unit] = map[time.Time]amounts{}
	}
	prices := c.prices()
	for i := range c.Events {
		e := &c.Events[i]
		if !counts(e) {
			continue
		}
		eachPart(e, 24*time.Hour, func(day time.Time, part float64) {
			a := amounts{float64(prices.cost(e, day, part)), float64(prices.carbon(e, day, part))}
			spent[company][period(day)] = spent[company][period(day)].plus(a)
			if unit := unitOf[e.Project]; unit != company {
				spent[unit][period(day)] = spent[unit][period(day)].plus(a)
			}
		})
	}
	return spent
}

// A budget has room above the dearest week of serving in its quarter, and serving
// gets most of what it had in the quarter before.
const (
	costRoom   = 1.10
	carbonRoom = 1.07
	kept       = 0.9
)

// budget makes daily cost and weekly carbon budgets through the quarter of the
// end: what serving takes, the same all quarter, and the training campaigns on
// the days they run. The ranking campaign was planned by nobody.
func (c *Company) budget() {
	serving := c.spending(weekOf, func(e *warehouse.Event) bool { return e.RunID == "" })
	campaigns := c.spending(dayOf, func(e *warehouse.Event) bool {
		return e.RunID != "" && !slices.Contains(c.stories.unplanned, e.RunID)
	})
	for _, unit := range append([]string{company}, units()...) {
		dearest := map[time.Time]amounts{}
		for week, a := range serving[unit] {
			first, last := quarterOf(week), quarterOf(week.AddDate(0, 0, 6))
			dearest[first] = dearest[first].atLeast(a)
			dearest[last] = dearest[last].atLeast(a)
		}
		// Whole weeks, because a week is held against the sum of its days.
		until := mondayFrom(quarterOf(c.current).AddDate(0, 3, 0))
		week := amounts{}
		for day := weekOf(c.Start); day.Before(until); day = day.AddDate(0, 0, 1) {
			quarter := quarterOf(day)
			served := dearest[quarter].atLeast(dearest[quarter.AddDate(0, -3, 0)].times(kept))
			planned := served.times(1.0 / 7).plus(campaigns[unit][day])
			week = week.plus(planned)
			c.CostBudgets = append(c.CostBudgets, warehouse.CostBudget{Day: day, BusinessUnit: unit,
				USD: math.Ceil(planned.usd*costRoom/10) * 10, Source: Name + ", budget of the quarter"})
			if day.Weekday() == time.Sunday {
				c.CarbonBudgets = append(c.CarbonBudgets, warehouse.CarbonBudget{Week: weekOf(day), BusinessUnit: unit,
					Kilograms: math.Ceil(week.kilograms*carbonRoom/10) * 10, Source: Name + ", climate plan"})
				week = amounts{}
			}
		}
	}
}

func quarterOf(t time.Time) time.Time {
	return time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
}

func power(base float64, years int) float64 { return math.Pow(base, float64(years)) }

func round(value float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(value*scale) / scale
}
