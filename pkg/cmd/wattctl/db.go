package main

import "github.com/spf13/cobra"

func dbCommand(c console) *cobra.Command {
	return group("db", "Install and look after the warehouse's database",
		dbMigrateCommand(c), dbStatusCommand(c), dbRolesCommand(c), dbCalendarCommand(c))
}
