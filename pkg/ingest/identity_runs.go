package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
)

// identityRuns are the records that identities no longer holds in memory: runs of
// entries, each sorted by id, in a temporary file. Memory holds the first id of each
// block of a run, an id in 256 entries.
type identityRuns struct {
	file  *os.File
	size  int64
	runs  []identityRun // oldest first
	reads int           // since the last run was added
	block [blockEntries * entrySize]byte
}

// identityRun is one run. An id that is in several counts as the newest says, which
// includes the older ones.
type identityRun struct {
	offset  int64
	entries int
	fences  []uuid.UUID // the first id of each block
	span    timeSpan
}

type identityEntry struct {
	id    uuid.UUID
	count uint32
}

const (
	entrySize    = 16 + 4
	blockEntries = 256
	// mostRuns is how many are searched before they are made one.
	mostRuns = 8
)

// count is how many records with an id there were in the runs. Those whose times do
// not hold the record's cannot have it.
func (r *identityRuns) count(id uuid.UUID, at time.Time) (uint32, error) {
	for _, run := range slices.Backward(r.runs) {
		if !run.span.holds(at) {
			continue
		}
		r.reads++
		if count, err := r.find(run, id); err != nil || count > 0 {
			return count, err
		}
	}
	return 0, nil
}

func (r *identityRuns) find(run identityRun, id uuid.UUID) (uint32, error) {
	block, exact := slices.BinarySearchFunc(run.fences, id, compareIDs)
	if !exact {
		block--
	}
	if block < 0 {
		return 0, nil
	}
	from := block * blockEntries
	entries := min(blockEntries, run.entries-from)
	text := r.block[:entries*entrySize]
	if _, err := r.file.ReadAt(text, run.offset+int64(from)*entrySize); err != nil {
		return 0, identityFileError(err)
	}
	low, high := 0, entries
	for low < high {
		middle := (low + high) / 2
		entry := text[middle*entrySize:]
		switch bytes.Compare(entry[:16], id[:]) {
		case 0:
			return binary.BigEndian.Uint32(entry[16:]), nil
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return 0, nil
}

// add makes a run of what memory held. Runs that are searched again and again, because
// the file is in no order of time, are made one now and then.
func (r *identityRuns) add(counts map[uuid.UUID]uint32, span timeSpan) error {
	entries := make([]identityEntry, 0, len(counts))
	for id, count := range counts {
		entries = append(entries, identityEntry{id, count})
	}
	slices.SortFunc(entries, func(a, b identityEntry) int { return compareIDs(a.id, b.id) })
	if r.file == nil {
		if err := r.create(); err != nil {
			return err
		}
	}
	run := runWriter{out: bufio.NewWriterSize(io.NewOffsetWriter(r.file, r.size), 1<<20), run: identityRun{offset: r.size, span: span}}
	for _, entry := range entries {
		run.write(entry)
	}
	if err := run.close(); err != nil {
		return err
	}
	r.runs = append(r.runs, run.run)
	r.size += int64(run.run.entries) * entrySize
	searched := r.reads > len(counts)
	r.reads = 0
	if len(r.runs) >= mostRuns && searched {
		return r.merge()
	}
	return nil
}

// merge makes one run of all, in a file of its own.
func (r *identityRuns) merge() error {
	old := *r
	r.file, r.size, r.runs = nil, 0, nil
	defer old.close()
	if err := r.create(); err != nil {
		return err
	}
	readers := make([]*runReader, 0, len(old.runs))
	merged := runWriter{out: bufio.NewWriterSize(io.NewOffsetWriter(r.file, 0), 1<<20)}
	for _, run := range slices.Backward(old.runs) { // newest first: of equal ids theirs counts
		reader := &runReader{in: bufio.NewReaderSize(io.NewSectionReader(old.file, run.offset, int64(run.entries)*entrySize), 1<<16), left: run.entries}
		if err := reader.next(); err != nil {
			return err
		}
		readers = append(readers, reader)
		merged.run.span.include(run.span.first)
		merged.run.span.include(run.span.last)
	}
	for {
		var least *runReader
		for _, reader := range readers {
			if !reader.done && (least == nil || compareIDs(reader.entry.id, least.entry.id) < 0) {
				least = reader
			}
		}
		if least == nil {
			break
		}
		entry := least.entry
		merged.write(entry)
		for _, reader := range readers {
			if !reader.done && reader.entry.id == entry.id {
				if err := reader.next(); err != nil {
					return err
				}
			}
		}
	}
	if err := merged.close(); err != nil {
		return err
	}
	r.runs, r.size = []identityRun{merged.run}, int64(merged.run.entries)*entrySize
	return nil
}

// create makes the temporary file. Where the system lets it, the file has no name from
// here on, so nothing is left behind however the import ends.
func (r *identityRuns) create() error {
	file, err := os.CreateTemp("", "wattctl-identities-*")
	if err != nil {
		return identityFileError(err)
	}
	_ = os.Remove(file.Name()) // Windows keeps it until close
	r.file = file
	return nil
}

func (r *identityRuns) close() {
	if r.file == nil {
		return
	}
	_ = r.file.Close()
	_ = os.Remove(r.file.Name()) // gone already, except on Windows
	r.file, r.runs = nil, nil
}

type runWriter struct {
	out *bufio.Writer
	run identityRun
}

// write adds an entry; bufio keeps an error until close.
func (w *runWriter) write(entry identityEntry) {
	if w.run.entries%blockEntries == 0 {
		w.run.fences = append(w.run.fences, entry.id)
	}
	w.run.entries++
	_, _ = w.out.Write(entry.id[:])
	_, _ = w.out.Write(binary.BigEndian.AppendUint32(nil, entry.count))
}

func (w *runWriter) close() error {
	if err := w.out.Flush(); err != nil {
		return identityFileError(err)
	}
	return nil
}

type runReader struct {
	in    *bufio.Reader
	left  int
	entry identityEntry
	done  bool
}

func (r *runReader) next() error {
	if r.left == 0 {
		r.done = true
		return nil
	}
	var text [entrySize]byte
	if _, err := io.ReadFull(r.in, text[:]); err != nil {
		return identityFileError(err)
	}
	r.left--
	copy(r.entry.id[:], text[:16])
	r.entry.count = binary.BigEndian.Uint32(text[16:])
	return nil
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func identityFileError(err error) error {
	return fmt.Errorf("the temporary file that tells equal records apart: %w. Free some space in %s, or name another folder with TMPDIR", err, os.TempDir())
}
