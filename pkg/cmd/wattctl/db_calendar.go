package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func dbCalendarCommand(c console) *cobra.Command {
	var zone string
	var month int
	command := &cobra.Command{
		Use:   "calendar [--time-zone ZONE] [--fiscal-year-start MONTH]",
		Short: "Show or set the company's time zone and fiscal year",
		Long: "Shows the company's time zone and fiscal year, or sets them. Days, weeks and quarters are theirs. A change of\n" +
			"the time zone makes the daily roll-ups again from the facts that are still there.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			calendar, err := warehouse.NewReader(pool).Calendar(cmd.Context())
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("time-zone") || cmd.Flags().Changed("fiscal-year-start") {
				if !cmd.Flags().Changed("time-zone") {
					zone = calendar.Location.String()
				}
				if !cmd.Flags().Changed("fiscal-year-start") {
					month = int(calendar.FiscalYearStartMonth)
				}
				if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
					return usage("%q is not a time zone: use an IANA name, for example Europe/Berlin", zone)
				}
				if month < 1 || month > 12 {
					return usage("a fiscal year cannot begin with month %d: use 1 to 12", month)
				}
				if err := warehouse.OpenStore(pool).SetCalendar(cmd.Context(), zone, time.Month(month)); err != nil {
					return err
				}
				if calendar, err = warehouse.NewReader(pool).Calendar(cmd.Context()); err != nil {
					return err
				}
			}
			c.answer("Days are those of %s; the fiscal year begins with %s.", calendar.Location, calendar.FiscalYearStartMonth)
			return nil
		},
	}
	command.Flags().StringVar(&zone, "time-zone", "", "an IANA name, for example Europe/Berlin")
	command.Flags().IntVar(&month, "fiscal-year-start", 1, "the month the fiscal year begins with, 1 to 12")
	return command
}
