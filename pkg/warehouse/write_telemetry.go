package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Kinship says how a span stands to those that were counted as requests.
type Kinship int16

// The kinships add up.
const (
	KinshipCounted Kinship = 1 // it was counted
	KinshipCovered Kinship = 2 // it was counted, or a span above it was
	KinshipAbove   Kinship = 4 // a span below it was counted
)

// TelemetryReading is the last reading of a cumulative metric stream.
type TelemetryReading struct {
	AtNanoseconds int64  // Unix time
	Reading       []byte // JSON
}

// TelemetryStep moves a stream from the reading that the caller knew, nil for none, on
// to a new one.
type TelemetryStep struct {
	Known *int64 // its AtNanoseconds
	TelemetryReading
}

// TelemetryBatch is what a receiver of telemetry writes at once: all of it, or nothing.
type TelemetryBatch struct {
	Events  []Event
	Kinship map[uuid.UUID]Kinship
	Streams map[uuid.UUID]TelemetryStep
}

// ErrStreamMoved says that somebody else moved a stream on meanwhile: read the streams
// anew and write what is still new.
var ErrStreamMoved = errors.New("another receiver has moved a metric stream on meanwhile")

var (
	//go:embed statements/upsert_telemetry_spans.sql
	upsertTelemetrySpansSQL string
	//go:embed statements/upsert_telemetry_streams.sql
	upsertTelemetryStreamsSQL string
	//go:embed statements/collected_hosts.sql
	collectedHostsSQL string
	//go:embed statements/reference_intensities.sql
	referenceIntensitiesSQL string
)

// WriteTelemetry stores events as WriteEvents does, and with them what the receiver has
// to remember of spans and streams.
func (s *Store) WriteTelemetry(ctx context.Context, batch TelemetryBatch, now time.Time) (EventResult, error) {
	return s.writeEvents(ctx, batch.Events, now, nil, func(ctx context.Context, tx pgx.Tx) error {
		if err := writeKinship(ctx, tx, batch.Kinship); err != nil {
			return fmt.Errorf("remembering %d spans: %w", len(batch.Kinship), err)
		}
		if err := moveStreams(ctx, tx, batch.Streams); err != nil {
			return fmt.Errorf("moving %d metric streams on: %w", len(batch.Streams), err)
		}
		return nil
	})
}

func writeKinship(ctx context.Context, tx pgx.Tx, kinship map[uuid.UUID]Kinship) error {
	if len(kinship) == 0 {
		return nil
	}
	spans, kinships := make([][16]byte, 0, len(kinship)), make([]int16, 0, len(kinship))
	for span, k := range kinship {
		spans, kinships = append(spans, span), append(kinships, int16(k))
	}
	_, err := tx.Exec(ctx, upsertTelemetrySpansSQL, pgx.NamedArgs{"spans": spans, "kinships": kinships})
	return err
}

func moveStreams(ctx context.Context, tx pgx.Tx, steps map[uuid.UUID]TelemetryStep) error {
	if len(steps) == 0 {
		return nil
	}
	streams, at, known, readings := make([][16]byte, 0, len(steps)), make([]int64, 0, len(steps)), make([]*int64, 0, len(steps)), make([]string, 0, len(steps))
	for stream, step := range steps {
		streams, at = append(streams, stream), append(at, step.AtNanoseconds)
		known, readings = append(known, step.Known), append(readings, string(step.Reading))
	}
	var moved int
	err := tx.QueryRow(ctx, upsertTelemetryStreamsSQL, pgx.NamedArgs{"streams": streams, "at_ns": at, "known_ns": known, "readings": readings}).Scan(&moved)
	if err == nil && moved != len(steps) {
		err = ErrStreamMoved
	}
	return err
}

// Kinship reads what is remembered of spans.
func (s *Store) Kinship(ctx context.Context, spans []uuid.UUID) (map[uuid.UUID]Kinship, error) {
	rows, err := s.pool.Query(ctx, "SELECT span, kinship FROM wattscore.telemetry_span WHERE span = ANY($1)", bytesOf(spans))
	if err != nil {
		return nil, fmt.Errorf("reading what is remembered of %d spans: %w", len(spans), err)
	}
	known := map[uuid.UUID]Kinship{}
	var span [16]byte
	var kinship int16
	if _, err := pgx.ForEachRow(rows, []any{&span, &kinship}, func() error {
		known[span] = Kinship(kinship)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading what is remembered of %d spans: %w", len(spans), err)
	}
	return known, nil
}

// TelemetryReadings reads the last readings of streams.
func (s *Store) TelemetryReadings(ctx context.Context, streams []uuid.UUID) (map[uuid.UUID]TelemetryReading, error) {
	rows, err := s.pool.Query(ctx, "SELECT stream, at_ns, reading::text FROM wattscore.telemetry_stream WHERE stream = ANY($1)", bytesOf(streams))
	if err != nil {
		return nil, fmt.Errorf("reading %d metric streams: %w", len(streams), err)
	}
	known := map[uuid.UUID]TelemetryReading{}
	var stream [16]byte
	var at int64
	var reading string
	if _, err := pgx.ForEachRow(rows, []any{&stream, &at, &reading}, func() error {
		known[stream] = TelemetryReading{AtNanoseconds: at, Reading: []byte(reading)}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading %d metric streams: %w", len(streams), err)
	}
	return known, nil
}

func bytesOf(ids []uuid.UUID) [][16]byte {
	all := make([][16]byte, len(ids))
	for i, id := range ids {
		all[i] = id
	}
	return all
}

// ForgetTelemetry drops what nobody will ask for any more: spans that were seen before
// a time, and streams that have not moved since another.
func (s *Store) ForgetTelemetry(ctx context.Context, spans, streams time.Time) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM wattscore.telemetry_span WHERE seen_at < $1", spans); err != nil {
		return fmt.Errorf("forgetting old spans: %w", err)
	}
	if _, err := s.pool.Exec(ctx, "DELETE FROM wattscore.telemetry_stream WHERE seen_at < $1", streams); err != nil {
		return fmt.Errorf("forgetting old metric streams: %w", err)
	}
	return nil
}

// CollectedHost is a host whose GPUs' energy counters are collected: their energy is in
// facts of its own.
type CollectedHost struct {
	Name        string
	Since, Last time.Time // when its GPUs were first and last seen
}

// CollectedHosts lists the hosts with collected counters.
func (s *Store) CollectedHosts(ctx context.Context) ([]CollectedHost, error) {
	rows, err := s.pool.Query(ctx, collectedHostsSQL)
	if err != nil {
		return nil, fmt.Errorf("reading the collected hosts: %w", err)
	}
	hosts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CollectedHost])
	if err != nil {
		return nil, fmt.Errorf("reading the collected hosts: %w", err)
	}
	return hosts, nil
}

// TaskClasses lists the models with their task class, empty where they have none.
func (s *Store) TaskClasses(ctx context.Context) (map[string]string, error) {
	classes := map[string]string{}
	rows, err := s.pool.Query(ctx, "SELECT name, coalesce(task_class, '') FROM wattscore.model")
	if err != nil {
		return nil, fmt.Errorf("reading the models: %w", err)
	}
	var model, class string
	if _, err := pgx.ForEachRow(rows, []any{&model, &class}, func() error {
		classes[model] = class
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading the models: %w", err)
	}
	return classes, nil
}

// ReferenceIntensities lists the intensity of each task class that is valid now, in Wh
// of IT energy per 1,000 requests.
func (s *Store) ReferenceIntensities(ctx context.Context) (map[string]float64, error) {
	intensities := map[string]float64{}
	rows, err := s.pool.Query(ctx, referenceIntensitiesSQL)
	if err != nil {
		return nil, fmt.Errorf("reading the reference intensities: %w", err)
	}
	var class string
	var wattHours float64
	if _, err := pgx.ForEachRow(rows, []any{&class, &wattHours}, func() error {
		intensities[class] = wattHours
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading the reference intensities: %w", err)
	}
	return intensities, nil
}
