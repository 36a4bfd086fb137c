package warehouse

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Event is one thing that used energy: a model call, a batch, a training run.
type Event struct {
	// ID makes writing idempotent: an ID at a time is stored once. It is the
	// source's own, or a stable hash of the source's row.
	ID uuid.UUID
	// Time is when the event began.
	Time time.Time
	// Duration spreads an event that lasts over an hour on the hours it ran.
	Duration time.Duration

	// Model, Project and Endpoint are created when they are new. An empty Model
	// or Project is kpi.Unallocated, an empty Endpoint kpi.None.
	Model, Project, Endpoint string
	// Region must exist, because its factors price the event.
	Region   string
	Workload kpi.Workload
	RunID    string // the training run it belongs to, or empty

	Requests     int64
	InputTokens  int64
	OutputTokens int64
	// Latency is that of each of its requests, nil where none was measured.
	Latency *time.Duration

	// ITEnergy excludes PUE.
	ITEnergy kpi.KilowattHours
	// Measured says that ITEnergy was metered, not estimated.
	Measured bool
	// Cost, CarbonLocation and CarbonMarket are nil where the source gives none;
	// then the factors valid at the event's time price it.
	Cost           *kpi.USD
	CarbonLocation *kpi.KilogramsCO2e
	CarbonMarket   *kpi.KilogramsCO2e

	GPUHours       float64
	GPUMemoryHours float64 // GiB·h

	// Exact is nil, or the amounts in the warehouse's own whole units: then it counts
	// and the floating-point ones above do not.
	Exact *Measures
	// Slice is which hour of a longer event this is, from 0, where the source has such
	// an event by the hour: its hours have one ID, and none is longer than an hour.
	Slice int

	Source string // what wrote it, for example "codecarbon"
}

// Measures are an event's amounts in the units that the warehouse stores, in which
// they are whole numbers and add up exactly.
type Measures struct {
	ITEnergy            int64  // nWh
	Cost                *int64 // nano-USD
	CarbonLocation      *int64 // µg CO2e
	CarbonMarket        *int64 // µg CO2e
	GPUMicrohours       int64
	GPUMemoryMicrohours int64 // millionths of a GiB·h
}

// EarliestEvent is the first time an event may have; anything before is a clock
// that was never set.
var EarliestEvent = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	nanowattHoursPerKilowattHour = 1e12
	microgramsPerKilogram        = 1e9
	nanodollarsPerDollar         = 1e9
	micro                        = 1e6
	// A fixed-point measure beyond this is no longer exact as a float64 either.
	largestMeasure = 1 << 62
	// An event is spread by the hour; a year of them is a broken duration.
	longestEvent = 366 * 24 * time.Hour
	mostSlices   = 366 * 24
)

// Validate returns why the event cannot be stored, or nil. now bounds its time:
// clocks differ by minutes, so a day ahead is let through.
func (e *Event) Validate(now time.Time) error {
	end := e.Time.Add(e.Duration)
	switch {
	case e.ID == uuid.Nil:
		return errors.New("the event has no id")
	case e.Time.Before(EarliestEvent):
		return fmt.Errorf("time %s is before %d", e.Time.UTC().Format(time.RFC3339), EarliestEvent.Year())
	case end.After(now.Add(24 * time.Hour)):
		return fmt.Errorf("time %s is in the future", end.UTC().Format(time.RFC3339))
	case e.Duration < 0 || e.Duration > longestEvent:
		return fmt.Errorf("duration %s is not between 0 and 366 days", e.Duration)
	case e.Region == "":
		return errors.New("the event has no region, so nothing can price it")
	case e.Requests < 0 || e.InputTokens < 0 || e.OutputTokens < 0:
		return errors.New("requests and tokens must not be negative")
	case e.Latency != nil && *e.Latency < 0:
		return fmt.Errorf("latency %s is negative", *e.Latency)
	case e.Source == "":
		return errors.New("the event does not say its source")
	case e.Slice < 0 || e.Slice > mostSlices:
		return fmt.Errorf("slice %d is not between 0 and %d: it is an hour of the event", e.Slice, mostSlices)
	case e.Slice > 0 && e.Duration > time.Hour:
		return fmt.Errorf("slice %d lasts %s: an hour of an event is no longer than an hour", e.Slice, e.Duration)
	}
	if e.Exact != nil {
		return e.Exact.validate()
	}
	amounts := []struct {
		name   string
		amount float64
		scale  float64
	}{
		{"energy", float64(e.ITEnergy), nanowattHoursPerKilowattHour},
		{"GPU hours", e.GPUHours, micro},
		{"GPU memory hours", e.GPUMemoryHours, micro},
	}
	if e.Cost != nil {
		amounts = append(amounts, struct {
			name          string
			amount, scale float64
		}{"cost", float64(*e.Cost), nanodollarsPerDollar})
	}
	for name, carbon := range map[string]*kpi.KilogramsCO2e{"location-based carbon": e.CarbonLocation, "market-based carbon": e.CarbonMarket} {
		if carbon != nil {
			amounts = append(amounts, struct {
				name          string
				amount, scale float64
			}{name, float64(*carbon), microgramsPerKilogram})
		}
	}
	for _, a := range amounts {
		if math.IsNaN(a.amount) || math.IsInf(a.amount, 0) {
			return fmt.Errorf("%s is not a number", a.name)
		}
		if a.amount < 0 {
			return fmt.Errorf("%s %g is negative", a.name, a.amount)
		}
		if a.amount*a.scale > largestMeasure {
			return fmt.Errorf("%s %g is larger than a single event can be", a.name, a.amount)
		}
	}
	return nil
}

func (m *Measures) validate() error {
	for _, a := range []struct {
		name   string
		amount *int64
	}{
		{"energy", &m.ITEnergy}, {"GPU hours", &m.GPUMicrohours}, {"GPU memory hours", &m.GPUMemoryMicrohours},
		{"cost", m.Cost}, {"location-based carbon", m.CarbonLocation}, {"market-based carbon", m.CarbonMarket},
	} {
		switch {
		case a.amount == nil:
		case *a.amount < 0:
			return fmt.Errorf("%s is negative", a.name)
		case *a.amount > largestMeasure:
			return fmt.Errorf("%s is larger than a single event can be", a.name)
		}
	}
	return nil
}

// measures are the event's amounts in whole units.
func (e *Event) measures() Measures {
	if e.Exact != nil {
		return *e.Exact
	}
	return Measures{
		ITEnergy:       fixed(float64(e.ITEnergy), nanowattHoursPerKilowattHour),
		Cost:           fixedOrNil(e.Cost, nanodollarsPerDollar),
		CarbonLocation: fixedOrNil(e.CarbonLocation, microgramsPerKilogram),
		CarbonMarket:   fixedOrNil(e.CarbonMarket, microgramsPerKilogram),
		GPUMicrohours:  fixed(e.GPUHours, micro), GPUMemoryMicrohours: fixed(e.GPUMemoryHours, micro),
	}
}

// factRow is a row of inference_energy_fact, its dimensions still by name.
type factRow struct {
	event               *Event
	ts                  time.Time
	slice               int32
	first               bool // of the event's rows: it stands for the event
	requests            int64
	inputTokens         int64
	outputTokens        int64
	itEnergy            int64
	cost                *int64
	carbonLocation      *int64
	carbonMarket        *int64
	gpuMicrohours       int64
	gpuMemoryMicrohours int64
}

// factRows spreads the event over the hours it ran. The rows add up to the event
// exactly: each amount is cut at whole units of its running total.
func (e *Event) factRows() []factRow {
	ends := hourEnds(e.Time, e.Duration)
	share := func(total int64, i int) int64 {
		if len(ends) == 1 {
			return total
		}
		upTo := func(i int) int64 {
			switch {
			case i < 0:
				return 0
			case i == len(ends)-1:
				return total
			}
			return int64(float64(total) * (float64(ends[i].Sub(e.Time)) / float64(e.Duration)))
		}
		return upTo(i) - upTo(i-1)
	}
	optional := func(total *int64, i int) *int64 {
		if total == nil {
			return nil
		}
		part := share(*total, i)
		return &part
	}
	m := e.measures()

	rows := make([]factRow, len(ends))
	start := e.Time
	for i, end := range ends {
		rows[i] = factRow{
			event: e, ts: start, slice: int32(e.Slice + i), first: i == 0,
			requests: share(e.Requests, i), inputTokens: share(e.InputTokens, i), outputTokens: share(e.OutputTokens, i),
			itEnergy: share(m.ITEnergy, i), cost: optional(m.Cost, i),
			carbonLocation: optional(m.CarbonLocation, i), carbonMarket: optional(m.CarbonMarket, i),
			gpuMicrohours: share(m.GPUMicrohours, i), gpuMemoryMicrohours: share(m.GPUMemoryMicrohours, i),
		}
		start = end
	}
	return rows
}

// hourEnds returns where each part of [start, start+duration) ends when it is
// cut at the full hours: one part when it lasts no more than an hour.
func hourEnds(start time.Time, duration time.Duration) []time.Time {
	end := start.Add(duration)
	if duration <= time.Hour {
		return []time.Time{end}
	}
	var ends []time.Time
	for cut := start.Truncate(time.Hour).Add(time.Hour); cut.Before(end); cut = cut.Add(time.Hour) {
		ends = append(ends, cut)
	}
	return append(ends, end)
}

func fixed(amount, scale float64) int64 { return int64(math.Round(amount * scale)) }

func fixedOrNil[T ~float64](amount *T, scale float64) *int64 {
	if amount == nil {
		return nil
	}
	f := fixed(float64(*amount), scale)
	return &f
}
