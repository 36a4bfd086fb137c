package warehouse_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// amount is what the facts of an event add up to.
type amount struct{ energy, requests int64 }

func (a amount) plus(b amount) amount { return amount{a.energy + b.energy, a.requests + b.requests} }

// change is what a statement does to an event, if its transaction commits.
type change struct {
	event   uuid.UUID
	by      amount
	spread  bool  // it lies in several hours
	deleted bool  // and nothing of it is left
	removed int64 // facts that went to fact_removal
}

// ledger remembers what was committed.
type ledger struct {
	events  map[uuid.UUID]amount
	spread  map[uuid.UUID]bool
	order   []uuid.UUID // as they were stored; those that were deleted stay in it
	removed int64
}

func newLedger() ledger {
	return ledger{events: map[uuid.UUID]amount{}, spread: map[uuid.UUID]bool{}}
}

func (l *ledger) enter(changes []change) {
	for _, c := range changes {
		l.removed += c.removed
		before, known := l.events[c.event]
		if c.deleted {
			delete(l.events, c.event)
			continue
		}
		l.events[c.event] = before.plus(c.by)
		if !known {
			l.order = append(l.order, c.event)
			l.spread[c.event] = c.spread
		}
	}
}

// union adds up ledgers: an event that several writers changed is in each of them.
func union(ledgers ...*ledger) ledger {
	all := newLedger()
	for _, l := range ledgers {
		all.removed += l.removed
		for event, a := range l.events {
			all.events[event] = all.events[event].plus(a)
		}
	}
	return all
}

// writer writes transactions of every kind. Its own events nobody else changes;
// the shared ones every writer does.
type writer struct {
	*torture
	pool   *pgxpool.Pool
	random *rand.Rand
	ledger ledger
	shared []uuid.UUID
}

// errRolledBack is how a transaction ends that was never meant to commit.
var errRolledBack = errors.New("rolled back on purpose")

// write writes one transaction after another until the torture ends, and enters in
// the ledger those that were committed.
func (w *writer) write() {
	for w.goesOn() {
		marker := w.newID()
		changes, err := w.transaction(marker)
		switch {
		case err == nil:
			w.committed(changes)
		case errors.Is(err, errRolledBack):
			w.tally.rolledBack.Add(1)
		case mayTryAgain(err):
			w.tally.refused.Add(1)
		case wasCutOff(err):
			w.tally.cutOff.Add(1)
			if w.survived(marker) {
				w.tally.survived.Add(1)
				w.committed(changes)
			}
		default:
			w.fail("a transaction failed: %s", err)
		}
		w.pause(60 * time.Millisecond)
	}
}

func (w *writer) committed(changes []change) {
	w.tally.committed.Add(1)
	w.ledger.enter(changes)
}

func (w *writer) transaction(marker uuid.UUID) ([]change, error) {
	if w.random.IntN(4) == 0 {
		return w.batch(marker)
	}
	return w.statements(marker)
}

// survived tells whether the transaction of a marker was committed although nobody
// said so. It waits until the session that may still be committing is gone.
func (w *writer) survived(marker uuid.UUID) bool {
	for {
		var busy, found bool
		err := w.observer.QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle')",
			w.pool.Config().ConnConfig.RuntimeParams["application_name"]).Scan(&busy)
		if err == nil && !busy {
			err = w.observer.QueryRow(context.Background(),
				"SELECT EXISTS (SELECT FROM wattscore.inference_energy_fact WHERE event_id = $1)", marker).Scan(&found)
			if err == nil {
				return found
			}
		}
		if err != nil && !wasCutOff(err) {
			w.fail("looking for a marker failed: %s", err)
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// batch writes as the importers do. The first event marks the transaction. Sent
// again, as an importer is after a failure, it changes nothing.
func (w *writer) batch(marker uuid.UUID) ([]change, error) {
	events := []warehouse.Event{w.markerEvent(marker)}
	for range 1 + w.random.IntN(15) {
		events = append(events, w.event())
	}
	changes := make([]change, len(events))
	for i, e := range events {
		changes[i] = change{event: e.ID, by: amountOf(e), spread: e.Duration > 0}
	}
	store := warehouse.OpenStore(w.pool)
	result, err := store.WriteEvents(context.Background(), events, time.Now())
	if err == nil && result.Stored != len(events) {
		err = fmt.Errorf("%d of %d new events were stored: %v", result.Stored, len(events), result.Rejected)
	}
	if err == nil && w.random.IntN(5) == 0 {
		again, err := store.WriteEvents(context.Background(), events, time.Now())
		if err == nil && again.Stored != 0 {
			return nil, fmt.Errorf("%d events were stored twice", again.Stored)
		}
		if err != nil && !wasCutOff(err) && !mayTryAgain(err) {
			return nil, err
		}
	}
	return changes, err
}

// statements writes as a person or another tool does, through the view event. What
// it returns with an error counts only if the marker is found.
func (w *writer) statements(marker uuid.UUID) ([]change, error) {
	ctx := context.Background()
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // after a commit there is nothing to roll back
	marking := w.markerEvent(marker)
	if err := insertEvent(ctx, tx, marking); err != nil {
		return nil, err
	}
	changes := []change{{event: marker, by: amountOf(marking)}}
	for range 1 + w.random.IntN(6) {
		if w.random.IntN(3) == 0 {
			changes, err = w.withSavepoint(ctx, tx, changes)
		} else {
			changes, err = w.statement(ctx, tx, changes)
		}
		if err != nil {
			return nil, err
		}
	}
	if w.random.IntN(40) == 0 {
		w.pause(3 * time.Second) // so that several refreshes pass it
	}
	if w.random.IntN(6) == 0 {
		if err := tx.Rollback(ctx); err != nil {
			return nil, err
		}
		return nil, errRolledBack
	}
	return changes, tx.Commit(ctx)
}

// withSavepoint runs a few statements in a subtransaction, and sometimes takes it
// back, as it must when one of them is refused.
func (w *writer) withSavepoint(ctx context.Context, tx pgx.Tx, changes []change) ([]change, error) {
	before := changes
	nested, err := tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	for range 1 + w.random.IntN(3) {
		if changes, err = w.statement(ctx, nested, changes); err != nil {
			return nil, err
		}
	}
	switch w.random.IntN(4) {
	case 0:
		return before, nested.Rollback(ctx)
	case 1:
		nowhere := w.event()
		nowhere.Region = "nowhere"
		var refused *pgconn.PgError
		if err := insertEvent(ctx, nested, nowhere); !errors.As(err, &refused) || refused.Code != "23503" {
			return nil, fmt.Errorf("an event of an unknown region was not refused: %w", err)
		}
		return before, nested.Rollback(ctx)
	}
	return changes, nested.Commit(ctx)
}

// statement runs one statement of any kind and adds what it changes.
func (w *writer) statement(ctx context.Context, tx pgx.Tx, changes []change) ([]change, error) {
	w.pause(15 * time.Millisecond)
	var c change
	var err error
	switch w.random.IntN(8) {
	case 0, 1, 2:
		e := w.event()
		e.Duration = 0
		c, err = change{event: e.ID, by: amountOf(e)}, insertEvent(ctx, tx, e)
	case 3, 4:
		own, ok := w.ownEvent(changes, false)
		if !ok {
			return changes, nil
		}
		c, err = w.correct(ctx, tx, own)
	case 5:
		c, err = w.correct(ctx, tx, w.shared[w.random.IntN(len(w.shared))])
	case 6:
		own, ok := w.ownEvent(changes, true)
		if !ok {
			return changes, nil
		}
		c, err = remove(ctx, tx, own)
	case 7:
		own, ok := w.ownEvent(changes, false)
		if !ok {
			return changes, nil
		}
		c, err = w.move(ctx, tx, own)
	}
	return append(changes[:len(changes):len(changes)], c), err
}

const insertEventSQL = `
INSERT INTO wattscore.event (event_id, ts, model, project, region, endpoint, workload, requests, input_tokens, output_tokens,
	latency_ms, it_energy_kwh, gpu_hours, cost_usd, carbon_location_kg, quality, source, run_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bigint / 1e3, $12::bigint / 1e12, $13::bigint / 1e6,
	$14::bigint / 1e9, $15::bigint / 1e9, CASE WHEN $16 THEN 'measured' ELSE 'estimated' END, $17, nullif($18, ''))`

func insertEvent(ctx context.Context, tx pgx.Tx, e warehouse.Event) error {
	var latency, cost, carbon *int64
	if e.Latency != nil {
		us := e.Latency.Microseconds()
		latency = &us
	}
	if e.Cost != nil {
		nusd := int64(float64(*e.Cost) * 1e9)
		cost = &nusd
	}
	if e.CarbonLocation != nil {
		ug := int64(float64(*e.CarbonLocation) * 1e9)
		carbon = &ug
	}
	_, err := tx.Exec(ctx, insertEventSQL, e.ID, e.Time, e.Model, e.Project, e.Region, e.Endpoint, string(e.Workload), e.Requests,
		e.InputTokens, e.OutputTokens, latency, amountOf(e).energy, int64(e.GPUHours*1e6), cost, carbon, e.Measured, e.Source, e.RunID)
	return err
}

// correct adds to an event, and sometimes changes what it is a measure of.
func (w *writer) correct(ctx context.Context, tx pgx.Tx, event uuid.UUID) (change, error) {
	by := amount{energy: w.random.Int64N(1e9), requests: 1 + w.random.Int64N(9)}
	also := []string{"", ", model = 'corrected'", ", region = 'FRA', cost_usd = 0.5", ", latency_ms = NULL", ", latency_ms = 0", ", quality = 'estimated'", ", run_id = 'run-0', workload = 'training'", ", run_id = NULL"}
	tag, err := tx.Exec(ctx, "UPDATE wattscore.event SET it_energy_kwh = it_energy_kwh + $2::bigint / 1e12, requests = requests + $3"+
		also[w.random.IntN(len(also))]+" WHERE event_id = $1", event, by.energy, by.requests)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d facts of an event of one hour were corrected", tag.RowsAffected())
	}
	w.tally.corrections.Add(tag.RowsAffected())
	return change{event: event, by: by, removed: tag.RowsAffected()}, err
}

// move gives an event another time, in another month as often as not.
func (w *writer) move(ctx context.Context, tx pgx.Tx, event uuid.UUID) (change, error) {
	tag, err := tx.Exec(ctx, "UPDATE wattscore.event SET ts = $2 WHERE event_id = $1", event, w.eventTime())
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d facts of an event of one hour were moved", tag.RowsAffected())
	}
	w.tally.corrections.Add(tag.RowsAffected())
	return change{event: event, removed: tag.RowsAffected()}, err
}

func remove(ctx context.Context, tx pgx.Tx, event uuid.UUID) (change, error) {
	tag, err := tx.Exec(ctx, "DELETE FROM wattscore.event WHERE event_id = $1", event)
	if err == nil && tag.RowsAffected() == 0 {
		err = errors.New("nothing was left of an event to delete")
	}
	return change{event: event, deleted: true, removed: tag.RowsAffected()}, err
}

// ownEvent picks an event of this writer's that is still there; not one of several
// hours, unless that is wanted.
func (w *writer) ownEvent(changes []change, orSpread bool) (uuid.UUID, bool) {
	deleted := map[uuid.UUID]bool{}
	for _, c := range changes {
		deleted[c.event] = deleted[c.event] || c.deleted
	}
	for range 20 {
		stored := len(w.ledger.order)
		var event uuid.UUID
		// The first of the transaction's own is its marker, which must stay.
		if i := w.random.IntN(stored + len(changes)); i < stored {
			event = w.ledger.order[i]
			if _, there := w.ledger.events[event]; !there {
				continue
			}
		} else if event = changes[i-stored].event; i == stored {
			continue
		}
		if !deleted[event] && !w.isShared(event) && (orSpread || !w.ledger.spread[event]) {
			return event, true
		}
	}
	return uuid.Nil, false
}

func (w *writer) isShared(event uuid.UUID) bool {
	for _, shared := range w.shared {
		if shared == event {
			return true
		}
	}
	return false
}

// markerEvent is an event that is told by its id alone.
func (w *writer) markerEvent(marker uuid.UUID) warehouse.Event {
	e := w.event()
	e.ID, e.Duration = marker, 0
	return e
}

// event is a new event of any kind: late, of tomorrow, with and without what a
// source may leave out, in many hours or one.
func (w *writer) event() warehouse.Event {
	regions := []string{"us-central1", "europe-west9", "us-east-1", "FRA"}
	e := warehouse.Event{
		ID: w.newID(), Time: w.eventTime(), Source: "torture",
		Model: fmt.Sprint("model-", w.random.IntN(5)), Project: fmt.Sprint("project-", w.random.IntN(3)),
		Region: regions[w.random.IntN(len(regions))], Workload: kpi.Workloads()[w.random.IntN(len(kpi.Workloads()))],
		Requests: w.random.Int64N(1000), InputTokens: w.random.Int64N(1e6), OutputTokens: w.random.Int64N(1e6),
		ITEnergy: kpi.KilowattHours(float64(w.random.Int64N(1e12)) / 1e12), Measured: w.random.IntN(2) == 0,
		GPUHours: float64(w.random.Int64N(4e6)) / 1e6, GPUMemoryHours: float64(w.random.Int64N(4e6)) / 1e6,
	}
	if w.random.IntN(2) == 0 {
		e.RunID = fmt.Sprint("run-", w.random.IntN(30))
	}
	if w.random.IntN(200) == 0 {
		e.Model = fmt.Sprint("model-", w.random.Uint32()) // one that is new
	}
	if w.random.IntN(2) == 0 {
		latency := time.Duration(w.random.Int64N(1e6)) * time.Microsecond
		e.Latency = &latency
	}
	if w.random.IntN(2) == 0 {
		cost, carbon := kpi.USD(w.random.Float64()), kpi.KilogramsCO2e(w.random.Float64())
		e.Cost, e.CarbonLocation = &cost, &carbon
	}
	if w.random.IntN(15) == 0 && e.Time.Before(time.Now().Add(-48*time.Hour)) {
		e.Duration = time.Hour + time.Duration(w.random.Int64N(int64(30*time.Hour)))
	}
	return e
}

// eventTime is mostly of these days, sometimes late by months or years, sometimes
// ahead by less than the day that is let through.
func (w *writer) eventTime() time.Time {
	reach := 3 * 24 * time.Hour
	switch w.random.IntN(50) {
	case 0:
		reach = tortureReach
	case 1, 2, 3, 4, 5, 6:
		reach = 70 * 24 * time.Hour
	}
	return time.Now().Add(23*time.Hour - time.Duration(w.random.Int64N(int64(reach)))).Truncate(time.Microsecond)
}

func (w *writer) newID() uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], w.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], w.random.Uint64())
	return id
}

func (w *writer) pause(atMost time.Duration) {
	time.Sleep(time.Duration(w.random.Int64N(int64(atMost))))
}

// amountOf is what the facts of an event must add up to.
func amountOf(e warehouse.Event) amount {
	return amount{energy: int64(float64(e.ITEnergy)*1e12 + 0.5), requests: e.Requests}
}

// differences compares ledgers, the first few of them in words.
func differences(want, got map[uuid.UUID]amount) []string {
	var found []string
	for event, a := range want {
		switch there, ok := got[event]; {
		case !ok:
			found = append(found, fmt.Sprintf("%s: committed %+v, lost", event, a))
		case there != a:
			found = append(found, fmt.Sprintf("%s: committed %+v, there is %+v", event, a, there))
		}
	}
	for event, there := range got {
		if _, known := want[event]; !known {
			found = append(found, fmt.Sprintf("%s: never committed, there is %+v", event, there))
		}
	}
	if len(found) > 10 {
		found = append(found[:10], fmt.Sprintf("and %d more", len(found)-10))
	}
	return found
}
