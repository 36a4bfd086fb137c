package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed statements/scale_out.sql
var scaleOutSQL string

// ScaleOut is what the server has beyond plain PostgreSQL, and what of it touches
// the warehouse. All that differs from one such server to another is here.
//
//   - On TimescaleDB nothing differs: the facts stay a partitioned table, or are a
//     hypertable, and transaction ids are the server's own.
//   - On Citus the roll-ups and dimensions may be reference tables. The facts must
//     not be distributed: a row's transaction id is that of the node that wrote it,
//     and the roll-ups advance over the ids of one node.
//   - On a standby everything can be read and nothing rolled up.
type ScaleOut struct {
	TimescaleDB string // its version, or empty
	Citus       string // its version, or empty
	// DistributedFacts says that Citus spreads the facts over several nodes.
	DistributedFacts bool
	// Standby says that the server replays another one's changes.
	Standby bool
}

// ProbeScaleOut looks at what the server has.
func (r *Reader) ProbeScaleOut(ctx context.Context) (ScaleOut, error) {
	var s ScaleOut
	err := r.pool.QueryRow(ctx, scaleOutSQL).Scan(&s.TimescaleDB, &s.Citus, &s.Standby)
	if err != nil {
		return s, fmt.Errorf("looking at the server's extensions: %w", err)
	}
	if s.Citus == "" {
		return s, nil
	}
	// pg_dist_partition is there with Citus alone, so it cannot be in the statement above.
	err = r.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_dist_partition
		WHERE logicalrelid = 'wattscore.inference_energy_fact'::regclass AND partmethod <> 'n')`).Scan(&s.DistributedFacts)
	if err != nil {
		return s, fmt.Errorf("asking Citus how the facts are spread: %w", err)
	}
	return s, nil
}

// Problem says what is wrong and what to do, or is empty.
func (s ScaleOut) Problem() string {
	if s.DistributedFacts {
		return "Citus spreads wattscore.inference_energy_fact over several nodes, whose transaction ids differ, so the roll-ups could miss facts. " +
			"Run: SELECT undistribute_table('wattscore.inference_energy_fact')"
	}
	return ""
}

// String names what the server has, for a person; empty on plain PostgreSQL.
func (s ScaleOut) String() string {
	var has []string
	if s.TimescaleDB != "" {
		has = append(has, "TimescaleDB "+s.TimescaleDB)
	}
	if s.Citus != "" {
		has = append(has, "Citus "+s.Citus)
	}
	if s.Standby {
		has = append(has, "a standby: roll up on its primary")
	}
	return strings.Join(has, ", ")
}
