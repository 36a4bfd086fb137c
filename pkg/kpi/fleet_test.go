package kpi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func asset(embodied *kpi.KilogramsCO2e, events ...kpi.HardwareEvent) kpi.HardwareAsset {
	return kpi.HardwareAsset{Life: kpi.NewHardwareLife(events...), Embodied: embodied}
}

func TestHardwareByStage(t *testing.T) {
	deployed := event(date(2023, 1, 1), kpi.HardwareDeployed)
	assets := []kpi.HardwareAsset{
		asset(ptr[kpi.KilogramsCO2e](164), deployed),
		asset(ptr[kpi.KilogramsCO2e](284), deployed),
		asset(ptr[kpi.KilogramsCO2e](150), deployed, event(date(2024, 1, 1), kpi.HardwareEWaste)),
		asset(nil, event(date(2023, 6, 1), kpi.HardwareProcured)),
		asset(ptr[kpi.KilogramsCO2e](999), event(date(2025, 1, 1), kpi.HardwareProcured)), // not there yet
	}
	assert.Equal(t, []kpi.StageTotal{
		{Stage: kpi.HardwareProcured, Assets: 1, Share: ptr(0.25), WithoutEmbodied: 1},
		{Stage: kpi.HardwareDeployed, Assets: 2, Share: ptr(0.5), Embodied: ptr[kpi.KilogramsCO2e](448)},
		{Stage: kpi.HardwareDecommissioned, Share: ptr(0.0), Embodied: ptr[kpi.KilogramsCO2e](0)},
		{Stage: kpi.HardwareReused, Share: ptr(0.0), Embodied: ptr[kpi.KilogramsCO2e](0)},
		{Stage: kpi.HardwareRecycled, Share: ptr(0.0), Embodied: ptr[kpi.KilogramsCO2e](0)},
		{Stage: kpi.HardwareEWaste, Assets: 1, Share: ptr(0.25), Embodied: ptr[kpi.KilogramsCO2e](150)},
	}, kpi.HardwareByStage(assets, date(2024, 6, 1)))

	for _, total := range kpi.HardwareByStage(nil, date(2024, 6, 1)) {
		assert.Nil(t, total.Share, "no hardware has no shares")
	}
}

func TestHardwareFlows(t *testing.T) {
	assets := []kpi.HardwareAsset{
		asset(nil, event(date(2024, 1, 10), kpi.HardwareProcured), event(date(2024, 2, 1), kpi.HardwareDeployed)),
		asset(nil, event(date(2024, 1, 20), kpi.HardwareProcured), event(date(2024, 2, 2), kpi.HardwareDeployed)),
		// Moved to another hall: deployed twice is one move.
		asset(nil, event(date(2023, 1, 1), kpi.HardwareDeployed), event(date(2024, 1, 5), kpi.HardwareDeployed),
			event(date(2024, 2, 5), kpi.HardwareDecommissioned)),
		// Back from recycling: the inventory is wrong.
		asset(nil, event(date(2023, 1, 1), kpi.HardwareRecycled), event(date(2024, 2, 9), kpi.HardwareDeployed)),
		// Beyond the period.
		asset(nil, event(date(2024, 3, 1), kpi.HardwareProcured)),
	}
	assert.Equal(t, []kpi.HardwareFlow{
		{From: "", To: kpi.HardwareProcured, Assets: 2},
		{From: kpi.HardwareProcured, To: kpi.HardwareDeployed, Assets: 2},
		{From: kpi.HardwareDeployed, To: kpi.HardwareDecommissioned, Assets: 1},
		{From: kpi.HardwareRecycled, To: kpi.HardwareDeployed, Assets: 1, OutOfOrder: true},
	}, kpi.HardwareFlows(assets, kpi.Span{From: date(2024, 1, 1), To: date(2024, 3, 1)}))

	assert.Equal(t, []kpi.HardwareFlow{
		{From: kpi.HardwareProcured, To: kpi.HardwareDeployed, Assets: 2},
		{From: kpi.HardwareDeployed, To: kpi.HardwareDecommissioned, Assets: 1},
		{From: kpi.HardwareRecycled, To: kpi.HardwareDeployed, Assets: 1, OutOfOrder: true},
	}, kpi.HardwareFlows(assets, kpi.Span{From: date(2024, 2, 1), To: date(2024, 3, 1)}), "where it came from is known from before the period")
}

func TestFlowsExplainTheStages(t *testing.T) {
	day := func(t *rapid.T, name string) time.Time { return date(2024, 1, rapid.IntRange(1, 60).Draw(t, name)) }
	rapid.Check(t, func(t *rapid.T) {
		assets := rapid.SliceOf(rapid.Custom(func(t *rapid.T) kpi.HardwareAsset {
			return asset(nil, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.HardwareEvent {
				return event(day(t, "time"), rapid.SampledFrom(kpi.HardwareStages()).Draw(t, "stage"))
			}), 0, 6).Draw(t, "events")...)
		})).Draw(t, "assets")
		from, to := day(t, "from"), day(t, "to")
		if to.Before(from) {
			from, to = to, from
		}
		change := map[kpi.HardwareStage]int{}
		for _, flow := range kpi.HardwareFlows(assets, kpi.Span{From: from, To: to}) {
			require.Positive(t, flow.Assets)
			change[flow.To] += flow.Assets
			change[flow.From] -= flow.Assets
		}
		before, after := kpi.HardwareByStage(assets, from), kpi.HardwareByStage(assets, to)
		sum, counted := 0.0, 0
		for i, total := range after {
			require.Equalf(t, total.Assets, before[i].Assets+change[total.Stage], "%s at the end is what was there, plus what came, minus what went", total.Stage)
			counted += total.Assets
			if total.Share != nil {
				sum += *total.Share
			}
		}
		if counted > 0 {
			require.InDelta(t, 1, sum, 1e-12, "the shares sum to one")
		}
	})
}
