package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Warehouse takes what is pulled. *warehouse.Store is one.
type Warehouse interface {
	Regions(ctx context.Context) ([]warehouse.Region, error)
	TaskClasses(ctx context.Context) (map[string]string, error)
	CollectedGPUs(ctx context.Context) ([]warehouse.CollectedGPU, error)
	UpsertModels(ctx context.Context, models []warehouse.Model) (warehouse.WriteResult, error)
	PrometheusWindows(ctx context.Context, source string, start, end time.Time) ([]warehouse.PrometheusWindow, error)
	LastPrometheusWindow(ctx context.Context, source string) (time.Time, error)
	WritePrometheusWindow(ctx context.Context, source string, window warehouse.PrometheusWindow, events []warehouse.Event, now time.Time) (warehouse.EventResult, error)
}

// Options say how to pull.
type Options struct {
	API       API
	Warehouse Warehouse
	Mapping   Mapping
	// Step is the length of a window: whole seconds, a part of an hour. Zero is DefaultStep.
	Step time.Duration
	// Settle is how long after a window's end it is written: scrapes and remote writes
	// come late. Zero is DefaultSettle.
	Settle time.Duration
	// Replace puts new facts in the place of those of windows that are there.
	Replace bool
	Rejects *ingest.Rejects
	// Progress is told how many windows are done.
	Progress func(done int)
	Now      func() time.Time
}

// The defaults, and the bounds of a step.
const (
	DefaultStep   = time.Hour
	DefaultSettle = 5 * time.Minute
	shortestStep  = time.Minute
	// The warehouse spreads what lasts longer on the hours it ran, whatever happened when.
	longestStep   = time.Hour
	longestSettle = 24 * time.Hour
)

// Puller pulls windows. It goes on from one pull to the next where that follows it.
type Puller struct {
	options   Options
	followers map[string]*follower
	told      map[string]bool // rejected series that are set aside already
	described map[string]bool // models whose task class is known
}

// New makes a puller. Its error says what is wrong with the options.
func New(options Options) (*Puller, error) {
	if options.Step == 0 {
		options.Step = DefaultStep
	}
	if options.Settle == 0 {
		options.Settle = DefaultSettle
	}
	if options.Progress == nil {
		options.Progress = func(int) {}
	}
	switch {
	case options.Step < shortestStep || options.Step > longestStep || longestStep%options.Step != 0 || options.Step%time.Second != 0:
		return nil, fmt.Errorf("the step %s is not between %s and %s, or an hour does not divide into it: use for example 5m, 15m or 1h", options.Step, shortestStep, longestStep)
	case options.Settle < 0 || options.Settle > longestSettle:
		return nil, fmt.Errorf("the settle delay %s is not between 0 and %s", options.Settle, longestSettle)
	}
	return &Puller{options: options, followers: map[string]*follower{}, told: map[string]bool{}, described: map[string]bool{}}, nil
}

// Windows are the whole windows that a range touches and that are settled, and how many
// others it touches.
func (p *Puller) Windows(from, to time.Time) (starts []time.Time, unsettled int) {
	settled := p.options.Now().Add(-p.options.Settle)
	for start := from.UTC().Truncate(p.options.Step); start.Before(to); start = start.Add(p.options.Step) {
		if start.Add(p.options.Step).After(settled) {
			unsettled = int((to.Sub(start) + p.options.Step - 1) / p.options.Step)
			break
		}
		starts = append(starts, start)
	}
	return starts, unsettled
}

// Pull reads the windows that a range touches and stores those that are not there yet.
func (p *Puller) Pull(ctx context.Context, from, to time.Time) (ingest.Report, error) {
	var report ingest.Report
	noted := newNotes()
	starts, unsettled := p.Windows(from, to)
	noted.unsettled = unsettled
	err := p.pull(ctx, starts, noted, &report)
	report.Notes = append(report.Notes, noted.sentences()...)
	return report, err
}

func (p *Puller) pull(ctx context.Context, starts []time.Time, noted *notes, report *ingest.Report) error {
	if len(starts) == 0 {
		return nil
	}
	o := p.options
	around, err := p.lookAround(ctx)
	if err != nil {
		return err
	}
	last := starts[len(starts)-1].Add(o.Step)
	if err := p.checkStep(ctx, starts[0], last); err != nil {
		return err
	}
	metrics, warnings, err := o.API.Names(ctx, o.Mapping.metrics, o.Mapping.file.Select, starts[0].Add(-lookback), last)
	if err = errors.Join(err, noted.warn(warnings)); err != nil {
		return err
	}
	if len(metrics) == 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("There are none of the metrics that are read from %s to %s: check the range, and read and select in the mapping.",
			starts[0].Format(time.RFC3339), last.Format(time.RFC3339)))
		return nil
	}
	for i, start := range starts {
		w := newWindow(start, start.Add(o.Step), noted)
		for _, m := range metrics {
			if p.followers[m.name] == nil {
				p.followers[m.name] = newFollower(m, o.Mapping.file.Replicas)
			}
			if err := p.followers[m.name].read(ctx, o.API, o.Mapping.file.Select, w); err != nil {
				return err
			}
		}
		if err := p.store(ctx, w, around, report); err != nil {
			return err
		}
		o.Progress(i + 1)
	}
	return nil
}

// checkStep finds windows of another step before anything is read.
func (p *Puller) checkStep(ctx context.Context, from, to time.Time) error {
	there, err := p.options.Warehouse.PrometheusWindows(ctx, p.options.Mapping.Source(), from, to)
	if err != nil {
		return err
	}
	for _, other := range there {
		if other.End.Sub(other.Start) != p.options.Step {
			return otherStep(p.options.Mapping.Source(), other)
		}
	}
	return nil
}

func otherStep(source string, other warehouse.PrometheusWindow) error {
	return fmt.Errorf("the window of %s from %s was stored with --step %s: go on with that, or what it holds would count twice",
		source, other.Start.UTC().Format(time.RFC3339), other.End.Sub(other.Start))
}

func (p *Puller) lookAround(ctx context.Context) (surroundings, error) {
	around := surroundings{regions: map[string]bool{}}
	regions, err := p.options.Warehouse.Regions(ctx)
	if err != nil {
		return around, err
	}
	for _, region := range regions {
		around.regions[region.Code] = true
	}
	if region := p.options.Mapping.file.Region.Default; region != "" && !around.regions[region] {
		return around, fmt.Errorf("the warehouse has no region %q: import its factors (wattctl import factors), or correct --region or region.default", region)
	}
	around.collected, err = p.options.Warehouse.CollectedGPUs(ctx)
	return around, err
}

// store writes a window, unless it is there.
func (p *Puller) store(ctx context.Context, w *window, around surroundings, report *ingest.Report) error {
	f := factsOf(w, p.options.Mapping, around)
	report.Read += len(f.events) + len(w.rejected)
	for _, r := range w.rejected {
		if err := p.setAside(report, w.start, r.reason, r.series); err != nil {
			return err
		}
	}
	if w.samples == 0 {
		w.notes.empty++
		return nil
	}
	if err := p.describe(ctx, f); err != nil {
		return err
	}
	const tries = 3
	var err error
	for range tries {
		if err = p.write(ctx, w, f, report); !errors.Is(err, warehouse.ErrWindowMoved) {
			return err
		}
	}
	return err
}

func (p *Puller) write(ctx context.Context, w *window, f *facts, report *ingest.Report) error {
	source, content := p.options.Mapping.Source(), f.content()
	there, err := p.options.Warehouse.PrometheusWindows(ctx, source, w.start, w.end)
	if err != nil {
		return err
	}
	next := warehouse.PrometheusWindow{Start: w.start, End: w.end, Content: content}
	for _, other := range there {
		switch {
		case !other.Start.Equal(w.start) || !other.End.Equal(w.end):
			return otherStep(source, other)
		case other.Same(content):
			report.Unchanged += len(f.events)
			return nil
		case !p.options.Replace:
			w.notes.differs++
			report.Unchanged += len(f.events)
			return nil
		}
		next.Revision = other.Revision + 1
	}
	events := f.identify(next.Revision)
	result, err := p.options.Warehouse.WritePrometheusWindow(ctx, source, next, events, p.options.Now())
	if err != nil {
		return err
	}
	report.Stored += result.Stored
	report.Unchanged += result.Unchanged
	for _, r := range result.Rejected {
		if err := p.setAside(report, w.start, r.Reason, fmt.Sprintf("%s of %s", events[r.Index].Model, events[r.Index].Project)); err != nil {
			return err
		}
	}
	return nil
}

// mostTold bounds what is remembered of rejected series.
const mostTold = 100_000

// setAside counts a rejected series, and writes it into the reject file the first time.
func (p *Puller) setAside(report *ingest.Report, at time.Time, reason error, series string) error {
	report.Rejected++
	key := series + "\x00" + reason.Error()
	if p.told[key] || len(p.told) >= mostTold || p.options.Rejects == nil {
		return nil
	}
	p.told[key] = true
	return p.options.Rejects.AddSeries(at, reason, series)
}

// describe gives models that are new the task class that the mapping says. What somebody
// says of a model later stays.
func (p *Puller) describe(ctx context.Context, f *facts) error {
	fresh := map[string]warehouse.Model{}
	for _, e := range f.events {
		if e.Model == "" || e.Model == kpi.Idle || e.Model == kpi.Unallocated || p.described[e.Model] {
			continue
		}
		p.described[e.Model] = true
		if class := p.options.Mapping.file.Models.TaskClass(e.Model); class != "" {
			fresh[e.Model] = warehouse.Model{Name: e.Model, TaskClass: class}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	known, err := p.options.Warehouse.TaskClasses(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(fresh, func(name string, _ warehouse.Model) bool { return known[name] != "" })
	models := slices.Collect(maps.Values(fresh))
	result, err := p.options.Warehouse.UpsertModels(ctx, models)
	if err == nil && len(result.Rejected) > 0 {
		err = fmt.Errorf("the model %s cannot be described: %w; correct models in the mapping", models[result.Rejected[0].Index].Name, result.Rejected[0].Reason)
	}
	return err
}
