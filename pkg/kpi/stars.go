package kpi

import (
	"math"
	"slices"
	"strings"
)

// StarBands is the rule that cuts a cohort of models into five bands. Its values
// are those of the query option starBands.
type StarBands string

// The band rules. AI Energy Score's documentation states both, "dividing the GPU
// energy range for a specific task into five equal sections" and "the highest
// 20 % of models" for one star (github.com/huggingface/AIEnergyScore, index.md).
// They give different stars, so an answer names its rule.
const (
	// StarBandsRange cuts the range between the least and the most energy into
	// five equal bands.
	StarBandsRange StarBands = "range"
	// StarBandsQuintile cuts the models, ordered by energy, into five equal parts.
	StarBandsQuintile StarBands = "quintile"
)

// minimumCohort is the number of models under which stars say nothing: of five
// bands, some would be empty by necessity.
const minimumCohort = 5

// ModelIntensity is what a model is given stars by.
type ModelIntensity struct {
	// TaskClass is what the model is compared within; empty is not compared.
	TaskClass string
	// Intensity is in kWh per 1,000 requests; nil is not compared.
	Intensity *float64
}

// Cohort is the set of models that stars were given among. A star means nothing
// without it, because the bands move with the cohort.
type Cohort struct {
	TaskClass string
	Models    int
	Least     float64 // kWh per 1,000 requests
	Most      float64 // kWh per 1,000 requests
	Bands     StarBands
}

// Starred reports whether the cohort's models get stars: there are at least five
// and their intensities differ.
func (c Cohort) Starred() bool { return c.Models >= minimumCohort && c.Least < c.Most }

// Stars gives each model one to five stars within its task class, five to the
// least energy intensity:
//
//	range:    5 − min(4, ⌊5 · (E − E_min) / (E_max − E_min)⌋)
//	quintile: 5 − ⌊5 · models with less energy / models⌋
//
// The stars are in the order of the models, one entry a model; the cohorts are by
// name of the task class. Models of equal intensity get equal stars. Refused,
// with nil, for a model without task class or intensity and in a cohort that is
// not Starred; the cohort is described all the same.
func Stars(models []ModelIntensity, bands StarBands) ([]*int, []Cohort) {
	intensities := map[string][]float64{}
	for _, m := range models {
		if m.comparable() {
			intensities[m.TaskClass] = append(intensities[m.TaskClass], *m.Intensity)
		}
	}
	cohorts, byTaskClass := make([]Cohort, 0, len(intensities)), map[string]Cohort{}
	for taskClass, within := range intensities {
		slices.Sort(within)
		cohort := Cohort{TaskClass: taskClass, Models: len(within), Least: within[0], Most: within[len(within)-1], Bands: bands}
		cohorts, byTaskClass[taskClass] = append(cohorts, cohort), cohort
	}
	slices.SortFunc(cohorts, func(a, b Cohort) int { return strings.Compare(a.TaskClass, b.TaskClass) })

	stars := make([]*int, len(models))
	for i, m := range models {
		if cohort := byTaskClass[m.TaskClass]; m.comparable() && cohort.Starred() {
			star := 5 - cohort.band(*m.Intensity, intensities[m.TaskClass])
			stars[i] = &star
		}
	}
	return stars, cohorts
}

// band is 0 for the least energy up to 4 for the most.
func (c Cohort) band(intensity float64, ordered []float64) int {
	if c.Bands == StarBandsQuintile {
		less, _ := slices.BinarySearch(ordered, intensity)
		return 5 * less / c.Models
	}
	return min(4, int(5*((intensity-c.Least)/(c.Most-c.Least))))
}

func (m ModelIntensity) comparable() bool {
	return m.TaskClass != "" && m.Intensity != nil && *m.Intensity >= 0 && !math.IsInf(*m.Intensity, 1)
}
