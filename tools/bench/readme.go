package bench

import (
	"errors"
	"os"
	"strings"
)

// The README holds the last run between these.
const (
	beginMarker = "<!-- bench:begin -->"
	endMarker   = "<!-- bench:end -->"
)

// replaceBetween puts a text between the markers of a document, in place of what
// is there.
func replaceBetween(document, text string) (string, error) {
	before, rest, begins := strings.Cut(document, beginMarker)
	_, after, ends := strings.Cut(rest, endMarker)
	if !begins || !ends {
		return "", errors.New("the document lacks the lines " + beginMarker + " and, below it, " + endMarker)
	}
	return before + beginMarker + "\n" + strings.TrimSpace(text) + "\n" + endMarker + after, nil
}

// writeInto puts a text between the markers of a file.
func writeInto(path, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := replaceBetween(string(document), text)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}
