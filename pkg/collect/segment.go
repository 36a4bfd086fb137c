package collect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// segment is a file of the spool: records one after another, each a frame of
//
//	length of the payload, 4 bytes, little-endian
//	CRC-32C of index and payload, 4 bytes
//	index, 8 bytes
//	payload
//
// Records are only ever added at the end. Thinning writes a new file of a higher level,
// which takes the place of the old.
type segment struct {
	path    string
	first   uint64
	level   int
	size    int64
	records []record
}

type record struct {
	index  uint64
	offset int64 // of the payload
	length int
}

const (
	frameHeader = 16
	// longestRecord tells a length from garbage.
	longestRecord = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frame(index uint64, payload []byte) []byte {
	f := make([]byte, frameHeader, frameHeader+len(payload))
	binary.LittleEndian.PutUint32(f, uint32(len(payload)))
	binary.LittleEndian.PutUint64(f[8:], index)
	f = append(f, payload...)
	binary.LittleEndian.PutUint32(f[4:], crc32.Checksum(f[8:], castagnoli))
	return f
}

func segmentPath(dir string, first uint64, level int) string {
	return filepath.Join(dir, fmt.Sprintf("%020d-%d.spool", first, level))
}

// parseSegmentPath reads a name that segmentPath made.
func parseSegmentPath(path string) (first uint64, level int, ok bool) {
	name, isSegment := strings.CutSuffix(filepath.Base(path), ".spool")
	index, rank, both := strings.Cut(name, "-")
	first, err := strconv.ParseUint(index, 10, 64)
	level, err2 := strconv.Atoi(rank)
	return first, level, isSegment && both && err == nil && err2 == nil
}

// scan finds the records of a segment's content, and where the last of them ends: what
// lies behind is a write that was cut off. damaged counts frames before it that are not
// what was written.
func scan(content []byte) (records []record, end int64, damaged int) {
	wrong := 0
	for offset := int64(0); int64(len(content))-offset >= frameHeader; {
		rest := content[offset:]
		length := int64(binary.LittleEndian.Uint32(rest))
		if length == 0 || length > longestRecord || length > int64(len(rest))-frameHeader {
			break
		}
		offset += frameHeader + length
		if crc32.Checksum(rest[8:frameHeader+length], castagnoli) != binary.LittleEndian.Uint32(rest[4:]) {
			wrong++
			continue
		}
		records = append(records, record{binary.LittleEndian.Uint64(rest[8:]), offset - length, int(length)})
		end, damaged = offset, wrong
	}
	return records, end, damaged
}

func (s *segment) last() uint64 {
	if len(s.records) == 0 {
		return 0
	}
	return s.records[len(s.records)-1].index
}

// read returns the payloads of some of the records, and checks them again: a disk can
// turn bits long after.
func (s *segment) read(records []record) (payloads [][]byte, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, r := range records {
		whole := make([]byte, frameHeader+r.length)
		if _, err := file.ReadAt(whole, r.offset-frameHeader); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if crc32.Checksum(whole[8:], castagnoli) != binary.LittleEndian.Uint32(whole[4:]) {
			return nil, &damagedRecord{path: s.path, index: r.index}
		}
		payloads = append(payloads, whole[frameHeader:])
	}
	return payloads, nil
}

// damagedRecord is a record that no longer is what was written.
type damagedRecord struct {
	path  string
	index uint64
}

func (e *damagedRecord) Error() string {
	return fmt.Sprintf("record %d of %s is damaged", e.index, e.path)
}

// writeFile makes a file of content that is whole or not there.
func writeFile(path string, content []byte) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes new names in a directory last.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = file.Sync()
	if errors.Is(err, errors.ErrUnsupported) || isWindows {
		err = nil // names last without it
	}
	return errors.Join(err, file.Close())
}
