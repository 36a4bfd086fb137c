package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/stage_provider_figures.sql
	stageProviderFiguresSQL string
	//go:embed statements/stage_provider_periods.sql
	stageProviderPeriodsSQL string
	//go:embed statements/compare_provider_figures.sql
	compareProviderFiguresSQL string
	//go:embed statements/supersede_provider_figures.sql
	supersedeProviderFiguresSQL string
	//go:embed statements/standing_provider_figures.sql
	standingProviderFiguresSQL string
	//go:embed statements/insert_provider_figures.sql
	insertProviderFiguresSQL string
)

// ProviderKey is what a provider's figure is of.
type ProviderKey struct {
	ModelVersion string // of the provider's method; empty where it names none
	Cloud        string // gcp, aws, azure …, as in Region
	// The statement is what the provider reported on at once: a day, a month, a billing
	// period. Days without a time of day; the end is not part of it.
	StatementFrom, StatementTo time.Time
	Month                      time.Time // of the use: its first day
	Account, Service, Region   string
	Project, BusinessUnit      string // empty: unknown; a unit is of what has no project
	Quantity                   kpi.ProviderQuantity
	Scope                      kpi.Scope
	Charge                     kpi.Charge // of a cost
	Idle                       bool       // paid for and not used
}

// ProviderFigure is what a provider states, in µg CO2e, nWh or nano-USD.
type ProviderFigure struct {
	ProviderKey
	Value int64
}

// LongestProviderName is the most bytes a name in a provider's figure has: several of
// them are indexed together.
const LongestProviderName = 200

// Check refuses what cannot be stored.
func (k ProviderKey) Check() error {
	switch {
	case !slices.Contains(kpi.ProviderQuantities(), k.Quantity):
		return fmt.Errorf("unknown quantity %q", k.Quantity)
	case (k.Quantity == kpi.ProviderCost) != (k.Charge != kpi.ChargeNone):
		return errors.New("a cost has a kind of charge, and nothing else has")
	case k.Month.Day() != 1:
		return fmt.Errorf("month %s does not begin on the first", k.Month.Format(time.DateOnly))
	case !k.StatementFrom.Before(k.StatementTo):
		return fmt.Errorf("the statement ends on %s, before it begins", k.StatementTo.Format(time.DateOnly))
	}
	names := []string{k.ModelVersion, k.Cloud, k.Account, k.Service, k.Region, k.Project, k.BusinessUnit}
	for _, name := range names {
		if len(name) > LongestProviderName {
			return fmt.Errorf("the name %.40q… is longer than %d bytes", name, LongestProviderName)
		}
	}
	return errors.Join(checkDay("month", k.Month, EarliestEvent), checkDay("the statement's first day", k.StatementFrom, EarliestEvent),
		checkDay("the statement's last day", k.StatementTo.AddDate(0, 0, -1), EarliestEvent), checkText(names...))
}

// ProviderResult says what became of an import's figures.
type ProviderResult struct {
	// Stored are the indexes of the figures that are new or changed, ascending.
	Stored []int
	// Gone counts figures that were there, are of what the import reports on, and are
	// not in it. They stay, out of force.
	Gone int
	// Kept are the indexes of the figures that are not stored, though they differ from what
	// is there: see WriteIncompleteProviderFigures.
	Kept []int
}

// WriteProviderFigures stores a source's figures in one transaction. An import tells
// the whole of what it reports on: of the same account, version and time, what is there
// and is not repeated is superseded, and stays beside the new figures with the import
// that took its place. The same figures twice change nothing. files names them.
func (s *Store) WriteProviderFigures(ctx context.Context, source kpi.ProviderSource, files string, figures []ProviderFigure) (ProviderResult, error) {
	return s.writeProviderFigures(ctx, source, files, figures, supersedeProviderFigures)
}

// WriteIncompleteProviderFigures stores figures that may lack something, because records
// of their files could not be used. They take nothing out of force: where there are
// figures already of the same account and version whose time they touch, those stay, and
// of the new ones none of that account, version and time is stored. Gone counts the
// figures that are there and would have been superseded.
func (s *Store) WriteIncompleteProviderFigures(ctx context.Context, source kpi.ProviderSource, files string, figures []ProviderFigure) (ProviderResult, error) {
	return s.writeProviderFigures(ctx, source, files, figures, keepProviderFigures)
}

// standing is what an import does where there are figures of what it reports on: it
// corrects places, those of the figures to store, and returns statements to run besides.
type standing func(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, places []int) (store, kept []int, statements []string, err error)

func supersedeProviderFigures(_ context.Context, _ pgx.Tx, _ pgx.NamedArgs, places []int) (store, kept []int, statements []string, err error) {
	return places, nil, []string{supersedeProviderFiguresSQL}, nil
}

func keepProviderFigures(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, places []int) (store, kept []int, statements []string, err error) {
	var there []int
	if err := tx.QueryRow(ctx, standingProviderFiguresSQL, args).Scan(&there); err != nil {
		return nil, nil, nil, err
	}
	for _, place := range places {
		if _, stands := slices.BinarySearch(there, place); stands {
			kept = append(kept, place)
		} else {
			store = append(store, place)
		}
	}
	return store, kept, nil, nil
}

func (s *Store) writeProviderFigures(ctx context.Context, source kpi.ProviderSource, files string, figures []ProviderFigure, decide standing) (ProviderResult, error) {
	if len(figures) == 0 {
		return ProviderResult{}, nil
	}
	for _, f := range figures {
		if err := f.Check(); err != nil {
			return ProviderResult{}, fmt.Errorf("storing a figure of %s: %w", source, err)
		}
	}
	var result ProviderResult
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		result, err = writeProviderFigures(ctx, tx, source, files, figures, decide)
		return err
	})
	if err != nil {
		return ProviderResult{}, fmt.Errorf("storing %d figures of %s: %w", len(figures), source, err)
	}
	return result, nil
}

func writeProviderFigures(ctx context.Context, tx pgx.Tx, source kpi.ProviderSource, files string, figures []ProviderFigure, decide standing) (ProviderResult, error) {
	// Two imports of a source go one after the other: each is compared with a whole.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('wattscore.provider_figure ' || $1, 0))", string(source)); err != nil {
		return ProviderResult{}, err
	}
	if err := stageProviderFigures(ctx, tx, figures); err != nil {
		return ProviderResult{}, err
	}
	args := pgx.NamedArgs{"source": source}
	var places []int
	var result ProviderResult
	if err := tx.QueryRow(ctx, compareProviderFiguresSQL, args).Scan(&places, &result.Gone); err != nil {
		return ProviderResult{}, err
	}
	places, kept, statements, err := decide(ctx, tx, args, places)
	if err != nil {
		return ProviderResult{}, err
	}
	for _, place := range kept {
		result.Kept = append(result.Kept, place-1)
	}
	for _, place := range places {
		result.Stored = append(result.Stored, place-1)
	}
	if len(places) == 0 && (result.Gone == 0 || len(statements) == 0) {
		return result, nil
	}
	var id int
	err = tx.QueryRow(ctx, "INSERT INTO wattscore.provider_import (source, files) VALUES ($1, $2) RETURNING import_id", source, files).Scan(&id)
	if err != nil {
		return ProviderResult{}, err
	}
	args["import_id"], args["places"] = id, places
	for _, statement := range append(statements, insertProviderFiguresSQL) {
		if _, err := tx.Exec(ctx, statement, args); err != nil {
			return ProviderResult{}, err
		}
	}
	return result, nil
}

func stageProviderFigures(ctx context.Context, tx pgx.Tx, figures []ProviderFigure) error {
	if _, err := tx.Exec(ctx, stageProviderFiguresSQL); err != nil {
		return err
	}
	columns := []string{"place", "model_version", "cloud", "statement_from", "statement_to", "month", "account", "service",
		"region", "project", "business_unit", "quantity", "scope", "charge", "idle", "value"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"staged_provider_figure"}, columns, pgx.CopyFromSlice(len(figures), func(i int) ([]any, error) {
		f := figures[i]
		return []any{i + 1, f.ModelVersion, f.Cloud, f.StatementFrom, f.StatementTo, f.Month, f.Account, f.Service,
			f.Region, f.Project, f.BusinessUnit, string(f.Quantity), string(f.Scope), string(f.Charge), f.Idle, f.Value}, nil
	}))
	if err != nil {
		return err
	}
	for _, statement := range []string{stageProviderPeriodsSQL, "ANALYZE staged_provider_figure", "ANALYZE staged_provider_period"} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
