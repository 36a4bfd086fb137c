package warehouse

import (
	"context"
	"fmt"
)

// Scope lists the business units that the login is limited to, by name; nil: it is
// not limited. It is read once: what the login sees is the database's to decide, and
// changes there at once. See migration 16.
func (r *Reader) Scope(ctx context.Context) ([]string, error) {
	r.mu.Lock()
	known := r.scope
	r.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var units []string
	if err := r.pool.QueryRow(ctx, "SELECT wattscore.scope()").Scan(&units); err != nil {
		return nil, fmt.Errorf("reading the login's business units: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scope = &units
	return units, nil
}

// isScoped says whether only roll-ups that tell projects apart may be read.
func (r *Reader) isScoped(ctx context.Context) (bool, error) {
	units, err := r.Scope(ctx)
	return units != nil, err
}
