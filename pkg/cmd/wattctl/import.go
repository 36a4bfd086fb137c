package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func newImportCommand(db *database) *cobra.Command {
	command := &cobra.Command{
		Use:   "import KIND FILE",
		Short: "Bring a file in",
		Long: "Importing a file twice changes nothing. A row that cannot be true is reported with its line and reason and\n" +
			"set aside in a reject file; the rest goes in.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	var rejects string
	command.PersistentFlags().StringVar(&rejects, "rejects", "", "where rejected rows go (default: FILE.rejects.csv)")
	run := fileImport{db: db, rejects: &rejects}
	command.AddCommand(importCodeCarbon(run), importFactors(run, "regions", "Google's region-carbon-info, or factors by region"),
		importFactors(run, "factors", "grid intensity, PUE and prices by region"), importTrace(run),
		importHardware(run), importBusiness(run), importBudgets(run))
	return command
}

// importer brings an opened file into a store.
type importer func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error)

// fileImport is what all kinds of import share.
type fileImport struct {
	db      *database
	rejects *string
}

// command makes the command of a kind.
func (f fileImport) command(kind, short string, bring importer) *cobra.Command {
	return &cobra.Command{
		Use:   kind + " FILE",
		Short: "Import " + short,
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return f.db.withStore(command.Context(), func(store *warehouse.Store) error {
				return f.run(command, store, arguments[0], bring)
			})
		},
	}
}

func (f fileImport) run(command *cobra.Command, store *warehouse.Store, path string, bring importer) (err error) {
	input, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the file cannot be opened: %w", err)
	}
	defer input.Close()
	status, err := input.Stat()
	if err != nil {
		return err
	}
	if status.IsDir() {
		return usagef("%s is a folder: name a file", path)
	}
	rejectPath := *f.rejects
	if rejectPath == "" {
		rejectPath = path + ".rejects.csv"
	}
	rejects := ingest.NewRejects(rejectPath, path)
	bar := newProgress(command.ErrOrStderr(), "Importing "+path)
	defer bar.stop()
	reader := &countingReader{Reader: input, total: status.Size(), report: bar.update}
	report, err := bring(command.Context(), store, ingest.File{Name: path, Reader: reader, Rejects: rejects})
	bar.stop()
	if closeErr := rejects.Close(); err == nil {
		err = closeErr
	}
	reportRejects(command.ErrOrStderr(), path, rejects.Path())
	for _, note := range report.Notes {
		fmt.Fprintln(command.ErrOrStderr(), "note:", note)
	}
	if err == nil {
		_, err = store.RefreshRollups(command.Context())
	}
	if err != nil && report.Read == 0 {
		return err
	}
	fmt.Fprintf(command.OutOrStdout(), "read %d, stored %d, unchanged %d, rejected %d\n", report.Read, report.Stored, report.Unchanged, report.Rejected)
	if err == nil && report.Rejected > 0 {
		err = errRejected
	}
	return err
}

// shownRejects is how many rejected rows are shown; all are in the reject file.
const shownRejects = 10

// reportRejects shows the first rejected rows as file, line and reason.
func reportRejects(out io.Writer, input, path string) {
	if path == "" {
		return
	}
	file, err := os.Open(path)
	if err != nil {
		fmt.Fprintf(out, "the rejected rows are in %s\n", path)
		return
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	for shown := -1; shown < shownRejects; shown++ { // the header comes first
		row, err := reader.Read()
		if err != nil {
			break
		}
		if shown >= 0 && len(row) > 1 {
			fmt.Fprintf(out, "%s:%s: %s\n", input, row[0], row[1])
		}
	}
	fmt.Fprintf(out, "all rejected rows are in %s\n", path)
}

// countingReader reports how much of a file has been read.
type countingReader struct {
	io.Reader
	done, total int64
	report      func(done, total int)
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.done += int64(n)
	r.report(int(r.done), int(r.total))
	return n, err
}

func importCodeCarbon(run fileImport) *cobra.Command {
	var zone, workload string
	options := ingest.CodeCarbonOptions{}
	command := run.command("codecarbon", "CodeCarbon's emissions.csv, of any version",
		func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error) {
			location, err := time.LoadLocation(zone)
			if err != nil {
				return ingest.Report{}, usagef("--time-zone is %q: use an IANA name, for example Europe/Paris", zone)
			}
			options.Zone, options.Workload = location, kpi.Workload(workload)
			return ingest.CodeCarbon(ctx, store, file, options, time.Now())
		})
	command.Flags().StringVar(&zone, "time-zone", "UTC", "of the machine that wrote the file")
	command.Flags().StringVar(&options.Model, "model", "", "what the runs trained (default: unallocated)")
	command.Flags().StringVar(&workload, "workload", string(kpi.WorkloadTraining), "what the runs were")
	command.Flags().StringVar(&options.Region, "region", "", "for rows whose own region is not known")
	return command
}

func importFactors(run fileImport, kind, short string) *cobra.Command {
	var year int
	command := run.command(kind, short,
		func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error) {
			report, err := ingest.Factors(ctx, store, file, year)
			if err == nil && !report.InForce {
				report.Notes = append(report.Notes, fmt.Sprintf("These factors would change published numbers, so they wait as version %d. "+
					"Put them in force with: wattctl restate --version %d", report.Version, report.Version))
			}
			return report.Report, err
		})
	command.Flags().IntVar(&year, "year", 0, "of the figures (default: the year in the file's name)")
	return command
}

func importTrace(run fileImport) *cobra.Command {
	var energy, model, gpu string
	var maxNumSeqs int
	var options ingest.TraceOptions
	command := run.command("trace", "a request trace joined with a model's measured energy per token",
		func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error) {
			if energy == "" || model == "" || gpu == "" || options.Region == "" {
				return ingest.Report{}, usagef("a trace needs --energy, --model, --gpu and --region")
			}
			input, err := os.Open(energy)
			if err != nil {
				return ingest.Report{}, fmt.Errorf("the file of --energy cannot be opened: %w", err)
			}
			defer input.Close()
			measured, err := ingest.ReadMLEnergy(input)
			if err != nil {
				return ingest.Report{}, fmt.Errorf("%s: %w", energy, err)
			}
			configuration, note, err := measured.Choose(model, gpu, maxNumSeqs)
			if err != nil {
				return ingest.Report{}, &usageError{err}
			}
			options.Configuration, options.Task = configuration, measured.Task
			report, err := ingest.Trace(ctx, store, file, options, time.Now())
			if note != "" {
				report.Notes = append(report.Notes, note)
			}
			return report, err
		})
	command.Flags().StringVar(&energy, "energy", "", "file of the ML.ENERGY Leaderboard with the model's measured energy")
	command.Flags().StringVar(&model, "model", "", "the model's id in that file")
	command.Flags().StringVar(&gpu, "gpu", "", "the GPU it was measured on, for example H100")
	command.Flags().IntVar(&maxNumSeqs, "max-num-seqs", 0, "requests served side by side, where the file has several")
	command.Flags().StringVar(&options.Project, "project", "", "whose requests these are (default: unallocated)")
	command.Flags().StringVar(&options.Region, "region", "", "where they were served")
	command.Flags().StringVar(&options.Endpoint, "endpoint", "", "by which endpoint")
	return command
}

func importHardware(run fileImport) *cobra.Command {
	var zone string
	command := run.command("hardware", "an inventory of accelerators with the days of their life",
		func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error) {
			location, err := time.LoadLocation(zone)
			if err != nil {
				return ingest.Report{}, usagef("--time-zone is %q: use an IANA name, for example Europe/Paris", zone)
			}
			return ingest.Hardware(ctx, store, file, location, time.Now())
		})
	command.Flags().StringVar(&zone, "time-zone", "UTC", "where the days of the inventory begin")
	return command
}

func importBusiness(run fileImport) *cobra.Command {
	return run.command("business", "revenue, ARR, transactions and active users by month",
		func(ctx context.Context, store *warehouse.Store, file ingest.File) (ingest.Report, error) {
			return ingest.Business(ctx, store, file, time.Now())
		})
}

func importBudgets(run fileImport) *cobra.Command {
	return run.command("budgets", "cost and carbon budgets", ingest.Budgets)
}
