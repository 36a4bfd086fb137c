package kpi

import (
	"cmp"
	"slices"
	"time"
)

// StageTotal is the part of the hardware that is in one stage.
type StageTotal struct {
	Stage  HardwareStage
	Assets int
	// Share is of all assets, 0..1; nil where there are none.
	Share *float64
	// Embodied is the whole embodied carbon of these assets in kgCO2e, not
	// amortised; nil where one has no figure. WithoutEmbodied counts those.
	Embodied        *KilogramsCO2e
	WithoutEmbodied int
}

// HardwareByStage counts the assets in each stage at the end of a period that
// lasts up to, not including, end:
//
//	share = assets in the stage / all assets
//
// It has all six stages in the order of a life; assets that were not there yet
// are left out. Source: the guide's Hardware Lifecycle & E-Waste Tracker.
func HardwareByStage(assets []HardwareAsset, end time.Time) []StageTotal {
	byStage, all := map[HardwareStage][]HardwareAsset{}, 0
	for _, asset := range assets {
		if stage, there := asset.Life.StageBefore(end); there {
			byStage[stage] = append(byStage[stage], asset)
			all++
		}
	}
	stages := HardwareStages()
	totals := make([]StageTotal, len(stages))
	for i, stage := range stages {
		within := byStage[stage]
		embodied, without := sumEmbodied(within)
		totals[i] = StageTotal{
			Stage: stage, Assets: len(within), Share: quotient(float64(len(within)), float64(all)),
			Embodied: embodied, WithoutEmbodied: without,
		}
	}
	return totals
}

// HardwareFlow is how often assets went from one stage to another.
type HardwareFlow struct {
	From   HardwareStage // empty: new to the inventory
	To     HardwareStage
	Assets int // an asset that went this way twice counts twice
	// OutOfOrder is a move that cannot be, see MayFollow: the inventory is wrong.
	OutOfOrder bool
}

// HardwareFlows counts the moves between stages in a span, in the order of a
// life. An event that repeats the stage before it is no move. What is in a stage
// at the end is what was there at the beginning, plus the flows to it, minus
// those from it.
func HardwareFlows(assets []HardwareAsset, span Span) []HardwareFlow {
	type move struct{ from, to HardwareStage }
	counts := map[move]int{}
	for _, asset := range assets {
		previous := hardwareNew
		for _, e := range asset.Life.events {
			if e.Stage != previous && !e.Time.Before(span.From) && e.Time.Before(span.To) {
				counts[move{previous, e.Stage}]++
			}
			previous = e.Stage
		}
	}
	flows := make([]HardwareFlow, 0, len(counts))
	for m, assets := range counts {
		flows = append(flows, HardwareFlow{From: m.from, To: m.to, Assets: assets, OutOfOrder: !m.to.MayFollow(m.from)})
	}
	slices.SortFunc(flows, func(a, b HardwareFlow) int {
		return cmp.Or(cmp.Compare(a.From.order(), b.From.order()), cmp.Compare(a.To.order(), b.To.order()))
	})
	return flows
}
