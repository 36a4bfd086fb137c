package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Warehouse takes what the receiver reads. *warehouse.Store is one.
type Warehouse interface {
	Regions(ctx context.Context) ([]warehouse.Region, error)
	TaskClasses(ctx context.Context) (map[string]string, error)
	ReferenceIntensities(ctx context.Context) (map[string]float64, error)
	CollectedHosts(ctx context.Context) ([]warehouse.CollectedHost, error)
	Kinship(ctx context.Context, spans []uuid.UUID) (map[uuid.UUID]warehouse.Kinship, error)
	TelemetryReadings(ctx context.Context, streams []uuid.UUID) (map[uuid.UUID]warehouse.TelemetryReading, error)
	WriteTelemetry(ctx context.Context, batch warehouse.TelemetryBatch, now time.Time) (warehouse.EventResult, error)
	UpsertModels(ctx context.Context, models []warehouse.Model) (warehouse.WriteResult, error)
	ForgetTelemetry(ctx context.Context, spans, streams time.Time) error
}

// submission is what one request of a sender brought, until it is committed.
type submission struct {
	spans  []span
	points []point
	done   chan outcome // of room for one
}

func (s *submission) items() int { return len(s.spans) + len(s.points) }

// outcome says what became of a submission. With an error nothing was acknowledged.
type outcome struct {
	events   int // that are in the warehouse now, new or not
	nested   int // calls that are a part of one that counts
	rejected rejections
	err      error
}

// writer takes submissions off the queue, as many at once as wait, and writes them
// together. There is one, so that what it reads of spans and streams holds when it writes.
type writer struct {
	queue     chan *submission
	warehouse Warehouse
	mapping   Mapping
	estimator estimator
	metrics   *metrics
	tell      func(format string, arguments ...any)
	now       func() time.Time
	around    *environment
	told      map[string]bool // models without an intensity
	forgotAt  time.Time
	failing   bool
}

// The bounds of a transaction.
const (
	mostSubmissions = 64
	batchItems      = 10_000 // spans and data points, or one submission
	batchEvents     = 5_000  // of data points
	writeTimeout    = 20 * time.Second
)

// The receiver remembers spans for as long as the rest of a trace may take to come, and
// streams for as long as a sender may be away.
const (
	spansRemembered   = 24 * time.Hour
	streamsRemembered = 90 * 24 * time.Hour
	forgetEvery       = 10 * time.Minute
)

// run writes until the queue is closed and empty.
func (w *writer) run() {
	for first := range w.queue {
		group, items := []*submission{first}, first.items()
	gather:
		for len(group) < mostSubmissions && items < batchItems {
			select {
			case next, open := <-w.queue:
				if !open {
					break gather
				}
				group, items = append(group, next), items+next.items()
			default:
				break gather
			}
		}
		w.settle(group)
	}
}

// settle writes a group and tells each sender what became of its part.
func (w *writer) settle(group []*submission) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	outcomes, err := w.write(ctx, group)
	if isRefused(err) && len(group) > 1 {
		// One of them cannot be stored, ever. The others must not wait for it.
		for _, alone := range group {
			w.settle([]*submission{alone})
		}
		return
	}
	w.note(err)
	for i, s := range group {
		if err != nil {
			s.done <- outcome{err: err}
			continue
		}
		s.done <- outcomes[i]
	}
	if err == nil {
		w.forget(ctx)
	}
}

// note says when the warehouse stops taking what comes, and when it takes it again.
func (w *writer) note(err error) {
	if err == nil {
		if w.failing {
			w.tell("The warehouse takes what comes again.")
		}
		w.failing = false
		w.metrics.lastWrite.Set(float64(w.now().Unix()))
		return
	}
	w.metrics.writeErrors.Inc()
	if !isRefused(err) && !w.failing { // once an outage, not once a batch
		w.tell("The warehouse takes nothing: %s. Senders are told to try again.", sentence(err))
		w.failing = true
	}
}

// sentence is what an error of the database says, without a full stop.
func sentence(err error) string { return strings.TrimSuffix(warehouse.Explain(err).Error(), ".") }

func (w *writer) forget(ctx context.Context) {
	now := w.now()
	if now.Sub(w.forgotAt) < forgetEvery {
		return
	}
	w.forgotAt = now
	if err := w.warehouse.ForgetTelemetry(ctx, now.Add(-spansRemembered), now.Add(-streamsRemembered)); err != nil {
		w.tell("What the receiver remembers could not be cleared of what is old, and will be later: %s.", sentence(err))
	}
}

// isRefused says whether the database refuses the data itself: classes 22 and 23 of
// SQLSTATE, data exception and integrity constraint violation.
func isRefused(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code[:2] == "22" || pgErr.Code[:2] == "23")
}

// draft is an event that will be written, and whose it is.
type draft struct {
	owner int
	place placement
	work  work
	event warehouse.Event
}

// chunk is what one transaction writes.
type chunk struct {
	drafts  []draft
	kinship map[uuid.UUID]warehouse.Kinship
	streams map[uuid.UUID]warehouse.TelemetryStep
}

// mostMoves is how often a group is read anew because another receiver was faster.
const mostMoves = 5

func (w *writer) write(ctx context.Context, group []*submission) (outcomes []outcome, err error) {
	for range mostMoves {
		outcomes, err = w.writeOnce(ctx, group)
		if !errors.Is(err, warehouse.ErrStreamMoved) {
			break
		}
	}
	return outcomes, err
}

func (w *writer) writeOnce(ctx context.Context, group []*submission) ([]outcome, error) {
	around, err := w.around.read(ctx)
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome, len(group))
	fromSpans, err := w.draftSpans(ctx, group, outcomes)
	if err != nil {
		return nil, err
	}
	chunks, err := w.draftPoints(ctx, group, outcomes)
	if err != nil {
		return nil, err
	}
	chunks = append([]chunk{fromSpans}, chunks...)
	if err := w.describeModels(ctx, chunks, around); err != nil {
		return nil, err
	}
	for _, c := range chunks {
		if len(c.drafts) == 0 && len(c.kinship) == 0 && len(c.streams) == 0 {
			continue
		}
		if err := w.writeChunk(ctx, c, around, outcomes); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

func (w *writer) draftSpans(ctx context.Context, group []*submission, outcomes []outcome) (chunk, error) {
	var spans []span
	owners := map[uuid.UUID]int{}
	asked := map[uuid.UUID]bool{}
	for i, s := range group {
		spans = append(spans, s.spans...)
		for _, one := range s.spans {
			asked[one.key] = true
			if one.parent != uuid.Nil {
				asked[one.parent] = true
			}
			if one.call != nil {
				owners[one.key] = i
			}
		}
	}
	if len(spans) == 0 {
		return chunk{}, nil
	}
	known, err := w.warehouse.Kinship(ctx, slices.Collect(maps.Keys(asked)))
	if err != nil {
		return chunk{}, err
	}
	k := kinship{known: known, changed: map[uuid.UUID]warehouse.Kinship{}}
	calls, nested := k.decide(spans)
	w.metrics.late.Add(float64(k.late))
	for _, key := range nested {
		outcomes[owners[key]].nested++
	}
	c := chunk{kinship: k.changed}
	for _, one := range calls {
		c.drafts = append(c.drafts, draft{owner: owners[one.event.ID], place: one.place, event: one.event,
			work: work{one.event.Requests, one.event.InputTokens, one.event.OutputTokens}})
	}
	return c, nil
}

func (w *writer) draftPoints(ctx context.Context, group []*submission, outcomes []outcome) ([]chunk, error) {
	asked := map[uuid.UUID]bool{}
	for _, s := range group {
		for _, p := range s.points {
			if p.cumulative {
				asked[p.stream] = true
			}
		}
	}
	state := streams{known: map[uuid.UUID]position{}, moved: map[uuid.UUID]position{}, stepped: map[uuid.UUID]bool{}}
	if len(asked) > 0 {
		known, err := w.warehouse.TelemetryReadings(ctx, slices.Collect(maps.Keys(asked)))
		if err != nil {
			return nil, err
		}
		for stream, kept := range known {
			r, err := decodeReading(kept.Reading)
			if err != nil {
				return nil, err
			}
			state.known[stream] = position{kept.AtNanoseconds, r}
		}
	}
	var chunks []chunk
	var current chunk
	began := maps.Clone(state.known) // as the chunk finds the streams
	end := func() error {
		steps, err := state.steps(began)
		if err != nil {
			return err
		}
		current.streams = steps
		chunks = append(chunks, current)
		current = chunk{}
		maps.Copy(began, state.moved)
		clear(state.stepped)
		return nil
	}
	for i, s := range group {
		ordered := slices.Clone(s.points)
		slices.SortStableFunc(ordered, func(a, b point) int { return cmp.Compare(a.to, b.to) })
		for _, p := range ordered {
			next, counts, err := state.advance(p)
			if err != nil {
				outcomes[i].rejected.add(err)
			}
			if err != nil || !counts {
				continue
			}
			events, works := next.events()
			for j := range events {
				current.drafts = append(current.drafts, draft{owner: i, place: p.place, work: works[j], event: events[j]})
			}
			// A stream moves on in the transaction that writes its step.
			if len(current.drafts) >= batchEvents {
				if err := end(); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	return chunks, nil
}

// describeModels gives models that are new a provider and a task class. What somebody
// says of a model later stays.
func (w *writer) describeModels(ctx context.Context, chunks []chunk, around *surroundings) error {
	fresh := map[string]warehouse.Model{}
	for _, c := range chunks {
		for _, d := range c.drafts {
			if _, there := around.classes[d.place.model]; !there && d.place.model != "" {
				fresh[d.place.model] = warehouse.Model{Name: d.place.model, Provider: d.place.provider, TaskClass: d.place.taskClass}
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	models := slices.Collect(maps.Values(fresh))
	result, err := w.warehouse.UpsertModels(ctx, models)
	if err != nil {
		return err
	}
	for _, rejection := range result.Rejected {
		w.tell("The model %q is not described: %v.", excerpt(models[rejection.Index].Name), rejection.Reason)
	}
	for _, m := range models {
		around.classes[m.Name] = m.TaskClass
	}
	return nil
}

func (w *writer) writeChunk(ctx context.Context, c chunk, around *surroundings, outcomes []outcome) error {
	events := make([]warehouse.Event, len(c.drafts))
	for i, d := range c.drafts {
		energy, metered, known := w.estimator.energy(d.place, d.work, d.event.Time, around)
		events[i] = d.event
		events[i].ITEnergy, events[i].Measured = energy, metered
		if !known {
			w.noteWithoutEnergy(d)
		}
	}
	result, err := w.warehouse.WriteTelemetry(ctx, warehouse.TelemetryBatch{Events: events, Kinship: c.kinship, Streams: c.streams}, w.now())
	if err != nil {
		return fmt.Errorf("writing %d events: %w", len(events), err)
	}
	w.metrics.stored.Add(float64(result.Stored))
	for _, rejection := range result.Rejected {
		outcomes[c.drafts[rejection.Index].owner].rejected.add(rejection.Reason)
	}
	w.metrics.unchanged.Add(float64(result.Unchanged))
	for _, d := range c.drafts {
		outcomes[d.owner].events++
	}
	for _, rejection := range result.Rejected {
		outcomes[c.drafts[rejection.Index].owner].events--
	}
	return nil
}

// mostTold bounds the models that are told of.
const mostTold = 1000

// noteWithoutEnergy counts a request without an answer, and tells once of each model.
func (w *writer) noteWithoutEnergy(d draft) {
	w.metrics.withoutEnergy.Add(float64(d.work.requests))
	if !w.told[d.place.model] && len(w.told) < mostTold {
		w.told[d.place.model] = true
		w.tell("No intensity is known of the model %q: its requests are stored without energy. Add it to energy.intensities of the mapping, or give the model a task class.", excerpt(d.place.model))
	}
}
