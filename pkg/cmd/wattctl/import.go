package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func importCommand(c console) *cobra.Command {
	command := group("import", "Bring a file, or what a Prometheus has, into the warehouse",
		importCodeCarbonCommand(c), importTraceCommand(c), importEventsCommand(c), importModelsCommand(c), importProjectsCommand(c),
		importFactorsCommand(c), importPUECommand(c), importHardwareCommand(c), importBusinessCommand(c), importBudgetsCommand(c),
		importPrometheusCommand(c), importCCFCommand(c), importGoogleCarbonCommand(c), importAWSCarbonCommand(c), importFOCUSCommand(c))
	command.Long = "Brings a file, CSV or Parquet, or what a Prometheus has, into the warehouse and closes with a summary:\n" +
		"read N, stored N, unchanged N, rejected N.\n" +
		"Importing a file twice changes nothing. A record that cannot be used is set aside with its line and the reason in\n" +
		"FILE.rejects.csv (of Prometheus in " + rejectedSeries + "), and the exit code is 3."
	command.PersistentFlags().String(rejectsFlag, "", "where to set rejected records aside (default FILE.rejects.csv); of codecarbon --follow, which reads several files, a folder")
	return command
}

const rejectsFlag = "rejects"

// importer does the importing of one kind of file.
type importer func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error)

// filesImporter does it for files that are one whole.
type filesImporter func(ctx context.Context, pool *pgxpool.Pool, files []ingest.File) (ingest.Report, error)

// importFile imports a file as every kind of import does: with progress, a file
// for rejected records, fresh roll-ups and a summary.
func (c console) importFile(cmd *cobra.Command, path string, work importer) error {
	return c.importFiles(cmd, []string{path}, func(ctx context.Context, pool *pgxpool.Pool, files []ingest.File) (ingest.Report, error) {
		return work(ctx, pool, files[0])
	})
}

// importFiles imports files that are one whole, each with a file for its rejected
// records.
func (c console) importFiles(cmd *cobra.Command, paths []string, work filesImporter) error {
	rejectsPath, err := cmd.Flags().GetString(rejectsFlag)
	if err != nil {
		return err
	}
	if rejectsPath != "" && len(paths) > 1 {
		return usage("--%s names one file, and there are %d to import: leave it out, and each file's rejected records go beside it", rejectsFlag, len(paths))
	}
	inputs, sizes := make([]*os.File, len(paths)), make([]int64, len(paths))
	total := int64(0)
	for i, path := range paths {
		input, size, err := openInput(path)
		if err != nil {
			return err
		}
		defer input.Close() //nolint:errcheck // only read
		inputs[i], sizes[i], total = input, size, total+size
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	name := strings.ToValidUTF8(filepath.Base(paths[0]), "?")
	if len(paths) > 1 {
		name = fmt.Sprintf("%d files", len(paths))
	}
	shown := c.showProgress(name, total, true)
	files := make([]ingest.File, len(paths))
	for i, path := range paths {
		to := rejectsPath
		if to == "" {
			to = path + ".rejects.csv"
		}
		files[i] = ingest.File{Name: strings.ToValidUTF8(filepath.Base(path), "?"), Reader: countingReader{inputs[i], shown}, Rejects: ingest.NewRejects(to, path)}
		if sizes[i] > 0 {
			files[i].Random, files[i].Size = countingReaderAt{inputs[i], shown}, sizes[i]
		}
	}
	report, err := work(cmd.Context(), pool, files)
	shown.end()
	for _, file := range files {
		err = errors.Join(err, file.Rejects.Close())
	}
	if err != nil {
		if report.Stored > 0 {
			c.tell("%d records were stored before this went wrong, and stay. The same import finishes the rest.", report.Stored)
		}
		return err
	}
	return c.conclude(cmd.Context(), pool, report, files)
}

// conclude refreshes the roll-ups and says what became of the records.
func (c console) conclude(ctx context.Context, pool *pgxpool.Pool, report ingest.Report, files []ingest.File) error {
	for _, note := range report.Notes {
		c.tell("%s", note)
	}
	if _, err := warehouse.OpenStore(pool).RefreshRollups(ctx); err != nil {
		return fmt.Errorf("the records are stored and the roll-ups could not be refreshed, without which answers are slower: %w", err)
	}
	c.answer("read %d, stored %d, unchanged %d, rejected %d", report.Read, report.Stored, report.Unchanged, report.Rejected)
	if report.Rejected > 0 {
		var paths []string
		for _, file := range files {
			if path := file.Rejects.Path(); path != "" {
				paths = append(paths, path)
			}
		}
		c.tell("The rejected records are in %s, each with its %s and the reason.", strings.Join(paths, ", "), files[0].Rejects.Place())
		return errRejected
	}
	return nil
}

// openInput opens a file to read; size is 0 for a pipe.
func openInput(path string) (*os.File, int64, error) {
	input, err := os.Open(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, 0, fmt.Errorf("the file %s cannot be opened: %w", path, err)
	}
	status, err := input.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(err, input.Close())
	case status.IsDir():
		return nil, 0, errors.Join(fmt.Errorf("%s is a folder: name a file", path), input.Close())
	case status.Mode().IsRegular():
		return input, status.Size(), nil
	}
	return input, 0, nil
}

// someFiles are the arguments of an import that takes a delivery of several files.
func someFiles(cmd *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("%s takes the files of a delivery, one or several", cmd.CommandPath())
	}
	return nil
}

// oneFile is the argument that every import takes.
func oneFile(cmd *cobra.Command, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("%s takes one file, not %d", cmd.CommandPath(), len(arguments))
	}
	return nil
}
