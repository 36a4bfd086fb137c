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
	return &cobra.Command{
		Use:   "business FILE",
		Short: "Import revenue, transactions and users by month",
		Long: "Imports figures of the business, one a record:\n" +
			"  month,metric,value,business_unit,source\n" +
			"month is 2026-01; the metrics are revenue and arr (USD), transactions and active_users. Without a business unit\n" +
			"the figure is the whole company's.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return ingest.Business(ctx, warehouse.OpenStore(pool), file, time.Now())
			})
		},
	}
}
