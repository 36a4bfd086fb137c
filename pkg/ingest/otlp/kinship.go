package otlp

import (
	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// kinship decides which calls count, where calls stand within calls: of those on one
// way from a root to a leaf, one does.
//
// Spans end, and so arrive, from the inside out; the innermost call is the one that
// went to the model, and counts. Within a batch that is exact. Across batches the call
// that was counted first stands: whoever is above it or below it later does not count.
// What is not seen is a span between two calls that arrives after both.
type kinship struct {
	known   map[uuid.UUID]warehouse.Kinship // from the warehouse
	changed map[uuid.UUID]warehouse.Kinship // what is new to it
	late    int                             // calls that were found to be one after both counted
}

// decide returns the spans whose calls count, again where they did before: their events
// are there already. nested are the calls that do not.
func (k *kinship) decide(spans []span) (counted []*call, nested []uuid.UUID) {
	at := make(map[uuid.UUID]int, len(spans))
	children := make(map[uuid.UUID][]int)
	for i, s := range spans {
		if _, twice := at[s.key]; twice {
			continue // a repetition in the same batch
		}
		at[s.key] = i
		if s.parent != uuid.Nil {
			children[s.parent] = append(children[s.parent], i)
		}
	}
	visited := make([]bool, len(spans))
	// Down from the highest spans of the batch, then those of a circle that no trace has.
	var order []int // a span after its parent
	visit := func(i int) {
		for queue := []int{i}; len(queue) > 0; queue = queue[1:] {
			if next := queue[0]; !visited[next] {
				visited[next] = true
				order = append(order, next)
				queue = append(queue, children[spans[next].key]...)
			}
		}
	}
	for i, s := range spans {
		if _, inside := at[s.parent]; at[s.key] == i && !inside {
			visit(i)
		}
	}
	for i, s := range spans {
		if at[s.key] == i {
			visit(i)
		}
	}
	for _, i := range order {
		k.inherit(spans[i])
	}
	for n := len(order) - 1; n >= 0; n-- {
		s := spans[order[n]]
		switch has := k.of(s.key); {
		case s.call == nil:
		case has&warehouse.KinshipCounted != 0:
			counted = append(counted, s.call)
		case has != 0:
			nested = append(nested, s.key)
		default:
			k.set(s.key, warehouse.KinshipCounted|warehouse.KinshipCovered)
			counted = append(counted, s.call)
		}
		if k.of(s.key)&(warehouse.KinshipCounted|warehouse.KinshipAbove) != 0 && s.parent != uuid.Nil {
			if k.of(s.key)&warehouse.KinshipAbove != 0 && k.of(s.parent)&warehouse.KinshipCounted != 0 && s.call == nil {
				k.late++
			}
			k.set(s.parent, warehouse.KinshipAbove)
		}
	}
	for _, i := range order {
		k.inherit(spans[i])
	}
	return counted, nested
}

func (k *kinship) of(key uuid.UUID) warehouse.Kinship { return k.known[key] | k.changed[key] }

func (k *kinship) set(key uuid.UUID, has warehouse.Kinship) {
	if k.of(key)&has != has {
		k.changed[key] |= has
	}
}

func (k *kinship) inherit(s span) {
	if s.parent != uuid.Nil && k.of(s.parent)&warehouse.KinshipCovered != 0 {
		k.set(s.key, warehouse.KinshipCovered)
	}
}
