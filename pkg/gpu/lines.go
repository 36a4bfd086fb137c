package gpu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// longestLine bounds a snapshot in its JSON line: hundreds of devices and processes.
const longestLine = 4 << 20

// WriteLines writes each snapshot of a Watcher as a line of JSON until ctx ends, the
// watcher is over or the writer fails.
func WriteLines(ctx context.Context, w io.Writer, watcher Watcher) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lines := json.NewEncoder(w)
	for snapshot := range watcher.Watch(ctx) {
		if err := lines.Encode(snapshot); err != nil {
			return fmt.Errorf("writing a snapshot: %w", err)
		}
	}
	return nil
}

// readLines sends what WriteLines wrote, until r ends or a line is none.
func readLines(r io.Reader, send func(Snapshot)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for lines.Scan() {
		var snapshot Snapshot
		if err := json.Unmarshal(lines.Bytes(), &snapshot); err != nil {
			return fmt.Errorf("a line that is no snapshot: %w", err)
		}
		send(snapshot)
	}
	return lines.Err()
}
