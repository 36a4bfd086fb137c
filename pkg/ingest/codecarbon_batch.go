package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// codeCarbonBatch counts readings in batches, each one transaction: how far their runs
// are counted is read once for a batch, and written with what they add.
type codeCarbonBatch struct {
	store    *warehouse.Store
	now      time.Time
	file     File
	report   *Report
	runs     *codeCarbonRuns
	readings []codeCarbonReading
	bytes    int
	hours    int
}

// add takes a reading. Its error is fatal.
func (b *codeCarbonBatch) add(ctx context.Context, reading codeCarbonReading) error {
	b.readings = append(b.readings, reading)
	b.bytes += len(reading.raw)
	b.hours += int(reading.duration.Hours())
	if len(b.readings) >= batchEvents || b.bytes >= batchBytes || b.hours >= batchHours {
		return fatal(b.flush(ctx))
	}
	return nil
}

func (b *codeCarbonBatch) flush(ctx context.Context) error {
	keys := b.keys()
	known, err := b.store.CodeCarbonRuns(ctx, keys)
	if err != nil {
		return err
	}
	stored, err := b.store.StoredEvents(ctx, b.tasks())
	if err != nil {
		return err
	}
	b.runs.know(known, stored)
	var events []warehouse.Event
	var sources []source
	for _, reading := range b.readings {
		event, err := b.runs.count(reading)
		switch {
		case errors.Is(err, errCounted):
			b.report.Unchanged++
		case err != nil:
			if err := b.report.reject(b.file, reading.line, err, reading.raw); err != nil {
				return err
			}
		default:
			events, sources = append(events, event), append(sources, source{reading.line, reading.raw})
		}
	}
	result, err := b.store.WriteCodeCarbon(ctx, events, b.runs.steps(keys), b.now)
	if err != nil {
		return err
	}
	b.report.Stored += result.Stored
	b.report.Unchanged += result.Unchanged
	for _, rejection := range result.Rejected {
		if err := b.report.reject(b.file, sources[rejection.Index].line, rejection.Reason, sources[rejection.Index].raw); err != nil {
			return err
		}
	}
	b.readings, b.bytes, b.hours = b.readings[:0], 0, 0
	return nil
}

// keys are the runs of the batch, each once.
func (b *codeCarbonBatch) keys() []warehouse.RunKey {
	var keys []warehouse.RunKey
	seen := map[warehouse.RunKey]bool{}
	for _, reading := range b.readings {
		if key := reading.key(); key.RunID != "" && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// tasks are the events of the batch that are of tasks of runs.
func (b *codeCarbonBatch) tasks() []warehouse.Event {
	var tasks []warehouse.Event
	for _, reading := range b.readings {
		if reading.task && reading.runID != "" {
			tasks = append(tasks, reading.event)
		}
	}
	return tasks
}
