package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importCodeCarbonCommand(c console) *cobra.Command {
	var zone, model, workload, region string
	command := &cobra.Command{
		Use:   "codecarbon FILE",
		Short: "Import CodeCarbon's emissions.csv, of any version",
		Long: "Imports CodeCarbon's emissions.csv, or the file of its tasks, by the names of the columns. Of a run that was\n" +
			"flushed, and so has several records with the totals so far, only the increments count. All records of a run must\n" +
			"be in one file.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			location, err := time.LoadLocation(zone)
			if err != nil || zone == "" {
				return usage("%q is not a time zone: use an IANA name, for example Europe/Berlin", zone)
			}
			options := ingest.CodeCarbonOptions{Zone: location, Model: model, Workload: kpi.Workload(workload), Region: region}
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return ingest.CodeCarbon(ctx, warehouse.OpenStore(pool), file, options, time.Now())
			})
		},
	}
	command.Flags().StringVar(&zone, "time-zone", "UTC", "the time zone of the machine that wrote the file, whose times name none")
	command.Flags().StringVar(&model, "model", "", "what the runs worked on (default: unallocated)")
	command.Flags().StringVar(&workload, "workload", string(kpi.WorkloadTraining), "what kind of work the runs did")
	command.Flags().StringVar(&region, "region", "", "the region of records whose own cloud region and country are unknown")
	return command
}
