package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// monthsAhead is how far the partitions of the facts are made before their time.
const monthsAhead = 3

func rollupWatchCommand(c console) *cobra.Command {
	var every time.Duration
	var keepMonths int
	command := &cobra.Command{
		Use:   "watch",
		Short: "Keep the roll-ups fresh until stopped",
		Long: "Rolls up what was stored, makes the months ahead, and drops facts that are too old, again and again until it is stopped. " +
			"Any number of them may run; one works at a time. Run it as a service, or once from cron with: wattctl rollup watch --every 0",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 0 || keepMonths < 0 {
				return usage("--every and --keep-months are not negative")
			}
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			store := warehouse.OpenStore(pool)
			for {
				if err := c.lookAfter(cmd.Context(), store, keepMonths); err != nil {
					if cmd.Context().Err() != nil {
						return nil // stopped, as it is meant to end
					}
					if every == 0 {
						return err
					}
					c.tell("%v; trying again in %s", warehouse.Explain(err), every)
				}
				if every == 0 {
					return nil
				}
				select {
				case <-cmd.Context().Done():
					return nil
				case <-time.After(every):
				}
			}
		},
	}
	command.Flags().DurationVar(&every, "every", 10*time.Second, "how often; 0 is once")
	command.Flags().IntVar(&keepMonths, "keep-months", 0, "drop facts older than so many whole months and keep their roll-ups; 0 keeps all (needs the login that migrated the schema)")
	return command
}

func (c console) lookAfter(ctx context.Context, store *warehouse.Store, keepMonths int) error {
	facts, err := store.RefreshRollups(ctx)
	if err != nil {
		return err
	}
	if facts > 0 {
		c.tell("%d facts were rolled up", facts)
	}
	now := time.Now().UTC()
	made, err := store.PrepareMonths(ctx, now, monthsAhead)
	if err != nil {
		return err
	}
	if made > 0 {
		c.tell("%d monthly tables were made", made)
	}
	if keepMonths == 0 {
		return nil
	}
	dropped, err := store.DropFacts(ctx, time.Date(now.Year(), now.Month()-time.Month(keepMonths), 1, 0, 0, 0, 0, time.UTC))
	for _, table := range dropped {
		c.tell("%s was dropped; its roll-ups stay", table)
	}
	return err
}
