package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/ensure_members.sql
	ensureMembersSQL string
	//go:embed statements/member_keys.sql
	memberKeysSQL string
)

// memberKeys remembers the keys of models, projects, regions, endpoints and
// workloads by their names. A key never changes.
type memberKeys struct {
	mu    sync.Mutex
	known map[memberName]int32
}

type memberName struct{ dimension, name string }

// names are the members an event is of, as the warehouse has them.
func (e *Event) names() [5]memberName {
	return [5]memberName{
		{"model", orElse(e.Model, kpi.Unallocated)}, {"project", orElse(e.Project, kpi.Unallocated)}, {"region", e.Region},
		{"endpoint", orElse(e.Endpoint, kpi.None)}, {"workload", string(e.Workload)},
	}
}

// of returns the keys of an event's members in the order of names.
func (k *memberKeys) of(e *Event) (keys [5]int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, name := range e.names() {
		keys[i] = k.known[name]
	}
	return keys
}

// has says whether a member is known.
func (k *memberKeys) has(name memberName) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.known[name]
	return ok
}

// forget makes every key be looked up again.
func (k *memberKeys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = nil
}

// learn looks the members up that are not known yet. With create it makes new
// models, projects and endpoints first; regions and workloads are never made here.
func (k *memberKeys) learn(ctx context.Context, pool *pgxpool.Pool, events []Event, create bool) error {
	missing := map[string][]string{"model": {}, "project": {}, "region": {}, "endpoint": {}}
	seen := map[memberName]bool{}
	for i := range events {
		for _, name := range events[i].names() {
			if !seen[name] && !k.has(name) {
				seen[name] = true
				missing[name.dimension] = append(missing[name.dimension], name.name)
			}
		}
	}
	if len(seen) == 0 {
		return nil
	}
	args := pgx.NamedArgs{"models": missing["model"], "projects": missing["project"], "regions": missing["region"], "endpoints": missing["endpoint"]}
	if create {
		if _, err := pool.Exec(ctx, ensureMembersSQL, args); err != nil {
			return fmt.Errorf("making the models, projects and endpoints that are new: %w", err)
		}
	}
	rows, err := pool.Query(ctx, memberKeysSQL, args)
	if err != nil {
		return fmt.Errorf("reading the keys of models, projects, regions and endpoints: %w", err)
	}
	var name memberName
	var key int32
	found := map[memberName]int32{}
	if _, err := pgx.ForEachRow(rows, []any{&name.dimension, &name.name, &key}, func() error {
		found[name] = key
		return nil
	}); err != nil {
		return fmt.Errorf("reading the keys of models, projects, regions and endpoints: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[memberName]int32{}
	}
	for name, key := range found {
		k.known[name] = key
	}
	return nil
}

// unplaced returns why an event cannot be priced or placed, or nil.
func (k *memberKeys) unplaced(e *Event) error {
	if !k.has(memberName{"region", e.Region}) {
		return fmt.Errorf("unknown region %q: import its factors first, or correct the code", e.Region)
	}
	if !slices.Contains(kpi.Workloads(), e.Workload) {
		return fmt.Errorf("unknown workload %q: it must be one of %v", e.Workload, kpi.Workloads())
	}
	return nil
}
