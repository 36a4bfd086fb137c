package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func restateCommand(c console) *cobra.Command {
	var version int
	command := &cobra.Command{
		Use:   "restate [--version N]",
		Short: "Put a factor version in force, so that answers are computed with it",
		Long: "Puts a factor version in force: from then on every answer that names no version is computed with it, the past\n" +
			"included. The earlier versions stay readable. Without --version it is the newest.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			versions, err := warehouse.NewReader(pool).FactorVersions(cmd.Context())
			if err != nil {
				return err
			}
			return c.restate(cmd, warehouse.OpenStore(pool), versions, version)
		},
	}
	command.Flags().IntVar(&version, "version", 0, "the number of the version (default: the newest)")
	return command
}

// restate takes the versions newest first.
func (c console) restate(cmd *cobra.Command, store *warehouse.Store, versions []warehouse.FactorVersion, wanted int) error {
	if len(versions) == 0 {
		return errors.New("there is no factor version")
	}
	next := versions[0]
	if cmd.Flags().Changed("version") {
		index := slices.IndexFunc(versions, func(v warehouse.FactorVersion) bool { return v.ID == wanted })
		if index < 0 {
			return usage("there is no factor version %d: the newest is %d", wanted, versions[0].ID)
		}
		next = versions[index]
	}
	if next.InForce {
		c.answer("Factor version %d (%s) is in force already.", next.ID, next.Name)
		return nil
	}
	if err := store.PutFactorsInForce(cmd.Context(), next.ID); err != nil {
		return err
	}
	c.answer("Factor version %d (%s) is in force.", next.ID, next.Name)
	if index := slices.IndexFunc(versions, func(v warehouse.FactorVersion) bool { return v.InForce }); index >= 0 {
		c.answer("Version %d (%s), which was before, stays readable: wattctl query TYPE --factor-version %d", versions[index].ID, versions[index].Name, versions[index].ID)
	}
	return nil
}
