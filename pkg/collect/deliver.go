package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Warehouse takes what the agent collected. *warehouse.Store is one.
type Warehouse interface {
	// HasRegion says whether there is a region of that code.
	HasRegion(ctx context.Context, code string) (bool, error)
	// WriteGPUSamples stores devices and samples; twice is once.
	WriteGPUSamples(ctx context.Context, batch warehouse.GPUBatch) (warehouse.GPUResult, error)
	// WriteEvents stores facts; twice is once.
	WriteEvents(ctx context.Context, events []warehouse.Event, now time.Time) (warehouse.EventResult, error)
}

// deliverer brings the spool's records to the warehouse, in order, and repeats until
// it has them.
type deliverer struct {
	spool     *spool
	warehouse Warehouse
	region    string
	placed    bool // the warehouse has the region
	now       func() time.Time
	metrics   *metrics
	tell      func(format string, arguments ...any)
	more      chan struct{} // a record was added
	firstWait time.Duration
}

// batchSize keeps a transaction short.
const batchSize = 512 << 10

const longestWait = time.Minute

func (d *deliverer) wake() {
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends.
func (d *deliverer) run(ctx context.Context) error {
	for {
		if err := d.drain(ctx); err != nil {
			return nil // only ctx ends it early
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.more:
		}
	}
}

// drain delivers everything that waits, repeating what fails until ctx ends.
func (d *deliverer) drain(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = d.firstWait, longestWait
	failing := false
	for {
		done, err := backoff.Retry(ctx, func() (bool, error) { return d.deliver(ctx) }, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0),
			backoff.WithNotify(func(err error, wait time.Duration) {
				d.metrics.deliveryErrors.Inc()
				if !failing { // once an outage, not once an attempt
					records, size := d.spool.waiting()
					d.tell("The warehouse took nothing: %v. %d records (%d KiB) wait on the disk; trying again until it does.", warehouse.Explain(err), records, size>>10)
				}
				failing = true
			}))
		if err != nil {
			return err
		}
		if done {
			if failing {
				d.tell("The warehouse has everything again.")
			}
			d.metrics.lastDelivery.Set(float64(d.now().Unix()))
			return nil
		}
	}
}

// deliver sends the oldest records. It reports whether there are none.
func (d *deliverer) deliver(ctx context.Context) (done bool, err error) {
	if err := d.checkRegion(ctx); err != nil {
		return false, err
	}
	payloads, last, err := d.spool.batch(batchSize)
	if err != nil || last == 0 {
		return err == nil, err
	}
	entries := make([]entry, len(payloads))
	for i, payload := range payloads {
		if err := json.Unmarshal(payload, &entries[i]); err != nil {
			return false, backoff.Permanent(fmt.Errorf("a record of the spool cannot be read: %w", err))
		}
	}
	if err := d.write(ctx, entries); err != nil {
		if !isRefused(err) {
			return false, err
		}
		// One of them cannot be stored, ever. The others must not wait for it.
		for i := range entries {
			if err := d.write(ctx, entries[i:i+1]); isRefused(err) {
				if err := d.setAside(rejection{Reason: err.Error(), Entry: &entries[i]}); err != nil {
					return false, err
				}
			} else if err != nil {
				return false, err
			}
		}
	}
	return false, d.spool.ack(last)
}

// checkRegion waits for a region that is not there yet: its factors can be imported,
// and then nothing is lost.
func (d *deliverer) checkRegion(ctx context.Context) error {
	if d.placed {
		return nil
	}
	found, err := d.warehouse.HasRegion(ctx, d.region)
	if err == nil && !found {
		err = fmt.Errorf("the warehouse has no region %q: import its factors (wattctl import factors), or restart with the right --region", d.region)
	}
	d.placed = found
	return err
}

// isRefused says whether the database refuses the data itself: classes 22 and 23 of
// SQLSTATE, data exception and integrity constraint violation.
func isRefused(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code[:2] == "22" || pgErr.Code[:2] == "23")
}

func (d *deliverer) write(ctx context.Context, entries []entry) error {
	var batch warehouse.GPUBatch
	var events []warehouse.Event
	newest := map[string]int{}
	for _, e := range entries {
		for _, device := range e.Devices {
			if i, ok := newest[device.UUID]; ok {
				batch.Devices[i] = device
				continue
			}
			newest[device.UUID] = len(batch.Devices)
			batch.Devices = append(batch.Devices, device)
		}
		batch.Samples = append(batch.Samples, e.Samples...)
		for _, f := range e.Facts {
			events = append(events, f.event())
		}
	}
	stored, err := d.warehouse.WriteGPUSamples(ctx, batch)
	if err != nil {
		return err
	}
	facts, err := d.warehouse.WriteEvents(ctx, events, d.now())
	if err != nil {
		return err
	}
	d.metrics.samples.Add(float64(stored.Stored))
	d.metrics.facts.Add(float64(facts.Stored))
	for _, serial := range stored.Deployed {
		d.tell("GPU %s is new here and in the hardware inventory now.", serial)
	}
	var rejections []rejection
	for _, r := range stored.RejectedDevices {
		rejections = append(rejections, rejection{Reason: r.Reason.Error(), Device: &batch.Devices[r.Index]})
	}
	for _, r := range stored.Rejected {
		rejections = append(rejections, rejection{Reason: r.Reason.Error(), Sample: &batch.Samples[r.Index]})
	}
	for _, r := range facts.Rejected {
		rejections = append(rejections, rejection{Reason: r.Reason.Error(), Event: &events[r.Index]})
	}
	return d.setAside(rejections...)
}

// rejection is what the warehouse refused, with its reason.
type rejection struct {
	Reason string               `json:"reason"`
	Device *warehouse.GPUDevice `json:"device,omitempty"`
	Sample *warehouse.GPUSample `json:"sample,omitempty"`
	Event  *warehouse.Event     `json:"event,omitempty"`
	Entry  *entry               `json:"entry,omitempty"`
}

const rejectedFile = "rejected.jsonl"

// setAside keeps what was refused in a file, for a person to look at.
func (d *deliverer) setAside(rejections ...rejection) (err error) {
	if len(rejections) == 0 {
		return nil
	}
	path := filepath.Join(d.spool.dir, rejectedFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var lines []byte
	for _, r := range rejections {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		lines = slices.Concat(lines, line, []byte("\n"))
	}
	if _, err := file.Write(lines); err != nil {
		return err
	}
	d.metrics.rejected.Add(float64(len(rejections)))
	d.tell("The warehouse refused %d items and has the others: %s. They are in %s.", len(rejections), rejections[0].Reason, path)
	return file.Sync()
}
