package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// Region is a cloud region (us-central1) or, for hardware of one's own, a
// country by its ISO 3166-1 alpha-3 code.
type Region struct {
	Code     string
	Cloud    string // aws, azure, gcp …; empty for a country
	Location string
	// CountryCode is the country whose factors hold where the region has none.
	CountryCode string
}

//go:embed statements/upsert_regions.sql
var upsertRegionsSQL string

// Regions lists the regions by code.
func (s *Store) Regions(ctx context.Context) ([]Region, error) {
	rows, err := s.pool.Query(ctx,
		"SELECT code, coalesce(cloud, ''), location, coalesce(country_code, '') FROM wattscore.region ORDER BY code")
	if err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	regions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Region])
	if err != nil {
		return nil, fmt.Errorf("reading the regions: %w", err)
	}
	return regions, nil
}

var countryCode = regexp.MustCompile(`^[A-Z]{3}$`)

// UpsertRegions stores regions; an empty text leaves what is there. A region
// keeps the country it has: moving it to another would price its history anew.
func (s *Store) UpsertRegions(ctx context.Context, regions []Region) (WriteResult, error) {
	known, err := s.Regions(ctx)
	if err != nil {
		return WriteResult{}, err
	}
	country := make(map[string]string, len(known))
	for _, region := range known {
		country[region.Code] = region.CountryCode
	}
	accepted, result := screen(regions, func(r Region) string { return r.Code }, func(r Region) error {
		switch has := country[r.Code]; {
		case r.Code == "":
			return errors.New("the region has no code")
		case r.CountryCode != "" && !countryCode.MatchString(r.CountryCode):
			return fmt.Errorf("country code %q is not three capital letters (ISO 3166-1 alpha-3)", r.CountryCode)
		case r.CountryCode != "" && has != "" && has != r.CountryCode:
			return fmt.Errorf("region %s lies in %s: give it a code of its own to place it in %s", r.Code, has, r.CountryCode)
		}
		return checkText(r.Code, r.Cloud, r.Location)
	})
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := result.store(ctx, tx, upsertRegionsSQL, pgx.NamedArgs{
			"code":         column(regions, accepted, func(r Region) string { return r.Code }),
			"cloud":        textColumn(regions, accepted, func(r Region) string { return r.Cloud }),
			"location":     textColumn(regions, accepted, func(r Region) string { return r.Location }),
			"country_code": textColumn(regions, accepted, func(r Region) string { return r.CountryCode }),
		}, accepted)
		if err != nil || result.Stored == 0 {
			return err
		}
		// A region that is new inherits its country's factors.
		_, err = tx.Exec(ctx, "SELECT wattscore.fill_factor_periods(version_id) FROM wattscore.factor_version")
		return err
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d regions: %w", len(accepted), err)
	}
	return result, nil
}
