package prometheus

import (
	"slices"
	"strings"
)

// ties find the servers that a meter works for.
type ties struct {
	ties []tie
	// index is of the servers by the values of each tie's labels.
	index []map[string][]int
}

func newTies(all []tie, servers []placedServer) ties {
	t := ties{ties: all, index: make([]map[string][]int, len(all))}
	for i, one := range all {
		t.index[i] = map[string][]int{}
		for j, server := range servers {
			if key, ok := tieKey(one.Server, server.labels); ok {
				t.index[i][key] = append(t.index[i][key], j)
			}
		}
	}
	return t
}

// of are the servers by the first tie whose labels the meter has and a server has too.
// A meter that names a pod works for that pod, and for nobody else on its host: where no
// server has the pod's name, ties by host alone would give it another's work.
func (t ties) of(l labels) []int {
	for i, one := range t.ties {
		key, ok := tieKey(one.Meter, l)
		if !ok {
			continue
		}
		if l[labelPod] != "" && !slices.Contains(one.Meter, labelPod) && slices.ContainsFunc(t.ties, func(o tie) bool { return slices.Contains(o.Meter, labelPod) }) {
			continue
		}
		if servers := t.index[i][key]; len(servers) > 0 {
			return servers
		}
	}
	return nil
}

// tieKey is what labels say, false where one is missing. Hosts compare without the port
// and the domain: gpu-1 is gpu-1.example.com.
func tieKey(names []string, l labels) (string, bool) {
	var key strings.Builder
	for _, name := range names {
		value := l[name]
		if value == "" {
			return "", false
		}
		if name == labelHost || name == "instance" || strings.EqualFold(name, "hostname") || name == "node" {
			value = shortHost(value)
		}
		key.WriteString(value + "\x00")
	}
	return key.String(), true
}

func shortHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(withoutPort(host), "."))
	if strings.Trim(host, "0123456789.") == "" || strings.Contains(host, ":") {
		return host // an address
	}
	short, _, _ := strings.Cut(host, ".")
	return short
}
