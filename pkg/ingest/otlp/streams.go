package otlp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// step is what a stream has counted over an interval.
type step struct {
	point
	counted reading
}

// streams follows cumulative streams from the readings that the warehouse has.
type streams struct {
	known map[uuid.UUID]position // before this batch
	moved map[uuid.UUID]position // after it
	// stepped are the streams that have moved since steps were last taken.
	stepped map[uuid.UUID]bool
}

type position struct {
	at      int64 // Unix ns
	reading reading
}

func (s streams) position(stream uuid.UUID) (position, bool) {
	if p, ok := s.moved[stream]; ok {
		return p, true
	}
	p, ok := s.known[stream]
	return p, ok
}

// steps are what the warehouse is to remember, from where it was.
func (s streams) steps(from map[uuid.UUID]position) (map[uuid.UUID]warehouse.TelemetryStep, error) {
	steps := map[uuid.UUID]warehouse.TelemetryStep{}
	for stream := range s.stepped {
		moved := s.moved[stream]
		encoded, err := moved.reading.encode()
		if err != nil {
			return nil, err
		}
		step := warehouse.TelemetryStep{TelemetryReading: warehouse.TelemetryReading{AtNanoseconds: moved.at, Reading: encoded}}
		if known, ok := from[stream]; ok {
			step.Known = &known.at
		}
		steps[stream] = step
	}
	return steps, nil
}

// mostEventsOfStep bounds the events that one data point can become.
const mostEventsOfStep = 20_000

// advance returns what a data point adds; ok is false where it adds nothing, because it
// was counted before or is where counting begins.
func (s streams) advance(p point) (next step, ok bool, err error) {
	next = step{point: p, counted: p.reading}
	if !p.cumulative {
		return next, true, next.check()
	}
	before, known := s.position(p.stream)
	if known && p.to <= before.at {
		return next, false, nil
	}
	s.moved[p.stream], s.stepped[p.stream] = position{p.to, p.reading}, true
	switch {
	case known:
		next.from = before.at
		next.counted, _ = p.reading.since(before.reading)
	case p.from == 0:
		return next, false, nil // since when it has counted is not known
	}
	if time.Duration(next.to-next.from) > longestInterval {
		return next, false, fmt.Errorf("it counted for over %d days before it was read; only what it counts from now on does", int(longestInterval.Hours()/24))
	}
	return next, true, next.check()
}

func (s step) check() error {
	if hours := int(time.Duration(s.to-s.from).Hours()) + 2; hours*(len(s.counted.Buckets)+1) > mostEventsOfStep {
		return errors.New("it has too many buckets for so long an interval")
	}
	return nil
}

// part is a number of requests of one latency, or of tokens.
type part struct {
	bucket int // tells the parts of a step apart
	work   work
	took   *time.Duration
}

// parts are what a step counted.
func (s step) parts() []part {
	switch s.measure {
	case measureInput:
		return []part{{work: work{input: int64(math.Round(s.counted.Sum))}}}
	case measureOutput:
		return []part{{work: work{output: int64(math.Round(s.counted.Sum))}}}
	}
	if len(s.counted.Buckets) == 0 {
		if s.counted.Count == 0 {
			return nil
		}
		return []part{{work: work{requests: s.counted.Count}, took: latency(s.counted.Sum / float64(s.counted.Count))}}
	}
	var parts []part
	for _, bucket := range slices.Sorted(maps.Keys(s.counted.Buckets)) {
		parts = append(parts, part{bucket: bucket, work: work{requests: s.counted.Buckets[bucket]}, took: latency(s.counted.middle(bucket))})
	}
	return parts
}

func latency(seconds float64) *time.Duration {
	took := time.Duration(min(seconds, longestCall.Seconds()) * float64(time.Second))
	return &took
}

// events are the step's parts, by the hours of its interval, without energy. They add
// up to the step.
func (s step) events() (events []warehouse.Event, works []work) {
	from, to := time.Unix(0, s.from).UTC(), time.Unix(0, s.to).UTC()
	for _, p := range s.parts() {
		if p.work == (work{}) {
			continue
		}
		var done work
		start := from
		for hour := 0; ; hour++ {
			end := start.Truncate(time.Hour).Add(time.Hour)
			upTo := p.work
			if end.Before(to) {
				share := float64(end.Sub(from)) / float64(to.Sub(from))
				upTo = work{int64(float64(p.work.requests) * share), int64(float64(p.work.input) * share), int64(float64(p.work.output) * share)}
			} else {
				end = to
			}
			if w := (work{upTo.requests - done.requests, upTo.input - done.input, upTo.output - done.output}); w != (work{}) {
				events = append(events, s.event(p, hour, start, end, w))
				works = append(works, w)
			}
			done = upTo
			if start = end; !end.Before(to) {
				break
			}
		}
	}
	return events, works
}

func (s step) event(p part, hour int, start, end time.Time, w work) warehouse.Event {
	return warehouse.Event{
		ID:   uuid.NewSHA1(s.stream, fmt.Appendf(nil, "%d %d %d %d", s.from, s.to, p.bucket, hour)),
		Time: start, Duration: end.Sub(start), Model: s.place.model, Project: s.place.project, Endpoint: s.place.endpoint, Region: s.place.region,
		Workload: cmp.Or(s.place.workload, kpi.WorkloadInference), Requests: w.requests, InputTokens: w.input, OutputTokens: w.output,
		Latency: p.took, Source: eventSource,
	}
}
