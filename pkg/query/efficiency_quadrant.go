package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var efficiencyQuadrant = Type{
	Name:        "efficiencyQuadrant",
	Label:       "Efficiency quadrant",
	Description: "Where to focus: each production model by business criticality and Energy Score, with what reaching the threshold would save",
	Formats:     []Format{FormatTable, FormatNumber},
	Metrics:     []string{"potential_saving_usd", "score", "criticality", "energy_kwh", "cost_usd", "requests"},
	answer:      answerEfficiencyQuadrant,
}

// efficiencyQuadrantOptions are the options of the query type. See src/types.ts.
type efficiencyQuadrantOptions struct {
	CriticalityThreshold float64 `json:"criticalityThreshold"`
	ScoreThreshold       float64 `json:"scoreThreshold"`
	Stage                string  `json:"stage"` // production or all
	// Shape models answers the models in one frame, quadrants a frame a quadrant,
	// each in its colour, and thresholds the two lines between them; a chart draws
	// the last two over each other.
	Shape string `json:"shape"`
}

func (o efficiencyQuadrantOptions) thresholds() kpi.QuadrantThresholds {
	return kpi.QuadrantThresholds{Criticality: o.CriticalityThreshold, Score: o.ScoreThreshold}
}

func answerEfficiencyQuadrant(ctx context.Context, source Source, request Request) (data.Frames, error) {
	options := efficiencyQuadrantOptions{CriticalityThreshold: 50, ScoreThreshold: 50, Stage: "production", Shape: "models"}
	if err := readOptions(request, &options); err != nil {
		return nil, err
	}
	for _, err := range []error{
		oneOf("stage", options.Stage, "production", "all"),
		oneOf("shape", options.Shape, "models", "quadrants", "thresholds"),
		percentage("criticalityThreshold", options.CriticalityThreshold),
		percentage("scoreThreshold", options.ScoreThreshold),
	} {
		if err != nil {
			return nil, err
		}
	}
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	if options.Shape == "thresholds" {
		return thresholdLines(request, options, p), nil
	}
	models, err := source.Models(ctx)
	if err != nil {
		return nil, err
	}
	answers, provenance, err := source.Usage(ctx, warehouse.UsageRequest{
		Periods: []kpi.Span{p.span}, GroupBy: []kpi.Dimension{kpi.DimensionModel},
		Filters: request.Filters, FactorVersion: request.FactorVersion,
	})
	if err != nil {
		return nil, err
	}
	known := map[string]warehouse.PortfolioModel{}
	for _, model := range models {
		known[model.Name] = model
	}
	placed, unrated := placeModels(answers[0], known, options)
	m := newMeta(request, p.span, provenance, p.calendar.Location)
	m.MeasuredShare = measuredShare(answers[0])
	m.Formulas = []formulaMeta{
		{"score", "100 × E_ref / (E_ref + E)"},
		{"potential_saving_usd", fmt.Sprintf("energy cost × (E − E at score %g) / E, for the period", options.ScoreThreshold)},
	}
	notices := noticesOn(answers[0], provenance)
	if len(unrated) > 0 {
		notices = append(notices, information(fmt.Sprintf("%d of the models have no place because they have no criticality or no score: %s.",
			len(unrated), listNames(unrated))))
	}
	if options.Shape == "quadrants" {
		var frames data.Frames
		for _, entry := range quadrantColours {
			frames = append(frames, attach(oneQuadrant(placed, entry.quadrant, entry.colour), m, provenance.SQL, notices))
		}
		return frames, nil
	}
	return data.Frames{attach(quadrantFrame(placed), m, provenance.SQL, notices)}, nil
}

// oneQuadrant is the frame of the models in one quadrant, drawn in its colour.
func oneQuadrant(placed []placedModel, quadrant kpi.Quadrant, colour string) *data.Frame {
	var within []placedModel
	for _, model := range placed {
		if model.quadrant == quadrant {
			within = append(within, model)
		}
	}
	frame := quadrantFrame(within)
	frame.Name = string(quadrant)
	for _, field := range frame.Fields {
		if field.Name == "score" {
			field.Config.Color = map[string]any{"mode": "fixed", "fixedColor": colour}
		}
	}
	return frame
}

func percentage(option string, value float64) error {
	if value > 0 && value <= 100 {
		return nil
	}
	return BadRequest("The option %s is %g. It must be more than 0 and at most 100.", option, value)
}

type placedModel struct {
	warehouse.UsageRow
	model    warehouse.PortfolioModel
	quadrant kpi.Quadrant
	score    *float64
	saving   *float64
}

// placeModels keeps the models of the asked stage and puts the greatest saving
// first. A model without criticality or score has no place; it is named apart.
func placeModels(rows []warehouse.UsageRow, known map[string]warehouse.PortfolioModel, options efficiencyQuadrantOptions) (placed []placedModel, unrated []string) {
	for _, row := range rows {
		model, ok := known[row.Members[0]]
		if !ok || (options.Stage == "production" && model.Stage != "production") {
			continue
		}
		score := kpi.EnergyScore(row.Measures)
		quadrant := options.thresholds().Quadrant(model.BusinessCriticality, score)
		if quadrant == nil {
			unrated = append(unrated, model.Name)
			continue
		}
		placed = append(placed, placedModel{
			UsageRow: row, model: model, score: score,
			quadrant: *quadrant,
			saving:   maybe(kpi.PotentialSaving(row.Measures, options.ScoreThreshold)),
		})
	}
	slices.SortStableFunc(placed, func(a, b placedModel) int { return cmp.Compare(valueOr(b.saving, -1), valueOr(a.saving, -1)) })
	return placed, unrated
}

func valueOr(value *float64, otherwise float64) float64 {
	if value == nil {
		return otherwise
	}
	return *value
}

func quadrantFrame(placed []placedModel) *data.Frame {
	n := len(placed)
	names, quadrants := make([]string, n), make([]string, n)
	criticality, score, requests := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	energy, cost, saving := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	for i, model := range placed {
		names[i], quadrants[i] = model.model.Name, string(model.quadrant)
		criticality[i], score[i], requests[i] = model.model.BusinessCriticality, model.score, number(model.Requests)
		energy[i], cost[i], saving[i] = number(model.ITEnergy), maybe(model.Cost), model.saving
	}
	quadrant := textField("quadrant", quadrants)
	quadrant.Config.Mappings = quadrantMappings()
	return data.NewFrame("Efficiency quadrant",
		memberField(kpi.DimensionModel, names), numberField("criticality", criticality), numberField("score", score), quadrant,
		numberField("requests", requests), numberField("energy_kwh", energy), numberField("cost_usd", cost),
		numberField("potential_saving_usd", saving))
}

// quadrantColours gives each quadrant the same colour in every panel.
var quadrantColours = []struct {
	quadrant kpi.Quadrant
	colour   string
}{
	{kpi.QuadrantImmediateAction, "red"}, {kpi.QuadrantShowcase, "green"},
	{kpi.QuadrantOptimiseOrRetire, "orange"}, {kpi.QuadrantMaintain, "blue"},
}

func quadrantMappings() data.ValueMappings {
	mapper := data.ValueMapper{}
	for i, entry := range quadrantColours {
		mapper[string(entry.quadrant)] = data.ValueMappingResult{Color: entry.colour, Index: i}
	}
	return data.ValueMappings{mapper}
}

// thresholdLines answers the cross that divides the quadrant, as two frames of
// two points.
func thresholdLines(request Request, options efficiencyQuadrantOptions, p plan) data.Frames {
	line := func(name string, criticality, score [2]float64) *data.Frame {
		xs, ys := make([]*float64, 2), make([]*float64, 2)
		for i := range 2 {
			xs[i], ys[i] = number(criticality[i]), number(score[i])
		}
		frame := data.NewFrame(name, numberField("criticality", xs), numberField("score", ys))
		return attach(frame, newMeta(request, p.span, warehouse.Provenance{}, p.calendar.Location), "", nil)
	}
	return data.Frames{
		line("Criticality threshold", [2]float64{options.CriticalityThreshold, options.CriticalityThreshold}, [2]float64{0, 100}),
		line("Score threshold", [2]float64{0, 100}, [2]float64{options.ScoreThreshold, options.ScoreThreshold}),
	}
}

// listNames names a few and counts the rest.
func listNames(names []string) string {
	const shown = 5
	list := ""
	for i, name := range names {
		if i == shown {
			return fmt.Sprintf("%s and %d more", list, len(names)-shown)
		}
		if i > 0 {
			list += ", "
		}
		list += name
	}
	return list
}
