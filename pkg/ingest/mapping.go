package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mapping says how a file's columns become those of the warehouse. A column that it
// does not speak of is found by the warehouse's own name. Make one with ParseMapping;
// the zero value renames nothing.
type Mapping struct {
	columns map[string]columnRule // by the warehouse's name
	ignore  []string
}

type mappingFile struct {
	Columns map[string]columnRule `yaml:"columns"`
	// Ignore names columns of the file that are not to be used, whatever their name.
	Ignore []string `yaml:"ignore"`
}

// columnRule is where a column's values come from and what they mean.
type columnRule struct {
	From    string            // the file's column
	Value   *string           // or the same for every row
	Default *string           // where the file's field is empty
	Unit    string            // that the file has; left out: the warehouse's
	Format  string            // of a time
	Zone    string            // of a time that names none
	Names   map[string]string // one text for another
	PUE     string            // that is inside the energy, to be divided out
	PUEFrom string            // the file's column that has it
}

// UnmarshalYAML reads a rule; a plain text is the file's column.
func (r *columnRule) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		r.From = node.Value
		if r.From == "" || node.Tag == "!!null" {
			return fmt.Errorf("line %d: the column of the file has no name", node.Line)
		}
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: give the column of the file, or from, value, default, unit, format, zone, names, pue or pue_from", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		var err error
		switch key.Value {
		case "from":
			err = scalar(value, &r.From)
		case "value":
			r.Value = new(string)
			err = scalar(value, r.Value)
		case "default":
			r.Default = new(string)
			err = scalar(value, r.Default)
		case "unit":
			err = scalar(value, &r.Unit)
		case "format":
			err = scalar(value, &r.Format)
		case "zone":
			err = scalar(value, &r.Zone)
		case "names":
			err = value.Decode(&r.Names)
		case "pue":
			err = scalar(value, &r.PUE)
		case "pue_from":
			err = scalar(value, &r.PUEFrom)
		default:
			err = fmt.Errorf("line %d: unknown key %q: it is one of from, value, default, unit, format, zone, names, pue, pue_from", key.Line, excerpt([]byte(key.Value)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scalar(node *yaml.Node, to *string) error {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return fmt.Errorf("line %d: one text or number is wanted here", node.Line)
	}
	*to = node.Value
	return nil
}

// largestMapping is the most bytes a mapping has.
const largestMapping = 1 << 20

// ReadMapping reads the mapping in a file for a kind of rows: "events", "models" or
// "projects". No file, an empty path, renames nothing.
func ReadMapping(path, kind string) (Mapping, error) {
	if path == "" {
		return Mapping{}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return Mapping{}, fmt.Errorf("reading the mapping: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, largestMapping+1))
	if err != nil {
		return Mapping{}, fmt.Errorf("reading the mapping: %w", err)
	}
	mapping, err := ParseMapping(text, kind)
	if err != nil {
		return Mapping{}, fmt.Errorf("the mapping in %s: %w", path, err)
	}
	return mapping, nil
}

// ParseMapping reads a mapping in YAML. An error names what is wrong and what would be
// right.
func ParseMapping(text []byte, kind string) (Mapping, error) {
	s, err := shapeOf(kind)
	if err != nil {
		return Mapping{}, err
	}
	if len(text) > largestMapping {
		return Mapping{}, fmt.Errorf("it is larger than %d bytes", largestMapping)
	}
	var file mappingFile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Mapping{}, err
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Mapping{}, errors.New(`it has a second document, after "---": one file is one mapping`)
	}
	m := Mapping{file.Columns, file.Ignore}
	return m, m.check(s)
}

func shapeOf(kind string) (*shape, error) {
	for _, s := range []*shape{eventShape, modelShape, projectShape} {
		if s.name == kind {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no mapping of %q: it is of events, models or projects", kind)
}

func (m Mapping) check(s *shape) error {
	for _, name := range m.names() {
		column, err := s.find(name)
		if err == nil {
			err = m.columns[name].check(column)
		}
		if err != nil {
			return fmt.Errorf("columns.%s: %w", excerpt([]byte(name)), err)
		}
	}
	for _, name := range m.ignore {
		if name == "" {
			return errors.New("ignore: a column has no name")
		}
		if target := m.usedFor(name); target != "" {
			return fmt.Errorf("ignore: the column %q is used for %s", name, target)
		}
	}
	for _, column := range s.columns {
		if _, mapped := m.columns[column.name]; column.required && !mapped && !m.findsByName(column.name) {
			return fmt.Errorf("%s have no %s: the file's column of that name is ignored or used for another, so say where it comes from", s.name, column.name)
		}
	}
	return nil
}

// usedFor is the warehouse's column that a column of the file is mapped to, or empty.
func (m Mapping) usedFor(name string) string {
	for _, target := range m.names() {
		r := m.columns[target]
		if r.From != "" && fold(r.From) == fold(name) || r.PUEFrom != "" && fold(r.PUEFrom) == fold(name) {
			return target
		}
	}
	return ""
}

// findsByName says whether a column that is not mapped may be found by its own name.
func (m Mapping) findsByName(column string) bool {
	return !m.ignores(column) && m.usedFor(column) == ""
}

func (m Mapping) ignores(column string) bool {
	return slices.ContainsFunc(m.ignore, func(name string) bool { return fold(name) == fold(column) })
}

func (m Mapping) names() []string {
	names := make([]string, 0, len(m.columns))
	for name := range m.columns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r columnRule) check(c shapeColumn) error {
	switch {
	case r.From == "" && r.Value == nil:
		return errors.New("give from (the file's column) or value (the same for every row)")
	case r.From != "" && r.Value != nil:
		return errors.New("it has from and value: one of them says where the values come from")
	case r.Value != nil && (r.Default != nil || len(r.Names) > 0):
		return errors.New("a value that is the same for every row takes no default and no names")
	case r.Unit != "" && c.quantity == nil:
		return errors.New("it has no unit")
	case (r.Format != "" || r.Zone != "") && !c.time:
		return errors.New("only times have a format and a zone")
	case len(r.Names) > 0 && !c.text():
		return errors.New("only texts have names that stand for others")
	case (r.PUE != "" || r.PUEFrom != "") && !c.pue:
		return errors.New("only energy has a PUE inside")
	case r.PUE != "" && r.PUEFrom != "":
		return errors.New("it has pue and pue_from: one of them says the PUE")
	}
	if c.quantity != nil {
		if _, err := c.quantity.find(r.Unit); err != nil {
			return err
		}
	}
	if c.time {
		if _, err := newTimeFormat(r.Format, r.Zone); err != nil {
			return err
		}
	}
	if r.PUE != "" {
		if _, err := parsePUE(r.PUE); err != nil {
			return fmt.Errorf("pue %w", err)
		}
	}
	for _, constant := range []*string{r.Value, r.Default} {
		if constant == nil {
			continue
		}
		if err := r.checkConstant(c, *constant); err != nil {
			return err
		}
	}
	return nil
}

// checkConstant looks at a value before a file is read.
func (r columnRule) checkConstant(c shapeColumn, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("the value is empty")
	case c.quantity != nil:
		if _, err := parseNumber(text); err != nil {
			return fmt.Errorf("value %w", err)
		}
	case c.time:
		format, err := newTimeFormat(r.Format, r.Zone)
		if err != nil {
			return err
		}
		if _, err := format.parse(text); err != nil {
			return fmt.Errorf("value %w", err)
		}
	}
	return nil
}

// parsePUE reads facility energy over IT energy, which is 1 or more.
func parsePUE(text string) (number, error) {
	pue, err := parseNumber(text)
	if err != nil {
		return pue, err
	}
	if thousandths, _, err := pue.times(ratio{1000, 1}); err != nil || thousandths < 1000 || thousandths > 10_000 {
		return pue, fmt.Errorf("%s is not between 1 and 10: it is the facility's energy over that of its IT", excerpt([]byte(text)))
	}
	return pue, nil
}

// wanted are the columns that a file must and may have.
func (m Mapping) wanted(s *shape) columns {
	var w columns
	for _, column := range s.columns {
		rule, mapped := m.columns[column.name]
		switch {
		case mapped && rule.From != "":
			w.required = append(w.required, rule.From)
		case mapped:
		case column.required:
			w.required = append(w.required, column.name)
		case m.findsByName(column.name):
			w.optional = append(w.optional, column.name)
		}
		if rule.PUEFrom != "" {
			w.required = append(w.required, rule.PUEFrom)
		}
	}
	return w
}
