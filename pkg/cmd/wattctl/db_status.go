package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func dbStatusCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the version of the schema and what is in the warehouse",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.connect(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			condition, err := warehouse.NewReader(pool).Inspect(cmd.Context())
			if err != nil {
				return err
			}
			needed := warehouse.SchemaVersion()
			table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintf(table, "database\t%s, PostgreSQL %s, as %s\n", pool.Config().ConnConfig.Database, condition.ServerVersion, condition.User)
			fmt.Fprintf(table, "schema\tversion %d of %d\n", condition.SchemaVersion, needed)
			if condition.SchemaVersion == needed {
				fmt.Fprintf(table, "newest event\t%s\n", timeOrNone(condition.NewestEvent))
			}
			if err := table.Flush(); err != nil {
				return err
			}
			if condition.SchemaVersion < needed {
				c.tell("Run: wattctl db migrate")
			}
			return nil
		},
	}
}

func timeOrNone(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
