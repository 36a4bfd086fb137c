package query

import (
	"cmp"
	"math"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// bridgeFrame goes from the previous total to this one in steps, for a stacked bar
// chart: base is the invisible foot of a step. What adds comes first, so that no
// step is below zero.
func bridgeFrame(change *kpi.ChangeDecomposition, options keyDriversOptions) *data.Frame {
	type step struct {
		label         string
		effect        float64
		share         *float64
		base          float64
		total, rising *float64
		falling       *float64
	}
	var steps []step
	highest := max(change.Before, change.After)
	if change.Before > 0 || change.After > 0 {
		steps = append(steps, step{label: "Preceding period", effect: change.Before, total: &change.Before})
		level := change.Before
		for _, effect := range bridgeEffects(change, options.top()) {
			s := step{label: effect.label, effect: effect.effect, share: shareOf(effect.effect, change)}
			s.base = max(0, min(level, level+effect.effect))
			if effect.effect > 0 {
				s.rising = number(effect.effect)
			} else {
				s.falling = number(-effect.effect)
			}
			highest = max(highest, s.base+math.Abs(effect.effect))
			level += effect.effect
			steps = append(steps, s)
		}
		steps = append(steps, step{label: "This period", effect: change.After, total: &change.After})
	}
	n := len(steps)
	labels := make([]string, n)
	effects, shares, bases := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	totals, rising, falling := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	for i, s := range steps {
		labels[i], effects[i], shares[i], bases[i] = s.label, number(s.effect), s.share, number(s.base)
		totals[i], rising[i], falling[i] = s.total, s.rising, s.falling
	}
	base := effectField("base", bases, options.Measure)
	base.Config.Color = map[string]any{"mode": "fixed", "fixedColor": "transparent"}
	base.Config.Custom = map[string]any{"fillOpacity": 0, "lineWidth": 0, "hideFrom": map[string]bool{"legend": true, "tooltip": true, "viz": false}}
	coloured := func(name string, values []*float64, colour string) *data.Field {
		field := effectField(name, values, options.Measure)
		field.Config.Color = map[string]any{"mode": "fixed", "fixedColor": colour}
		field.Config.Custom = map[string]any{}
		return field
	}
	stacked := []*data.Field{base, coloured("total", totals, "blue"), coloured("increase", rising, "red"), coloured("decrease", falling, "green")}
	for _, field := range stacked { // all, as those of another axis stand beside and not on each other
		field.Config.Custom["axisSoftMax"] = axisEnd(highest)
	}
	frame := data.NewFrame("Change in steps", textField("driver", labels), effectField("effect", effects, options.Measure), numberField("share_of_change", shares))
	frame.Fields = append(frame.Fields, stacked...)
	return frame
}

// axisEnd is where an axis from zero to a highest value ends, so that none of its
// labels is at the very end, where a bar chart cuts it in half.
func axisEnd(highest float64) float64 {
	if highest <= 0 {
		return 0
	}
	const room, halfLabel = 1.05, 0.05
	end := highest * room
	power := math.Pow(10, math.Floor(math.Log10(end)))
	tick := power // the step between labels that a chart chooses
	switch {
	case end < 2*power:
		tick = power / 5
	case end < 5*power:
		tick = power / 2
	}
	if over := math.Mod(end, tick); over < halfLabel*end {
		end += halfLabel*end - over
	}
	return end
}

type labelledEffect struct {
	label  string
	effect float64
}

// bridgeEffects are the drivers' totals, all after the greatest in one step, in
// the order of their effect from the greatest rise to the greatest fall.
func bridgeEffects(change *kpi.ChangeDecomposition, top int) []labelledEffect {
	var effects []labelledEffect
	others := labelledEffect{label: "Other drivers"}
	for i, effect := range change.Totals {
		if top > 0 && i >= top {
			others.effect += effect.Effect
			continue
		}
		effects = append(effects, labelledEffect{driverLabel(effect), effect.Effect})
	}
	if top > 0 && len(change.Totals) > top {
		effects = append(effects, others)
	}
	slices.SortStableFunc(effects, func(a, b labelledEffect) int { return cmp.Compare(b.effect, a.effect) })
	return effects
}
