package warehouse

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Scope lists the business units that the login is limited to, by name; nil: it is
// not limited. It is read once: what the login sees is the database's to decide, and
// changes there at once. See migration 16.
func (r *Reader) Scope(ctx context.Context) ([]string, error) { return r.pool.scope(ctx) }

// isScoped says whether only roll-ups that tell projects apart may be read.
func (r *Reader) isScoped(ctx context.Context) (bool, error) {
	units, err := r.Scope(ctx)
	return units != nil, err
}

// readPool sends a reader's statements. A scoped login's go to the views that it sees
// facts through, which the database holds it to in any case.
type readPool struct {
	*pgxpool.Pool
	mu    sync.Mutex
	units *[]string // once read
}

var seenViews = strings.NewReplacer(
	"wattscore.inference_energy_fact", "wattscore.seen_inference_energy_fact", "wattscore.fact_removal", "wattscore.seen_fact_removal",
	"wattscore.fact_measure", "wattscore.seen_fact_measure", "wattscore.fact_tail", "wattscore.seen_fact_tail", "wattscore.event ", "wattscore.seen_event ", "wattscore.event\n", "wattscore.seen_event\n")

func (p *readPool) scope(ctx context.Context) ([]string, error) {
	p.mu.Lock()
	known := p.units
	p.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var units []string
	if err := p.Pool.QueryRow(ctx, "SELECT wattscore.scope()").Scan(&units); err != nil {
		return nil, fmt.Errorf("reading the login's business units: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.units = &units
	return units, nil
}

// seen is a statement as the login may send it. Where its scope cannot be read the
// statement goes as it is: then nothing can be read, and the statement says why.
func (p *readPool) seen(ctx context.Context, statement string) string {
	if !strings.Contains(statement, "wattscore.") {
		return statement
	}
	if units, err := p.scope(ctx); err != nil || units == nil {
		return statement
	}
	return seenViews.Replace(statement)
}

// Query is pgx's.
func (p *readPool) Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error) {
	return p.Pool.Query(ctx, p.seen(ctx, statement), args...)
}

// QueryRow is pgx's.
func (p *readPool) QueryRow(ctx context.Context, statement string, args ...any) pgx.Row {
	return p.Pool.QueryRow(ctx, p.seen(ctx, statement), args...)
}

// SendBatch is pgx's.
func (p *readPool) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	for _, queued := range batch.QueuedQueries {
		queued.SQL = p.seen(ctx, queued.SQL)
	}
	return p.Pool.SendBatch(ctx, batch)
}
