package follow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
)

// shelf is a warehouse of lines, each once, and what was said of it.
type shelf struct {
	mu      sync.Mutex
	lines   map[string]bool
	said    []string
	away    error
	reports int
}

// bring stores the lines of a file but those that say "bad".
func (s *shelf) bring(_ context.Context, file ingest.File) (ingest.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports++
	var report ingest.Report
	if s.away != nil {
		return report, s.away
	}
	scanner := bufio.NewScanner(file.Reader)
	for scanner.Scan() {
		line := scanner.Text()
		report.Read++
		switch {
		case line == "no such format":
			return ingest.Report{}, &ingest.FileError{Cause: errors.New(file.Name + ": this is no CSV")}
		case line == "bad":
			report.Rejected++
		case s.lines[line]:
			report.Unchanged++
		default:
			s.lines[line] = true
			report.Stored++
		}
	}
	return report, scanner.Err()
}

func (s *shelf) tell(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf(format, arguments...))
}

func (s *shelf) has(lines ...string) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, line := range lines {
			if !s.lines[line] {
				return false
			}
		}
		return len(s.lines) == len(lines)
	}
}

func (s *shelf) hasSaid(text string) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(strings.Join(s.said, "\n"), text)
	}
}

// following follows a path; stop returns what became of all.
func following(t *testing.T, s *shelf, path string, rescan time.Duration) (stop func() (ingest.Report, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	type ended struct {
		report ingest.Report
		err    error
	}
	done := make(chan ended, 1)
	rejects := t.TempDir()
	go func() {
		report, err := Run(ctx, Options{
			Path: path, Wanted: func(name string) bool { return strings.Contains(name, ".csv") }, Import: s.bring, Tell: s.tell,
			Rejects: func(path string) string { return filepath.Join(rejects, filepath.Base(path)) },
			Rescan:  rescan, Settle: time.Millisecond, FirstWait: 5 * time.Millisecond,
		})
		done <- ended{report, err}
	}()
	stop = func() (ingest.Report, error) {
		cancel()
		end := <-done
		return end.report, end.err
	}
	t.Cleanup(cancel)
	return stop
}

func newShelf() *shelf { return &shelf{lines: map[string]bool{}} }

func eventually(t *testing.T, s *shelf, condition func() bool, what string) {
	t.Helper()
	if !assert.Eventually(t, condition, 30*time.Second, 2*time.Millisecond, what) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.Fatalf("it has %v and said %q", s.lines, s.said)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(text)
	require.NoError(t, errors.Join(err, file.Close()))
}

func TestAFolderIsFollowedThroughAllThatHappensToFiles(t *testing.T) {
	for name, rescan := range map[string]time.Duration{"told by the file system": time.Hour, "by looking again": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			folder, s := t.TempDir(), newShelf()
			one := filepath.Join(folder, "one.csv")
			write(t, one, "a\nb\n")
			write(t, filepath.Join(folder, "notes.txt"), "not wanted\n")
			stop := following(t, s, folder, rescan)
			eventually(t, s, s.has("a", "b"), "what is there at the start")

			appendTo(t, one, "c\nhalf")
			eventually(t, s, s.has("a", "b", "c"), "the complete line that was appended")
			appendTo(t, one, " a line\n")
			eventually(t, s, s.has("a", "b", "c", "half a line"), "the line when it is complete")

			require.NoError(t, os.Rename(one, one+".bak"))
			write(t, one, "d\n")
			eventually(t, s, s.has("a", "b", "c", "half a line", "d"), "a new file under the name of one that was renamed")
			write(t, one, "e\nf\n")
			eventually(t, s, s.has("a", "b", "c", "half a line", "d", "e", "f"), "a file that was written anew")
			require.NoError(t, os.Remove(one))
			write(t, filepath.Join(folder, "two.csv"), "g\nbad\nunfinished")
			eventually(t, s, s.has("a", "b", "c", "half a line", "d", "e", "f", "g"), "a new file")
			eventually(t, s, s.hasSaid("two.csv: 1 rejected"), "what was rejected")

			report, err := stop()
			require.NoError(t, err)
			assert.Equal(t, 8, report.Stored)
			assert.Equal(t, 1, report.Rejected, "however often it was read")
			assert.Equal(t, report.Stored+report.Unchanged+report.Rejected, report.Read)
			assert.Equal(t, []string{filepath.Join(folder, "two.csv") + " ends in a line that is not complete, which was not read."}, report.Notes)
		})
	}
}

func TestAFollowerThatStartsAgainCountsNothingTwice(t *testing.T) {
	folder, s := t.TempDir(), newShelf()
	path := filepath.Join(folder, "one.csv")
	stop := following(t, s, path, time.Hour) // a file that is not there yet
	write(t, path, "a\n")
	eventually(t, s, s.has("a"), "a file that came later")
	first, err := stop()
	require.NoError(t, err)
	assert.Equal(t, ingest.Report{Read: 1, Stored: 1}, first)
	appendTo(t, path, "b\n")
	write(t, filepath.Join(folder, "other.csv"), "not followed\n")
	stop = following(t, s, path, time.Hour)
	eventually(t, s, s.has("a", "b"), "what was added meanwhile")
	second, err := stop()
	require.NoError(t, err)
	assert.Equal(t, ingest.Report{Read: 2, Stored: 1, Unchanged: 1}, second)
}

func TestAnOutageOfTheWarehouseIsWaitedFor(t *testing.T) {
	folder, s := t.TempDir(), newShelf()
	s.away = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	write(t, filepath.Join(folder, "one.csv"), "a\n")
	stop := following(t, s, folder, time.Hour)
	eventually(t, s, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reports > 3
	}, "it tries again")
	s.mu.Lock()
	s.away = nil
	s.mu.Unlock()
	eventually(t, s, s.has("a"), "what waited")
	eventually(t, s, s.hasSaid("It works again."), "the end of the outage")
	report, err := stop()
	require.NoError(t, err)
	assert.Equal(t, ingest.Report{Read: 1, Stored: 1}, report)
	assert.Equal(t, 1, strings.Count(strings.Join(s.said, "\n"), "Nothing could be stored: "), "once an outage: %q", s.said)
}

func TestAFileThatIsNoneIsSaidOnceAndTheOthersGoIn(t *testing.T) {
	folder, s := t.TempDir(), newShelf()
	write(t, filepath.Join(folder, "a.csv"), "no such format\n")
	write(t, filepath.Join(folder, "b.csv"), "b\n")
	write(t, filepath.Join(folder, "empty.csv"), "")
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder.csv"), 0o700))
	stop := following(t, s, folder, 2*time.Millisecond)
	eventually(t, s, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reports > 6
	}, "it looks again and again")
	report, err := stop()
	require.NoError(t, err)
	assert.Equal(t, ingest.Report{Read: 1, Stored: 1}, report)
	assert.Equal(t, 1, strings.Count(strings.Join(s.said, "\n"), "a.csv: this is no CSV. It is tried again"), "%q", s.said)
}

func TestAMistakeOfTheCallerEndsIt(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a.csv"), "a\n")
	mistake := &ingest.OptionError{}
	_, err := Run(context.Background(), Options{Path: folder, Wanted: func(string) bool { return true }, Rejects: func(path string) string { return path }, Tell: t.Logf,
		Import: func(context.Context, ingest.File) (ingest.Report, error) { return ingest.Report{}, mistake }})
	assert.ErrorIs(t, err, error(mistake))
}

func TestAFolderThatIsNotThereIsWaitedFor(t *testing.T) {
	folder, s := filepath.Join(t.TempDir(), "later"), newShelf()
	stop := following(t, s, filepath.Join(folder, "one.csv"), 2*time.Millisecond)
	eventually(t, s, s.hasSaid("cannot be read: no such file or directory"), "that it is missing")
	require.NoError(t, os.Mkdir(folder, 0o700))
	write(t, filepath.Join(folder, "one.csv"), "a\n")
	eventually(t, s, s.has("a"), "the file when it is there")
	_, err := stop()
	require.NoError(t, err)
}

func TestCompleteBytesOfALargeFile(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for text, want := range map[string]int64{"": 0, "\n": 1, "a": 0, "a\nb": 2, "a\n" + long: 2, long + "\n": int64(len(long) + 1), long: 0} {
		complete, err := completeBytes(strings.NewReader(text), int64(len(text)))
		require.NoError(t, err)
		assert.Equal(t, want, complete, "%d bytes", len(text))
	}
}
