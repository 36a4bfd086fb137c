package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func rollupCommand(c console) *cobra.Command {
	return group("rollup", "Look after the roll-ups that make answers fast", rollupRefreshCommand(c), rollupStatusCommand(c),
		rollupVerifyCommand(c), rollupRebuildCommand(c), rollupWatchCommand(c))
}

func rollupRefreshCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "refresh",
		Short: "Add what was stored since the last time to the roll-ups",
		Long:  "Adds what was stored since the last time to the roll-ups. Answers are exact without it, and faster after it.",
		Args:  cobra.NoArgs,
		RunE: c.onDatabase(func(ctx context.Context, pool *pgxpool.Pool) error {
			facts, err := warehouse.OpenStore(pool).RefreshRollups(ctx)
			if err != nil {
				return err
			}
			c.answer("%d facts were rolled up.", facts)
			return nil
		}),
	}
}

func rollupStatusCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how far the roll-ups are",
		Args:  cobra.NoArgs,
		RunE: c.onDatabase(func(ctx context.Context, pool *pgxpool.Pool) error {
			condition, err := warehouse.NewReader(pool).Inspect(ctx)
			if err != nil {
				return err
			}
			waiting := fmt.Sprint(condition.FactsWaiting)
			if condition.FactsWaiting >= warehouse.MostFactsWaiting {
				waiting += " or more"
			}
			table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(table, "refreshed\t%s\n", timeOrNone(condition.RolledUpAt))
			fmt.Fprintf(table, "newest event\t%s\n", timeOrNone(condition.NewestEvent))
			fmt.Fprintf(table, "facts waiting\t%s\n", waiting)
			fmt.Fprintf(table, "facts kept since\t%s\n", sinceOrStart(condition.FactsFrom))
			if err := table.Flush(); err != nil {
				return err
			}
			if condition.Restored {
				c.tell("This warehouse was restored on another server and takes no facts until you run: wattctl rollup refresh")
			}
			return nil
		}),
	}
}

func sinceOrStart(t time.Time) string {
	if t.IsZero() {
		return "the beginning"
	}
	return t.UTC().Format(time.DateOnly)
}
