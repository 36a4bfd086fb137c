package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importFactorsCommand(c console) *cobra.Command {
	var year int
	command := &cobra.Command{
		Use:     "factors FILE",
		Aliases: []string{"regions"},
		Short:   "Import grid intensity, PUE and prices by region",
		Long: "Imports figures by region, from Google's region-carbon-info as it is, or from a CSV of our own shape:\n" +
			"  region,quantity,valid_from,value,source,source_year,method,boundary\n" +
			"with the quantities grid_location and grid_market (g CO2e/kWh), pue, electricity_price (USD/kWh) and\n" +
			"carbon_free_share (0 to 1). Figures that would change published numbers wait in a factor version of their own\n" +
			"until wattctl restate puts it in force.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if cmd.Flags().Changed("year") && (year < 2000 || year > 2045) {
				return usage("--year %d: it must be between 2000 and 2045", year)
			}
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				report, err := ingest.Factors(ctx, warehouse.OpenStore(pool), file, year)
				if err == nil && !report.InForce {
					report.Notes = append(report.Notes, fmt.Sprintf("Events depend on these figures, so they wait in factor version %d and no answer has changed. "+
						"To compute answers with them, run: wattctl restate --version %d", report.Version, report.Version))
				}
				return report.Report, err
			})
		},
	}
	command.Flags().IntVar(&year, "year", 0, "the year of Google's figures (default: the four digits in the file's name)")
	return command
}
