package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Assignment is what the energy of a process is counted for.
type Assignment struct {
	Project  string       `json:"project"`
	Model    string       `json:"model,omitempty"`
	Endpoint string       `json:"endpoint,omitempty"`
	Workload kpi.Workload `json:"workload"`
}

var (
	idle        = Assignment{Project: kpi.Idle, Model: kpi.Idle, Workload: kpi.WorkloadIdle}
	unallocated = Assignment{Project: kpi.Unallocated, Model: kpi.Unallocated, Workload: kpi.WorkloadInference}
)

// Rules say which processes belong to which project. The zero value gives nothing to
// any project.
type Rules struct{ rules []rule }

// rule is one rule of the file. Every condition that it states must hold.
type rule struct {
	Name  string     `yaml:"name"`
	Match conditions `yaml:"match"`

	Project  string       `yaml:"project"`
	Model    string       `yaml:"model"`
	Endpoint string       `yaml:"endpoint"`
	Workload kpi.Workload `yaml:"workload"`
}

type conditions struct {
	Cgroup      *pattern            `yaml:"cgroup"`
	User        *pattern            `yaml:"user"`
	Command     *pattern            `yaml:"command"`
	PodUID      *pattern            `yaml:"pod_uid"`
	Pod         *pattern            `yaml:"pod"`
	Namespace   *pattern            `yaml:"namespace"`
	Environment map[string]*pattern `yaml:"environment"`
}

// pattern is a regular expression (RE2) that may match anywhere in a text.
type pattern struct{ *regexp.Regexp }

// UnmarshalYAML reads the expression.
func (p *pattern) UnmarshalYAML(node *yaml.Node) error {
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

func (p *pattern) holds(text string) bool { return p == nil || text != "" && p.MatchString(text) }

// ReadRules reads the rules of a file. No file, an empty path, is no rules.
func ReadRules(path string) (Rules, error) {
	if path == "" {
		return Rules{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Rules{}, fmt.Errorf("reading the rules: %w", err)
	}
	rules, err := ParseRules(text)
	if err != nil {
		return Rules{}, fmt.Errorf("the rules in %s: %w", path, err)
	}
	return rules, nil
}

// ParseRules reads rules in YAML. An error names the rule and what is wrong with it.
func ParseRules(text []byte) (Rules, error) {
	var file struct {
		Rules []rule `yaml:"rules"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Rules{}, err
	}
	for i := range file.Rules {
		if err := file.Rules[i].check(); err != nil {
			return Rules{}, fmt.Errorf("rule %d (%s): %w", i+1, file.Rules[i].Name, err)
		}
	}
	return Rules{rules: file.Rules}, nil
}

func (r *rule) check() error {
	m := r.Match
	stated := m.Cgroup != nil || m.User != nil || m.Command != nil || m.PodUID != nil || m.Pod != nil || m.Namespace != nil || len(m.Environment) > 0
	for name, expression := range m.Environment {
		if expression == nil || expression.Regexp == nil {
			return fmt.Errorf("match.environment.%s has no expression", name)
		}
	}
	if r.Workload == "" {
		r.Workload = kpi.WorkloadInference
	}
	switch {
	case !stated:
		return errors.New("match states no condition: give cgroup, user, command, pod, pod_uid, namespace or environment")
	case r.Project == "":
		return errors.New("project is missing")
	case !slices.Contains(kpi.Workloads(), r.Workload) || r.Workload == kpi.WorkloadIdle:
		return fmt.Errorf("unknown workload %q: it is one of %v", r.Workload, slices.DeleteFunc(kpi.Workloads(), func(w kpi.Workload) bool { return w == kpi.WorkloadIdle }))
	}
	for _, text := range []string{r.Project, r.Model, r.Endpoint} {
		if !utf8.ValidString(text) || len(text) > 500 || bytes.ContainsRune([]byte(text), 0) {
			return fmt.Errorf("%.40q is no name: up to 500 bytes of UTF-8", text)
		}
	}
	return nil
}

// Resolve returns what the first rule says whose conditions hold, and false where none
// claims the process.
func (r Rules) Resolve(process Process) (Assignment, bool) {
	for _, rule := range r.rules {
		if rule.Match.hold(process) {
			return Assignment{Project: rule.Project, Model: rule.Model, Endpoint: rule.Endpoint, Workload: rule.Workload}, true
		}
	}
	return unallocated, false
}

// Len is how many rules there are.
func (r Rules) Len() int { return len(r.rules) }

func (c conditions) hold(p Process) bool {
	for name, expression := range c.Environment {
		if !expression.holds(p.Environment[name]) {
			return false
		}
	}
	return c.Cgroup.holds(p.Cgroup) && c.User.holds(p.User) && c.Command.holds(p.Command) &&
		c.PodUID.holds(p.PodUID) && c.Pod.holds(p.Pod) && c.Namespace.holds(p.Namespace)
}
