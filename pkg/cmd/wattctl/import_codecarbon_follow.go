package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/follow"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// followCodeCarbon imports a file, or the files of a folder, as they grow.
func (c console) followCodeCarbon(cmd *cobra.Command, path string, flags codeCarbonFlags, options ingest.CodeCarbonOptions) error {
	rejects, err := rejectsBeside(cmd)
	if err != nil {
		return err
	}
	pool, err := c.pool(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx, store := cmd.Context(), warehouse.OpenStore(pool)
	away, err := lookAtWarehouse(ctx, pool, store, options.Region)
	if err != nil {
		return err
	}
	c.tell("Following %s, and looking at all of it every %s.", path, flags.rescan)
	if away != nil {
		c.tell("The warehouse is not there yet: %s. The files wait.", strings.TrimSuffix(warehouse.Explain(away).Error(), "."))
	}
	report, err := follow.Run(ctx, follow.Options{
		Path: path, Wanted: isCodeCarbon, Rescan: flags.rescan, Rejects: rejects, Tell: c.tell,
		Import: func(ctx context.Context, file ingest.File) (ingest.Report, error) {
			return ingest.CodeCarbon(ctx, store, file, options, time.Now())
		},
		Stored: func(ctx context.Context) error {
			_, err := store.RefreshRollups(ctx)
			return err
		},
	})
	for _, note := range report.Notes {
		c.tell("%s", note)
	}
	c.answer("read %d, stored %d, unchanged %d, rejected %d", report.Read, report.Stored, report.Unchanged, report.Rejected)
	if err == nil && report.Rejected > 0 {
		err = errRejected
	}
	return err
}

// isCodeCarbon says by its name whether a file of a folder is to be looked at: any CSV,
// and what CodeCarbon has renamed to emissions.csv.bak when its columns changed.
func isCodeCarbon(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".csv") && !strings.HasSuffix(name, ".rejects.csv") ||
		strings.HasSuffix(name, ".bak") && strings.Contains(name, ".csv")
}

// rejectsBeside is where the rejected records of each of several files go: beside it, or
// in the folder that the flag names.
func rejectsBeside(cmd *cobra.Command) (func(path string) string, error) {
	folder, err := cmd.Flags().GetString(rejectsFlag)
	if err != nil {
		return nil, err
	}
	if folder == "" {
		return func(path string) string { return path + ".rejects.csv" }, nil
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, usage("--%s %s is not a folder: with --follow it takes the rejected records of every file", rejectsFlag, folder)
	}
	return func(path string) string { return filepath.Join(folder, filepath.Base(path)+".rejects.csv") }, nil
}
