package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importEventsCommand(c console) *cobra.Command {
	return c.mappedCommand("events", "Import events from CSV or Parquet, by name or through a mapping",
		"Imports events, a row an event. Columns with the names of the view wattscore.event are found by themselves:\n"+
			"  event_id,ts,model,project,region,endpoint,workload,run_id,requests,input_tokens,output_tokens,latency_ms,\n"+
			"  it_energy_kwh,gpu_hours,gpu_memory_hours,cost_usd,carbon_location_kg,carbon_market_kg,source,quality\n"+
			"ts, region, workload, it_energy_kwh, source and quality must be said. A mapping renames columns, converts units\n"+
			"and times, and says what the file does not: docs/warehouses.md, deploy/events-mapping.yaml.",
		func(ctx context.Context, store *warehouse.Store, file ingest.File, mapping ingest.Mapping) (ingest.Report, error) {
			return ingest.Events(ctx, store, file, mapping, time.Now())
		})
}

func importModelsCommand(c console) *cobra.Command {
	return c.mappedCommand("models", "Import what models are: provider, family, task class, accuracy, criticality",
		"Imports models from CSV or Parquet, a row a model:\n"+
			"  name,provider,family,task_class,parameters_billion,accuracy,accuracy_metric,business_criticality,stage,\n"+
			"  latency_slo_ms,released_on\n"+
			"Only the name is needed. What a row leaves empty stays as it is in the warehouse.",
		ingest.Models)
}

func importProjectsCommand(c console) *cobra.Command {
	return c.mappedCommand("projects", "Import what projects belong to: team, business unit, product line, cost centre",
		"Imports projects from CSV or Parquet, a row a project:\n"+
			"  name,team,business_unit,product_line,cost_centre,owner\n"+
			"Only the name is needed. What a row leaves empty stays as it is in the warehouse.",
		ingest.Projects)
}

func (c console) mappedCommand(kind, short, long string,
	work func(context.Context, *warehouse.Store, ingest.File, ingest.Mapping) (ingest.Report, error)) *cobra.Command {
	var path string
	command := &cobra.Command{
		Use: kind + " FILE [--mapping MAPPING.yaml]", Short: short, Long: long, Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			mapping, err := ingest.ReadMapping(path, kind)
			if err != nil {
				return &usageError{err}
			}
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return work(ctx, warehouse.OpenStore(pool), file, mapping)
			})
		},
	}
	command.Flags().StringVar(&path, "mapping", "", "a YAML file that says what the columns mean (default: they have the warehouse's names)")
	return command
}
