package main

import (
	"path"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func dbMigrateCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema to the version of this wattctl",
		Long: "Brings the schema to the version of this wattctl, step by step. The first time the login needs CREATEROLE\n" +
			"and CREATE on the database: it makes the roles wattscore_owner, wattscore_writer and wattscore_reader.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.connect(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			steps, err := warehouse.Migrate(cmd.Context(), pool.Config().ConnConfig)
			for _, step := range steps {
				c.answer("applied %s", path.Base(step.File))
			}
			if err != nil {
				return err
			}
			c.answer("The schema is at version %d.", warehouse.SchemaVersion())
			return nil
		},
	}
}
