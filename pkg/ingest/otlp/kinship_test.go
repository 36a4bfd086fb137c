package otlp

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// named makes spans from names like "inner<outer": inner is below outer. A capital
// letter first is a call.
func named(spans ...string) []span {
	key := func(name string) uuid.UUID { return contentKey(name) }
	var all []span
	for _, text := range spans {
		var name, parent string
		if n, _ := fmt.Sscanf(text, "%1s<%1s", &name, &parent); n < 2 {
			parent = ""
		}
		s := span{key: key(name)}
		if parent != "" {
			s.parent = key(parent)
		}
		if name >= "A" && name <= "Z" {
			s.call = &call{event: warehouse.Event{ID: s.key, Project: name}}
		}
		all = append(all, s)
	}
	return all
}

// countedIn says which calls count of batches that arrive one after another.
func countedIn(batches ...[]string) (counted []string, late int) {
	remembered := map[uuid.UUID]warehouse.Kinship{}
	seen := map[string]bool{}
	for _, batch := range batches {
		k := kinship{known: maps.Clone(remembered), changed: map[uuid.UUID]warehouse.Kinship{}}
		calls, _ := k.decide(named(batch...))
		for _, c := range calls {
			seen[c.event.Project] = true
		}
		for key, has := range k.changed {
			remembered[key] |= has
		}
		late += k.late
	}
	return slices.Sorted(maps.Keys(seen)), late
}

func TestOneCallOfEachLineCounts(t *testing.T) {
	type batches = [][]string
	for _, test := range []struct {
		name    string
		batches batches
		counted []string
		late    int
	}{
		{"one", batches{{"A"}}, []string{"A"}, 0},
		{"sent again", batches{{"A"}, {"A"}}, []string{"A"}, 0},
		{"twice in a batch", batches{{"A", "A"}}, []string{"A"}, 0},
		{"an agent with two calls", batches{{"A<x", "B<x", "x"}}, []string{"A", "B"}, 0},
		{"the framework around the SDK", batches{{"B<A", "A"}}, []string{"B"}, 0},
		{"in whatever order within a batch", batches{{"A", "B<A"}}, []string{"B"}, 0},
		{"the framework's span comes later", batches{{"B<A"}, {"A"}}, []string{"B"}, 0},
		{"with a span between", batches{{"B<x", "x<A", "A"}}, []string{"B"}, 0},
		{"the span between comes with the inner", batches{{"B<x", "x<A"}, {"A"}}, []string{"B"}, 0},
		{"the span between comes with the outer", batches{{"B<x"}, {"x<A", "A"}}, []string{"B"}, 0},
		{"each in a batch of its own", batches{{"B<x"}, {"x<A"}, {"A"}}, []string{"B"}, 0},
		{"the model server is late", batches{{"A"}, {"B<A"}}, []string{"A"}, 0},
		{"and one further down", batches{{"x<A", "A"}, {"B<x"}}, []string{"A"}, 0},
		{"and its own way down", batches{{"A"}, {"x<A"}, {"y<x"}, {"B<y"}}, []string{"A"}, 0},
		{"the span between comes last: both count, and it is told", batches{{"B<x"}, {"A"}, {"x<A"}}, []string{"A", "B"}, 1},
		{"sent again after its outer", batches{{"B<A"}, {"A"}, {"B<A", "A"}}, []string{"B"}, 0},
		{"three deep", batches{{"C<B", "B<A", "A"}}, []string{"C"}, 0},
		{"two tries beneath one framework call", batches{{"B<A", "C<A", "A"}}, []string{"B", "C"}, 0},
		{"a circle", batches{{"A<B", "B<A"}}, []string{"B"}, 0},
		{"of itself", batches{{"A<A"}}, []string{"A"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			counted, late := countedIn(test.batches...)
			if test.name == "a circle" {
				assert.Len(t, counted, 1)
				return
			}
			assert.Equal(t, test.counted, counted)
			assert.Equal(t, test.late, late)
		})
	}
}

// In the order in which spans end, whatever the batches, the calls count that have no
// call below them; and sending any of it again changes nothing.
func TestInnermostCallsCountHoweverSpansAreBatched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "spans")
		parent := make([]int, n) // of spans in the order they end: a parent ends later
		isCall := make([]bool, n)
		for i := range n {
			parent[i] = -1
			if i < n-1 && rapid.IntRange(0, 4).Draw(t, "has parent") > 0 {
				parent[i] = rapid.IntRange(i+1, n-1).Draw(t, "parent")
			}
			isCall[i] = rapid.Bool().Draw(t, "is call")
		}
		hasCallBelow := make([]bool, n)
		for i := range n {
			if parent[i] >= 0 && (isCall[i] || hasCallBelow[i]) {
				hasCallBelow[parent[i]] = true
			}
		}
		var want, got []int
		key := func(i int) uuid.UUID { return contentKey(fmt.Sprint(i)) }
		var spans []span
		for i := range n {
			s := span{key: key(i)}
			if parent[i] >= 0 {
				s.parent = key(parent[i])
			}
			if isCall[i] {
				s.call = &call{event: warehouse.Event{Requests: int64(i)}}
				if !hasCallBelow[i] {
					want = append(want, i)
				}
			}
			spans = append(spans, s)
		}
		remembered, seen := map[uuid.UUID]warehouse.Kinship{}, map[int]bool{}
		deliver := func(batch []span) {
			k := kinship{known: maps.Clone(remembered), changed: map[uuid.UUID]warehouse.Kinship{}}
			calls, _ := k.decide(batch)
			for _, c := range calls {
				seen[int(c.event.Requests)] = true
			}
			for key, has := range k.changed {
				remembered[key] |= has
			}
		}
		for start := 0; start < n; {
			end := rapid.IntRange(start+1, n).Draw(t, "batch ends")
			deliver(rapid.Permutation(spans[start:end]).Draw(t, "order"))
			start = end
		}
		deliver(spans[rapid.IntRange(0, n-1).Draw(t, "again from"):])
		got = slices.Sorted(maps.Keys(seen))
		assert.Equal(t, want, got)
	})
}
