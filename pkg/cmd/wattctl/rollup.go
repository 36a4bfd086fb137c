package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// mostFactsCounted is how far warehouse.Condition counts the facts that wait.
const mostFactsCounted = 100_000

func rollupCommand(c console) *cobra.Command {
	return group("rollup", "Look after the roll-ups that make answers fast", rollupRefreshCommand(c), rollupStatusCommand(c))
}

func rollupRefreshCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "refresh",
		Short: "Add what was stored since the last time to the roll-ups",
		Long:  "Adds what was stored since the last time to the roll-ups. Answers are exact without it, and faster after it.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			facts, err := warehouse.OpenStore(pool).RefreshRollups(cmd.Context())
			if err != nil {
				return err
			}
			c.answer("%d facts were rolled up.", facts)
			return nil
		},
	}
}

func rollupStatusCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how far the roll-ups are",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			condition, err := warehouse.NewReader(pool).Inspect(cmd.Context())
			if err != nil {
				return err
			}
			waiting := fmt.Sprint(condition.FactsWaiting)
			if condition.FactsWaiting >= mostFactsCounted {
				waiting += " or more"
			}
			table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(table, "refreshed\t%s\n", timeOrNone(condition.RolledUpAt))
			fmt.Fprintf(table, "newest event\t%s\n", timeOrNone(condition.NewestEvent))
			fmt.Fprintf(table, "facts waiting\t%s\n", waiting)
			return table.Flush()
		},
	}
}
