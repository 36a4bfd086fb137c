package warehouse

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

//go:embed statements/unknown_members.sql
var unknownMembersSQL string

//go:embed statements/used_days.sql
var usedDaysSQL string

// UsageRequest asks for the measures of each group in each period.
type UsageRequest struct {
	// Periods are answered apart, each by its index. They may overlap. Their ends
	// lie on full hours of the company's time zone: see SnapToHours.
	Periods []kpi.Span
	// GroupBy may be empty: then all usage is one group.
	GroupBy []kpi.Dimension
	Filters kpi.Filters
	// FactorVersion prices the answer; 0 is the version in force.
	FactorVersion int
	// Omit leaves measures out that the asker does not need: they are zero or nil
	// in the rows, and many short periods are read faster.
	Omit Measure

	// projectsApart reads no roll-up that adds projects up: the login may not.
	projectsApart bool
}

// Measure is a set of the measures that a request can do without.
type Measure uint

// The measures that can be left out. Events, requests and IT energy are in every answer.
const (
	MeasureTokens         Measure = 1 << iota
	MeasureCost                   // what the sources billed: Cost and ServingCost
	MeasureCarbonLocation         // CarbonLocation
	MeasureCarbonMarket           // CarbonMarket
	MeasureGPU                    // GPUHours and GPUMemoryHours
	MeasureLatency                // LatencySum and LatencyRequests
	MeasureScore                  // ScoredEnergy and ReferenceEnergy, which need every endpoint
	MeasureFacility               // FacilityEnergy and EnergyCost: zero, and still nil where a factor is missing
	MeasureEnergyCost             // EnergyCost and ServingEnergyCost, likewise
	MeasurePrice                  // all that factors price, with MeasureCost and MeasureCarbon

	MeasureCarbon = MeasureCarbonLocation | MeasureCarbonMarket
)

// UsageRow holds the measures of one group in one period. A group without usage
// in a period has no row.
type UsageRow struct {
	Period  int
	Members []string // one for each dimension of UsageRequest.GroupBy
	kpi.Measures
}

// SnapToHours widens a span to full hours of the zone: the grain of the
// roll-ups.
func SnapToHours(span kpi.Span, zone *time.Location) kpi.Span {
	calendar := kpi.Calendar{Location: zone}
	return kpi.Span{From: calendar.Start(span.From, kpi.IntervalHour), To: startAtOrAfter(calendar, span.To, kpi.IntervalHour)}
}

// startAtOrAfter is the first beginning of an interval that is not before t.
func startAtOrAfter(calendar kpi.Calendar, t time.Time, interval kpi.Interval) time.Time {
	if start := calendar.Start(t, interval); start.Equal(t) {
		return start
	}
	return calendar.Next(t, interval)
}

// UnknownMemberError is what a filter gets that names a member which does not
// exist: an empty answer would look like no usage.
type UnknownMemberError struct {
	Dimension kpi.Dimension
	Member    string
}

func (e *UnknownMemberError) Error() string {
	return fmt.Sprintf("the filter on %s names %q, which does not exist", e.Dimension, e.Member)
}

// Usage answers every request in one round trip, in order. The rows of an answer
// are sorted by period and members. The first request's filters must name
// members that exist, else the error is an UnknownMemberError, and its factor
// version is the one the provenance names.
func (r *Reader) Usage(ctx context.Context, requests ...UsageRequest) ([][]UsageRow, Provenance, error) {
	return r.UsageAnd(ctx, nil, requests...)
}

// UsageAnd is Usage that reads something else too: for a small question a round trip of
// its own takes as long as what it reads.
func (r *Reader) UsageAnd(ctx context.Context, also []And, requests ...UsageRequest) ([][]UsageRow, Provenance, error) {
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return nil, Provenance{}, err
	}
	answers, provenance, err := r.usageIn(ctx, calendar, also, requests)
	if err == nil && provenance.Calendar.Location.String() != calendar.Location.String() {
		// The zone was changed since it was last read, and with it the days.
		r.remember(provenance.Calendar)
		answers, provenance, err = r.usageIn(ctx, provenance.Calendar, also, requests)
	}
	return answers, provenance, err
}

func (r *Reader) usageIn(ctx context.Context, calendar kpi.Calendar, also []And, requests []UsageRequest) ([][]UsageRow, Provenance, error) {
	if len(requests) == 0 {
		return nil, Provenance{}, errors.New("warehouse: no usage was asked for")
	}
	scoped, err := r.isScoped(ctx)
	if err != nil {
		return nil, Provenance{}, err
	}
	asked := make([]int, len(requests)) // by the place of the first that asks the same
	var batch pgx.Batch
	statements := make([]string, len(requests))
	for i, request := range requests {
		asked[i] = slices.IndexFunc(requests, func(other UsageRequest) bool { return reflect.DeepEqual(other, request) })
		if asked[i] < i {
			continue
		}
		args, err := usageArguments(request, calendar.Location)
		if err != nil {
			return nil, Provenance{}, err
		}
		request.projectsApart = scoped
		statement, err := usageStatement(request, readingOf(request, args))
		if err != nil {
			return nil, Provenance{}, err
		}
		statements[i] = statement
		batch.Queue(statement, args)
	}
	batch.Queue(unknownMembersSQL, filterArguments(requests[0].Filters))
	batch.Queue(provenanceSQL, pgx.NamedArgs{"factor_version": versionArgument(requests[0].FactorVersion)})
	for _, a := range also {
		batch.Queue(a.statement, a.args(calendar))
	}

	results := r.pool.SendBatch(ctx, &batch)
	defer results.Close()
	answers := make([][]UsageRow, len(requests))
	for i := range requests {
		if asked[i] < i {
			answers[i] = slices.Clone(answers[asked[i]])
			continue
		}
		rows, err := results.Query()
		if err == nil {
			answers[i], err = collectUsage(rows, statements[i])
		}
		if err != nil {
			return nil, Provenance{}, fmt.Errorf("reading usage: %w", err)
		}
		slices.SortFunc(answers[i], func(a, b UsageRow) int {
			return cmp.Or(cmp.Compare(a.Period, b.Period), slices.Compare(a.Members, b.Members))
		})
	}
	if err := scanUnknownMember(results.QueryRow()); err != nil {
		return nil, Provenance{}, err
	}
	provenance, err := scanProvenance(results.QueryRow())
	if err != nil {
		return nil, Provenance{}, err
	}
	for _, a := range also {
		rows, err := results.Query()
		if err == nil {
			err = a.collect(rows, calendar)
		}
		if err != nil {
			return nil, Provenance{}, fmt.Errorf("reading %s: %w", a.what, err)
		}
	}
	provenance.SQL = statements[0]
	if version := requests[0].FactorVersion; version != 0 && provenance.FactorVersion.ID != version {
		return nil, Provenance{}, fmt.Errorf("factor version %d: %w", version, ErrNoSuchFactorVersion)
	}
	return answers, provenance, nil
}

// UsedDays is the time within a span from the first day of the company's calendar
// on which anything used energy to the end of the last; empty if nothing did.
func (r *Reader) UsedDays(ctx context.Context, span kpi.Span) (kpi.Span, error) {
	calendar, err := r.Calendar(ctx)
	if err != nil {
		return kpi.Span{}, err
	}
	// A day counts whole, as days do: the roll-up has no part of it.
	from, to := calendar.Start(span.From, kpi.IntervalDay), startAtOrAfter(calendar, span.To, kpi.IntervalDay)
	var first, last *time.Time
	err = r.pool.QueryRow(ctx, usedDaysSQL, pgx.NamedArgs{"from_time": from, "to_time": to}).Scan(&first, &last)
	if err != nil {
		return kpi.Span{}, fmt.Errorf("reading the days with usage: %w", err)
	}
	if first == nil || last == nil {
		return kpi.Span{}, nil
	}
	return kpi.Span{From: later(*first, span.From), To: earlier(calendar.Next(*last, kpi.IntervalDay), span.To)}, nil
}

// usageCounts remembers how many rows a statement gave last, by its text: the next
// answer's are likely as many, and to find room for them bit by bit takes longer than to
// read them.
var usageCounts sync.Map

func collectUsage(rows pgx.Rows, statement string) ([]UsageRow, error) {
	before, _ := usageCounts.Load(statement)
	count, _ := before.(int)
	const most = 4096 // rows of 216 bytes: other ranges and members share the statement, and may be small
	answer, err := pgx.AppendRows(make([]UsageRow, 0, min(count, most)), rows, scanUsage)
	if err == nil && len(answer) != count {
		usageCounts.Store(statement, len(answer))
	}
	return answer, err
}

// scanUsage scans into plain numbers: a type of its own is converted by reflection, value
// by value.
func scanUsage(row pgx.CollectableRow) (UsageRow, error) {
	var (
		u                                            UsageRow
		facility, energyCost, cost, location, market *float64
		servingEnergyCost, servingCost               *float64
	)
	m := &u.Measures
	err := row.Scan(&u.Period, &u.Members, &m.Events, &m.Requests, &m.InputTokens, &m.OutputTokens, (*float64)(&m.ITEnergy), (*float64)(&m.MeasuredEnergy),
		&facility, &energyCost, &cost, &location, &market, &m.GPUHours, &m.GPUMemoryHours,
		&m.ServingRequests, &m.ServingInputTokens, &m.ServingOutputTokens, (*float64)(&m.ServingEnergy), &servingEnergyCost, &servingCost,
		(*float64)(&m.ScoredEnergy), (*float64)(&m.ReferenceEnergy), &m.LatencySum, &m.LatencyRequests)
	m.FacilityEnergy = (*kpi.KilowattHours)(facility)
	m.EnergyCost, m.Cost = (*kpi.USD)(energyCost), (*kpi.USD)(cost)
	m.CarbonLocation, m.CarbonMarket = (*kpi.KilogramsCO2e)(location), (*kpi.KilogramsCO2e)(market)
	m.ServingEnergyCost, m.ServingCost = (*kpi.USD)(servingEnergyCost), (*kpi.USD)(servingCost)
	return u, err
}

func scanUnknownMember(row pgx.Row) error {
	var unknown UnknownMemberError
	err := row.Scan(&unknown.Dimension, &unknown.Member)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("checking the filters: %w", err)
	}
	return &unknown
}

func versionArgument(version int) any {
	if version == 0 {
		return nil
	}
	return version
}

// readingOf says how the pieces of a request are best read. Adding up a period's pieces
// first takes a row of each combination apart, which pays from a few pieces on.
func readingOf(request UsageRequest, args pgx.NamedArgs) reading {
	count := func(grain kpi.Interval) int { return len(args[string(grain)+"_at"].([]time.Time)) }
	return reading{
		months: count(kpi.IntervalMonth) > 0,
		apart:  count(kpi.IntervalDay)+count(kpi.IntervalHour) <= 2*len(request.Periods),
	}
}

// usageArguments cuts each period into whole buckets of the roll-ups.
func usageArguments(request UsageRequest, zone *time.Location) (pgx.NamedArgs, error) {
	if len(request.Periods) == 0 {
		return nil, errors.New("warehouse: usage was asked for no period")
	}
	calendar := kpi.Calendar{Location: zone}
	cut, scored := pieces{}, pieces{}
	var periodFrom, periodTo []time.Time
	earliest, latest := request.Periods[0].From, request.Periods[0].To
	for i, span := range request.Periods {
		if !calendar.Start(span.From, kpi.IntervalHour).Equal(span.From) || !calendar.Start(span.To, kpi.IntervalHour).Equal(span.To) {
			return nil, fmt.Errorf("the roll-ups are by full hours of %s, and %s to %s does not lie on them: "+
				"use a time zone that differs from it by whole hours", zone, span.From, span.To)
		}
		cut.cover(calendar, span, int32(i), 1, grains)
		scored.coverWithin(calendar, span, int32(i))
		periodFrom, periodTo = append(periodFrom, span.From), append(periodTo, span.To)
		earliest, latest = earlier(earliest, span.From), later(latest, span.To)
	}
	args := filterArguments(request.Filters)
	cut.arguments(calendar, "", args)
	if request.Omit&MeasureScore == 0 {
		scored.arguments(calendar, "scored_", args)
	}
	args["period_from"], args["period_to"] = periodFrom, periodTo
	args["earliest"], args["latest"] = earliest, latest
	args["factor_version"] = versionArgument(request.FactorVersion)
	return args, nil
}
