package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// evidence prints the rows beneath an answer.
type evidence struct {
	console
	reader      *warehouse.Reader
	explanation query.Explanation
	filters     kpi.Filters
	rows        int
}

func (e evidence) print(ctx context.Context, kind query.Evidence) error {
	switch kind {
	case query.EvidenceHardware:
		return e.hardware(ctx)
	case query.EvidenceBusiness:
		return e.business(ctx)
	case query.EvidenceProvider:
		return e.provider(ctx)
	default:
		if err := e.factors(ctx); err != nil {
			return err
		}
		return e.events(ctx)
	}
}

// factors prints every figure that priced energy, with where it is from.
func (e evidence) factors(ctx context.Context) error {
	factors, err := e.reader.AuditFactors(ctx, e.explanation.FactorVersion, e.explanation.Span, e.filters)
	if err != nil {
		return err
	}
	e.heading(fmt.Sprintf("Factor version %d (%s)", e.explanation.FactorVersion, e.explanation.FactorName))
	if len(factors) == 0 {
		e.answer("No factor priced anything in this period.")
		return nil
	}
	shown := newTable("Region", "Quantity", "Valid from", "Value", "Unit", "Source", "Year", "Method", "Boundary")
	shown.SetColumnConfigs([]table.ColumnConfig{
		{Number: 4, Align: text.AlignRight}, {Number: 6, WidthMax: 50, WidthMaxEnforcer: text.WrapSoft},
		{Number: 8, WidthMax: 30, WidthMaxEnforcer: text.WrapSoft}, {Number: 9, WidthMax: 30, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, f := range factors {
		region := f.Region
		if f.Owner != f.Region {
			region += " (figure of " + f.Owner + ")"
		}
		shown.AppendRow(table.Row{region, f.Quantity, f.ValidFrom.Format(time.DateOnly), plain(f.Value, 6), factorUnits[f.Quantity],
			f.Source, f.SourceYear, f.Method, f.Boundary})
	}
	e.answer("%s", shown.Render())
	return nil
}

var factorUnits = map[warehouse.FactorQuantity]string{
	warehouse.FactorGridLocation: "gCO2e/kWh", warehouse.FactorGridMarket: "gCO2e/kWh",
	warehouse.FactorPUE: "facility/IT", warehouse.FactorElectricityPrice: "USD/kWh",
}

// events prints the largest facts and how many there are.
func (e evidence) events(ctx context.Context) error {
	audit, err := e.reader.AuditEvents(ctx, e.explanation.Span, e.filters, e.rows)
	if err != nil {
		return err
	}
	e.heading(fmt.Sprintf("The rows: %d of %d in wattscore.event, %s kWh of IT energy in all", len(audit.Events), audit.All, plain(float64(audit.ITEnergy), 9)))
	if len(audit.Events) == 0 {
		return nil
	}
	shown := newTable("Event", "Time", "Model", "Project", "Region", "Workload", "Requests", "IT kWh", "Facility kWh", "Cost USD", "kgCO2e (location)", "Quality", "Source")
	right := []table.ColumnConfig{}
	for column := 7; column <= 11; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight})
	}
	shown.SetColumnConfigs(right)
	for _, v := range audit.Events {
		id := v.ID
		if v.Slice > 0 {
			id += fmt.Sprintf(" hour %d", v.Slice+1)
		}
		shown.AppendRow(table.Row{id, clock(v.Time.In(e.explanation.Span.From.Location())), v.Model, v.Project, v.Region, v.Workload, v.Requests,
			plain(float64(v.ITEnergy), 6), amount((*float64)(v.FacilityEnergy)), amount((*float64)(v.Cost)), amount((*float64)(v.CarbonLocation)), v.Quality, v.Source})
	}
	e.answer("%s", shown.Render())
	e.answer("Cost and carbon of the rows are by the factors in force. To read them all:\n"+
		"  SELECT * FROM wattscore.event WHERE ts >= '%s' AND ts < '%s'", e.explanation.Span.From.Format(time.RFC3339), e.explanation.Span.To.Format(time.RFC3339))
	return nil
}

// hardware prints the assets with the source of their embodied carbon.
func (e evidence) hardware(ctx context.Context) error {
	assets, err := e.reader.Hardware(ctx, e.explanation.Span.To, e.filters)
	if err != nil {
		return err
	}
	shownAssets := assets[:min(len(assets), e.rows)]
	e.heading(fmt.Sprintf("The rows: %d of %d assets in wattscore.hardware_asset", len(shownAssets), len(assets)))
	shown := newTable("Serial", "Accelerator", "Region", "Business unit", "Embodied kgCO2e", "Low", "High", "Boundary", "Source", "Stages")
	shown.SetColumnConfigs([]table.ColumnConfig{
		{Number: 8, WidthMax: 30, WidthMaxEnforcer: text.WrapSoft}, {Number: 9, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
		{Number: 10, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, a := range shownAssets {
		life := ""
		for i, stage := range a.Stages {
			if i > 0 {
				life += ", "
			}
			life += a.StagesAt[i].Format(time.DateOnly) + " " + stage
		}
		shown.AppendRow(table.Row{a.Serial, a.Accelerator, a.Region, a.BusinessUnit, amount((*float64)(a.EmbodiedKilograms)),
			amount((*float64)(a.EmbodiedLow)), amount((*float64)(a.EmbodiedHigh)), a.EmbodiedBoundary, a.EmbodiedSource, life})
	}
	e.answer("%s", shown.Render())
	return nil
}

// business prints what the business side reported of the period.
func (e evidence) business(ctx context.Context) error {
	metrics, err := e.reader.BusinessMetrics(ctx, e.explanation.Span)
	if err != nil {
		return err
	}
	costs, err := e.reader.CostBudgets(ctx, e.explanation.Span)
	if err != nil {
		return err
	}
	carbon, err := e.reader.CarbonBudgets(ctx, e.explanation.Span)
	if err != nil {
		return err
	}
	e.heading(fmt.Sprintf("The rows: %d figures in wattscore.business_metric, %d cost budgets by day, %d carbon budgets by week", len(metrics), len(costs), len(carbon)))
	shown := newTable("From", "Figure", "Business unit", "Value", "Unit")
	shown.SetColumnConfigs([]table.ColumnConfig{{Number: 4, Align: text.AlignRight}})
	row := func(from time.Time, what, unit string, value float64, of string) {
		if shown.Length() >= e.rows {
			return
		}
		if unit == "" {
			unit = "whole company"
		}
		shown.AppendRow(table.Row{from.Format(time.DateOnly), what, unit, plain(value, 9), of})
	}
	units := map[string]string{"revenue": "USD", "arr": "USD"}
	for _, m := range metrics {
		row(m.Month, m.Metric, m.BusinessUnit, m.Value, units[m.Metric])
	}
	for _, b := range carbon {
		row(b.Start, "carbon budget of the week", b.BusinessUnit, float64(b.Amount), "kgCO2e")
	}
	for _, b := range costs {
		row(b.Start, "cost budget of the day", b.BusinessUnit, float64(b.Amount), "USD")
	}
	e.answer("%s", shown.Render())
	return nil
}

// provider prints what cloud providers and bills state of the period, and the imports it
// came with. A login that is limited to business units is not told of the imports: the
// names of their files are the whole company's.
func (e evidence) provider(ctx context.Context) error {
	figures, err := e.reader.ProviderFigures(ctx, warehouse.ProviderRequest{From: e.explanation.Span.From, To: e.explanation.Span.To, Filters: e.filters,
		ByProject: true, ByService: true})
	if err != nil {
		return err
	}
	e.heading(fmt.Sprintf("The rows: %d of %d figures in wattscore.provider_figure that no later import restates", min(len(figures), e.rows), len(figures)))
	shown := newTable("Month", "Source", "Cloud", "Version", "Service", "Region", "Project", "Quantity", "Scope", "Charge", "Idle", "Value")
	shown.SetColumnConfigs([]table.ColumnConfig{{Number: 12, Align: text.AlignRight}})
	for _, f := range figures[:min(len(figures), e.rows)] {
		shown.AppendRow(table.Row{f.Month.Format("2006-01"), f.Source, f.Cloud, f.ModelVersion, f.Service, f.Region, f.Project, f.Quantity, f.Scope, f.Charge, f.Idle, plain(f.Value, 9)})
	}
	e.answer("%s", shown.Render())
	units, err := e.reader.Scope(ctx)
	if err != nil || units != nil {
		return err
	}
	imports, err := e.reader.ProviderImports(ctx)
	if err != nil {
		return err
	}
	e.heading("The imports they came with, newest first")
	told := newTable("Import", "Source", "Time", "Figures", "Restated by it", "Files")
	told.SetColumnConfigs([]table.ColumnConfig{{Number: 6, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, i := range imports[:min(len(imports), e.rows)] {
		told.AppendRow(table.Row{i.ID, i.Source, i.Time.UTC().Format(time.RFC3339), i.Figures, i.Restated, i.Files})
	}
	e.answer("%s", told.Render())
	return nil
}
