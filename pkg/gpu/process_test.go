package gpu

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// await waits for a snapshot that is as wanted.
func await(t *testing.T, feed *Feed, what string, wanted func(Snapshot) bool) Snapshot {
	t.Helper()
	deadline := time.After(time.Minute)
	snapshots := feed.Watch(t.Context())
	for {
		select {
		case snapshot := <-snapshots:
			if wanted(snapshot) {
				return snapshot
			}
		case <-deadline:
			require.FailNow(t, "never came: "+what, "%+v", feed.Snapshot())
		}
	}
}

func hasProblem(s Snapshot) bool { return s.Problem != "" }

// startReader runs a program as a reader until the test ends.
func startReader(t *testing.T, path, as string) *Feed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	feed := StartReader(ctx, path, ReaderOptions{Environment: []string{asReader + "=" + as}})
	t.Cleanup(func() {
		cancel()
		<-feed.Done()
	})
	return feed
}

func TestAReaderProcessIsFollowed(t *testing.T) {
	got := await(t, startReader(t, os.Args[0], "well"), "readings", func(s Snapshot) bool { return s.Problem == "" })
	assert.Equal(t, "node7", got.Host)
	assert.Equal(t, "GPU-0", got.Devices[0].UUID)
}

func TestAReaderThatEndsIsStartedAgain(t *testing.T) {
	feed := startReader(t, os.Args[0], "crash")
	first := await(t, feed, "the crash", hasProblem)
	assert.Contains(t, first.Problem, "ended (exit status 127) and is started again: symbol lookup error: undefined symbol: nvmlFoo; and more")
	assert.Len(t, first.Devices, 1, "the last known readings stay")
	await(t, feed, "what the next one reads", func(s Snapshot) bool { return s.Problem == "" && s.Time.After(first.Time) })
}

func TestAProgramThatIsNoReader(t *testing.T) {
	got := await(t, startReader(t, os.Args[0], "babble"), "the problem", hasProblem)
	assert.Contains(t, got.Problem, "a line is no snapshot of GPUs")
}

func TestAReaderThatCannotStart(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: how programs fail to start differs by system, and the reader is for Linux")
	}
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	tests := map[string]struct{ path, want string }{
		"missing":          {filepath.Join(folder, "missing"), "there is no GPU reader at"},
		"without a loader": {write("musl", "#!/lib/ld-that-is-not-here.so.2\n", 0o755), "needs glibc"},
		"not executable":   {write("plain", string(self[:4096]), 0o644), "chmod +x"},
		"of another kind":  {write("foreign", strings.Repeat("\x00", 200), 0o755), "another kind of machine"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := await(t, startReader(t, test.path, "well"), "the problem", hasProblem)
			assert.Contains(t, got.Problem, test.want)
			assert.Contains(t, got.Problem, test.path)
		})
	}
}
