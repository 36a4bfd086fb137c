package company

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Name is the company's name. It is invented.
const Name = "Norrfold Retail Group"

// source is what the rows name as their source, so that nobody takes them for
// measurements of a real company.
const source = "Norrfold demo company"

// Company is everything the warehouse holds of the company.
type Company struct {
	Seed uint64
	// Start and End bound the events: Start is the first of a month, 25 calendar
	// months up to and including the one of End.
	Start, End time.Time

	Factors         []warehouse.Factor
	Models          []warehouse.Model
	Projects        []warehouse.Project
	TrainingRuns    []warehouse.TrainingRun
	HardwareAssets  []warehouse.HardwareAsset
	HardwareEvents  []warehouse.HardwareEvent
	BusinessMetrics []warehouse.BusinessMetric
	CostBudgets     []warehouse.CostBudget
	CarbonBudgets   []warehouse.CarbonBudget
	Events          []warehouse.Event // by time
	// What the cloud provider says of the months before the one of End.
	CarbonStatements []warehouse.ProviderFigure
	Bills            []warehouse.ProviderFigure

	// current is the month of End. What changes with time is counted from it, so
	// a company that ends later in the same month only has more events.
	current time.Time
	stories stories
}

// stories are the moments that something happens in the company; see the
// package's documentation.
type stories struct {
	spikeWeek    time.Time // Monday of the week of the ranking campaign
	regionMove   time.Time
	release      time.Time
	modelRetired time.Time
	modelStaged  time.Time
	unplanned    []string // runs that no budget foresaw
}

// months are the calendar months of events: the last 12 have a preceding 12,
// whatever day of the month the company ends on.
const months = 25

// Generate makes the company as it is at end. The same seed and end give the
// same company.
func Generate(seed uint64, end time.Time) *Company { return generate(seed, end, months) }

func generate(seed uint64, end time.Time, months int) *Company {
	end = end.UTC().Truncate(tick)
	current := monthOf(end.Add(-time.Nanosecond))
	c := &Company{
		Seed: seed, Start: current.AddDate(0, 1-months, 0), End: end, current: current,
		stories: stories{
			spikeWeek:    mondayFrom(current.AddDate(0, -3, 7)),
			regionMove:   current.AddDate(0, -6, 0),
			release:      current.AddDate(0, -4, 0),
			modelRetired: current.AddDate(0, -7, 0),
			modelStaged:  current.AddDate(0, -5, 0),
		},
	}
	c.Factors = factors(c.Start, c.End)
	c.Models = models()
	c.Models[slices.IndexFunc(c.Models, func(m warehouse.Model) bool { return m.Name == modelWriter })].ReleasedOn = &c.stories.release
	c.Projects = projects()
	c.serve()
	c.train()
	c.meter()
	slices.SortStableFunc(c.Events, func(a, b warehouse.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	c.equip()
	c.reportBusiness()
	c.budget()
	c.state()
	return c
}

// batch is how many events are written in one transaction.
const batch = 5000

// Load writes the company to the warehouse and brings the roll-ups up to date.
// What is there already stays, so loading twice stores nothing the second time.
// The company's factors end up in force. now bounds the events' times, as in
// warehouse.Store.WriteEvents; progress, which may be nil, is called after each
// batch of events with how many are done. A row the warehouse rejects is an error.
//
// A company of another end moves its stories and keeps its ids: load it into a
// warehouse of its own.
func (c *Company) Load(ctx context.Context, store *warehouse.Store, now time.Time, progress func(done, total int)) error {
	if err := c.loadFactors(ctx, store); err != nil {
		return fmt.Errorf("loading the demo company: %w", err)
	}
	if err := c.loadRecords(ctx, store); err != nil {
		return fmt.Errorf("loading the demo company: %w", err)
	}
	done := 0
	for events := range slices.Chunk(c.Events, batch) {
		result, err := store.WriteEvents(ctx, events, now)
		if err != nil {
			return fmt.Errorf("loading the demo company: %w", err)
		}
		if err := rejected("event", result.Rejected); err != nil {
			return fmt.Errorf("loading the demo company: %w", err)
		}
		done += len(events)
		if progress != nil {
			progress(done, len(c.Events))
		}
	}
	if _, err := store.RefreshRollups(ctx); err != nil {
		return fmt.Errorf("loading the demo company: %w", err)
	}
	return nil
}

func (c *Company) loadFactors(ctx context.Context, store *warehouse.Store) error {
	result, err := store.WriteFactors(ctx, Name, c.Factors)
	if err != nil {
		return err
	}
	if err := rejected("factor", result.Rejected); err != nil {
		return err
	}
	if !result.InForce {
		return store.PutFactorsInForce(ctx, result.Version)
	}
	return nil
}

// loadRecords writes everything but the factors and the events.
func (c *Company) loadRecords(ctx context.Context, store *warehouse.Store) error {
	writes := []struct {
		name  string
		write func() (warehouse.WriteResult, error)
	}{
		{"model", func() (warehouse.WriteResult, error) { return store.UpsertModels(ctx, c.Models) }},
		{"project", func() (warehouse.WriteResult, error) { return store.UpsertProjects(ctx, c.Projects) }},
		{"training run", func() (warehouse.WriteResult, error) { return store.UpsertTrainingRuns(ctx, c.TrainingRuns) }},
		{"hardware", func() (warehouse.WriteResult, error) {
			assets, events, err := store.WriteHardware(ctx, c.HardwareAssets, c.HardwareEvents)
			return warehouse.WriteResult{Rejected: append(assets.Rejected, events.Rejected...)}, err
		}},
		{"business metric", func() (warehouse.WriteResult, error) { return store.WriteBusinessMetrics(ctx, c.BusinessMetrics) }},
		{"cost budget", func() (warehouse.WriteResult, error) { return store.WriteCostBudgets(ctx, c.CostBudgets) }},
		{"carbon budget", func() (warehouse.WriteResult, error) { return store.WriteCarbonBudgets(ctx, c.CarbonBudgets) }},
		{"carbon statement", func() (warehouse.WriteResult, error) {
			_, err := store.WriteProviderFigures(ctx, kpi.ProviderGoogle, Name+", carbon footprint export", c.CarbonStatements)
			return warehouse.WriteResult{}, err
		}},
		{"bill", func() (warehouse.WriteResult, error) {
			_, err := store.WriteProviderFigures(ctx, kpi.ProviderFOCUS, Name+", bills", c.Bills)
			return warehouse.WriteResult{}, err
		}},
	}
	for _, w := range writes {
		result, err := w.write()
		if err != nil {
			return err
		}
		if err := rejected(w.name, result.Rejected); err != nil {
			return err
		}
	}
	return nil
}

// rejected joins the first few reasons; the rest repeat them.
func rejected(kind string, rejections []warehouse.Rejection) error {
	var reasons []error
	for _, r := range rejections[:min(3, len(rejections))] {
		reasons = append(reasons, fmt.Errorf("the warehouse rejected %d rows, among them %s %d: %w", len(rejections), kind, r.Index, r.Reason))
	}
	return errors.Join(reasons...)
}

// random gives each part of the company numbers of its own: adding an endpoint
// leaves the others as they were.
func (c *Company) random(part string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(part)) // never fails
	return rand.New(rand.NewPCG(c.Seed, h.Sum64()))
}

// eventID is the same whenever the company is made of the same seed.
func (c *Company) eventID(endpoint string, hour time.Time) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%d/%s/%s", Name, c.Seed, endpoint, hour.Format(time.RFC3339)))
}

// around is a factor near 1: spread is its standard deviation, and it stays
// within three of them.
func around(r *rand.Rand, spread float64) float64 {
	return 1 + spread*max(-3, min(3, r.NormFloat64()))
}

func monthOf(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// mondayFrom is the first Monday on or after a day.
func mondayFrom(day time.Time) time.Time { return day.AddDate(0, 0, (8-int(day.Weekday()))%7) }

// weekOf is the Monday of the day's ISO week.
func weekOf(t time.Time) time.Time {
	day := dayOf(t)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}
