package otlp

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// energySettings are the mapping's intensities.
type energySettings struct {
	Intensities []intensityRule `yaml:"intensities"`
	// Reference takes the intensity of the model's task class where nothing nearer is
	// known.
	Reference bool `yaml:"reference"`
}

// intensityRule is a measured intensity of models, of IT energy.
type intensityRule struct {
	Model                *mapping.Pattern `yaml:"model"`
	JoulesPerInputToken  float64          `yaml:"joules_per_input_token"`
	JoulesPerOutputToken float64          `yaml:"joules_per_output_token"`
	WattHoursPer1k       float64          `yaml:"wh_per_1k_requests"`
	Source               string           `yaml:"source"`
}

func (s energySettings) check() error {
	for i, r := range s.Intensities {
		i := i + 1
		switch {
		case !r.Model.Stated():
			return fmt.Errorf("energy.intensities, entry %d: model has no expression", i)
		case strings.TrimSpace(r.Source) == "":
			return fmt.Errorf("energy.intensities, entry %d: source is missing: say who measured it, and where", i)
		}
		sum := 0.0
		for _, amount := range []float64{r.JoulesPerInputToken, r.JoulesPerOutputToken, r.WattHoursPer1k} {
			if !(amount >= 0) || math.IsInf(amount, 0) {
				return fmt.Errorf("energy.intensities, entry %d: %g is no intensity", i, amount)
			}
			sum += amount
		}
		if sum == 0 {
			return errors.New("energy.intensities: give joules_per_output_token, joules_per_input_token or wh_per_1k_requests")
		}
	}
	return nil
}

// Benchmark gives the energy per output token of models by their names: the chosen
// configurations of a file of the ML.ENERGY Leaderboard.
type Benchmark map[string]float64 // J per output token, by lower-case name

// ChooseBenchmark takes of each model that was measured on a GPU the configuration that
// [ingest.MLEnergy.Choose] takes. maxNumSeqs may be 0.
func ChooseBenchmark(measured ingest.MLEnergy, gpu string, maxNumSeqs int) (Benchmark, error) {
	chosen := Benchmark{}
	var last error
	for _, c := range measured.Configurations {
		name := strings.ToLower(c.ModelID)
		if _, done := chosen[name]; done {
			continue
		}
		configuration, _, err := measured.Choose(c.ModelID, gpu, maxNumSeqs)
		if err != nil {
			last = err // another GPU's, or no such batch size
			continue
		}
		chosen[name] = configuration.EnergyPerTokenJoules
	}
	if len(chosen) == 0 {
		return nil, last
	}
	return chosen, nil
}

// surroundings are what the warehouse knows that an estimate depends on.
type surroundings struct {
	hosts      []warehouse.CollectedHost
	classes    map[string]string  // of models that are there
	references map[string]float64 // Wh per 1,000 requests by task class
	regions    map[string]bool
	readAt     time.Time
}

// forgottenAfter is how long a host counts as collected after its agent was last heard:
// an agent that comes back within it counts the energy of the pause too.
const forgottenAfter = 24 * time.Hour

// collected says whether the energy of a host at a time is in facts of its own.
func (s *surroundings) collected(host string, at time.Time) bool {
	if host == "" {
		return false
	}
	for _, h := range s.hosts {
		if sameHost(h.Name, host) && !at.Before(h.Since) && at.Before(h.Last.Add(forgottenAfter)) {
			return true
		}
	}
	return false
}

// sameHost compares names of hosts, of which one may be qualified: gpu-1 is
// gpu-1.example.com.
func sameHost(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == b {
		return true
	}
	longer, shorter := a, b
	if len(b) > len(a) {
		longer, shorter = b, a
	}
	return !strings.Contains(shorter, ".") && shorter != "" && strings.HasPrefix(longer, shorter+".")
}

// work is what a request or a step of a metric stream did.
type work struct{ requests, input, output int64 }

// estimator gives work its energy.
type estimator struct {
	settings  energySettings
	benchmark Benchmark
}

// energy returns the IT energy of work at a time. metered says that it is none because
// a GPU's counter has it; known is false where there is no answer.
func (e estimator) energy(p placement, w work, at time.Time, around *surroundings) (energy kpi.KilowattHours, metered, known bool) {
	if p.energy == EnergyCounter || p.energy == "" && around.collected(p.host, at) {
		return 0, true, true
	}
	for _, r := range e.settings.Intensities {
		if r.Model.MatchString(p.model) {
			joules := float64(w.input)*r.JoulesPerInputToken + float64(w.output)*r.JoulesPerOutputToken
			return kpi.KilowattHoursFromJoules(joules) + kpi.KilowattHours(float64(w.requests)*r.WattHoursPer1k/1e6), false, true
		}
	}
	if joules, ok := e.benchmark[strings.ToLower(p.model)]; ok {
		return kpi.KilowattHoursFromJoules(float64(w.output) * joules), false, true
	}
	if e.settings.Reference {
		class, there := around.classes[p.model]
		if !there {
			class = p.taskClass
		}
		if wattHours, ok := around.references[class]; ok {
			return kpi.KilowattHours(float64(w.requests) * wattHours / 1e6), false, true
		}
	}
	return 0, false, false
}
