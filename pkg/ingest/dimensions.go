package ingest

import (
	"context"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Models imports what the company says of its models, from CSV or Parquet, a row a
// model:
//
//	name,provider,family,task_class,parameters_billion,accuracy,accuracy_metric,
//	business_criticality,stage,latency_slo_ms,released_on
//
// All but the name may be left out or empty: then what the warehouse has stays.
func Models(ctx context.Context, store *warehouse.Store, file File, mapping Mapping) (Report, error) {
	m := &mapped{shape: modelShape, mapping: mapping}
	return importTable(ctx, file, m, m.model, store.UpsertModels)
}

// Projects imports what projects belong to, from CSV or Parquet, a row a project:
//
//	name,team,business_unit,product_line,cost_centre,owner
//
// All but the name may be left out or empty: then what the warehouse has stays.
func Projects(ctx context.Context, store *warehouse.Store, file File, mapping Mapping) (Report, error) {
	m := &mapped{shape: projectShape, mapping: mapping}
	return importTable(ctx, file, m, m.project, store.UpsertProjects)
}

// importTable reads a file of mapped rows and writes it as a whole.
func importTable[T any](ctx context.Context, file File, m *mapped, parse func(record) (T, error),
	write func(context.Context, []T) (warehouse.WriteResult, error)) (Report, error) {
	var report Report
	var all table[T]
	err := report.eachMapped(ctx, file, m, func(rec record) error {
		item, err := parse(rec)
		if err != nil {
			return err
		}
		all.add(rec, []T{item})
		return all.bounded(file)
	})
	if err != nil {
		return report, err
	}
	result, err := write(ctx, all.items)
	if err != nil {
		return report, err
	}
	return report, all.settle(&report, file, result)
}

func (m *mapped) model(rec record) (model warehouse.Model, err error) {
	model = warehouse.Model{
		Provider: m.text(rec, "provider"), Family: m.text(rec, "family"), TaskClass: m.text(rec, "task_class"),
		AccuracyMetric: m.text(rec, "accuracy_metric"), Stage: m.text(rec, "stage"),
	}
	if model.Name, err = m.required(rec, "name"); err != nil {
		return model, err
	}
	if model.ParametersBillion, err = m.billions(rec, "parameters_billion"); err != nil {
		return model, err
	}
	if model.Accuracy, err = m.plain(rec, "accuracy"); err != nil {
		return model, err
	}
	if model.BusinessCriticality, err = m.whole(rec, "business_criticality"); err != nil {
		return model, err
	}
	nanoseconds, err := m.amount(rec, "latency_slo_ms")
	if err != nil {
		return model, err
	}
	if nanoseconds != nil {
		model.LatencySLO = (*time.Duration)(nanoseconds)
	}
	if m.text(rec, "released_on") == "" {
		return model, nil
	}
	released, err := m.time(rec, "released_on")
	model.ReleasedOn = &released
	return model, err
}

// billions reads a number of parameters in 1e9. One that is written in the warehouse's
// own unit is taken as it is written.
func (m *mapped) billions(rec record, column string) (*float64, error) {
	if m.columns[column].rule.Unit == "" {
		text := m.text(rec, column)
		if text == "" {
			return nil, nil
		}
		return m.plain(rec, column)
	}
	parameters, err := m.amount(rec, column)
	if err != nil || parameters == nil {
		return nil, err
	}
	const billion = 1e9
	amount := float64(*parameters) / billion
	return &amount, nil
}

func (m *mapped) project(rec record) (warehouse.Project, error) {
	name, err := m.required(rec, "name")
	return warehouse.Project{Name: name, Team: m.text(rec, "team"), BusinessUnit: m.text(rec, "business_unit"),
		ProductLine: m.text(rec, "product_line"), CostCentre: m.text(rec, "cost_centre"), Owner: m.text(rec, "owner")}, err
}
