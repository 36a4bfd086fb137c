package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
)

// followed is a file that was read.
type followed struct {
	status fs.FileInfo // when it was last read, nil where that has to be done again
	// read is what the last reading of the file said, counted what came of all.
	read, counted ingest.Report
	unfinished    bool // its last line is not complete
}

// place splits a path into its folder and, of a file, its name. What is not there is
// taken as a file.
func place(path string) (folder, file string) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path, ""
	}
	return filepath.Dir(path), filepath.Base(path)
}

func (f *follower) wants(name string) bool {
	if f.file != "" {
		return name == f.file
	}
	return f.Wanted(name)
}

// fresh is how long after a change a file system may show the same time for the next.
const fresh = 2 * time.Second

// scan imports all files that have changed, in the order of their names. It returns how
// soon it should look again. The error is the warehouse's.
func (f *follower) scan(ctx context.Context) (again time.Duration, err error) {
	again = math.MaxInt64
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		f.sayOnce(f.folder, fmt.Errorf("the folder %s cannot be read: %w. It is looked at again every %s", f.folder, cause(err), f.Rescan))
		return again, nil
	}
	delete(f.said, f.folder)
	there := map[string]fs.FileInfo{}
	var paths []string
	for _, entry := range entries {
		if !f.wants(entry.Name()) {
			continue
		}
		path := filepath.Join(f.folder, entry.Name())
		info, err := os.Stat(path) // what a link leads to
		if err == nil && info.Mode().IsRegular() {
			there[path] = info
			paths = append(paths, path)
		}
	}
	f.settleNames(there)
	for _, path := range paths {
		if file := f.known[path]; file != nil && file.status != nil && same(file.status, there[path]) {
			continue
		}
		soon, err := f.bring(ctx, path)
		if err != nil {
			return again, err
		}
		if soon {
			again = fresh
		}
	}
	return again, ctx.Err()
}

func same(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// settleNames takes what is known of a renamed file over to its new name, and closes the
// account of files that are gone.
func (f *follower) settleNames(there map[string]fs.FileInfo) {
	for path, file := range f.known {
		if _, stays := there[path]; stays {
			continue
		}
		delete(f.known, path)
		delete(f.said, path)
		if renamed := f.renamed(file, there); renamed != "" {
			f.known[renamed] = file
			continue
		}
		add(&f.total, file.counted)
		if file.unfinished {
			f.Tell("%s is gone, and its last line was never completed.", path)
		}
	}
}

func (f *follower) renamed(file *followed, there map[string]fs.FileInfo) string {
	for path, info := range there {
		if f.known[path] == nil && file.status != nil && same(file.status, info) {
			return path
		}
	}
	return ""
}

// bring imports what is complete of a file. Trouble with the file is told, and the file
// is tried again at the next look, which should be soon where it is being written; the
// error is the warehouse's.
func (f *follower) bring(ctx context.Context, path string) (soon bool, err error) {
	file := f.known[path]
	if file == nil {
		file = &followed{}
		f.known[path] = file
	}
	file.status = nil
	snapshot, err := read(path)
	switch {
	case errors.Is(err, errChanging), errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		f.sayOnce(path, fmt.Errorf("%s cannot be read: %w. It is tried again every %s", path, cause(err), f.Rescan))
		return false, nil
	}
	defer snapshot.close()
	file.unfinished = snapshot.complete < snapshot.status.Size()
	soon = time.Since(snapshot.status.ModTime()).Abs() < fresh
	if snapshot.complete == 0 { // somebody is about to write it
		return soon, nil
	}
	rejects := ingest.NewRejects(f.Rejects(path), path)
	report, err := f.Import(ctx, ingest.File{Name: strings.ToValidUTF8(filepath.Base(path), "?"), Reader: snapshot.text, Rejects: rejects})
	err = errors.Join(err, rejects.Close())
	f.count(path, file, report, rejects, err == nil)
	var ofFile *ingest.FileError
	switch {
	case err == nil:
		if !soon {
			file.status = snapshot.status
		}
		delete(f.said, path)
		return soon, nil
	case errors.As(err, &ofFile):
		f.sayOnce(path, fmt.Errorf("%w. It is tried again when it changes, and every %s", err, f.Rescan))
		return soon, nil
	}
	return false, err
}

// count adds up what a reading of a file has brought. Each record counts once, though
// it is read again with every line that is added; what was there before the first
// reading is unchanged. A reading that was cut short has stored what it says.
func (f *follower) count(path string, file *followed, report ingest.Report, rejects *ingest.Rejects, whole bool) {
	f.stored += report.Stored
	f.behind = f.behind || report.Stored > 0
	file.counted.Stored += report.Stored
	if !whole {
		return
	}
	file.counted.Unchanged += max(0, report.Unchanged-file.counted.Stored+report.Stored-file.counted.Unchanged)
	if more := report.Rejected - file.read.Rejected; more > 0 {
		file.counted.Rejected += more
		f.Tell("%s: %d rejected, each with its line and the reason in %s", filepath.Base(path), report.Rejected, rejects.Path())
	}
	file.read = report
}

// snapshot is what a file held at a moment.
type snapshot struct {
	status   fs.FileInfo
	complete int64 // bytes up to the end of the last complete line
	text     io.Reader
	close    func()
}

// errChanging says that a file changed while it was read.
var errChanging = errors.New("it is being written")

// mostHeld is how large a file is read at once, so that nobody can change it under the
// reader. A larger one is read where it lies.
const mostHeld = 64 << 20

func read(path string) (snapshot, error) {
	file, err := os.Open(path)
	if err != nil {
		return snapshot{}, err
	}
	before, err := file.Stat()
	if err != nil {
		return snapshot{}, errors.Join(err, file.Close())
	}
	if before.Size() > mostHeld {
		complete, err := completeBytes(file, before.Size())
		if err != nil {
			return snapshot{}, errors.Join(err, file.Close())
		}
		return snapshot{before, complete, io.NewSectionReader(file, 0, complete), func() { file.Close() }}, nil //nolint:errcheck // only read
	}
	held, err := io.ReadAll(io.LimitReader(file, mostHeld+1))
	after, statErr := file.Stat()
	if err := errors.Join(err, statErr, file.Close()); err != nil {
		return snapshot{}, err
	}
	if int64(len(held)) != before.Size() || !same(before, after) {
		return snapshot{}, errChanging
	}
	complete := bytes.LastIndexByte(held, '\n') + 1
	return snapshot{before, int64(complete), bytes.NewReader(held[:complete]), func() {}}, nil
}

// completeBytes is where the last complete line of a file ends.
func completeBytes(file io.ReaderAt, size int64) (int64, error) {
	part := make([]byte, 64<<10)
	for end := size; end > 0; {
		start := max(0, end-int64(len(part)))
		n, err := file.ReadAt(part[:end-start], start)
		if err != nil && !(errors.Is(err, io.EOF) && int64(n) == end-start) {
			return 0, err
		}
		if last := bytes.LastIndexByte(part[:n], '\n'); last >= 0 {
			return start + int64(last) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// cause is an error of the file system without the path, which the message has.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
