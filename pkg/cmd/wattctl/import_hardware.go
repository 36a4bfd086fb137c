package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importHardwareCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "hardware FILE",
		Short: "Import a hardware inventory",
		Long: "Imports a hardware inventory, an asset a record:\n" +
			"  serial,accelerator,region,business_unit,purchase_cost_usd,lifetime_years,embodied_kg,embodied_low_kg,\n" +
			"  embodied_high_kg,embodied_boundary,embodied_source,embodied_year,\n" +
			"  procured,deployed,decommissioned,reused,recycled,e_waste\n" +
			"The last six are days; all columns but serial, accelerator and procured may be left out.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				calendar, err := warehouse.NewReader(pool).Calendar(ctx)
				if err != nil {
					return ingest.Report{}, err
				}
				return ingest.Hardware(ctx, warehouse.OpenStore(pool), file, calendar.Location, time.Now())
			})
		},
	}
}
