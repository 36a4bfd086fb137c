package collect

import (
	"slices"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// usage is how a GPU was used over the snapshots of an interval. A snapshot counts as
// much as any other, because a sampler keeps a steady pace.
type usage struct {
	snapshots   int
	utilization mean
	processes   map[int]*processUsage
}

type processUsage struct {
	assignment          Assignment
	seen                int
	utilization, memory mean
}

// mean adds up what was given.
type mean struct {
	sum   float64
	given int
}

func (m *mean) add(value *float64) {
	if value != nil {
		m.sum += *value
		m.given++
	}
}

// value is nil where none was given.
func (m mean) value() *float64 {
	if m.given == 0 {
		return nil
	}
	v := m.sum / float64(m.given)
	return &v
}

// note takes a snapshot's processes in; assign says whose each is.
func (u *usage) note(r gpu.Reading, processes []gpu.Process, assign func(pid int) Assignment) {
	u.snapshots++
	u.utilization.add(r.Utilization)
	if u.processes == nil {
		u.processes = map[int]*processUsage{}
	}
	for _, process := range processes {
		known := u.processes[process.PID]
		if known == nil {
			known = &processUsage{}
			u.processes[process.PID] = known
		}
		known.assignment = assign(process.PID)
		known.seen++
		known.utilization.add(process.Utilization)
		if process.MemoryUsedBytes != nil {
			bytes := float64(*process.MemoryUsedBytes)
			known.memory.add(&bytes)
		}
	}
}

// over returns the processes as the formula takes them, by PID. A process that was
// there for a part of the interval has that part of its measures.
func (u *usage) over() (assignments []Assignment, processes []kpi.GPUProcess) {
	pids := make([]int, 0, len(u.processes))
	for pid := range u.processes {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	for _, pid := range pids {
		p := u.processes[pid]
		present := float64(p.seen) / float64(u.snapshots)
		scale := func(value *float64) *float64 {
			if value == nil {
				return nil
			}
			v := *value * present
			return &v
		}
		assignments = append(assignments, p.assignment)
		processes = append(processes, kpi.GPUProcess{Utilization: scale(p.utilization.value()), MemoryBytes: scale(p.memory.value())})
	}
	return assignments, processes
}
