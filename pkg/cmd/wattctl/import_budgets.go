package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importBudgetsCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "budgets FILE",
		Short: "Import cost and carbon budgets",
		Long: "Imports budgets, one a record:\n" +
			"  kind,period,date,amount,business_unit,source\n" +
			"kind is cost (USD) or carbon (kg CO2e). A cost budget is of a day, a week or a month, and spread over its days to\n" +
			"the cent; a carbon budget is of a week. date is the first day of the period, of a carbon week its Monday.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return ingest.Budgets(ctx, warehouse.OpenStore(pool), file)
			})
		},
	}
}
