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

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// FacilityReading is a reading of the meters of a region's facility.
type FacilityReading struct {
	kpi.FacilityReading
	Source string // what read it, for example "BMS hall 3"
}

// MeteredDay is a day of a facility and what its readings say.
type MeteredDay struct {
	Day     time.Time // when it begins on the company's calendar
	PUE     *float64  // nil where the readings cover too little of it
	Covered float64   // the part of it that has readings
}

// FacilityResult says what became of readings, and of the days that they are of.
type FacilityResult struct {
	WriteResult
	Metered []MeteredDay // days that are over whose PUE is new or changed
	Short   []MeteredDay // days that are over and have too few readings
	// Factors says where the days' factors are. Its counts are of factors.
	Factors FactorResult
	// StandsAlone says that Factors.Version holds nothing that waits besides metered PUE.
	StandsAlone bool
}

// MeteredVersion is the name of the factor versions that gather metered PUE.
const MeteredVersion = "Metered PUE"

var (
	//go:embed statements/overlapping_facility_readings.sql
	overlappingFacilityReadingsSQL string
	//go:embed statements/upsert_facility_readings.sql
	upsertFacilityReadingsSQL string
	//go:embed statements/facility_readings.sql
	facilityReadingsSQL string
	//go:embed statements/upsert_facility_pue.sql
	upsertFacilityPUESQL string
)

// longestReading is the longest interval of a reading: PUE is by day, and an hour more
// where a clock is set back.
const longestReading = 25 * time.Hour

// recomputedDays is how many days before now are always worked out anew: a day is over
// some time after its last reading came.
const recomputedDays = 8

// WriteFacilityReadings stores readings of a region's facility and, in the same
// transaction, what they make of days that are over: the day's PUE, and from it a factor
// of the region (see meteredFactors). A reading of the same interval is replaced; one
// that lies over others is rejected.
//
// Where events depend on the factors they wait in a version named MeteredVersion, which
// gathers all metered days until it is put in force.
func (s *Store) WriteFacilityReadings(ctx context.Context, region string, readings []FacilityReading, now time.Time) (FacilityResult, error) {
	if found, err := s.HasRegion(ctx, region); err != nil || !found {
		return FacilityResult{}, errors.Join(err, fmt.Errorf("the warehouse has no region %q: import its factors first (wattctl import factors), or correct the code", region))
	}
	calendar, err := NewReader(s.pool).Calendar(ctx)
	if err != nil {
		return FacilityResult{}, err
	}
	accepted, screened := screen(readings, FacilityReading.key, func(r FacilityReading) error { return r.check(now) })
	result := FacilityResult{WriteResult: screened}
	accepted = result.withoutOverlaps(readings, accepted)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Keeps other imports of factors and readings out until this one is done.
		if _, err := tx.Exec(ctx, "LOCK TABLE wattscore.factor_version IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		if err := result.storeReadings(ctx, tx, region, readings, accepted); err != nil {
			return err
		}
		first := calendar.Start(now, kpi.IntervalDay).AddDate(0, 0, -recomputedDays)
		for _, index := range result.StoredItems {
			first = earlier(first, readings[index].From)
		}
		changed, err := result.meterDays(ctx, tx, region, calendar, kpi.Span{From: first, To: now})
		if err != nil || len(changed) == 0 {
			return err
		}
		factors, err := meteredFactors(ctx, tx, region, changed)
		if err != nil {
			return err
		}
		return result.gather(ctx, tx, factors)
	})
	if err != nil {
		return FacilityResult{}, fmt.Errorf("storing %d readings of the facility in %s: %w", len(readings), region, err)
	}
	return result, nil
}

func (r FacilityReading) key() string {
	return keyOf(r.From.UTC().Format(time.RFC3339Nano), r.To.UTC().Format(time.RFC3339Nano))
}

func (r FacilityReading) check(now time.Time) error {
	energies := r.Facility != 0 || r.IT != 0
	switch {
	case r.From.Before(EarliestEvent):
		return fmt.Errorf("time %s is before %d", r.From.UTC().Format(time.RFC3339), EarliestEvent.Year())
	case r.To.After(now.Add(5 * time.Minute)): // as much as clocks differ
		return fmt.Errorf("time %s is in the future", r.To.UTC().Format(time.RFC3339))
	case r.To.Before(r.From), energies && !r.To.After(r.From):
		return fmt.Errorf("it does not end after it begins, at %s", r.From.UTC().Format(time.RFC3339))
	case r.To.Sub(r.From) > longestReading:
		return fmt.Errorf("it is of %s, and a reading is of a day at most: PUE is by day", r.To.Sub(r.From))
	case energies && r.PUE != 0:
		return errors.New("it has energies and a PUE: which one counts cannot be told")
	case energies && r.IT <= 0:
		return errors.New("the IT energy is not over 0, so there is no PUE")
	case energies && r.Facility < r.IT:
		return fmt.Errorf("the facility's energy %g kWh is less than that of its IT, %g kWh: the PUE would be below 1", r.Facility.KilowattHours(), r.IT.KilowattHours())
	case energies && r.Facility/10 >= r.IT:
		return fmt.Errorf("the facility's energy %g kWh is ten times that of its IT, %g kWh, or more: are they in the same unit?", r.Facility.KilowattHours(), r.IT.KilowattHours())
	case !energies && !(r.PUE >= 1):
		return fmt.Errorf("the PUE %g is less than 1: a facility takes at least what its IT does", r.PUE)
	case !energies && r.PUE >= 10:
		return fmt.Errorf("the PUE %g is not under 10", r.PUE)
	case r.Source == "":
		return errNoSource
	}
	return checkText(r.Source)
}

// withoutOverlaps rejects the accepted readings that lie over one before them in the batch.
func (r *FacilityResult) withoutOverlaps(readings []FacilityReading, accepted []int) []int {
	var kept, byStart []int
	for _, i := range accepted {
		at, _ := slices.BinarySearchFunc(byStart, readings[i].From, func(other int, from time.Time) int { return readings[other].From.Compare(from) })
		other := -1
		switch {
		case at > 0 && overlaps(readings[byStart[at-1]].Span, readings[i].Span):
			other = byStart[at-1]
		case at < len(byStart) && overlaps(readings[i].Span, readings[byStart[at]].Span):
			other = byStart[at]
		}
		if other >= 0 {
			r.Rejected = append(r.Rejected, Rejection{Index: i, Reason: overlapError(readings[other].From, readings[other].To)})
			continue
		}
		byStart = slices.Insert(byStart, at, i)
		kept = append(kept, i)
	}
	return kept
}

// overlaps says whether two spans, of which the first begins no later, share time.
func overlaps(first, second kpi.Span) bool {
	return second.From.Before(first.To) || second.From.Equal(first.From)
}

func overlapError(from, to time.Time) error {
	return fmt.Errorf("it lies over the reading from %s to %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
}

func (r *FacilityResult) storeReadings(ctx context.Context, tx pgx.Tx, region string, readings []FacilityReading, accepted []int) error {
	times := pgx.NamedArgs{
		"region":    region,
		"starts_at": column(readings, accepted, func(r FacilityReading) time.Time { return r.From }),
		"ends_at":   column(readings, accepted, func(r FacilityReading) time.Time { return r.To }),
	}
	rows, err := tx.Query(ctx, overlappingFacilityReadingsSQL, times)
	if err != nil {
		return err
	}
	over := map[int]bool{}
	var place int
	var from, to time.Time
	_, err = pgx.ForEachRow(rows, []any{&place, &from, &to}, func() error {
		index := accepted[place-1]
		over[index] = true
		r.Rejected = append(r.Rejected, Rejection{Index: index, Reason: overlapError(from, to)})
		return nil
	})
	if err != nil {
		return err
	}
	accepted = slices.DeleteFunc(slices.Clone(accepted), func(i int) bool { return over[i] })
	energy := func(of func(FacilityReading) kpi.NanowattHours) []*int64 {
		return column(readings, accepted, func(r FacilityReading) *int64 {
			if r.PUE != 0 {
				return nil
			}
			value := int64(of(r))
			return &value
		})
	}
	return r.store(ctx, tx, upsertFacilityReadingsSQL, pgx.NamedArgs{
		"region":       region,
		"starts_at":    column(readings, accepted, func(r FacilityReading) time.Time { return r.From }),
		"ends_at":      column(readings, accepted, func(r FacilityReading) time.Time { return r.To }),
		"facility_nwh": energy(func(r FacilityReading) kpi.NanowattHours { return r.Facility }),
		"it_nwh":       energy(func(r FacilityReading) kpi.NanowattHours { return r.IT }),
		"pue": column(readings, accepted, func(r FacilityReading) *float64 {
			if r.PUE == 0 {
				return nil
			}
			return &r.PUE
		}),
		"source": column(readings, accepted, func(r FacilityReading) string { return r.Source }),
	}, accepted)
}

// meterDays works out the days of a span that are over, and returns those whose figure
// is new or changed.
func (r *FacilityResult) meterDays(ctx context.Context, tx pgx.Tx, region string, calendar kpi.Calendar, span kpi.Span) ([]time.Time, error) {
	span.From = calendar.Start(span.From, kpi.IntervalDay)
	rows, err := tx.Query(ctx, facilityReadingsSQL, pgx.NamedArgs{"region": region, "from_time": span.From, "to_time": span.To})
	if err != nil {
		return nil, err
	}
	readings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (reading FacilityReading, err error) {
		err = row.Scan(&reading.From, &reading.To, &reading.Facility, &reading.IT, &reading.PUE, &reading.Source)
		return reading, err
	})
	if err != nil || len(readings) == 0 {
		return nil, err
	}
	var metered []MeteredDay
	var sources, boundaries []string
	for from := calendar.Start(later(span.From, readings[0].From), kpi.IntervalDay); ; {
		day := kpi.Span{From: from, To: calendar.Next(from, kpi.IntervalDay)}
		if day.To.After(span.To) {
			break
		}
		within, source := readingsOf(readings, day)
		said := kpi.MeteredPUE(day, within)
		result := MeteredDay{Day: day.From, PUE: said.PUE, Covered: said.Covered}
		switch {
		case said.PUE != nil:
			metered = append(metered, result)
			sources = append(sources, source)
			boundaries = append(boundaries, boundaryOf(said))
		case said.Covered > 0:
			r.Short = append(r.Short, result)
		}
		from = day.To
	}
	changed, err := collectDays(ctx, tx, upsertFacilityPUESQL, pgx.NamedArgs{
		"region": region, "source": sources, "boundary": boundaries,
		"day": column(metered, indexes(metered), func(d MeteredDay) time.Time { return dateOf(d.Day) }),
		"pue": column(metered, indexes(metered), func(d MeteredDay) float64 { return *d.PUE }),
	})
	isChanged := map[string]bool{}
	for _, day := range changed {
		isChanged[date(day)] = true
	}
	for _, day := range metered {
		if isChanged[date(day.Day)] {
			r.Metered = append(r.Metered, day)
		}
	}
	return changed, err
}

// dateOf is a day's date, as PostgreSQL takes it.
func dateOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// readingsOf are the readings that reach into a day, the one after them, which ends a
// moment, and what read them.
func readingsOf(readings []FacilityReading, day kpi.Span) ([]kpi.FacilityReading, string) {
	first, _ := slices.BinarySearchFunc(readings, day.From.Add(-longestReading), func(r FacilityReading, t time.Time) int { return r.From.Compare(t) })
	var within []kpi.FacilityReading
	var sources []string
	for _, reading := range readings[first:] {
		within = append(within, reading.FacilityReading)
		if !reading.From.Before(day.To) {
			break
		}
		if reading.To.After(day.From) || !reading.From.Before(day.From) {
			sources = append(sources, reading.Source)
		}
	}
	slices.Sort(sources)
	text := strings.Join(slices.Compact(sources), ", ")
	if len(text) > longestText/2 {
		text = strings.ToValidUTF8(text[:longestText/2], "") + "…"
	}
	return within, text
}

func boundaryOf(day kpi.DayPUE) string {
	if day.ByEnergy {
		return "facility energy / IT energy of the day"
	}
	return "mean of the day's readings, weighted by time"
}

func indexes[T any](items []T) []int {
	all := make([]int, len(items))
	for i := range items {
		all[i] = i
	}
	return all
}

func collectDays(ctx context.Context, tx pgx.Tx, statement string, arguments pgx.NamedArgs) ([]time.Time, error) {
	rows, err := tx.Query(ctx, statement, arguments)
	if err != nil {
		return nil, err
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	slices.SortFunc(days, time.Time.Compare)
	return days, err
}

// LastFacilityReading is when the newest reading of a region's facility ends, zero where
// there is none.
func (s *Store) LastFacilityReading(ctx context.Context, region string) (time.Time, error) {
	var last *time.Time
	err := s.pool.QueryRow(ctx, "SELECT max(ends_at) FROM wattscore.facility_reading JOIN wattscore.region USING (region_id) WHERE code = $1", region).Scan(&last)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when the readings of %s end: %w", region, err)
	}
	if last == nil {
		return time.Time{}, nil
	}
	return *last, nil
}
