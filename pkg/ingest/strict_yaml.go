package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeStrictly reads one YAML document. A key that does not belong is an error that
// names those that do, for a misspelt one would be left out without a word.
func decodeStrictly(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty")
		}
		return err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one document: leave out what follows ---")
	}
	if err := checkKeys(&document, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	return document.Decode(into)
}

func checkKeys(node *yaml.Node, kind reflect.Type, path string) error {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.DocumentNode {
		if len(node.Content) != 1 {
			return errors.New("it is empty")
		}
		return checkKeys(node.Content[0], kind, path)
	}
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if reflect.PointerTo(kind).Implements(reflect.TypeFor[yaml.Unmarshaler]()) {
		return nil
	}
	switch kind.Kind() {
	case reflect.Struct:
		return checkFields(node, kind, path)
	case reflect.Map:
		if node.Kind != yaml.MappingNode {
			return nil // decoding says so
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := checkKeys(node.Content[i+1], kind.Elem(), path+node.Content[i].Value+"."); err != nil {
				return err
			}
		}
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return nil
		}
		for _, item := range node.Content {
			if err := checkKeys(item, kind.Elem(), path); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFields(node *yaml.Node, kind reflect.Type, path string) error {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	fields := map[string]reflect.Type{}
	var names []string
	for i := range kind.NumField() {
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("yaml"), ",")
		fields[name] = kind.Field(i).Type
		names = append(names, name)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		field, known := fields[key.Value]
		if !known {
			slices.Sort(names)
			where := "at the top"
			if path != "" {
				where = "in " + strings.TrimSuffix(path, ".")
			}
			return fmt.Errorf("line %d: there is no key %q %s: the keys there are %s", key.Line, excerpt([]byte(key.Value)), where, strings.Join(names, ", "))
		}
		if err := checkKeys(node.Content[i+1], field, path+key.Value+"."); err != nil {
			return err
		}
	}
	return nil
}
