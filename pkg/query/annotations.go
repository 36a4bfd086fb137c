package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var annotations = Type{
	Name:        "annotations",
	Label:       "Annotations",
	Description: "What happened: model releases, hardware changes, factor restatements, budget breaches",
	RestsOn:     []Evidence{EvidenceEvents, EvidenceHardware, EvidenceBusiness},
	Formats:     []Format{FormatTable},
	answer:      answerAnnotations,
}

// The kinds of annotation, which are their tags too.
const (
	annotateReleases       = "release"
	annotateHardware       = "hardware"
	annotateRestatements   = "restatement"
	annotateBudgetBreaches = "budget"
)

// annotationsOptions are the options of the query type. See src/types.ts.
type annotationsOptions struct {
	Kinds []string `json:"kinds"` // empty: all
}

// annotation is a mark on a chart; end is zero where it is a moment.
type annotation struct {
	kind        string
	time, end   time.Time
	title, text string
}

func answerAnnotations(ctx context.Context, source Source, request Request) (data.Frames, error) {
	all := []string{annotateReleases, annotateHardware, annotateRestatements, annotateBudgetBreaches}
	var options annotationsOptions
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, kind := range options.Kinds {
		if err := oneOf("kinds", kind, all...); err != nil {
			return nil, err
		}
	}
	if len(options.Kinds) == 0 {
		options.Kinds = all
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	var marks []annotation
	for kind, find := range map[string]func(context.Context, Source, Request, plan) ([]annotation, error){
		annotateReleases: releaseMarks, annotateHardware: hardwareMarks,
		annotateRestatements: restatementMarks, annotateBudgetBreaches: breachMarks,
	} {
		if !slices.Contains(options.Kinds, kind) {
			continue
		}
		found, err := find(ctx, source, request, p)
		if err != nil {
			return nil, err
		}
		marks = append(marks, found...)
	}
	slices.SortFunc(marks, func(a, b annotation) int {
		return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.kind, b.kind), cmp.Compare(a.title, b.title))
	})
	var notices []data.Notice
	if len(marks) == 0 {
		notices = append(notices, information("Nothing to mark happened in this period with these filters."))
	}
	m := newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location)
	return data.Frames{attach(annotationFrame(marks), m, "", notices)}, nil
}

// annotationFrame has the fields that Grafana takes for annotations.
func annotationFrame(marks []annotation) *data.Frame {
	n := len(marks)
	times, ends := make([]time.Time, n), make([]*time.Time, n)
	titles, texts, tags := make([]string, n), make([]string, n), make([]string, n)
	for i, mark := range marks {
		times[i], titles[i], texts[i], tags[i] = mark.time, mark.title, mark.text, mark.kind
		if !mark.end.IsZero() {
			ends[i] = &mark.end
		}
	}
	return data.NewFrame("Annotations", data.NewField("time", nil, times), data.NewField("timeEnd", nil, ends),
		data.NewField("title", nil, titles), data.NewField("text", nil, texts), data.NewField("tags", nil, tags))
}

func releaseMarks(ctx context.Context, source Source, request Request, p plan) ([]annotation, error) {
	releases, err := source.ModelReleases(ctx, p.span, request.Filters)
	if err != nil {
		return nil, err
	}
	marks := make([]annotation, len(releases))
	for i, release := range releases {
		text := "First requests"
		if release.Named {
			text = "In production"
		}
		if release.Provider != "" {
			text += ", " + release.Provider
		}
		marks[i] = annotation{kind: annotateReleases, time: release.Time, title: release.Model + " released", text: text}
	}
	return marks, nil
}

// hardwareMarks marks what came to a stage, counted by the interval of the range:
// a delivery is one mark, not one for each GPU, and a year is not covered by them.
func hardwareMarks(ctx context.Context, source Source, request Request, p plan) ([]annotation, error) {
	assets, err := source.Hardware(ctx, p.span.To, request.Filters)
	if err != nil {
		return nil, err
	}
	interval := kpi.IntervalDay
	if p.span.Duration() > 100*24*time.Hour {
		interval = kpi.IntervalMonth
	}
	type change struct {
		from  time.Time
		stage string
	}
	changes := map[change]map[string]int{}
	for _, asset := range assets {
		for i, at := range asset.StagesAt {
			if at.Before(p.span.From) {
				continue
			}
			c := change{p.calendar.Start(at, interval), asset.Stages[i]}
			if c.from.Before(p.span.From) {
				c.from = p.span.From
			}
			if changes[c] == nil {
				changes[c] = map[string]int{}
			}
			changes[c][asset.Accelerator]++
		}
	}
	marks := make([]annotation, 0, len(changes))
	for c, accelerators := range changes {
		count := 0
		var kinds []string
		for _, accelerator := range slices.Sorted(maps.Keys(accelerators)) {
			count += accelerators[accelerator]
			kinds = append(kinds, fmt.Sprintf("%d × %s", accelerators[accelerator], accelerator))
		}
		text := strings.Join(kinds, ", ")
		if interval == kpi.IntervalMonth {
			text += ", in the month"
		}
		marks = append(marks, annotation{kind: annotateHardware, time: c.from,
			title: fmt.Sprintf("Hardware %s: %d", strings.ToLower(kpi.HardwareStage(c.stage).Label()), count), text: text})
	}
	return marks, nil
}

func restatementMarks(ctx context.Context, source Source, _ Request, p plan) ([]annotation, error) {
	restatements, err := source.Restatements(ctx, p.span)
	if err != nil {
		return nil, err
	}
	marks := make([]annotation, len(restatements))
	for i, r := range restatements {
		text := "All figures are computed with it from here on"
		if r.FromVersion != 0 {
			text = fmt.Sprintf("Instead of version %d (%s), which stays readable", r.FromVersion, r.FromVersionName)
		}
		marks[i] = annotation{kind: annotateRestatements, time: r.Time,
			title: fmt.Sprintf("Factors restated: version %d (%s)", r.ToVersion, r.ToVersionName), text: text}
	}
	return marks, nil
}

// breachMarks marks the finished weeks whose emissions were above the budget of
// the company, or of the business units the filter names.
func breachMarks(ctx context.Context, source Source, request Request, p plan) ([]annotation, error) {
	units := request.Filters[kpi.DimensionBusinessUnit]
	for dimension, members := range request.Filters {
		if dimension != kpi.DimensionBusinessUnit && len(members) > 0 {
			return nil, nil // a part of the company has no budget of its own
		}
	}
	budgets, err := source.CarbonBudgets(ctx, p.span)
	if err != nil || len(budgets) == 0 {
		return nil, err
	}
	type budgeted struct {
		kilograms kpi.KilogramsCO2e
		units     int
	}
	byWeek := map[time.Time]budgeted{}
	for _, budget := range budgets {
		if (len(units) == 0 && budget.BusinessUnit == "") || slices.Contains(units, budget.BusinessUnit) {
			week := byWeek[budget.Start.UTC()]
			byWeek[budget.Start.UTC()] = budgeted{week.kilograms + budget.Amount, week.units + 1}
		}
	}
	var weeks []kpi.Span
	for _, bucket := range p.calendar.Buckets(p.span, kpi.IntervalWeek) {
		if bucket.Whole && !bucket.To.After(request.Now) && byWeek[bucket.From.UTC()].units == max(1, len(units)) {
			weeks = append(weeks, bucket.Span)
		}
	}
	if len(weeks) == 0 {
		return nil, nil
	}
	answers, _, err := source.Usage(ctx, warehouse.UsageRequest{Periods: weeks, Filters: request.Filters, FactorVersion: request.FactorVersion,
		Omit: warehouse.MeasureTokens | warehouse.MeasureCost | warehouse.MeasureGPU | warehouse.MeasureLatency | warehouse.MeasureScore})
	if err != nil {
		return nil, err
	}
	var marks []annotation
	for _, row := range answers[0] {
		week := weeks[row.Period]
		budget := byWeek[week.From.UTC()].kilograms
		if row.CarbonLocation == nil || *row.CarbonLocation <= budget {
			continue
		}
		who := "The company"
		if len(units) > 0 {
			who = strings.Join(units, ", ")
		}
		marks = append(marks, annotation{kind: annotateBudgetBreaches, time: week.From, end: week.To,
			title: "Weekly carbon budget exceeded",
			text:  fmt.Sprintf("%s emitted %s against a budget of %s (location-based)", who, emissions(*row.CarbonLocation), emissions(budget))})
	}
	return marks, nil
}

// emissions writes a mass for people, in kg below a tonne.
func emissions(mass kpi.KilogramsCO2e) string {
	if mass < 1000 {
		return fmt.Sprintf("%.1f kgCO₂e", float64(mass))
	}
	return fmt.Sprintf("%.2f tCO₂e", float64(mass.Tonnes()))
}
