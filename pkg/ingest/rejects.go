package ingest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Rejects sets records aside that could not be stored: a CSV file with the line (of
// Parquet: the row) each came from, the reason, and the record as it stood. The file
// is made with the first of them.
type Rejects struct {
	path  string
	rows  bool // they are counted by row, not by line
	input string
	file  *os.File
	csv   *csv.Writer
	count int
}

// NewRejects sets records of the file input aside at path.
func NewRejects(path, input string) *Rejects { return &Rejects{path: path, input: input} }

// Path is where the records are; empty while there are none.
func (r *Rejects) Path() string {
	if r.count == 0 {
		return ""
	}
	return r.path
}

// Place is what a record is found by: its "line" or its "row".
func (r *Rejects) Place() string {
	if r.rows {
		return "row"
	}
	return "line"
}

func (r *Rejects) countRows() { r.rows = true }

func (r *Rejects) add(line int, reason error, raw string) error {
	if r.file == nil {
		if err := r.create(); err != nil {
			return fmt.Errorf("%s %d was rejected (%w), and the file for rejected records cannot be written: %w. Name another with --rejects PATH", r.Place(), line, reason, err)
		}
	}
	r.count++
	return r.explain(r.csv.Write([]string{strconv.Itoa(line), reason.Error(), raw}))
}

func (r *Rejects) create() error {
	if input, err := os.Stat(r.input); err == nil {
		if there, err := os.Stat(r.path); err == nil && os.SameFile(input, there) {
			return fmt.Errorf("%s is the file that is being imported", r.path)
		}
	}
	file, err := os.Create(r.path)
	if err != nil {
		return err
	}
	r.file, r.csv = file, csv.NewWriter(file)
	return r.csv.Write([]string{r.Place(), "reason", "record"})
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
