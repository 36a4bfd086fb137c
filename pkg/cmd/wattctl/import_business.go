package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importBusinessCommand(c console) *cobra.Command {
	var mappingPath string
	command := &cobra.Command{
		Use:   "business FILE [--mapping MAPPING.yaml]",
		Short: "Import revenue, transactions and users by month",
		Long: "Imports figures of the business, one a record:\n" +
			"  month,metric,value,business_unit,source\n" +
			"month is 2026-01; the metrics are revenue and arr (USD), transactions and active_users. Without a business unit\n" +
			"the figure is the whole company's. With --mapping the file is a CSV as an ERP writes it, and the mapping says what\n" +
			"its columns, numbers and months mean: see docs/business-figures.md.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if !cmd.Flags().Changed("mapping") {
				return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
					return ingest.Business(ctx, warehouse.OpenStore(pool), file, time.Now())
				})
			}
			mapping, err := ingest.ReadBusinessMapping(mappingPath)
			if err != nil {
				return &usageError{err}
			}
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				calendar, err := warehouse.NewReader(pool).Calendar(ctx)
				if err != nil {
					return ingest.Report{}, err
				}
				return ingest.MappedBusiness(ctx, warehouse.OpenStore(pool), file, mapping, calendar, time.Now())
			})
		},
	}
	command.Flags().StringVar(&mappingPath, "mapping", "", "YAML file that says what the file's columns, numbers and months mean, as deploy/business-mapping.yaml")
	return command
}
