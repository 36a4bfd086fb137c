package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Source is what a name is taken from: the first of these that is there, else the
// default. Names puts one name for another.
type Source struct {
	From    []string          `yaml:"from"`
	Default string            `yaml:"default"`
	Names   map[string]string `yaml:"names"`
}

// Name is the name, which may be the default's.
func (s Source) Name(lookup Lookup) string {
	if name := s.Given(lookup); name != "" {
		return name
	}
	return s.Default
}

// Given is the name where something says one.
func (s Source) Given(lookup Lookup) string {
	for _, from := range s.From {
		if name := lookup(from); name != "" {
			if other, ok := s.Names[name]; ok {
				return other
			}
			return name
		}
	}
	return ""
}

// Models give one name to the many of a model, and a task class where it is new.
type Models []ModelRule

// ModelRule is of the models that its pattern matches.
type ModelRule struct {
	Match     *Pattern `yaml:"match"`
	Name      string   `yaml:"name"`
	TaskClass string   `yaml:"task_class"`
}

// Check says what is wrong with an entry, and what would be right.
func (m Models) Check() error {
	for i, r := range m {
		switch {
		case !r.Match.Stated():
			return fmt.Errorf("models, entry %d: match has no expression", i+1)
		case r.Name == "" && r.TaskClass == "":
			return fmt.Errorf("models, entry %d: give a name or a task_class", i+1)
		}
		if err := CheckName("model", r.Name); err != nil {
			return fmt.Errorf("models, entry %d: %w", i+1, err)
		}
	}
	return nil
}

// Name is the one name of a model.
func (m Models) Name(name string) string {
	for _, r := range m {
		if r.Name != "" && r.Match.MatchString(name) {
			return r.Name
		}
	}
	return name
}

// TaskClass is the class of a model by the one name it has, empty where no entry says one.
func (m Models) TaskClass(model string) string {
	for _, r := range m {
		if r.TaskClass != "" && (r.Match.MatchString(model) || r.Name == model) {
			return r.TaskClass
		}
	}
	return ""
}

// SetOnce sets a name that is still empty: of several rules the first that states a
// thing says it.
func SetOnce[T ~string](name *T, value T) {
	if *name == "" {
		*name = value
	}
}

// CheckWorkload refuses a workload that is none of work.
func CheckWorkload(workload kpi.Workload) error {
	if workload == "" {
		return nil
	}
	work := slices.DeleteFunc(kpi.Workloads(), func(w kpi.Workload) bool { return w == kpi.WorkloadIdle })
	if !slices.Contains(work, workload) {
		return fmt.Errorf("unknown workload %q: it is one of %v", workload, work)
	}
	return nil
}

// longestName is the most bytes a name has: PostgreSQL cannot index a longer text.
const longestName = 500

// CheckName refuses what cannot be the name of a model, a project or an endpoint. Its
// error does not repeat the name: who sends it chose it.
func CheckName(of, name string) error {
	switch {
	case len(name) > longestName:
		return fmt.Errorf("the %s's name is longer than %d bytes", of, longestName)
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Errorf("the %s's name is not UTF-8 text", of)
	case name == kpi.Idle || name == kpi.Unallocated || name == kpi.None:
		return fmt.Errorf("the %s's name %s is reserved", of, name)
	}
	return nil
}
