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
	command := group("import", "Bring a file into the warehouse",
		importCodeCarbonCommand(c), importTraceCommand(c), importFactorsCommand(c),
		importPUECommand(c), importHardwareCommand(c), importBusinessCommand(c), importBudgetsCommand(c))
	command.Long = "Brings a file into the warehouse and closes with a summary: read N, stored N, unchanged N, rejected N.\n" +
		"Importing a file twice changes nothing. A record that cannot be used is set aside with its line and the reason in\n" +
		"FILE.rejects.csv, and the exit code is 3."
	command.PersistentFlags().String(rejectsFlag, "", "where to set rejected records aside (default FILE.rejects.csv); of codecarbon --follow, which reads several files, a folder")
	return command
}

const rejectsFlag = "rejects"

// importer does the importing of one kind of file.
type importer func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error)

// importFile imports a file as every kind of import does: with progress, a file
// for rejected records, fresh roll-ups and a summary.
func (c console) importFile(cmd *cobra.Command, path string, work importer) error {
	input, size, err := openInput(path)
	if err != nil {
		return err
	}
	defer input.Close() //nolint:errcheck // only read
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	rejectsPath, err := cmd.Flags().GetString(rejectsFlag)
	if err != nil {
		return err
	}
	if rejectsPath == "" {
		rejectsPath = path + ".rejects.csv"
	}
	rejects := ingest.NewRejects(rejectsPath, path)
	name := strings.ToValidUTF8(filepath.Base(path), "?")
	shown := c.showProgress(name, size, true)
	report, err := work(cmd.Context(), pool, ingest.File{Name: name, Reader: countingReader{input, shown}, Rejects: rejects})
	shown.end()
	err = errors.Join(err, rejects.Close())
	if err != nil {
		if report.Stored > 0 {
			c.tell("%d records were stored before this went wrong, and stay. The same import finishes the rest.", report.Stored)
		}
		return err
	}
	return c.conclude(cmd.Context(), pool, report, rejects)
}

// conclude refreshes the roll-ups and says what became of the records.
func (c console) conclude(ctx context.Context, pool *pgxpool.Pool, report ingest.Report, rejects *ingest.Rejects) error {
	for _, note := range report.Notes {
		c.tell("%s", note)
	}
	if _, err := warehouse.OpenStore(pool).RefreshRollups(ctx); err != nil {
		return fmt.Errorf("the records are stored and the roll-ups could not be refreshed, without which answers are slower: %w", err)
	}
	c.answer("read %d, stored %d, unchanged %d, rejected %d", report.Read, report.Stored, report.Unchanged, report.Rejected)
	if report.Rejected > 0 {
		c.tell("The rejected records are in %s, each with its line and the reason.", rejects.Path())
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

// oneFile is the argument that every import takes.
func oneFile(cmd *cobra.Command, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("%s takes one file, not %d", cmd.CommandPath(), len(arguments))
	}
	return nil
}
