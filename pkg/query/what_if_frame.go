package query

import (
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// whatIfFrame is the answer: today first, then a row a scenario.
func whatIfFrame(rows []whatIfRow, format Format) *data.Frame {
	n := len(rows)
	names, assumptions := make([]string, n), make([]string, n)
	for i, row := range rows {
		names[i], assumptions[i] = row.name, row.assumption
	}
	frame := data.NewFrame("What-if", textField("scenario", names))
	for _, column := range []struct {
		name  string
		value func(whatIfRow) *float64
	}{
		{"facility_kwh", func(r whatIfRow) *float64 { return maybe(r.after.FacilityEnergy) }},
		{"cost_usd", func(r whatIfRow) *float64 { return maybe(r.after.EnergyCost) }},
		{"carbon_t", func(r whatIfRow) *float64 { return tonnes(r.after.Carbon) }},
		{"saving_kwh", func(r whatIfRow) *float64 { return maybe(r.saving.FacilityEnergy) }},
		{"saving_usd", func(r whatIfRow) *float64 { return maybe(r.saving.EnergyCost) }},
		{"saving_t", func(r whatIfRow) *float64 { return tonnes(r.saving.Carbon) }},
		{"investment_usd", func(r whatIfRow) *float64 { return maybe(r.investment) }},
		{"payback_months", func(r whatIfRow) *float64 { return r.paybackMonths }},
		{"npv_usd", func(r whatIfRow) *float64 { return maybe(r.netPresentValue) }},
		{"carbon_payback_months", func(r whatIfRow) *float64 { return r.carbonPaybackMonths }},
	} {
		values := make([]*float64, n)
		for i, row := range rows {
			values[i] = column.value(row)
		}
		field := numberField(column.name, values)
		if column.name == "cost_usd" {
			field.Config.DisplayNameFromDS, field.Config.Description = "Energy cost", "Facility energy at the electricity price, per year"
		}
		frame.Fields = append(frame.Fields, field)
	}
	if format != FormatNumber {
		// To an alert rule it would be a label that changes with the numbers in it.
		frame.Fields = append(frame.Fields, textField("assumption", assumptions))
	}
	return frame
}

var whatIfFormulas = []formulaMeta{
	{"facility_kwh", "IT energy × PUE, × 365 days / days of the period"},
	{"cost_usd", "facility energy × electricity price, × 365 days / days of the period"},
	{"carbon_t", "facility energy × grid intensity (location-based), × 365 days / days of the period"},
	{"saving_kwh", "today's facility_kwh − the scenario's"},
	{"saving_usd", "today's cost_usd − the scenario's"},
	{"saving_t", "today's carbon_t − the scenario's"},
	{"investment_usd", "units × unit cost"},
	{"payback_months", "investment / (annual saving / 12)"},
	{"npv_usd", "−investment + Σ annual saving / (1 + discount rate)^year over the lifetime"},
	{"carbon_payback_months", "embodied carbon of the new units / (annual carbon saving / 12)"},
}
