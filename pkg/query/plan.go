package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// plan is the time a request is about, on the company's calendar.
type plan struct {
	span     kpi.Span
	previous kpi.Span
	calendar kpi.Calendar
}

// makePlan snaps the asked range to the hours that the roll-ups hold and finds
// the period to compare it with.
func makePlan(ctx context.Context, source Source, request Request) (plan, error) {
	calendar, err := source.Calendar(ctx)
	if err != nil {
		return plan{}, err
	}
	p := plan{calendar: request.Company.Calendar(calendar), span: warehouse.SnapToHours(request.Span, calendar.Location)}
	p.previous = p.calendar.Preceding(p.span)
	return p, nil
}

// usageBeside reads usage, and meanwhile something else on another connection. Where
// both fail, the error is that of the first to.
func usageBeside(ctx context.Context, source Source, beside func(context.Context) error, requests ...warehouse.UsageRequest) (answers [][]warehouse.UsageRow, provenance warehouse.Provenance, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		answers, provenance, err = source.Usage(ctx, requests...)
		return err
	})
	group.Go(func() error { return beside(ctx) })
	err = group.Wait()
	return answers, provenance, err
}

// cut divides the span into the request's intervals, for a time series.
func (p plan) cut(request Request) []kpi.Span {
	interval := request.Interval
	if interval == kpi.IntervalAuto {
		interval = p.calendar.ChooseInterval(p.span, request.MaxDataPoints)
	}
	buckets := p.calendar.Buckets(p.span, interval)
	spans := make([]kpi.Span, len(buckets))
	for i, bucket := range buckets {
		spans[i] = bucket.Span
	}
	return spans
}

// noticesOn says what a reader of the numbers should know of them.
func noticesOn(rows []warehouse.UsageRow, provenance warehouse.Provenance) []data.Notice {
	return noticesWithout(0, rows, provenance)
}

// noticesWithout is noticesOn for rows whose request omitted measures.
func noticesWithout(omitted warehouse.Measure, rows []warehouse.UsageRow, provenance warehouse.Provenance) []data.Notice {
	var notices []data.Notice
	if len(rows) == 0 {
		return []data.Notice{information("There is no usage in this period with these filters.")}
	}
	if provenance.FactorVersion.ID == 0 {
		notices = append(notices, warning("No factor version is in force, so energy cannot be priced."))
	}
	missing := map[string]bool{}
	for _, row := range rows {
		if row.FacilityEnergy == nil {
			missing["PUE"] = true
		}
		if row.EnergyCost == nil && row.FacilityEnergy != nil {
			missing["an electricity price"] = true
		}
		carbon, of := row.CarbonLocation, warehouse.MeasureCarbonLocation
		if omitted&of != 0 {
			carbon, of = row.CarbonMarket, warehouse.MeasureCarbonMarket
		}
		if carbon == nil && row.FacilityEnergy != nil && omitted&of == 0 {
			missing["a grid carbon intensity"] = true
		}
	}
	if len(missing) > 0 {
		var what []string
		for name := range missing {
			what = append(what, name)
		}
		slices.Sort(what)
		notices = append(notices, warning(fmt.Sprintf("Some of the energy was used where and when no factor gives %s; the numbers that need it are left empty. "+
			"Import the factors with: wattctl import factors FILE", strings.Join(what, ", "))))
	}
	return notices
}

// measuredShare is the part of the energy that was metered.
func measuredShare(rows []warehouse.UsageRow) *float64 {
	var sum kpi.Measures
	for _, row := range rows {
		sum.MeasuredEnergy, sum.ITEnergy = sum.MeasuredEnergy+row.MeasuredEnergy, sum.ITEnergy+row.ITEnergy
	}
	return kpi.MeasuredShare(sum)
}

// number turns a measure into a frame's value; what is no number becomes none.
func number[T ~float64 | ~int64 | ~int](value T) *float64 {
	f := float64(value)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

// maybe turns a measure that may be missing into a frame's value.
func maybe[T ~float64](value *T) *float64 {
	if value == nil {
		return nil
	}
	return number(*value)
}

// inPeriod is the part of an answer's rows, which are in the order of their periods, that
// is of one period. It shares their memory.
func inPeriod(rows []warehouse.UsageRow, period int) []warehouse.UsageRow {
	from, _ := slices.BinarySearchFunc(rows, period, comparePeriod)
	to, _ := slices.BinarySearchFunc(rows, period+1, comparePeriod)
	return rows[from:to:to]
}

func comparePeriod(row warehouse.UsageRow, period int) int { return cmp.Compare(row.Period, period) }

// inPeriods copies the rows of count periods from the first on, and counts theirs
// from 0.
func inPeriods(rows []warehouse.UsageRow, first, count int) []warehouse.UsageRow {
	from, _ := slices.BinarySearchFunc(rows, first, comparePeriod)
	to, _ := slices.BinarySearchFunc(rows, first+count, comparePeriod)
	kept := slices.Clone(rows[from:to])
	for i := range kept {
		kept[i].Period -= first
	}
	return kept
}

func memberKey(members []string) string { return strings.Join(members, "\x00") }
