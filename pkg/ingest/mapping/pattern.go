package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Lookup returns an attribute or a label by its name, empty where there is none.
type Lookup func(name string) string

// Pattern is a regular expression (RE2) that may match anywhere in a text.
type Pattern struct{ *regexp.Regexp }

// UnmarshalYAML reads the expression.
func (p *Pattern) UnmarshalYAML(node *yaml.Node) error {
	var text string
	if err := node.Decode(&text); err != nil {
		return err
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	p.Regexp = expression
	return nil
}

// Stated says whether there is an expression.
func (p *Pattern) Stated() bool { return p != nil && p.Regexp != nil }

// Match is what a rule asks for: all of these must be there, each with a text that its
// pattern matches.
type Match map[string]*Pattern

// Holds says whether all of it is there.
func (m Match) Holds(lookup Lookup) bool {
	for name, expression := range m {
		if text := lookup(name); text == "" || !expression.MatchString(text) {
			return false
		}
	}
	return true
}

// Check refuses a match without an expression.
func (m Match) Check() error {
	for name, expression := range m {
		if !expression.Stated() {
			return fmt.Errorf("match.%s has no expression", name)
		}
	}
	return nil
}

// longestFile is far more than anybody writes: what is longer is another file.
const longestFile = 1 << 20

// Decode reads YAML into a file's settings; what the text leaves out stays as it is. A
// name that the file does not have is an error, and so is a second document, which
// nothing would read.
func Decode(text []byte, file any) error {
	if len(text) > longestFile {
		return fmt.Errorf("it has %d bytes: a mapping has at most 1 MiB (%d bytes); look whether it is the right file", len(text), longestFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(file); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	var more yaml.Node
	switch err := decoder.Decode(&more); {
	case err == nil:
		return errors.New("it holds more than one document, of which only the first would be read: put all of it into one, without --- between")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
