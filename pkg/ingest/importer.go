package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// File is a file that is being imported.
type File struct {
	Name   string // for messages, and as the source where a record names none
	Reader io.Reader
	// Random is what Parquet is read by, at any place of its Size bytes; nil for a pipe.
	Random  io.ReaderAt
	Size    int64
	Rejects *Rejects
}

// Report says what became of the records of a file. Every record is counted
// once: stored, unchanged or rejected.
type Report struct {
	Read      int
	Stored    int // new or changed
	Unchanged int // were there already
	Rejected  int
	// Notes are what the person should know besides, a sentence each.
	Notes []string
}

// OptionError is an option that cannot be: the mistake is the caller's and not the
// file's. It says what would be right.
type OptionError struct{ message string }

func (e *OptionError) Error() string { return e.message }

func optionError(format string, arguments ...any) error {
	return &OptionError{fmt.Sprintf(format, arguments...)}
}

// FileError is what is wrong with a file as a whole: it cannot be read, or is not what it
// should be.
type FileError struct{ Cause error }

func (e *FileError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Cause }

// reject counts a record and sets it aside.
func (r *Report) reject(file File, line int, reason error, raw string) error {
	r.Rejected++
	return file.Rejects.add(line, reason, raw)
}

// eachRecord reads a file and calls take with every record. The error of take is
// why the record is rejected; one that stops the import is a *fatalError.
func (r *Report) eachRecord(ctx context.Context, file File, wanted columns, take func(record) error) error {
	reader, err := openRecords(file, wanted)
	if err != nil {
		return &FileError{err}
	}
	defer reader.close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := reader.next()
		if errors.Is(err, io.EOF) {
			if r.Read == 0 {
				r.Notes = append(r.Notes, file.Name+" has a header and no records.")
			}
			return nil
		}
		var bad *badRecord
		switch {
		case errors.As(err, &bad):
			r.Read++
			wanted.tellRejected(bad.line)
			err = r.reject(file, bad.line, bad.reason, bad.raw)
		case err != nil:
			err = &FileError{fmt.Errorf("reading %s: %w", file.Name, err)}
		default:
			r.Read++
			reason := take(rec)
			var fatal *fatalError
			if errors.As(reason, &fatal) {
				return fatal.cause
			}
			if reason != nil {
				wanted.tellRejected(rec.line)
				err = r.reject(file, rec.line, reason, rec.original())
			}
		}
		if err != nil {
			return err
		}
	}
}

// fatalError stops an import, where any other error rejects one record.
type fatalError struct{ cause error }

func (e *fatalError) Error() string { return e.cause.Error() }

func fatal(cause error) error {
	if cause == nil {
		return nil
	}
	return &fatalError{cause}
}

// source is where something came from that waits for the answer of the warehouse.
type source struct {
	line int
	raw  string
}

// eventBatch writes events in batches, each one transaction.
type eventBatch struct {
	store   *warehouse.Store
	now     time.Time
	file    File
	report  *Report
	events  []warehouse.Event
	sources []record // what waits for the answer of the warehouse
	bytes   int
	hours   int // an event is stored as a row for each hour it lasts
}

// The bounds of a batch keep memory flat, whatever a file holds.
const (
	batchEvents = 5_000
	batchBytes  = 8 << 20
	batchHours  = 50_000
)

// add takes an event of a record. Its error is fatal.
func (b *eventBatch) add(ctx context.Context, rec record, event warehouse.Event) error {
	b.events = append(b.events, event)
	b.sources = append(b.sources, rec)
	b.bytes += rec.size()
	b.hours += int(event.Duration.Hours())
	if len(b.events) >= batchEvents || b.bytes >= batchBytes || b.hours >= batchHours {
		return fatal(b.flush(ctx))
	}
	return nil
}

// identify checks an event and gives it its id. Only an event that can be stored
// is remembered: a clock in the year 2099 must not date the file's other records.
func identify(event *warehouse.Event, now time.Time, ids *identities, content ...string) error {
	event.ID = uuid.Max
	if err := errors.Join(event.Validate(now), checkNames(event)); err != nil {
		return err
	}
	id, err := ids.of(event.Source, event.Time, content...)
	event.ID = id
	return fatal(err)
}

// longestName is the most bytes a name has: PostgreSQL cannot index a longer text.
const longestName = 500

func checkNames(event *warehouse.Event) error {
	for _, name := range []string{event.Model, event.Project, event.Endpoint, event.RunID} {
		if len(name) > longestName {
			return fmt.Errorf("the name %q is longer than %d bytes", excerpt([]byte(name)), longestName)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("the name %q is not valid UTF-8", name)
		}
	}
	return nil
}

func (b *eventBatch) flush(ctx context.Context) error {
	if len(b.events) == 0 {
		return nil
	}
	result, err := b.store.WriteEvents(ctx, b.events, b.now)
	if err != nil {
		return err
	}
	b.report.Stored += result.Stored
	b.report.Unchanged += result.Unchanged
	for _, rejection := range result.Rejected {
		from := b.sources[rejection.Index]
		if err := b.report.reject(b.file, from.line, rejection.Reason, from.original()); err != nil {
			return err
		}
	}
	b.events, b.sources, b.bytes, b.hours = b.events[:0], b.sources[:0], 0, 0
	return nil
}

// importEvents reads a file whose records are events, and stores them.
func importEvents(ctx context.Context, store *warehouse.Store, file File, now time.Time, wanted columns,
	parse func(record) (warehouse.Event, error)) (Report, error) {
	var report Report
	batch := eventBatch{store: store, now: now, file: file, report: &report}
	err := report.eachRecord(ctx, file, wanted, func(rec record) error {
		event, err := parse(rec)
		if err != nil {
			return err
		}
		return batch.add(ctx, rec, event)
	})
	if err == nil {
		err = batch.flush(ctx)
	}
	return report, err
}

// table is a file of figures that is written as a whole: each record gives one
// or several items.
type table[T any] struct {
	items   []T
	owners  []int // the record of each item, by its place in sources
	sources []record
	bytes   int
}

// The bounds of a file that is written as a whole.
const (
	tableItems = 500_000
	tableBytes = 64 << 20
)

// readTable reads a file that is written as a whole. Its bound keeps memory flat.
func readTable[T any](ctx context.Context, report *Report, file File, wanted columns, parse func(record) ([]T, error)) (*table[T], error) {
	var all table[T]
	err := report.eachRecord(ctx, file, wanted, func(rec record) error {
		items, err := parse(rec)
		if err != nil {
			return err
		}
		all.add(rec, items)
		return all.bounded(file)
	})
	return &all, err
}

func (t *table[T]) bounded(file File) error {
	if len(t.items) > tableItems || t.bytes > tableBytes {
		return fatal(fmt.Errorf("%s is too large to be written as one: it has more than %d figures or %d MiB; split it and import the parts",
			file.Name, tableItems, tableBytes>>20))
	}
	return nil
}

func (t *table[T]) add(rec record, items []T) {
	for range items {
		t.owners = append(t.owners, len(t.sources))
	}
	t.items = append(t.items, items...)
	t.sources = append(t.sources, rec)
	t.bytes += rec.size()
}

// settle counts each record by what became of its items: rejected where one of
// them was, stored where one was, else unchanged.
func (t *table[T]) settle(report *Report, file File, result warehouse.WriteResult) error {
	rejected := make(map[int]error)
	for _, rejection := range slices.Backward(result.Rejected) {
		rejected[t.owners[rejection.Index]] = rejection.Reason
	}
	stored := make(map[int]bool)
	for _, index := range result.StoredItems {
		stored[t.owners[index]] = true
	}
	for i, from := range t.sources {
		switch {
		case rejected[i] != nil:
			if err := report.reject(file, from.line, rejected[i], from.original()); err != nil {
				return err
			}
		case stored[i]:
			report.Stored++
		default:
			report.Unchanged++
		}
	}
	return nil
}
