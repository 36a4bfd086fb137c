package collect

import (
	"fmt"
	"os"
)

// makeRoom thins segments that were never sent, oldest and finest first, until there
// is room for a record.
func (s *spool) makeRoom(need int64) error {
	if s.current().size >= s.segmentSize/2 && s.current().first > s.attempted {
		if err := s.rotate(); err != nil {
			return fmt.Errorf("beginning a segment of the spool: %w", err)
		}
	}
	for level := 1; level <= levels; level++ {
		for i := 0; i < len(s.segments)-1; i++ {
			seg := s.segments[i]
			if seg.level >= level || len(seg.records) < 2 || seg.first <= s.attempted {
				continue
			}
			if err := s.thinSegment(i, level); err != nil {
				return fmt.Errorf("making the spool coarser: %w", err)
			}
			// A tenth, so that not every record has to make room for itself.
			if s.sizeLocked()+need <= s.bound-s.bound/10 {
				return nil
			}
		}
	}
	if s.sizeLocked()+need <= s.bound {
		return nil
	}
	return errFull
}

// thinSegment puts a coarser file in the place of a segment's. Wherever it is cut off,
// the one or the other is there when the spool is opened.
func (s *spool) thinSegment(place, level int) error {
	seg := s.segments[place]
	payloads, err := seg.read(seg.records)
	if err != nil {
		return err
	}
	results, err := s.thin(payloads, level)
	if err != nil {
		return err
	}
	coarser := &segment{path: segmentPath(s.dir, seg.first, level), first: seg.first, level: level}
	var content []byte
	taken := 0
	for _, result := range results {
		taken += result.records
		// The index of the last record it stands for, so that an older one is never newer.
		index := seg.records[taken-1].index
		coarser.records = append(coarser.records, record{index, int64(len(content)) + frameHeader, len(result.payload)})
		content = append(content, frame(index, result.payload)...)
	}
	coarser.size = int64(len(content))
	if err := writeFile(coarser.path, content); err != nil {
		return err
	}
	s.thinned += len(seg.records) - len(coarser.records)
	s.segments[place] = coarser
	return os.Remove(seg.path)
}
