package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// mostFactsCounted is how far warehouse.Condition counts the facts that wait.
const mostFactsCounted = 100_000

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
			fmt.Fprintf(table, "facts kept since\t%s\n", sinceOrStart(condition.FactsFrom))
			if err := table.Flush(); err != nil {
				return err
			}
			if condition.Restored {
				c.tell("This warehouse was restored on another server and takes no facts until you run: wattctl rollup refresh")
			}
			return nil
		},
	}
}

func sinceOrStart(t time.Time) string {
	if t.IsZero() {
		return "the beginning"
	}
	return t.UTC().Format(time.DateOnly)
}

// mostDifferencesShown keeps a broken roll-up from filling the terminal.
const mostDifferencesShown = 20

func rollupVerifyCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Compare the roll-ups with the facts, to the last bit",
		Long: "Compares the roll-ups with the facts that are still there, to the last bit and in one snapshot, while writers go on. " +
			"It reads every fact. Ends with exit code 1 if anything differs.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			differences, err := warehouse.NewReader(pool).VerifyRollups(cmd.Context())
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
		},
	}
}

func rollupRebuildCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Make the roll-ups again from the facts",
		Long: "Makes the roll-ups again from the facts that are still there; those of facts that were dropped stay as they are. " +
			"Answers are right all the while. It needs the login that migrated the schema.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			facts, err := warehouse.OpenStore(pool).RebuildRollups(cmd.Context())
			if err != nil {
				return err
			}
			c.answer("The roll-ups were made again from %d facts.", facts)
			return nil
		},
	}
}

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
