package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/company"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func demoDataCommand(c console) *cobra.Command {
	var seed uint64
	var until string
	command := &cobra.Command{
		Use:   "demo-data [--seed N] [--end DAY]",
		Short: "Fill the warehouse with an invented company",
		Long: "Fills the warehouse with an invented company's AI, its energy and its business. The same seed and end give the\n" +
			"same company, and loading it twice stores nothing the second time. Do not load it beside real data.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			end := now
			if until != "" {
				day, err := time.Parse(time.DateOnly, until)
				if err != nil {
					return usage("--end %q is not a day: write it as 2026-01-31", until)
				}
				if day.After(now) {
					return usage("--end %s is in the future, where no event can be", until)
				}
				end = day
			}
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			made := company.Generate(seed, end)
			shown := c.showProgress(company.Name, int64(len(made.Events)), false)
			err = made.Load(cmd.Context(), warehouse.OpenStore(pool), now, func(done, _ int) { shown.set(int64(done)) })
			shown.end()
			if err != nil {
				return err
			}
			c.answer("%s of seed %d is in the warehouse: %d events from %s to %s.", company.Name, seed, len(made.Events),
				made.Start.Format(time.DateOnly), made.End.Format(time.DateOnly))
			return nil
		},
	}
	command.Flags().Uint64Var(&seed, "seed", 1, "which company")
	command.Flags().StringVar(&until, "end", "", "the day before which its events end (default: now)")
	return command
}
