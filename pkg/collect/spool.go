package collect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

const isWindows = runtime.GOOS == "windows"

// spool keeps records on the disk, in order, until the warehouse has them: in files
// that only grow at their end, each record with its checksum and on the disk before
// append returns. The newest record always stays, because the state is in it.
//
// It is bounded. When it is full, records that were never sent are made coarser by
// thin, oldest first; when that is not enough, append refuses.
//
// No library fitted: tidwall/wal has no checksums and does not open after a torn write,
// hashicorp/raft-wal brings Raft's log with it and Prometheus' wlog its whole server,
// and none can replace old records by fewer.
type spool struct {
	dir         string
	bound       int64
	segmentSize int64
	thin        thinner

	mu        sync.Mutex
	lock      *os.File
	segments  []*segment
	file      *os.File // the last segment's
	marks     *os.File
	next      uint64
	acked     uint64
	attempted uint64 // the last record that was ever sent
	damaged   int    // records and tails that did not check when the spool was opened
	thinned   int    // records that were merged into others
}

// thinner merges records of a segment at a level, from 1: each of what it returns
// stands for the given number of records.
type thinner func(payloads [][]byte, level int) ([]merged, error)

type merged struct {
	payload []byte
	records int
}

// levels is how coarse records become at most.
const levels = 4

// errFull is what append returns when the spool is at its bound and as coarse as can be.
var errFull = errors.New("the spool is full and cannot be made coarser; intervals are not cut until the warehouse takes some of it")

// openSpool opens a spool or makes it, and returns its newest record, nil in a new one.
// A record that was being written when the agent was killed was never there.
func openSpool(dir string, bound int64, thin thinner) (*spool, []byte, error) {
	s := &spool{dir: dir, bound: bound, segmentSize: min(max(bound/16, 4<<10), 1<<20), thin: thin, next: 1}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making the spool: %w", err)
	}
	var err error
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, nil, fmt.Errorf("the spool %s: %w", dir, err)
	}
	newest, err := s.load()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the spool %s: %w", dir, err), s.close())
	}
	return s, newest, nil
}

func (s *spool) load() ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "*.spool"))
	if err != nil {
		return nil, err
	}
	unfinished, err := filepath.Glob(filepath.Join(s.dir, "*.new"))
	if err != nil {
		return nil, err
	}
	for _, path := range unfinished {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	slices.Sort(paths) // by first record, then by level
	byFirst := map[uint64]*segment{}
	for _, path := range paths {
		first, level, ok := parseSegmentPath(path)
		if !ok {
			continue
		}
		if coarser := byFirst[first]; coarser != nil { // thinning was cut off before it removed this one
			if err := os.Remove(coarser.path); err != nil {
				return nil, err
			}
			s.segments = slices.DeleteFunc(s.segments, func(other *segment) bool { return other == coarser })
		}
		found := &segment{path: path, first: first, level: level}
		byFirst[first] = found
		s.segments = append(s.segments, found)
	}
	for i, seg := range s.segments {
		if err := s.loadSegment(seg, i == len(s.segments)-1); err != nil {
			return nil, err
		}
	}
	if err := s.openMarks(); err != nil {
		return nil, err
	}
	for _, seg := range s.segments {
		s.next = max(s.next, seg.first, seg.last()+1)
	}
	for i := len(s.segments) - 1; i >= 0; i-- {
		if seg := s.segments[i]; len(seg.records) > 0 {
			payloads, err := seg.read(seg.records[len(seg.records)-1:])
			if err != nil {
				return nil, err
			}
			return payloads[0], s.rotate()
		}
	}
	return nil, s.rotate()
}

func (s *spool) loadSegment(seg *segment, isLast bool) error {
	content, err := os.ReadFile(seg.path)
	if err != nil {
		return err
	}
	var end int64
	var damaged int
	seg.records, end, damaged = scan(content)
	s.damaged += damaged
	seg.size = int64(len(content))
	if end == seg.size {
		return nil
	}
	s.damaged++
	if !isLast {
		return nil // what lies behind it cannot be read
	}
	// The write that was going on when the agent was killed.
	seg.size = end
	return os.Truncate(seg.path, end)
}

// openMarks reads up to which record was sent. Where that cannot be read, all may have been.
func (s *spool) openMarks() (err error) {
	if s.marks, err = os.OpenFile(filepath.Join(s.dir, "attempted"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	mark := make([]byte, 12)
	if n, _ := s.marks.ReadAt(mark, 0); n == len(mark) && crc32.Checksum(mark[:8], castagnoli) == binary.LittleEndian.Uint32(mark[8:]) {
		s.attempted = binary.LittleEndian.Uint64(mark)
		return nil
	}
	for _, seg := range s.segments {
		s.attempted = max(s.attempted, seg.last())
	}
	return nil
}

// rotate begins a new segment.
func (s *spool) rotate() error {
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			return err
		}
		s.file = nil
	}
	if n := len(s.segments); n > 0 && s.segments[n-1].size == 0 {
		if err := os.Remove(s.segments[n-1].path); err != nil {
			return err
		}
		s.segments = s.segments[:n-1]
	}
	begun := &segment{path: segmentPath(s.dir, s.next, 0), first: s.next}
	file, err := os.OpenFile(begun.path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	s.file, s.segments = file, append(s.segments, begun)
	return syncDir(s.dir)
}

// append adds a record and returns when it is on the disk. On an error it is not there.
func (s *spool) append(payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	framed := frame(s.next, payload)
	need := int64(len(framed))
	if s.sizeLocked()+need > s.bound {
		if err := s.makeRoom(need); err != nil {
			return err
		}
	}
	if s.file == nil || s.current().size > 0 && s.current().size+need > s.segmentSize {
		if err := s.rotate(); err != nil {
			return fmt.Errorf("beginning a segment of the spool: %w", err)
		}
	}
	current := s.current()
	_, err := s.file.WriteAt(framed, current.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		// What was written of it must not come to stand before the next record.
		err = errors.Join(err, s.file.Truncate(current.size), s.file.Close())
		s.file = nil
		return fmt.Errorf("writing to the spool: %w", err)
	}
	current.records = append(current.records, record{s.next, current.size + frameHeader, len(payload)})
	current.size += need
	s.next++
	return nil
}

func (s *spool) current() *segment { return s.segments[len(s.segments)-1] }

func (s *spool) sizeLocked() (size int64) {
	for _, seg := range s.segments {
		size += seg.size
	}
	return size
}

// batch returns the oldest records that the warehouse does not have, up to a size but
// at least one, and the index of the last; none is 0. From then on they are never
// changed.
func (s *spool) batch(size int64) (payloads [][]byte, last uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if seg.last() <= s.acked {
			continue
		}
		var chosen []record
		for _, r := range seg.records {
			if r.index <= s.acked {
				continue
			}
			if size -= int64(r.length); size < 0 && len(chosen) > 0 {
				break
			}
			chosen = append(chosen, r)
		}
		payloads, err = seg.read(chosen)
		if damaged := (*damagedRecord)(nil); errors.As(err, &damaged) {
			// Nobody can read it any more; what follows must not wait for it.
			s.damaged++
			seg.records = slices.DeleteFunc(seg.records, func(r record) bool { return r.index == damaged.index })
			return nil, 0, err
		}
		if err != nil {
			return nil, 0, fmt.Errorf("reading the spool: %w", err)
		}
		last = chosen[len(chosen)-1].index
		if last > s.attempted {
			if err := s.mark(last); err != nil {
				return nil, 0, err
			}
		}
		return payloads, last, nil
	}
	return nil, 0, nil
}

func (s *spool) mark(index uint64) error {
	mark := binary.LittleEndian.AppendUint64(nil, index)
	mark = binary.LittleEndian.AppendUint32(mark, crc32.Checksum(mark, castagnoli))
	if _, err := s.marks.WriteAt(mark, 0); err != nil {
		return fmt.Errorf("marking what is sent: %w", err)
	}
	if err := s.marks.Sync(); err != nil {
		return fmt.Errorf("marking what is sent: %w", err)
	}
	s.attempted = index
	return nil
}

// ack says that the warehouse has all records up to an index, and lets go of the files
// in which there are no others.
func (s *spool) ack(index uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = max(s.acked, index)
	newest := s.next - 1
	var kept []*segment
	var failed error
	for i, seg := range s.segments {
		if i < len(s.segments)-1 && seg.last() <= s.acked && seg.last() != newest {
			if err := os.Remove(seg.path); err != nil && !errors.Is(err, os.ErrNotExist) {
				failed = errors.Join(failed, err)
				kept = append(kept, seg)
			}
			continue
		}
		kept = append(kept, seg)
	}
	s.segments = kept
	return failed
}

// waiting is how many records the warehouse does not have, and how large all files are.
func (s *spool) waiting() (records int, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		for _, r := range seg.records {
			if r.index > s.acked {
				records++
			}
		}
	}
	return records, s.sizeLocked()
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, file := range []*os.File{s.file, s.marks, s.lock} {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	s.file, s.marks, s.lock = nil, nil, nil
	return err
}

type spoolCounts struct{ thinned, damaged int }

func (s *spool) counts() spoolCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return spoolCounts{thinned: s.thinned, damaged: s.damaged}
}
