package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// besideOurs closes the help of each kind of provider's figures.
const besideOurs = "\n\nThese figures stand beside ours and are never added to them: wattctl query reconciliation holds them against each other.\n" +
	"An import tells the whole of what it reports on: figures of the same account, version and time that it does not repeat\n" +
	"are restated, and stay beside the new ones. So import all files of a delivery in one command."

const mappingFlag = "mapping"

const mappingUsage = "a YAML file with projects (theirs: ours) and accounts (account: project of ours)"

// readProviderMapping reads the file of the flag; no file knows no projects.
func readProviderMapping(path string) (ingest.ProviderMapping, error) {
	if path == "" {
		return ingest.ProviderMapping{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ingest.ProviderMapping{}, fmt.Errorf("reading the mapping: %w", err)
	}
	mapping, err := ingest.ParseProviderMapping(text)
	if err != nil {
		return ingest.ProviderMapping{}, fmt.Errorf("the mapping in %s: %w", path, err)
	}
	return mapping, nil
}

// mappedImport makes a command whose files are read with a mapping.
func (c console) mappedImport(command *cobra.Command, complete func(*ingest.ProviderMapping),
	work func(context.Context, *warehouse.Store, []ingest.File, ingest.ProviderMapping, time.Time) (ingest.Report, error)) *cobra.Command {
	command.Long += besideOurs
	command.Args = someFiles
	path := command.Flags().String(mappingFlag, "", mappingUsage)
	command.RunE = func(cmd *cobra.Command, arguments []string) error {
		mapping, err := readProviderMapping(*path)
		if err != nil {
			return err
		}
		complete(&mapping)
		return c.importFiles(cmd, arguments, func(ctx context.Context, pool *pgxpool.Pool, files []ingest.File) (ingest.Report, error) {
			return work(ctx, warehouse.OpenStore(pool), files, mapping, time.Now())
		})
	}
	return command
}

func asItIs(*ingest.ProviderMapping) {}

func importCCFCommand(c console) *cobra.Command {
	var version string
	command := &cobra.Command{
		Use:   "ccf FILE…",
		Short: "Import Cloud Carbon Footprint's estimates",
		Long: "Imports what Cloud Carbon Footprint answers to GET /api/footprint, as JSON, with groupBy=day or groupBy=month. co2e is in\n" +
			"metric tons and has embodied carbon inside. Its kilowattHours have it inside too, so they are no metered energy.",
	}
	command.Flags().StringVar(&version, "model-version", "", "the version of Cloud Carbon Footprint that made the estimates, which they do not say")
	return c.mappedImport(command, asItIs, func(ctx context.Context, store *warehouse.Store, files []ingest.File, mapping ingest.ProviderMapping, now time.Time) (ingest.Report, error) {
		return ingest.CCF(ctx, store, files, ingest.CCFOptions{ModelVersion: version, Mapping: mapping}, now)
	})
}

func importGoogleCarbonCommand(c console) *cobra.Command {
	return c.mappedImport(&cobra.Command{
		Use:   "google-carbon FILE…",
		Short: "Import Google Carbon Footprint's export from BigQuery",
		Long: "Imports the table that Google Carbon Footprint exports to BigQuery, as lines of JSON, or as CSV with its nested columns\n" +
			"flattened (project.id or project_id). Figures are by month and in kg CO2e, location- and market-based apart.",
	}, asItIs, ingest.GoogleCarbon)
}

func importAWSCarbonCommand(c console) *cobra.Command {
	return c.mappedImport(&cobra.Command{
		Use:   "aws-carbon FILE…",
		Short: "Import AWS' data export CARBON_EMISSIONS",
		Long: "Imports AWS' data export CARBON_EMISSIONS as CSV, unpacked. Figures are by month and in the unit their column names,\n" +
			"which must be MTCO2e. Versions of AWS' method that are delivered side by side are both kept, and never added.",
	}, asItIs, ingest.AWSCarbon)
}

func importFOCUSCommand(c console) *cobra.Command {
	var projectTags, unitTags []string
	command := &cobra.Command{
		Use:   "focus FILE…",
		Short: "Import bills in the format FOCUS",
		Long: "Imports bills in the FinOps Foundation's format FOCUS, 1.0 to 1.2, as CSV, unpacked. The cost is EffectiveCost, which spreads\n" +
			"what was paid up front over the months that use it; BilledCost puts it on the day of the invoice. Costs must be in USD.\n" +
			"What of a commitment nobody used is idle cost. Taxes and credits are kept apart.",
	}
	command.Flags().StringSliceVar(&projectTags, "project-tag", nil, "a tag whose value names the project; of several the first that is there")
	command.Flags().StringSliceVar(&unitTags, "unit-tag", nil, "a tag whose value names the business unit, for charges without a project")
	return c.mappedImport(command, func(mapping *ingest.ProviderMapping) {
		mapping.ProjectTags, mapping.UnitTags = append(projectTags, mapping.ProjectTags...), append(unitTags, mapping.UnitTags...)
	}, ingest.FOCUS)
}
