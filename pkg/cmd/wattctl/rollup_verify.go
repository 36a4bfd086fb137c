package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// mostDifferencesShown keeps a broken roll-up from filling the terminal.
const mostDifferencesShown = 20

func rollupVerifyCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Compare the roll-ups with the facts, to the last bit",
		Long: "Compares the roll-ups with the facts that are still there, to the last bit and in one snapshot, while writers go on. " +
			"It reads every fact. Ends with exit code 1 if anything differs.",
		Args: cobra.NoArgs,
		RunE: c.onDatabase(func(ctx context.Context, pool *pgxpool.Pool) error {
			differences, err := warehouse.NewReader(pool).VerifyRollups(ctx)
			if err != nil {
				return err
			}
			if len(differences) == 0 {
				c.answer("The roll-ups equal the facts.")
				return nil
			}
			table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "roll-up\tbucket\tof\troll-up less facts")
			for _, d := range differences[:min(len(differences), mostDifferencesShown)] {
				of := slices.DeleteFunc([]string{d.Model, d.Project, d.Region, d.Endpoint, d.Workload}, func(name string) bool { return name == "" })
				var excess []string
				for _, measure := range slices.Sorted(maps.Keys(d.Excess)) {
					excess = append(excess, fmt.Sprintf("%s %+.0f", measure, d.Excess[measure]))
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.Rollup, d.Bucket.UTC().Format(time.RFC3339), strings.Join(of, " · "), strings.Join(excess, ", "))
			}
			if err := table.Flush(); err != nil {
				return err
			}
			return fmt.Errorf("%d buckets of the roll-ups differ from the facts. Make them again with: wattctl rollup rebuild", len(differences))
		}),
	}
}

func rollupRebuildCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Make the roll-ups again from the facts",
		Long: "Makes the roll-ups again from the facts that are still there; those of facts that were dropped stay as they are. " +
			"Answers are right all the while. It needs the login that migrated the schema.",
		Args: cobra.NoArgs,
		RunE: c.onDatabase(func(ctx context.Context, pool *pgxpool.Pool) error {
			facts, err := warehouse.OpenStore(pool).RebuildRollups(ctx)
			if err != nil {
				return err
			}
			c.answer("The roll-ups were made again from %d facts.", facts)
			return nil
		}),
	}
}
