package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importTraceCommand(c console) *cobra.Command {
	var energyPath, model, gpu string
	var maxNumSeqs int
	var options ingest.TraceOptions
	command := &cobra.Command{
		Use:   "trace FILE --energy MLENERGY.json --model ID --gpu NAME [--max-num-seqs N] --project P --region R [--endpoint E]",
		Short: "Import a request trace, joined with the measured energy of the model that serves it",
		Long: "Imports a request trace (TIMESTAMP,ContextTokens,GeneratedTokens; times in UTC), joined with a file of the\n" +
			"ML.ENERGY Leaderboard: the IT energy of a request is its generated tokens × the energy per token of the model's\n" +
			"configuration. The energy is estimated, not measured.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if maxNumSeqs < 0 {
				return usage("--max-num-seqs %d: it must be more than 0", maxNumSeqs)
			}
			energy, err := readEnergy(energyPath)
			if err != nil {
				return err
			}
			chosen, note, err := energy.Choose(model, gpu, maxNumSeqs)
			if err != nil {
				return err
			}
			if note != "" {
				c.tell("%s", note)
			}
			options.Configuration, options.Task = chosen, energy.Task
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return ingest.Trace(ctx, warehouse.OpenStore(pool), file, options, time.Now())
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&energyPath, "energy", "", "a file of the ML.ENERGY Leaderboard (public/data/tasks/*.json)")
	flags.StringVar(&model, "model", "", "the model's id in that file, for example Qwen/Qwen3-14B")
	flags.StringVar(&gpu, "gpu", "", "the GPU in that file, for example H100")
	flags.IntVar(&maxNumSeqs, "max-num-seqs", 0, "the configuration's most sequences at once, where there are several")
	flags.StringVar(&options.Project, "project", "", "the project that the requests belong to")
	flags.StringVar(&options.Region, "region", "", "the region they were served in")
	flags.StringVar(&options.Endpoint, "endpoint", "", "the endpoint they were sent to (default: none)")
	for _, required := range []string{"energy", "model", "gpu", "project", "region"} {
		if err := command.MarkFlagRequired(required); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return command
}

func readEnergy(path string) (ingest.MLEnergy, error) {
	input, _, err := openInput(path)
	if err != nil {
		return ingest.MLEnergy{}, err
	}
	defer input.Close() //nolint:errcheck // only read
	energy, err := ingest.ReadMLEnergy(input)
	if err != nil {
		return ingest.MLEnergy{}, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return energy, nil
}
