package kpi_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestAmortisedEmbodied(t *testing.T) {
	whole := func(total kpi.KilogramsCO2e, reserved, lifespan time.Duration) kpi.Reservation {
		return kpi.Reservation{TotalEmbodied: total, TimeReserved: reserved, ExpectedLifespan: lifespan, ResourcesReserved: 1, TotalResources: 1}
	}
	withResources := func(reserved, total float64) kpi.Reservation {
		r := whole(1312, kpi.Years(4), kpi.Years(4))
		r.ResourcesReserved, r.TotalResources = reserved, total
		return r
	}
	tests := []struct {
		name        string
		reservation kpi.Reservation
		want        *float64
	}{
		// "1000 * 1/(4*365*24) or around 28 g" (github.com/Green-Software-Foundation/sci, SPEC.md).
		{"the SCI specification's example", whole(1000, time.Hour, kpi.Years(4)), ptr(0.0285388)},
		// 1,312 kg for the board, 164 kg a GPU (NVIDIA, HGX H100 Product Carbon Footprint Summary).
		{"one of an HGX H100's eight GPUs for its life", withResources(1, 8), ptr(164.0)},
		{"not used", whole(1000, 0, kpi.Years(4)), ptr(0.0)},
		{"no lifespan", whole(1000, time.Hour, 0), nil},
		{"time below zero", whole(1000, -time.Hour, kpi.Years(4)), nil},
		{"embodied below zero", whole(-1, time.Hour, kpi.Years(4)), nil},
		{"no resources", withResources(1, 0), nil},
		{"more resources than there are", withResources(9, 8), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := kpi.AmortisedEmbodied(test.reservation)
			if test.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.InDelta(t, *test.want, float64(*got), 1e-6)
		})
	}
}

func TestYears(t *testing.T) {
	assert.Equal(t, 35_040*time.Hour, kpi.Years(4), "Cloud Carbon Footprint's four years")
	assert.Equal(t, time.Duration(math.MaxInt64), kpi.Years(1e9))
	assert.Equal(t, time.Duration(math.MinInt64), kpi.Years(-1e9))
	assert.Zero(t, kpi.Years(math.NaN()))
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestAmortisedIn(t *testing.T) {
	asset := kpi.HardwareAsset{
		Life: kpi.NewHardwareLife(
			kpi.HardwareEvent{Time: date(2022, 1, 1), Stage: kpi.HardwareProcured},
			kpi.HardwareEvent{Time: date(2023, 1, 1), Stage: kpi.HardwareRecycled}),
		Lifetime: kpi.Years(4), Embodied: ptr[kpi.KilogramsCO2e](1460),
	}
	tests := []struct {
		name     string
		from, to time.Time
		want     float64
	}{
		{"a kilogram a day", date(2022, 3, 1), date(2022, 3, 31), 30},
		{"from the acquisition on", date(2021, 12, 1), date(2022, 1, 11), 10},
		{"on after it was given up", date(2024, 3, 1), date(2024, 3, 31), 30},
		{"until the lifetime's end", date(2025, 12, 21), date(2027, 1, 1), 10},
		{"not before", date(2021, 1, 1), date(2022, 1, 1), 0},
		{"not after", date(2026, 6, 1), date(2026, 7, 1), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := asset.AmortisedIn(kpi.Span{From: test.from, To: test.to})
			require.NotNil(t, got)
			assert.InDelta(t, test.want, float64(*got), 1e-9)
		})
	}
	span := kpi.Span{From: date(2022, 3, 1), To: date(2022, 3, 31)}
	assert.Nil(t, kpi.HardwareAsset{Life: asset.Life, Lifetime: asset.Lifetime}.AmortisedIn(span), "without a figure")
	assert.Nil(t, kpi.HardwareAsset{Life: asset.Life, Embodied: asset.Embodied}.AmortisedIn(span), "without a lifetime")
	assert.Nil(t, kpi.HardwareAsset{Lifetime: asset.Lifetime, Embodied: asset.Embodied}.AmortisedIn(span), "without an event")
}

func TestAmortisedPartsAddUpToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acquired := date(2022, 5, 17)
		asset := kpi.HardwareAsset{
			Life:     kpi.NewHardwareLife(kpi.HardwareEvent{Time: acquired, Stage: kpi.HardwareProcured}),
			Lifetime: kpi.Years(rapid.Float64Range(0.5, 8).Draw(t, "years")),
			Embodied: ptr(kpi.KilogramsCO2e(rapid.Float64Range(0, 5000).Draw(t, "embodied"))),
		}
		span := kpi.Span{From: date(2021, 1, 1), To: date(2031, 1, 1)}
		interval := rapid.SampledFrom(kpi.Intervals()[1:]).Draw(t, "interval")
		sum := kpi.KilogramsCO2e(0)
		for _, bucket := range (kpi.Calendar{}).Buckets(span, interval) {
			sum += *asset.AmortisedIn(bucket.Span)
		}
		require.InDelta(t, float64(*asset.Embodied), float64(sum), 1e-6)
	})
}

func TestEmbodiedByPurchaseYear(t *testing.T) {
	bought := func(at time.Time, embodied *kpi.KilogramsCO2e) kpi.HardwareAsset {
		return kpi.HardwareAsset{Life: kpi.NewHardwareLife(kpi.HardwareEvent{Time: at, Stage: kpi.HardwareProcured}), Embodied: embodied}
	}
	assets := []kpi.HardwareAsset{
		bought(date(2024, 11, 1), nil),
		bought(date(2023, 9, 30), ptr[kpi.KilogramsCO2e](164)),
		bought(date(2023, 10, 1), ptr[kpi.KilogramsCO2e](164)),
		bought(date(2023, 12, 1), ptr[kpi.KilogramsCO2e](284)),
		bought(date(2024, 12, 1), ptr[kpi.KilogramsCO2e](284)),
		{Embodied: ptr[kpi.KilogramsCO2e](9)},
	}
	// The United States' federal fiscal year 2024 began on 1 October 2023.
	federal := kpi.Calendar{FiscalYearStartMonth: time.October}
	assert.Equal(t, []kpi.PurchaseYear{
		{FiscalYear: 2023, Assets: 1, Embodied: ptr[kpi.KilogramsCO2e](164)},
		{FiscalYear: 2024, Assets: 2, Embodied: ptr[kpi.KilogramsCO2e](448)},
		{FiscalYear: 2025, Assets: 2, WithoutEmbodied: 1},
	}, kpi.EmbodiedByPurchaseYear(assets, federal))
}

func TestEmbodiedFiguresAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requireNumber(t, "the amortised part", kpi.AmortisedEmbodied(kpi.Reservation{
			TotalEmbodied:     kpi.KilogramsCO2e(anyFloat().Draw(t, "embodied")),
			TimeReserved:      time.Duration(rapid.Int64().Draw(t, "reserved")),
			ExpectedLifespan:  time.Duration(rapid.Int64().Draw(t, "lifespan")),
			ResourcesReserved: anyFloat().Draw(t, "resources"),
			TotalResources:    anyFloat().Draw(t, "of"),
		}))
	})
}
