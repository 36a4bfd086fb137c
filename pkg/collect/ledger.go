package collect

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// ledger turns snapshots into entries. It has no clock and no disk: whoever holds it
// says when to cut, and commits a cut when its entry is on the disk.
type ledger struct {
	host, region, boot string
	every              time.Duration
	rules              Rules
	reader             ProcessReader

	state     state // as of the last entry on the disk
	snapshot  gpu.Snapshot
	baselines map[string]*baseline
	usage     map[string]*usage
	read      map[string]time.Time // the time of the newest reading that counted
	known     map[int]Assignment   // the processes that are running
	sent      map[string]warehouse.GPUDevice
}

func newLedger(host, region, boot string, every time.Duration, rules Rules, reader ProcessReader, last state) *ledger {
	return &ledger{host: host, region: region, boot: boot, every: every, rules: rules, reader: reader, state: last,
		baselines: map[string]*baseline{}, usage: map[string]*usage{}, read: map[string]time.Time{}, known: map[int]Assignment{},
		sent: map[string]warehouse.GPUDevice{}}
}

// observe notes who uses the GPUs. It reports whether the interval is over.
func (l *ledger) observe(snapshot gpu.Snapshot) (due bool) {
	for i, r := range snapshot.Devices {
		if r.Time.IsZero() {
			snapshot.Devices[i].Time = snapshot.Time
		}
	}
	l.snapshot = snapshot
	running := map[int]bool{}
	for _, r := range snapshot.Devices {
		for _, process := range r.Processes {
			running[process.PID] = true
		}
	}
	maps.DeleteFunc(l.known, func(pid int, _ Assignment) bool { return !running[pid] })
	for _, r := range snapshot.Devices {
		if !usable(r) || r.Time.Equal(l.read[r.UUID]) {
			continue
		}
		l.read[r.UUID] = r.Time
		if l.usage[r.UUID] == nil {
			l.usage[r.UUID] = &usage{}
		}
		l.usage[r.UUID].note(r, processesOf(r, snapshot.Devices), l.assign)
		m, counting := l.state.Meters[r.UUID]
		// On the marks of the clock, so that hosts cut at one time; at once where the clock
		// went back, and where a reset of the counter would else leave less than was drawn:
		// with the first reading of this process, and at a gap.
		last := l.baselines[r.UUID]
		due = due || last == nil || r.Gaps > last.gaps || !counting || r.Time.Before(m.Time) || r.Time.Truncate(l.every).After(m.Time.Truncate(l.every))
	}
	return due
}

// usable says whether a reading can be counted: the device answered, and the clock was
// set.
func usable(r gpu.Reading) bool {
	return r.Lost == "" && r.UUID != "" && !r.Time.Before(warehouse.EarliestEvent)
}

// processesOf returns the processes of a GPU and of its MIG instances, whose power
// nothing but the GPU's own meter takes in.
func processesOf(r gpu.Reading, devices []gpu.Reading) []gpu.Process {
	processes := r.Processes
	for _, part := range devices {
		if part.Parent == r.UUID && part.UUID != r.UUID {
			processes = append(slices.Clone(processes), part.Processes...)
		}
	}
	return processes
}

// assign says whose a process is. It is asked once while the process runs, because it
// may be gone when the interval ends.
func (l *ledger) assign(pid int) Assignment {
	if assignment, ok := l.known[pid]; ok {
		return assignment
	}
	process, err := l.reader.Process(pid)
	if err != nil {
		return unallocated // asked again with the next snapshot
	}
	assignment, _ := l.rules.Resolve(process)
	l.known[pid] = assignment
	return assignment
}

// cut is the end of an interval: what to write, and what holds once it is written.
type cut struct {
	entry     entry
	baselines map[string]*baseline
	sent      map[string]warehouse.GPUDevice
	stepped   int // GPUs over whose interval the clock was set
	energy    map[string]int64
	gaps      map[string]int
}

// cut ends the interval of every GPU that has a newer reading than its last. With
// closing, the minutes that are not over end too.
func (l *ledger) cut(closing bool) cut {
	c := cut{baselines: map[string]*baseline{}, sent: map[string]warehouse.GPUDevice{}, energy: map[string]int64{}, gaps: map[string]int{}}
	next := state{Meters: maps.Clone(l.state.Meters), Open: slices.Clone(l.state.Open)}
	if next.Meters == nil {
		next.Meters = map[string]meter{}
	}
	for _, r := range l.snapshot.Devices {
		if r.UUID == "" || r.Time.Before(warehouse.EarliestEvent) {
			continue
		}
		if device := l.device(r); l.isNews(device) {
			c.entry.Devices = append(c.entry.Devices, device)
			c.sent[r.UUID] = device
		}
		if usable(r) {
			l.cutDevice(r, &next, &c)
		}
	}
	if closing {
		c.entry.Facts = append(c.entry.Facts, next.Open...)
		next.Open = nil
	}
	c.entry.State = next
	return c
}

func (l *ledger) cutDevice(r gpu.Reading, next *state, c *cut) {
	m, counting := l.state.Meters[r.UUID]
	last := l.baselines[r.UUID]
	if counting && wall(r.Time).Equal(m.Time) {
		return
	}
	energy, gaps, metered := m.drawn(r, last, m.Boot != l.boot)
	if m.Metered && !metered {
		return // it gives no energy for now; the interval goes on
	}
	c.baselines[r.UUID] = &baseline{sampled: r.EnergyMillijoules, gaps: r.Gaps, at: r.Time}
	if !counting {
		next.Meters[r.UUID] = meter{Metered: metered, Counter: r.EnergyCounterMillijoules, Time: wall(r.Time), Boot: l.boot}
		return
	}
	start, end, stepped := m.span(r.Time, last, l.every)
	after, amount := m.after(r, end, energy)
	after.Metered, after.Boot = metered, l.boot
	next.Meters[r.UUID] = after
	if stepped {
		c.stepped++
	}
	c.energy[r.UUID], c.gaps[r.UUID] = energy, gaps
	used := l.usage[r.UUID]
	if used == nil || last == nil {
		used = &usage{} // nobody watched: who used it is not known
	}
	sample := l.sample(r, used, start, end, after.Sequence, gaps)
	if metered {
		split := used.split(amount, end.Sub(start))
		total, attributed, idleEnergy := int64(amount), int64(split.attributed()), int64(split.byAssignment[idle].Energy)
		sample.Energy, sample.Attributed, sample.Idle, sample.SplitMeasured = &total, &attributed, &idleEnergy, split.measured
		sample.Method = string(r.EnergyMethod)
		if sample.Method == "" {
			sample.Method = string(gpu.MethodCounter)
		}
		c.entry.Facts = append(c.entry.Facts, next.roll(r.UUID, l.region, start, end, after.Sequence, split, stepped)...)
	}
	c.entry.Samples = append(c.entry.Samples, sample)
}

// commit makes a cut hold, after its entry is on the disk.
func (l *ledger) commit(c cut) {
	l.state = c.entry.State
	for uuid, b := range c.baselines {
		l.baselines[uuid] = b
		delete(l.usage, uuid)
	}
	maps.Copy(l.sent, c.sent)
}

func (l *ledger) sample(r gpu.Reading, used *usage, start, end time.Time, sequence int64, gaps int) warehouse.GPUSample {
	return warehouse.GPUSample{
		UUID: r.UUID, Start: start, Time: end, Sequence: sequence, Host: l.host, Region: l.region, Name: r.Name,
		DriverVersion: l.snapshot.DriverVersion, PowerWatts: r.PowerWatts, PowerLimit: r.PowerLimit, Scope: string(r.PowerScope),
		EnergyCounterMillijoules: r.EnergyCounterMillijoules, Gaps: gaps, Utilization: used.utilization.value(), MemoryUsedBytes: r.MemoryUsedBytes,
		MemoryTotalBytes: r.MemoryTotalBytes, TemperatureC: r.TemperatureC,
	}
}

func (l *ledger) device(r gpu.Reading) warehouse.GPUDevice {
	return warehouse.GPUDevice{
		UUID: r.UUID, Host: l.host, Region: l.region, Name: r.Name, Index: r.Index, Serial: r.Serial, BoardPartNumber: r.BoardPartNumber,
		VBIOS: r.VBIOS, PCIAddress: r.PCIAddress, MemoryTotalBytes: r.MemoryTotalBytes, DriverVersion: l.snapshot.DriverVersion,
		Parent: r.Parent, Accelerator: accelerator(r.Name), SeenAt: wall(r.Time), Lost: r.Lost,
		Health: warehouse.GPUHealth{
			CorrectedECC: r.Health.CorrectedECC, UncorrectedECC: r.Health.UncorrectedECC, RemappedRows: r.Health.RemappedRows,
			RetiredPages: r.Health.RetiredPages, RemapPending: r.Health.RemapPending, RemapFailed: r.Health.RemapFailed,
			ThrottleReasons: r.Health.ThrottleReasons, ThrottledNanosecs: r.Health.ThrottledNanosecs,
		},
	}
}

// deviceEvery is how old what the warehouse has of a device may be; its health moves
// slowly.
const deviceEvery = time.Minute

// isNews says whether a device is to be written: it changed, or a minute has passed.
func (l *ledger) isNews(device warehouse.GPUDevice) bool {
	last, ok := l.sent[device.UUID]
	if age := device.SeenAt.Sub(last.SeenAt); !ok || age >= deviceEvery || age < 0 {
		return true
	}
	last.SeenAt, last.Health = device.SeenAt, device.Health
	return !reflect.DeepEqual(last, device)
}

// split is an interval's energy by what it is counted for.
type split struct {
	byAssignment map[Assignment]fact
	measured     bool
}

func (s split) attributed() (sum kpi.NanowattHours) {
	for assignment, part := range s.byAssignment {
		if assignment != idle && assignment.Project != kpi.Unallocated {
			sum += part.Energy
		}
	}
	return sum
}

const gibibyte = 1 << 30

// split divides the energy of an interval by who used the GPU.
func (u *usage) split(energy kpi.NanowattHours, lasted time.Duration) split {
	assignments, processes := u.over()
	attribution := kpi.AttributeGPU(energy, processes, u.utilization.value())
	s := split{byAssignment: map[Assignment]fact{}, measured: attribution.Measured}
	add := func(assignment Assignment, part kpi.NanowattHours, memory float64) {
		f := s.byAssignment[assignment]
		f.Energy += part
		f.MemoryHours += memory / gibibyte * lasted.Hours()
		if energy > 0 {
			f.GPUHours += float64(part) / float64(energy) * lasted.Hours()
		}
		s.byAssignment[assignment] = f
	}
	for i, assignment := range assignments {
		memory := 0.0
		if processes[i].MemoryBytes != nil {
			memory = *processes[i].MemoryBytes
		}
		add(assignment, attribution.Processes[i], memory)
	}
	add(idle, attribution.Idle, 0)
	add(unallocated, attribution.Unknown, 0)
	return s
}

// roll adds an interval's parts to the facts of its minute and returns those of the
// GPU's minutes that are over.
func (s *state) roll(uuid, region string, start, end time.Time, sequence int64, parts split, stepped bool) (over []fact) {
	minute := start.Add(end.Sub(start) / 2).Truncate(time.Minute)
	s.Open = slices.DeleteFunc(s.Open, func(f fact) bool {
		isOver := f.GPU == uuid && (stepped || !f.Minute.Equal(minute))
		if isOver {
			over = append(over, f)
		}
		return isOver
	})
	for assignment, part := range parts.byAssignment {
		if part.Energy == 0 && part.MemoryHours == 0 {
			continue
		}
		part.factKey = factKey{GPU: uuid, Region: region, Assignment: assignment, Measured: parts.measured}
		part.Start, part.End, part.Sequence, part.Minute = start, end, sequence, minute
		if i := slices.IndexFunc(s.Open, func(f fact) bool { return f.factKey == part.factKey }); i >= 0 {
			s.Open[i].add(part)
			continue
		}
		s.Open = append(s.Open, part)
	}
	return over
}
