package bench

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

//go:embed statements/company/*.sql
var companyFiles embed.FS

//go:embed statements/facts_of_month.sql
var factsOfMonthSQL string

//go:embed statements/has_tail.sql
var hasTailSQL string

//go:embed statements/roll_up.sql
var rollUpSQL string

//go:embed statements/rolled_up.sql
var rolledUpSQL string

// loaders is how many sessions load facts at once, each a month at a time.
const loaders = 2

// loaded is a database with a year of facts.
type loaded struct {
	database string
	shape    shape
	facts    int64 // as asked for; training and idle energy are beside them
	span     struct{ from, to time.Time }
}

// load makes a database with a year of facts that ends at a time, and brings its
// roll-ups up to date; or it finds one that was kept.
func (b *bench) load(ctx context.Context, s shape, facts int64, now time.Time) (loaded, error) {
	l := loaded{database: fmt.Sprintf("bench_%s_%d", s.name, facts), shape: s, facts: facts}
	if b.keep != keepNothing {
		kept, found, err := b.findKept(ctx, l, now)
		if err != nil {
			return l, fmt.Errorf("look at the database %s: %w", l.database, err)
		}
		if found {
			fmt.Fprintf(b.out, "Taking %s facts, %s, that were loaded up to %s\n", inWords(facts), s.name, kept.span.to.Format(time.RFC3339))
			return kept, nil
		}
	}
	l.span.to = now.UTC().Truncate(time.Second)
	l.span.from = l.span.to.Truncate(time.Hour).AddDate(-1, 0, 0)
	title := fmt.Sprintf("Load %s facts, %s: %d combinations", inWords(facts), s.name, s.combinations)
	return l, b.runner.Do(title, func() error {
		if err := b.server.create(ctx, l.database); err != nil {
			return err
		}
		if err := b.loadCompany(ctx, l); err != nil {
			return fmt.Errorf("make the company: %w", err)
		}
		if err := b.loadFacts(ctx, l); err != nil {
			return fmt.Errorf("load the facts: %w", err)
		}
		if err := b.rollUp(ctx, l); err != nil {
			return fmt.Errorf("roll up the facts: %w", err)
		}
		return b.server.on(ctx, l.database, func(connection *pgx.Conn) error { return b.settle(ctx, connection, l) })
	})
}

func (b *bench) loadCompany(ctx context.Context, l loaded) error {
	return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		settings := map[string]string{
			"bench.models": strconv.Itoa(l.shape.models), "bench.projects": strconv.Itoa(l.shape.projects),
			"bench.units": strconv.Itoa(l.shape.units), "bench.regions": strconv.Itoa(l.shape.regions),
			"bench.combinations": strconv.Itoa(l.shape.combinations), "bench.assets": strconv.Itoa(l.shape.assets),
			"bench.facts": strconv.FormatInt(l.facts, 10), "bench.from_time": l.span.from.Format(time.RFC3339), "bench.to_time": l.span.to.Format(time.RFC3339),
			"timezone": "UTC", "synchronous_commit": "off",
		}
		for name, value := range settings {
			if _, err := connection.Exec(ctx, "SELECT set_config($1, $2, false)", name, value); err != nil {
				return err
			}
		}
		files, err := fs.Glob(companyFiles, "statements/company/*.sql") // in the order of their numbers
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := companyFiles.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := connection.Exec(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	})
}

// loadFacts loads month by month, several at once: months are tables of their own.
func (b *bench) loadFacts(ctx context.Context, l loaded) error {
	return b.byMonth(ctx, l, time.UTC, func(ctx context.Context, connection *pgx.Conn, month pgx.NamedArgs) error {
		// The keys come from the dimensions themselves, so nothing is to be checked.
		if _, err := connection.Exec(ctx, "SET session_replication_role = replica"); err != nil {
			return err
		}
		_, err := connection.Exec(ctx, factsOfMonthSQL, month)
		return err
	})
}

// rollUp rolls up month by month of the company's calendar.
func (b *bench) rollUp(ctx context.Context, l loaded) error {
	c, err := calendar()
	if err != nil {
		return err
	}
	err = b.byMonth(ctx, l, c.Location, func(ctx context.Context, connection *pgx.Conn, month pgx.NamedArgs) error {
		_, err := connection.Exec(ctx, rollUpSQL, month)
		return err
	})
	if err != nil {
		return err
	}
	return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		_, err := connection.Exec(ctx, rolledUpSQL)
		return err
	})
}

// byMonth does something for each month of a zone in which there are facts, with the
// month's ends as arguments, several at once.
func (b *bench) byMonth(ctx context.Context, l loaded, zone *time.Location, something func(context.Context, *pgx.Conn, pgx.NamedArgs) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loaders)
	for from := l.span.from.In(zone); from.Before(l.span.to); {
		to := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, zone)
		month := pgx.NamedArgs{"from_time": from, "to_time": to}
		group.Go(func() error {
			return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
				if _, err := connection.Exec(ctx, "SET synchronous_commit = off; SET jit = off; SET work_mem = '256MB'"); err != nil {
					return err
				}
				return something(ctx, connection, month)
			})
		})
		from = to
	}
	return group.Wait()
}

// settle brings the roll-ups up to date, tells the planner what is there, and makes
// what answers are compared with.
func (b *bench) settle(ctx context.Context, connection *pgx.Conn, l loaded) error {
	if err := refresh(ctx, connection); err != nil {
		return fmt.Errorf("refresh the roll-ups: %w", err)
	}
	made, err := l.madeOf()
	if err != nil {
		return err
	}
	settings := map[string]string{"bench.made_of": made, "bench.from_time": l.span.from.Format(time.RFC3339), "bench.to_time": l.span.to.Format(time.RFC3339),
		// The planner expects far more groups than there are, and would sort all facts on disk.
		"jit": "off", "work_mem": "256MB", "enable_sort": "off"}
	for name, value := range settings {
		if _, err := connection.Exec(ctx, "SELECT set_config($1, $2, false)", name, value); err != nil {
			return err
		}
	}
	for _, statement := range []string{"VACUUM (ANALYZE)", dailyViewSQL, markLoadedSQL} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// refresh rolls up until nothing is left, in as many steps as it takes. Where a
// transaction is still open on the server, its end is awaited.
func refresh(ctx context.Context, connection *pgx.Conn) error {
	for {
		var rolledUp *int64
		if err := connection.QueryRow(ctx, "SELECT wattscore.refresh_rollups()").Scan(&rolledUp); err != nil {
			return err
		}
		if rolledUp != nil && *rolledUp > 0 {
			continue
		}
		var tail bool
		if err := connection.QueryRow(ctx, hasTailSQL).Scan(&tail); err != nil || !tail {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
