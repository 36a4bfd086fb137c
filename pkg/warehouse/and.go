package warehouse

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// And is something else that is read in the round trip of a Usage. Its result is there
// when the call returns without an error.
type And struct {
	what, statement string
	args            func(kpi.Calendar) pgx.NamedArgs
	collect         func(pgx.Rows, kpi.Calendar) error
}

// read reads it by itself.
func (r *Reader) read(ctx context.Context, a And) error {
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return err
	}
	rows, err := r.pool.Query(ctx, a.statement, a.args(calendar))
	if err == nil {
		err = a.collect(rows, calendar)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", a.what, err)
	}
	return nil
}
