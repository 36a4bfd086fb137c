package kpi

import (
	"cmp"
	"slices"
	"time"
)

// HardwareStage is where a piece of hardware is on its way from purchase to
// recycling. Its value is the name used in the warehouse and in queries.
type HardwareStage string

// The stages of the guide's Hardware Lifecycle & E-Waste Tracker. Recycled and
// e-waste are where the way ends.
const (
	HardwareProcured       HardwareStage = "procured"
	HardwareDeployed       HardwareStage = "deployed"
	HardwareDecommissioned HardwareStage = "decommissioned"
	HardwareReused         HardwareStage = "reused"
	HardwareRecycled       HardwareStage = "recycled"
	HardwareEWaste         HardwareStage = "e_waste"
)

// hardwareNew is before the first stage: where flows into the inventory come from.
const hardwareNew HardwareStage = ""

// HardwareStages lists the stages in the order of a life.
func HardwareStages() []HardwareStage {
	return []HardwareStage{
		HardwareProcured, HardwareDeployed, HardwareDecommissioned,
		HardwareReused, HardwareRecycled, HardwareEWaste,
	}
}

var hardwareStageLabels = map[HardwareStage]string{
	hardwareNew: "New", HardwareProcured: "Procured", HardwareDeployed: "Deployed",
	HardwareDecommissioned: "Decommissioned", HardwareReused: "Reused", HardwareRecycled: "Recycled", HardwareEWaste: "E-waste",
}

// Label returns the stage as people read it; the empty stage is New.
func (s HardwareStage) Label() string { return hardwareStageLabels[s] }

// order is the stage's place in a life; -1 for new.
func (s HardwareStage) order() int { return slices.Index(HardwareStages(), s) }

// hardwareOrder says what may follow a stage. An inventory may begin with
// hardware that is in use or on the shelf already, but not with what was given
// away.
var hardwareOrder = map[HardwareStage][]HardwareStage{
	hardwareNew:            {HardwareProcured, HardwareDeployed, HardwareDecommissioned, HardwareReused},
	HardwareProcured:       {HardwareDeployed, HardwareDecommissioned, HardwareReused, HardwareRecycled, HardwareEWaste},
	HardwareDeployed:       {HardwareDecommissioned, HardwareReused, HardwareRecycled, HardwareEWaste},
	HardwareDecommissioned: {HardwareDeployed, HardwareReused, HardwareRecycled, HardwareEWaste},
	HardwareReused:         {HardwareDecommissioned, HardwareRecycled, HardwareEWaste},
}

// MayFollow reports whether hardware can come to this stage from the previous
// one; the empty stage stands for new. What cannot follow is a mistake in the
// inventory: nothing comes back from recycling.
func (s HardwareStage) MayFollow(previous HardwareStage) bool {
	return slices.Contains(hardwareOrder[previous], s)
}

// InService reports whether hardware in this stage does work.
func (s HardwareStage) InService() bool { return s == HardwareDeployed || s == HardwareReused }

// HardwareEvent is the moment a piece of hardware came to a stage.
type HardwareEvent struct {
	Time  time.Time
	Stage HardwareStage
}

// HardwareLife is what happened to one piece of hardware. Make it with
// NewHardwareLife, which orders it.
type HardwareLife struct{ events []HardwareEvent }

// NewHardwareLife orders events by time. Events of one time, as an inventory by
// day has them, are in the order of a life: what was procured and deployed on one
// day is deployed. Events of a stage that does not exist are left out.
func NewHardwareLife(events ...HardwareEvent) HardwareLife {
	ordered := slices.DeleteFunc(slices.Clone(events), func(e HardwareEvent) bool { return e.Stage.order() < 0 })
	slices.SortStableFunc(ordered, func(a, b HardwareEvent) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Stage.order(), b.Stage.order()))
	})
	return HardwareLife{events: ordered}
}

// StageBefore returns the stage the hardware is in at the end of a period that
// lasts up to, not including, end: an event at end itself belongs to the next
// period. It reports false where the hardware was not there yet.
func (l HardwareLife) StageBefore(end time.Time) (HardwareStage, bool) {
	after := slices.IndexFunc(l.events, func(e HardwareEvent) bool { return !e.Time.Before(end) })
	if after < 0 {
		after = len(l.events)
	}
	if after == 0 {
		return hardwareNew, false
	}
	return l.events[after-1].Stage, true
}

// Acquired returns the time of the first event, and false where there is none.
func (l HardwareLife) Acquired() (time.Time, bool) {
	if len(l.events) == 0 {
		return time.Time{}, false
	}
	return l.events[0].Time, true
}

// Age returns how long ago the hardware was acquired; it stops when the hardware
// is recycled or becomes e-waste. It reports false before the acquisition. It
// counts from the acquisition and not the deployment, because inventories leave
// out the latter more often, and a spare on the shelf ages too.
func (l HardwareLife) Age(at time.Time) (time.Duration, bool) {
	acquired, ok := l.Acquired()
	if !ok || acquired.After(at) {
		return 0, false
	}
	for _, e := range l.events {
		if (e.Stage == HardwareRecycled || e.Stage == HardwareEWaste) && e.Time.Before(at) {
			return e.Time.Sub(acquired), true
		}
	}
	return at.Sub(acquired), true
}

// HardwareAsset is a piece of hardware as the lifecycle formulas see it.
type HardwareAsset struct {
	Life     HardwareLife
	Lifetime time.Duration  // expected; see Years
	Embodied *KilogramsCO2e // nil: no figure is known
}

// RefreshCandidate reports whether the asset is due to be replaced at a time: it
// is in service and its age has reached its lifetime. An asset without a lifetime
// is never due.
func (a HardwareAsset) RefreshCandidate(at time.Time) bool {
	stage, there := a.Life.StageBefore(at)
	age, _ := a.Life.Age(at)
	return there && stage.InService() && a.Lifetime > 0 && age >= a.Lifetime
}
