package query

import (
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// trend is a measure over time, with its forecast.
type trend struct {
	interval   kpi.Interval
	usage      []warehouse.UsageRow // of the whole range
	provenance warehouse.Provenance

	history     []*float64 // observations at even steps, up to the last one
	historySpan kpi.Span
	spans       []kpi.Span // the shown steps, which are the last of the history
	times       []time.Time
	actual      []*float64
	leftOut     *kpi.Span // the step that is not over or that the range cuts off
	behind      int       // whole steps after the last observation
	avoided     []*kpi.USD
	baseline    string
	forecast    *kpi.Forecast
	ahead       []kpi.Span // the forecast's steps
	forecastOf  kpi.Span   // what the number format sums or averages

	baselinePeriod  kpi.Span
	withoutBaseline []string
}

// setHistory takes the observations of the steps up to the last one. A step
// without usage is a gap for a ratio; for a sum it is 0, between the first and the
// last usage only: before and after it, nobody knows whether data is missing.
func (t *trend) setHistory(steps []kpi.Span, byStep [][]warehouse.UsageRow, shownFrom time.Time, measure string) {
	observations := make([]*float64, len(steps))
	first, last := -1, -1
	for i, rows := range byStep {
		if len(rows) == 0 {
			continue
		}
		if observations[i] = trendObservation(measure, rows); observations[i] != nil {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 || steps[last].From.Before(shownFrom) {
		return
	}
	for i := first; i < last; i++ {
		if len(byStep[i]) == 0 && !isTrendRatio(measure) {
			observations[i] = number(0.0)
		}
	}
	t.behind = len(steps) - 1 - last
	for i := range steps[:last+1] {
		if !steps[i].From.Before(shownFrom) {
			t.spans, t.times, t.actual = append(t.spans, steps[i]), append(t.times, steps[i].From), append(t.actual, observations[i])
		}
	}
	// Usage began somewhere within its first step, whose sum is too small to learn from.
	if first > 0 && first < last && !isTrendRatio(measure) {
		first++
	}
	t.history, t.historySpan = observations[first:last+1], kpi.Span{From: steps[first].From, To: steps[last].To}
}

// bounds are the interval columns, by the place of the level in the forecast.
var bounds = []struct{ lower, upper string }{{"lower_80", "upper_80"}, {"lower_95", "upper_95"}}

// frame has a row a step: those of the range, then those ahead. The last actual is
// also where forecast and intervals begin, so that a chart's line and bands go on
// from it without a gap.
func (t *trend) frame(measure string) *data.Frame {
	rows := len(t.times) + len(t.ahead)
	times := append([]time.Time{}, t.times...)
	for _, step := range t.ahead {
		times = append(times, step.From)
	}
	actual, forecast, avoided := make([]*float64, rows), make([]*float64, rows), make([]*float64, rows)
	copy(actual, t.actual)
	for i, sum := range t.avoided {
		avoided[i] = maybe(sum)
	}
	lower, upper := make([][]*float64, len(bounds)), make([][]*float64, len(bounds))
	for level := range bounds {
		lower[level], upper[level] = make([]*float64, rows), make([]*float64, rows)
	}
	if t.forecast != nil {
		joint := len(t.times) - 1
		forecast[joint] = actual[joint]
		for i, point := range t.forecast.Points {
			forecast[joint+1+i] = number(point)
		}
		for level, interval := range t.forecast.Intervals {
			lower[level][joint], upper[level][joint] = actual[joint], actual[joint]
			for i := range interval.Lower {
				lower[level][joint+1+i], upper[level][joint+1+i] = number(interval.Lower[i]), number(interval.Upper[i])
			}
		}
	}
	frame := data.NewFrame("Efficiency trend", data.NewField("time", nil, times), measureField("actual", measure, actual),
		measureField("forecast", measure, forecast))
	for level, names := range bounds {
		frame.Fields = append(frame.Fields, measureField(names.lower, measure, lower[level]), measureField(names.upper, measure, upper[level]))
	}
	frame.Fields = append(frame.Fields, numberField("cost_avoided_usd", avoided))
	return frame
}

// measureField is a field in the unit of the measure.
func measureField(name, measure string, values []*float64) *data.Field {
	field := numberField(name, values)
	field.Config.Unit = columns[measure].unit
	return field
}

// numbers is one row: what is forecast for the next quarter (or the asked steps),
// the cost avoided in the range, and the last whole step.
func (t *trend) numbers(measure string) *data.Frame {
	var actual, avoided *float64
	if last := len(t.times) - 1; last >= 0 {
		actual, avoided = t.actual[last], maybe(t.avoided[last])
	}
	return data.NewFrame("Efficiency trend", measureField("forecast", measure, []*float64{t.forecastNumber(measure)}),
		numberField("cost_avoided_usd", []*float64{avoided}), measureField("actual", measure, []*float64{actual}))
}

// forecastNumber sums the forecast up, or takes its mean for a ratio. A step that
// lies partly in the period counts with that part.
func (t *trend) forecastNumber(measure string) *float64 {
	if t.forecast == nil {
		return nil
	}
	var sum, weight float64
	for i, step := range t.ahead {
		from, to := later(step.From, t.forecastOf.From), earlier(step.To, t.forecastOf.To)
		if part := to.Sub(from).Seconds() / step.Duration().Seconds(); part > 0 {
			sum, weight = sum+t.forecast.Points[i]*part, weight+part
		}
	}
	if !isTrendRatio(measure) {
		return number(sum)
	}
	return number(sum / weight)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// trendMeta says how a trend was made.
type trendMeta struct {
	Measure string `json:"measure"`
	Unit    string `json:"unit"`
	Step    string `json:"step"`
	// LeftOut is the step that is not over, or that the range cuts off.
	LeftOut  *spanMeta         `json:"leftOutStep,omitempty"`
	History  *trendHistoryMeta `json:"trainingHistory,omitempty"`
	Forecast *forecastMeta     `json:"forecast,omitempty"`
	Baseline *baselineMeta     `json:"costAvoidedBaseline,omitempty"`
}

type trendHistoryMeta struct {
	spanMeta
	Steps        int `json:"steps"`
	Observations int `json:"observations"`
}

type forecastMeta struct {
	Model      string              `json:"model"`
	Parameters *smoothingMeta      `json:"parameters,omitempty"`
	Horizon    int                 `json:"horizonSteps"`
	Levels     []float64           `json:"intervalLevels"`
	MASE       *float64            `json:"mase,omitempty"`
	NaiveMASE  *float64            `json:"naiveMase,omitempty"`
	Origins    int                 `json:"backTestOrigins"`
	Fallback   string              `json:"fallback,omitempty"`
	Number     *forecastNumberMeta `json:"number"`
}

type smoothingMeta struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Gamma float64 `json:"gamma"`
	Phi   float64 `json:"phi"`
}

// forecastNumberMeta says what the metric forecast is of, and its value.
type forecastNumberMeta struct {
	spanMeta
	Aggregation string   `json:"aggregation"` // sum or mean
	Value       *float64 `json:"value"`
}

type baselineMeta struct {
	spanMeta
	Basis         string   `json:"basis"` // preceding or first
	ModelsWithout []string `json:"modelsWithout,omitempty"`
}

func (t *trend) describe(options efficiencyTrendOptions, zone *time.Location) *trendMeta {
	m := &trendMeta{Measure: options.Measure, Unit: columns[options.Measure].unit, Step: string(t.interval)}
	if t.leftOut != nil {
		span := describeSpan(*t.leftOut, zone)
		m.LeftOut = &span
	}
	if len(t.history) > 0 {
		m.History = &trendHistoryMeta{spanMeta: describeSpan(t.historySpan, zone), Steps: len(t.history)}
		for _, observation := range t.history {
			if observation != nil {
				m.History.Observations++
			}
		}
	}
	if len(t.times) > 0 {
		m.Baseline = &baselineMeta{spanMeta: describeSpan(t.baselinePeriod, zone), Basis: t.baseline, ModelsWithout: t.withoutBaseline}
	}
	if t.forecast == nil {
		return m
	}
	f := &forecastMeta{Model: t.forecast.Model, Horizon: len(t.ahead), Levels: []float64{}, MASE: t.forecast.MASE, NaiveMASE: t.forecast.NaiveMASE,
		Origins: t.forecast.Origins, Fallback: t.forecast.Fallback,
		Number: &forecastNumberMeta{spanMeta: describeSpan(t.forecastOf, zone), Aggregation: "sum", Value: t.forecastNumber(options.Measure)}}
	if isTrendRatio(options.Measure) {
		f.Number.Aggregation = "mean of the steps"
	}
	for _, interval := range t.forecast.Intervals {
		f.Levels = append(f.Levels, interval.Level)
	}
	if p := t.forecast.Parameters; p != nil {
		f.Parameters = &smoothingMeta{Alpha: p.Alpha, Beta: p.Beta, Gamma: p.Gamma, Phi: p.Phi}
	}
	m.Forecast = f
	return m
}
