package company

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var referenceWattHours = map[string]float64{
	"chat": chat, "reasoning": reasoning, "image_chat": imageChat, "code_completion": codeCompletion, "text_to_image": textToImage,
	"text_classification": classification, "extractive_qa": extractiveQA, "object_detection": detection, "summarization": summarization,
}

// scores are the models' Energy Scores of the last 12 months.
func scores(c *Company) map[string]float64 {
	measures := map[string]*kpi.Measures{}
	class := map[string]string{}
	for _, m := range c.Models {
		class[m.Name] = m.TaskClass
	}
	for _, e := range c.Events {
		reference := referenceWattHours[class[e.Model]]
		if e.Endpoint == "" || e.Workload == kpi.WorkloadEvaluation || reference == 0 || e.Time.Before(c.End.AddDate(-1, 0, 0)) {
			continue
		}
		if measures[e.Model] == nil {
			measures[e.Model] = &kpi.Measures{}
		}
		measures[e.Model].ScoredEnergy += e.ITEnergy
		measures[e.Model].ReferenceEnergy += kpi.KilowattHours(float64(e.Requests) / 1e6 * reference)
	}
	all := map[string]float64{}
	for model, m := range measures {
		all[model] = *kpi.EnergyScore(*m)
	}
	return all
}

func TestTrainingSpike(t *testing.T) {
	c := norrfold()
	unit := map[string]string{}
	for _, p := range c.Projects {
		unit[p.Name] = p.BusinessUnit
	}
	byMonth := map[time.Time]float64{}
	for i := range c.Events {
		e := &c.Events[i]
		if unit[e.Project] != unitSearch || (e.Workload != kpi.WorkloadTraining && e.Workload != kpi.WorkloadFineTuning) {
			continue
		}
		eachPart(e, 24*time.Hour, func(day time.Time, part float64) { byMonth[monthOf(day)] += float64(e.ITEnergy) * part })
	}
	var others []float64
	for month, kWh := range byMonth {
		if month != monthOf(c.stories.spikeWeek) && month != monthOf(end) {
			others = append(others, kWh)
		}
	}
	slices.Sort(others)
	spike, usual := byMonth[monthOf(c.stories.spikeWeek)], others[len(others)/2]
	t.Logf("%s: %.1f MWh, usually %.1f, otherwise at most %.1f", c.stories.spikeWeek.Format("January 2006"), spike/1000, usual/1000, others[len(others)-1]/1000)
	assert.Greater(t, spike, 3*usual)
	assert.Greater(t, spike, 2*others[len(others)-1], "no other month looks like it")
	assert.False(t, c.stories.spikeWeek.Before(end.AddDate(0, -6, 0)))
}

func TestCriticalAndWastefulModel(t *testing.T) {
	c := norrfold()
	care := c.Models[slices.IndexFunc(c.Models, func(m warehouse.Model) bool { return m.Name == modelCare })]
	var requests int64
	for _, e := range c.Events {
		if e.Model == modelCare && !e.Time.Before(end.AddDate(-1, 0, 0)) {
			requests += e.Requests
		}
	}
	t.Logf("criticality %d, score %.1f, %d million requests", *care.BusinessCriticality, scores(c)[modelCare], requests/1e6)
	assert.GreaterOrEqual(t, *care.BusinessCriticality, 90)
	assert.Equal(t, "production", care.Stage)
	assert.Less(t, scores(c)[modelCare], 25.0)
	assert.Greater(t, requests, int64(100e6))
}

func TestEveryQuadrantIsPopulated(t *testing.T) {
	c := norrfold()
	quadrants := map[kpi.Quadrant][]string{}
	least, most := 100.0, 0.0
	for _, m := range c.Models {
		score, scored := scores(c)[m.Name]
		if !scored || m.Stage != "production" {
			continue
		}
		least, most = min(least, score), max(most, score)
		criticality := float64(*m.BusinessCriticality)
		quadrant := *kpi.DefaultQuadrantThresholds.Quadrant(&criticality, &score)
		quadrants[quadrant] = append(quadrants[quadrant], fmt.Sprintf("%s %.1f", m.Name, score))
	}
	for quadrant, models := range quadrants {
		t.Log(quadrant, models)
	}
	assert.Len(t, quadrants, 4)
	assert.InDelta(t, 17, least, 4)
	assert.InDelta(t, 80, most, 6)
}

func TestMoveToCleanerRegion(t *testing.T) {
	c := norrfold()
	prices := c.prices()
	moved := c.stories.regionMove
	perThousand := func(from, to time.Time) float64 {
		carbon, requests := 0.0, 0.0
		for i := range c.Events {
			e := &c.Events[i]
			if e.Project != projectImagery || e.Time.Before(from) || !e.Time.Before(to) {
				continue
			}
			requests += float64(e.Requests)
			eachPart(e, 24*time.Hour, func(day time.Time, part float64) { carbon += float64(prices.carbon(e, day, part)) })
		}
		return carbon / requests * 1000
	}
	before, after := perThousand(moved.AddDate(0, -3, 0), moved), perThousand(moved, moved.AddDate(0, 3, 0))
	t.Logf("%.3f kg per 1,000 requests before %s, %.3f after", before, moved.Format(time.DateOnly), after)
	assert.Less(t, after, 0.4*before)
	assert.True(t, moved.After(end.AddDate(-1, 0, 0)) && moved.Before(end), "it is in the last 12 months")
}

func TestReleaseHalvesEnergy(t *testing.T) {
	c := norrfold()
	perThousand := func(from, to time.Time) float64 {
		energy, requests := 0.0, 0.0
		for _, e := range c.Events {
			if e.Model == modelWriter && e.Endpoint != "" && !e.Time.Before(from) && e.Time.Before(to) {
				energy, requests = energy+float64(e.ITEnergy), requests+float64(e.Requests)
			}
		}
		return energy / requests * 1000
	}
	released := c.stories.release
	before, after := perThousand(released.AddDate(0, -2, 0), released), perThousand(released, released.AddDate(0, 2, 0))
	t.Logf("%.4f kWh per 1,000 requests before %s, %.4f after", before, released.Format(time.DateOnly), after)
	assert.InDelta(t, 0.5, after/before, 0.02)
}

// weeksOver lists the weeks in which a business unit spent more than its budget,
// and how tight the budget was in all other weeks.
func weeksOver(c *Company, spent spending, unit string, amount func(amounts) float64) (over []time.Time, tightest, mean float64) {
	budget := map[time.Time]amounts{}
	for _, b := range c.CostBudgets {
		if b.BusinessUnit == unit {
			budget[weekOf(b.Day)] = budget[weekOf(b.Day)].plus(amounts{usd: b.USD})
		}
	}
	for _, b := range c.CarbonBudgets {
		if b.BusinessUnit == unit {
			budget[b.Week] = budget[b.Week].plus(amounts{kilograms: b.Kilograms})
		}
	}
	total, planned := 0.0, 0.0
	for week, a := range spent[unit] {
		if ratio := amount(a) / amount(budget[week]); ratio > 1 {
			over = append(over, week)
		} else {
			tightest = max(tightest, ratio)
			total, planned = total+amount(a), planned+amount(budget[week])
		}
	}
	slices.SortFunc(over, time.Time.Compare)
	return over, tightest, total / planned
}

// ahead is the company as a time zone ahead of UTC cuts its days. What that moves
// out of the budgets' first week is left out.
func ahead(c *Company, shift time.Duration) *Company {
	moved := *c
	moved.Events = nil
	for _, e := range c.Events {
		if e.Time = e.Time.Add(shift); !e.Time.Before(weekOf(c.Start)) {
			moved.Events = append(moved.Events, e)
		}
	}
	return &moved
}

func every(*warehouse.Event) bool { return true }

func usd(a amounts) float64       { return a.usd }
func kilograms(a amounts) float64 { return a.kilograms }

func TestOneWeekOverBudget(t *testing.T) {
	// Whenever somebody loads the company, whatever the season of its spike.
	ends := []time.Time{end}
	for month := range 12 {
		ends = append(ends, time.Date(2026, time.Month(1+month), 1+2*month, 7, 0, 0, 0, time.UTC))
	}
	for i, end := range ends {
		t.Run(end.Format(time.DateOnly), func(t *testing.T) {
			c := generate(uint64(i+1), end, 14)
			spent, spike := c.spending(weekOf, every), []time.Time{c.stories.spikeWeek}
			for _, unit := range []string{company, unitSearch} {
				over, tightest, mean := weeksOver(c, spent, unit, usd)
				assert.Equal(t, spike, over, "%q: cost", unit)
				t.Logf("%q: otherwise at most %.0f %% of the budget, %.0f %% on average", unit, 100*tightest, 100*mean)
				over, _, _ = weeksOver(c, spent, unit, kilograms)
				assert.Equal(t, spike, over, "%q: carbon", unit)
			}
			for _, unit := range []string{unitCare, unitSupplyChain, unitMarketing} {
				over, _, _ := weeksOver(c, spent, unit, usd)
				assert.Empty(t, over, "%s: cost", unit)
				over, _, _ = weeksOver(c, spent, unit, kilograms)
				assert.Empty(t, over, "%s: carbon", unit)
			}
		})
	}
}

func TestBudgetsOfTheFullCompany(t *testing.T) {
	c := norrfold()
	spent := c.spending(weekOf, every)
	for _, unit := range append([]string{company}, units()...) {
		over, tightest, mean := weeksOver(c, spent, unit, usd)
		t.Logf("%q: over in %d weeks, otherwise at most %.0f %% of the budget, %.0f %% on average", unit, len(over), 100*tightest, 100*mean)
		assert.Greater(t, mean, 0.7, "%q: the budget is near what was spent", unit)
	}
	for _, hours := range []time.Duration{-10, -5, 1, 9, 13} {
		over, tightest, _ := weeksOver(c, ahead(c, hours*time.Hour).spending(weekOf, every), company, usd)
		t.Logf("%d hours ahead of UTC: over in %v, otherwise at most %.0f %%", int(hours), over, 100*tightest)
		assert.Equal(t, []time.Time{c.stories.spikeWeek}, over, "%d hours ahead of UTC", int(hours))
	}
}

func TestTheProvidersStatementsAreCloseToOurs(t *testing.T) {
	c := norrfold()
	ours, theirs, market := 0.0, 0.0, 0.0
	for _, sum := range c.rentedSums() {
		ours += sum.kilograms
	}
	for _, f := range c.CarbonStatements {
		assert.True(t, f.Month.Before(c.current) && f.Region != eemshaven)
		switch {
		case f.Scope == kpi.Scope2 && f.Quantity == kpi.ProviderCarbonLocation:
			theirs += float64(f.Value) / 1e9
		case f.Scope == kpi.Scope2 && f.Quantity == kpi.ProviderCarbonMarket:
			market += float64(f.Value) / 1e9
		}
	}
	assert.InEpsilon(t, ours, theirs, 0.1, "the estimate is no other world's")
	assert.Greater(t, theirs, ours, "services that no event tells of")
	assert.Less(t, market, theirs/2, "its contracts are not ours")
	idle, all := int64(0), int64(0)
	for _, f := range c.Bills {
		if f.Idle {
			idle += f.Value
		}
		all += f.Value
	}
	assert.NotZero(t, idle)
	assert.Less(t, idle, all/20)
}
