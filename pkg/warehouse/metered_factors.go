package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// How factors of PUE that metering has put there came about.
const (
	methodMetered  = "metered"
	methodCarried  = "metered on the last day before"
	methodReturned = "as before metering"
)

// carriedDays is how long the last metered figure holds where no readings follow: a
// gateway's outage of some days is bridged, and a facility that is metered no longer
// goes back to the figure it had.
const carriedDays = 7

var (
	//go:embed statements/facility_pue_days.sql
	facilityPUEDaysSQL string
	//go:embed statements/pue_figures.sql
	pueFiguresSQL string
)

// facilityPUEDay is a metered day.
type facilityPUEDay struct {
	Day              time.Time
	PUE              float64
	Source, Boundary string
}

// pueFigures are the figures of PUE that stand beside metered days.
type pueFigures struct {
	own, country []Factor // by day
	derived      []Factor // that metering has put there
}

// meteredFactors are the factors of a region that days with new figures lead to: each
// day's own, valid from that day. A day without readings takes the last metered day's,
// up to carriedDays; then the figure that held before is valid again.
func meteredFactors(ctx context.Context, tx pgx.Tx, region string, changed []time.Time) ([]Factor, error) {
	from := changed[0].AddDate(0, 0, -carriedDays-1)
	rows, err := tx.Query(ctx, facilityPUEDaysSQL, pgx.NamedArgs{"region": region, "from_day": from})
	if err != nil {
		return nil, err
	}
	days, err := pgx.CollectRows(rows, pgx.RowToStructByPos[facilityPUEDay])
	if err != nil {
		return nil, err
	}
	figures, err := readPUEFigures(ctx, tx, region)
	if err != nil {
		return nil, err
	}
	return figures.around(region, days, changed), nil
}

func readPUEFigures(ctx context.Context, tx pgx.Tx, region string) (figures pueFigures, err error) {
	rows, err := tx.Query(ctx, pueFiguresSQL, pgx.NamedArgs{"region": region, "derived": []string{methodMetered, methodCarried, methodReturned}})
	if err != nil {
		return figures, err
	}
	var own, derived bool
	var f Factor
	_, err = pgx.ForEachRow(rows, []any{&own, &derived, &f.ValidFrom, &f.Value, &f.Source, &f.SourceYear, &f.Method, &f.Boundary}, func() error {
		switch {
		case derived:
			figures.derived = append(figures.derived, f)
		case own:
			figures.own = append(figures.own, f)
		default:
			figures.country = append(figures.country, f)
		}
		return nil
	})
	return figures, err
}

// around are the factors to write for changed days, which are among days.
func (p pueFigures) around(region string, days []facilityPUEDay, changed []time.Time) []Factor {
	byDay := map[time.Time]facilityPUEDay{}
	for _, day := range days {
		byDay[day.Day] = day
	}
	wanted := map[time.Time]Factor{}
	for _, at := range changed {
		day := byDay[at]
		wanted[at] = day.factor(region, at, methodMetered)
		// The day up to which its figure holds, if no day after it is metered before.
		back := at.AddDate(0, 0, carriedDays+1)
		if _, metered := byDay[back]; metered || lastMetered(byDay, back) != at || p.takenOver(at, back) {
			continue
		}
		if before, known := p.before(back); known {
			before.Region, before.Quantity, before.ValidFrom, before.Method = region, FactorPUE, back, methodReturned
			wanted[back] = before
		}
	}
	for _, there := range p.derived {
		at := there.ValidFrom
		if _, metered := byDay[at]; metered || at.Before(changed[0]) {
			continue
		}
		if last := lastMetered(byDay, at); !last.IsZero() && at.Before(last.AddDate(0, 0, carriedDays+1)) {
			wanted[at] = byDay[last].factor(region, at, methodCarried)
		}
	}
	factors := make([]Factor, 0, len(wanted))
	for _, factor := range wanted {
		factors = append(factors, factor)
	}
	slices.SortFunc(factors, func(a, b Factor) int { return a.ValidFrom.Compare(b.ValidFrom) })
	return factors
}

func (d facilityPUEDay) factor(region string, at time.Time, method string) Factor {
	return Factor{Region: region, Quantity: FactorPUE, ValidFrom: at, Value: d.PUE, Source: fmt.Sprintf("Facility meter: %s", d.Source),
		SourceYear: d.Day.Year(), Method: method, Boundary: d.Boundary}
}

// lastMetered is the last metered day before a day, in reach of what is carried on; zero
// where there is none.
func lastMetered(days map[time.Time]facilityPUEDay, before time.Time) time.Time {
	for back := 1; back <= carriedDays+1; back++ {
		at := before.AddDate(0, 0, -back)
		if _, metered := days[at]; metered {
			return at
		}
	}
	return time.Time{}
}

// takenOver says whether a figure of the region's own, which is not metered, begins after
// a metered day and no later than another.
func (p pueFigures) takenOver(after, until time.Time) bool {
	return slices.ContainsFunc(p.own, func(f Factor) bool { return f.ValidFrom.After(after) && !f.ValidFrom.After(until) })
}

// before is the figure that would hold on a day without metering.
func (p pueFigures) before(day time.Time) (figure Factor, known bool) {
	for _, figures := range [][]Factor{p.country, p.own} {
		for _, f := range figures {
			if !f.ValidFrom.After(day) {
				figure, known = f, true
			}
		}
	}
	return figure, known
}

// gather writes factors as WriteFactors does, in the version of metered PUE that waits,
// where there is one.
func (r *FacilityResult) gather(ctx context.Context, tx pgx.Tx, factors []Factor) error {
	if err := r.Factors.write(ctx, tx, MeteredVersion, factors, indexes(factors)); err != nil {
		return err
	}
	return tx.QueryRow(ctx, `SELECT in_force OR based_on = (SELECT version_id FROM wattscore.factor_version WHERE in_force)
		FROM wattscore.factor_version WHERE version_id = $1`, r.Factors.Version).Scan(&r.StandsAlone)
}
