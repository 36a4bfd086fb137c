package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/follow"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// codeCarbonFlags are what a person may choose.
type codeCarbonFlags struct {
	zone, model, workload, region string
	pue                           float64
	follow                        bool
	rescan                        time.Duration
}

func importCodeCarbonCommand(c console) *cobra.Command {
	var flags codeCarbonFlags
	command := &cobra.Command{
		Use:   "codecarbon FILE [--follow]",
		Short: "Import CodeCarbon's emissions.csv, of any version, or follow a folder of them",
		Long: "Imports CodeCarbon's emissions.csv, or the file of its tasks, by the names of the columns. Of a run that was\n" +
			"flushed, and so is written several times with the totals so far, only the increments count, whichever files its\n" +
			"records are in. With --follow FILE may be a folder: its CodeCarbon files are imported as they come and grow, until\n" +
			"it is stopped (SIGTERM or Ctrl-C). See docs/codecarbon.md.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, arguments []string) error {
			options, err := flags.options()
			if err != nil {
				return err
			}
			if flags.follow {
				return c.followCodeCarbon(cmd, arguments[0], flags, options)
			}
			if info, err := os.Stat(arguments[0]); err == nil && info.IsDir() {
				return fmt.Errorf("%s is a folder: name a file, or follow the folder with --follow", arguments[0])
			}
			return c.importFile(cmd, arguments[0], func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
				return ingest.CodeCarbon(ctx, warehouse.OpenStore(pool), file, options, time.Now())
			})
		},
	}
	f := command.Flags()
	f.StringVar(&flags.zone, "time-zone", "UTC", "the time zone of the machine that wrote the file, whose times name none")
	f.StringVar(&flags.model, "model", "", "what the runs worked on (default: unallocated)")
	f.StringVar(&flags.workload, "workload", string(kpi.WorkloadTraining), "what kind of work the runs did")
	f.StringVar(&flags.region, "region", "", "the region of records whose own cloud region and country are unknown")
	f.Float64Var(&flags.pue, "pue", 1, "the PUE that the tracker was given, for records that do not state it, which is divided out: those of tasks never do")
	f.BoolVar(&flags.follow, "follow", false, "go on, and import what is added to the file, or to the files of a folder")
	f.DurationVar(&flags.rescan, "rescan", follow.DefaultRescan, "with --follow: how often all files are looked at, whatever the file system tells, 1s to 1h")
	return command
}

func (flags codeCarbonFlags) options() (ingest.CodeCarbonOptions, error) {
	location, err := time.LoadLocation(flags.zone)
	if err != nil || flags.zone == "" {
		return ingest.CodeCarbonOptions{}, usage("%q is not a time zone: use an IANA name, for example Europe/Berlin", flags.zone)
	}
	if flags.rescan < time.Second || flags.rescan > time.Hour {
		return ingest.CodeCarbonOptions{}, usage("--rescan %s is not between 1s and 1h", flags.rescan)
	}
	if !(flags.pue >= 1) {
		return ingest.CodeCarbonOptions{}, usage("--pue %g is less than 1", flags.pue)
	}
	options := ingest.CodeCarbonOptions{Zone: location, Model: flags.model, Workload: kpi.Workload(flags.workload), Region: flags.region, PUE: flags.pue}
	return options, options.Check()
}
