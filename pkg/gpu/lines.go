package gpu

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// longestLine is that of a snapshot of some thousand devices.
const longestLine = 4 << 20

// readLines hands on the snapshots of a stream, one a line, until it ends. A line
// that is none is an error.
func readLines(stream io.Reader, take func(Snapshot)) error {
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(make([]byte, 0, 64<<10), longestLine)
	for scanner.Scan() {
		line := scanner.Bytes()
		if len(line) == 0 {
			continue
		}
		snapshot, err := parseLine(line)
		if err != nil {
			return err
		}
		take(snapshot)
	}
	return scanner.Err()
}

func parseLine(line []byte) (Snapshot, error) {
	var snapshot Snapshot
	err := json.Unmarshal(line, &snapshot)
	if err == nil && snapshot.Time.IsZero() {
		err = fmt.Errorf("it has no time")
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("a line is no snapshot of GPUs: %w", err)
	}
	if snapshot.Devices == nil {
		snapshot.Devices = []Reading{}
	}
	return snapshot, nil
}
