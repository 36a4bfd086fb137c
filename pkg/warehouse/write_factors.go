package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// FactorQuantity is what a factor is of.
type FactorQuantity string

// The quantities and their units.
const (
	FactorGridLocation     FactorQuantity = "grid_location"     // g CO2e per kWh, average of the grid
	FactorGridMarket       FactorQuantity = "grid_market"       // g CO2e per kWh, by the supply contract
	FactorPUE              FactorQuantity = "pue"               // facility energy / IT energy
	FactorElectricityPrice FactorQuantity = "electricity_price" // USD per kWh
	FactorCarbonFreeShare  FactorQuantity = "carbon_free_share" // 0..1, as the provider states it; in no formula
)

// FactorQuantities lists the quantities.
func FactorQuantities() []FactorQuantity {
	return []FactorQuantity{FactorGridLocation, FactorGridMarket, FactorPUE, FactorElectricityPrice, FactorCarbonFreeShare}
}

// Factor is a figure of a region, valid from a day of the company's calendar
// until the next figure of the same region and quantity.
type Factor struct {
	Region     string // must exist
	Quantity   FactorQuantity
	ValidFrom  time.Time // its date counts, its time of day does not
	Value      float64   // in the quantity's unit
	Source     string    // who published it, and its licence
	SourceYear int
	Method     string // such as "average generation"
	Boundary   string // such as "life cycle of generation"
}

// FactorResult says what became of the factors of an import.
type FactorResult struct {
	WriteResult
	// Version holds the factors: the version in force where no published number
	// depends on them, else a new one. Unchanged factors name the newest version.
	Version int
	// InForce is false when Version waits to be put in force: see PutFactorsInForce.
	InForce bool
}

//go:embed statements/changed_factors.sql
var changedFactorsSQL string

//go:embed statements/factor_versions_to_write.sql
var factorVersionsToWriteSQL string

//go:embed statements/copy_factor_version.sql
var copyFactorVersionSQL string

//go:embed statements/upsert_factors.sql
var upsertFactorsSQL string

// WriteFactors stores factors, compared with the newest version. Where no event
// is priced by a changed factor, it goes into the version in force. Otherwise the
// factors make a new version, named versionName, that is not in force: a
// published number changes only when somebody restates it.
//
// It is one transaction, and imports wait for each other.
func (s *Store) WriteFactors(ctx context.Context, versionName string, factors []Factor) (FactorResult, error) {
	if versionName == "" {
		return FactorResult{}, errors.New("a factor version needs a name: pass what the factors are from")
	}
	regions, err := collectTexts(ctx, s.pool, "SELECT code FROM wattscore.region ORDER BY 1")
	if err != nil {
		return FactorResult{}, fmt.Errorf("reading the regions: %w", err)
	}
	accepted, screened := screen(factors, Factor.key, func(f Factor) error { return f.check(regions) })
	result := FactorResult{WriteResult: screened}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Keeps other imports and restatements out until this one is done.
		if _, err := tx.Exec(ctx, "LOCK TABLE wattscore.factor_version IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		return result.write(ctx, tx, versionName, factors, accepted)
	})
	if err != nil {
		return FactorResult{}, fmt.Errorf("storing %d factors: %w", len(accepted), err)
	}
	return result, nil
}

func (r *FactorResult) write(ctx context.Context, tx pgx.Tx, versionName string, factors []Factor, accepted []int) error {
	var newest int
	var inForce *int
	var gathers bool
	if err := tx.QueryRow(ctx, factorVersionsToWriteSQL, pgx.NamedArgs{"gathering": MeteredVersion, "name": versionName}).Scan(&newest, &inForce, &gathers); err != nil {
		return err
	}
	r.Version, r.InForce = newest, inForce != nil && *inForce == newest
	places, reprices, err := changedFactors(ctx, tx, newest, factors, accepted)
	if err != nil {
		return err
	}
	r.count(places, accepted)
	if len(places) == 0 {
		return nil
	}
	// A newer version that waits takes them too, or restating would lose them.
	versions := []int{newest}
	switch {
	case reprices && gathers: // nobody has computed with it yet
		r.InForce = false
	case reprices || inForce == nil:
		if err := tx.QueryRow(ctx, copyFactorVersionSQL, pgx.NamedArgs{"name": versionName, "based_on": newest}).Scan(&r.Version); err != nil {
			return err
		}
		r.InForce = false
		versions = []int{r.Version}
	case *inForce != newest:
		versions = append(versions, *inForce)
		r.Version, r.InForce = *inForce, true
	}
	arguments := factorArguments(factors, r.StoredItems)
	arguments["versions"] = versions
	if _, err := tx.Exec(ctx, upsertFactorsSQL, arguments); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "SELECT wattscore.fill_factor_periods(version) FROM unnest($1::int[]) AS version", versions)
	return err
}

// changedFactors returns the places, from 1, of the factors that are not in a
// version word for word, and whether any of them prices an event.
func changedFactors(ctx context.Context, tx pgx.Tx, version int, factors []Factor, accepted []int) ([]int, bool, error) {
	arguments := factorArguments(factors, accepted)
	arguments["version"] = version
	rows, err := tx.Query(ctx, changedFactorsSQL, arguments)
	if err != nil {
		return nil, false, err
	}
	var places []int
	reprices := false
	var place int
	var pricesEvents bool
	_, err = pgx.ForEachRow(rows, []any{&place, &pricesEvents}, func() error {
		places = append(places, place)
		reprices = reprices || pricesEvents
		return nil
	})
	return places, reprices, err
}

func factorArguments(factors []Factor, indexes []int) pgx.NamedArgs {
	return pgx.NamedArgs{
		"region":      column(factors, indexes, func(f Factor) string { return f.Region }),
		"quantity":    column(factors, indexes, func(f Factor) string { return string(f.Quantity) }),
		"valid_from":  column(factors, indexes, func(f Factor) time.Time { return f.ValidFrom }),
		"value":       column(factors, indexes, func(f Factor) float64 { return f.Value }),
		"source":      column(factors, indexes, func(f Factor) string { return f.Source }),
		"source_year": column(factors, indexes, func(f Factor) int { return f.SourceYear }),
		"method":      column(factors, indexes, func(f Factor) string { return f.Method }),
		"boundary":    column(factors, indexes, func(f Factor) string { return f.Boundary }),
	}
}

func (f Factor) key() string {
	return keyOf(f.Region, string(f.Quantity), f.ValidFrom.Format(time.DateOnly))
}

func (f Factor) check(regions []string) error {
	if _, found := slices.BinarySearch(regions, f.Region); !found {
		return fmt.Errorf("unknown region %q: import the region first, or correct the code", f.Region)
	}
	if !slices.Contains(FactorQuantities(), f.Quantity) {
		names := make([]string, 0, len(FactorQuantities()))
		for _, quantity := range FactorQuantities() {
			names = append(names, string(quantity))
		}
		return fmt.Errorf("unknown quantity %q: it must be one of %s", f.Quantity, strings.Join(names, ", "))
	}
	least, most := f.Quantity.bounds()
	switch {
	case f.Value > most:
		return fmt.Errorf("%s %g is more than %g", f.Quantity, f.Value, most)
	case f.Source == "":
		return errNoSource
	case f.SourceYear < 1990 || f.SourceYear >= calendarEnd.Year():
		return fmt.Errorf("the source's year %d is not between 1990 and %d", f.SourceYear, calendarEnd.Year()-1)
	}
	return errors.Join(
		checkAmount(string(f.Quantity), &f.Value, least),
		checkDay("valid from", f.ValidFrom, earliestFigure),
		checkText(f.Source, f.Method, f.Boundary),
	)
}

// bounds are the least and the most a quantity can be; the most catches a figure
// in another unit.
func (q FactorQuantity) bounds() (least, most float64) {
	switch q {
	case FactorPUE:
		return 1, 10
	case FactorCarbonFreeShare:
		return 0, 1
	case FactorElectricityPrice:
		return 0, 100
	default:
		return 0, 5000
	}
}

// PutFactorsInForce makes a version the one that answers are computed with; the
// earlier versions stay readable. The error is ErrNoSuchFactorVersion where there
// is none of this number.
func (s *Store) PutFactorsInForce(ctx context.Context, version int) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var exists bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM wattscore.factor_version WHERE version_id = $1)", version).Scan(&exists)
		if err == nil && !exists {
			err = ErrNoSuchFactorVersion
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT wattscore.put_factors_in_force($1)", version)
		return err
	})
	if err != nil {
		return fmt.Errorf("putting factor version %d in force: %w", version, err)
	}
	return nil
}
