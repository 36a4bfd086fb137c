package kpi_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func models(taskClass string, intensities ...float64) []kpi.ModelIntensity {
	cohort := make([]kpi.ModelIntensity, len(intensities))
	for i, intensity := range intensities {
		cohort[i] = kpi.ModelIntensity{TaskClass: taskClass, Intensity: &intensity}
	}
	return cohort
}

// starList prints stars as digits, a dash for none.
func starList(stars []*int) string {
	list := ""
	for _, star := range stars {
		if star == nil {
			list += "-"
			continue
		}
		list += fmt.Sprint(*star)
	}
	return list
}

func TestStars(t *testing.T) {
	tests := []struct {
		name        string
		intensities []float64
		bands       kpi.StarBands
		want        string
	}{
		{"range: the edges of the bands belong to the higher energy", []float64{0, 20, 40, 60, 80, 100}, kpi.StarBandsRange, "543211"},
		{"range: just under an edge", []float64{0, 19.9, 39.9, 59.9, 79.9, 100}, kpi.StarBandsRange, "554321"},
		{"range: one outlier leaves the others together", []float64{1, 2, 3, 4, 1000}, kpi.StarBandsRange, "55551"},
		{"quintile: one outlier changes nothing", []float64{1, 2, 3, 4, 1000}, kpi.StarBandsQuintile, "54321"},
		{"quintile: ten models, two a star", []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, kpi.StarBandsQuintile, "1122334455"},
		{"quintile: equals get equal stars", []float64{1, 1, 1, 1, 5, 5}, kpi.StarBandsQuintile, "555522"},
		{"four models say nothing", []float64{1, 2, 3, 4}, kpi.StarBandsRange, "----"},
		{"nor by quintile", []float64{1, 2, 3, 4}, kpi.StarBandsQuintile, "----"},
		{"five of one intensity say nothing", []float64{3, 3, 3, 3, 3}, kpi.StarBandsRange, "-----"},
		{"nor by quintile", []float64{3, 3, 3, 3, 3}, kpi.StarBandsQuintile, "-----"},
		{"no models", nil, kpi.StarBandsRange, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stars, _ := kpi.Stars(models("chat", test.intensities...), test.bands)
			assert.Equal(t, test.want, starList(stars))
		})
	}
}

func TestStarsAreWithinTheTaskClass(t *testing.T) {
	cohort := append(models("text to image", 100, 200, 300, 400, 500), models("chat", 1, 2, 3, 4, 5)...)
	cohort = append(cohort, models("video", 9)...)
	cohort = append(cohort, models("", 1)...)
	cohort = append(cohort, kpi.ModelIntensity{TaskClass: "chat"}) // served nothing

	stars, cohorts := kpi.Stars(cohort, kpi.StarBandsRange)

	assert.Equal(t, "54321"+"54321"+"-"+"-"+"-", starList(stars))
	assert.Equal(t, []kpi.Cohort{
		{TaskClass: "chat", Models: 5, Least: 1, Most: 5, Bands: kpi.StarBandsRange},
		{TaskClass: "text to image", Models: 5, Least: 100, Most: 500, Bands: kpi.StarBandsRange},
		{TaskClass: "video", Models: 1, Least: 9, Most: 9, Bands: kpi.StarBandsRange},
	}, cohorts)
	assert.True(t, cohorts[0].Starred())
	assert.False(t, cohorts[2].Starred())
}

func TestStarsFallWithEnergy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		intensities := rapid.SliceOfN(rapid.Float64Range(0, 1e308), 5, 30).Draw(t, "intensities")
		bands := rapid.SampledFrom([]kpi.StarBands{kpi.StarBandsRange, kpi.StarBandsQuintile}).Draw(t, "bands")
		stars, cohorts := kpi.Stars(models("chat", intensities...), bands)
		if !cohorts[0].Starred() {
			return
		}
		for i, star := range stars {
			require.NotNil(t, star)
			require.GreaterOrEqual(t, *star, 1)
			require.LessOrEqual(t, *star, 5)
			if intensities[i] == cohorts[0].Least {
				require.Equal(t, 5, *star, "the least energy has five stars")
			}
			if intensities[i] == cohorts[0].Most && bands == kpi.StarBandsRange {
				require.Equal(t, 1, *star, "the most energy has one star")
			}
			for j, other := range stars {
				if intensities[i] < intensities[j] {
					require.GreaterOrEqual(t, *star, *other)
				}
				if intensities[i] == intensities[j] {
					require.Equal(t, *star, *other)
				}
			}
		}
	})
}

func TestStarsLeaveOutWhatIsNoIntensity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		intensities := rapid.SliceOfN(anyFloat(), 0, 20).Draw(t, "intensities")
		_, cohorts := kpi.Stars(models("chat", intensities...), kpi.StarBandsRange)
		for _, cohort := range cohorts {
			requireNumber(t, "the least", &cohort.Least)
			requireNumber(t, "the most", &cohort.Most)
			require.GreaterOrEqual(t, cohort.Least, 0.0)
		}
	})
}
