package ingest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Rejects sets records aside that could not be stored: a CSV file with the line (of
// Parquet: the row) each came from, the reason, and the record as it stood. The file
// is made with the first of them.
type Rejects struct {
	path   string
	input  string
	header []string // its first column is what a record is found by
	file   *os.File
	csv    *csv.Writer
	count  int
}

// NewRejects sets records of the file input aside at path.
func NewRejects(path, input string) *Rejects {
	return &Rejects{path: path, input: input, header: []string{"line", "reason", "record"}}
}

// NewSeriesRejects sets series aside at path that come from no file: with the time that
// each was first rejected for.
func NewSeriesRejects(path string) *Rejects {
	return &Rejects{path: path, header: []string{"time", "reason", "series"}}
}

// AddSeries sets a series aside, and writes it at once: what follows a source does not
// end.
func (r *Rejects) AddSeries(at time.Time, reason error, series string) error {
	if err := r.set(at.UTC().Format(time.RFC3339), reason, series); err != nil {
		return err
	}
	r.csv.Flush()
	return r.explain(r.csv.Error())
}

// Path is where the records are; empty while there are none.
func (r *Rejects) Path() string {
	if r.count == 0 {
		return ""
	}
	return r.path
}

// Place is what a record is found by: its "line", "row" or "time".
func (r *Rejects) Place() string { return r.header[0] }

func (r *Rejects) countRows() { r.header[0] = "row" }

func (r *Rejects) add(line int, reason error, raw string) error {
	return r.set(strconv.Itoa(line), reason, raw)
}

func (r *Rejects) set(place string, reason error, raw string) error {
	if r.file == nil {
		if err := r.create(); err != nil {
			return fmt.Errorf("%s %s was rejected (%w), and the file for rejected records cannot be written: %w. Name another with --rejects PATH", r.Place(), place, reason, err)
		}
	}
	r.count++
	return r.explain(r.csv.Write([]string{place, reason.Error(), raw}))
}

func (r *Rejects) create() error {
	if input, err := os.Stat(r.input); err == nil && r.input != "" {
		if there, err := os.Stat(r.path); err == nil && os.SameFile(input, there) {
			return fmt.Errorf("%s is the file that is being imported", r.path)
		}
	}
	file, err := os.Create(r.path)
	if err != nil {
		return err
	}
	r.file, r.csv = file, csv.NewWriter(file)
	return r.csv.Write(r.header)
}

// Close completes the file.
func (r *Rejects) Close() error {
	if r.file == nil {
		return nil
	}
	r.csv.Flush()
	err := errors.Join(r.csv.Error(), r.file.Close())
	r.file = nil
	return r.explain(err)
}

func (r *Rejects) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the rejected records cannot be written to %s: %w. Free some space, or name another file with --rejects PATH", r.path, err)
}
