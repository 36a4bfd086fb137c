package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// MLEnergy holds the measured energy of models in many configurations, as the
// ML.ENERGY Leaderboard publishes it by task (public/data/tasks/*.json).
type MLEnergy struct {
	Task           string                  `json:"task"`
	Configurations []MLEnergyConfiguration `json:"configurations"`
}

// MLEnergyConfiguration is one way to serve a model, measured in steady state.
type MLEnergyConfiguration struct {
	ModelID               string  `json:"model_id"`
	GPUModel              string  `json:"gpu_model"`
	NumGPUs               int     `json:"num_gpus"`
	MaxNumSeqs            int     `json:"max_num_seqs"` // requests served side by side at most
	TensorParallel        int     `json:"tensor_parallel"`
	ExpertParallel        int     `json:"expert_parallel"`
	DataParallel          int     `json:"data_parallel"`
	WeightPrecision       string  `json:"weight_precision"`
	TotalParamsBillions   float64 `json:"total_params_billions"`
	EnergyPerTokenJoules  float64 `json:"energy_per_token_joules"` // per output token, all GPUs
	OutputTokensPerSecond float64 `json:"output_throughput_tokens_per_sec"`
}

const largestMLEnergy = 16 << 20

// ReadMLEnergy reads a file of the leaderboard.
func ReadMLEnergy(r io.Reader) (MLEnergy, error) {
	text, err := io.ReadAll(io.LimitReader(r, largestMLEnergy+1))
	if err != nil {
		return MLEnergy{}, err
	}
	if len(text) > largestMLEnergy {
		return MLEnergy{}, fmt.Errorf("it is larger than %d MiB: this is no file of the ML.ENERGY Leaderboard", largestMLEnergy>>20)
	}
	var energy MLEnergy
	if err := json.Unmarshal(text, &energy); err != nil {
		return MLEnergy{}, fmt.Errorf("it is not the JSON of the ML.ENERGY Leaderboard: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(energy.Configurations) == 0 {
		return MLEnergy{}, errors.New(`it has no "configurations": pass a file of public/data/tasks of the ML.ENERGY Leaderboard`)
	}
	return energy, nil
}

// Choose finds the configuration of a model on a GPU. maxNumSeqs of 0 takes the
// middle one of the batch sizes it was measured with, because energy per token
// falls severalfold with the batch, and the note names them all. Of several that differ in nothing asked for (parallelism,
// precision, number of GPUs) it takes the one with the least energy per token,
// and the note says so. The error is an OptionError that lists what there is.
func (m MLEnergy) Choose(model, gpu string, maxNumSeqs int) (chosen MLEnergyConfiguration, note string, err error) {
	ofModel := m.where(func(c MLEnergyConfiguration) bool { return strings.EqualFold(c.ModelID, model) })
	if len(ofModel) == 0 {
		return chosen, "", optionError("no model %q was measured; %s", model, m.nearby(model))
	}
	onGPU := slices.DeleteFunc(slices.Clone(ofModel), func(c MLEnergyConfiguration) bool { return !strings.EqualFold(c.GPUModel, gpu) })
	if len(onGPU) == 0 {
		return chosen, "", optionError("%s was not measured on %q: it was on %s", ofModel[0].ModelID, gpu,
			list(ofModel, func(c MLEnergyConfiguration) string { return c.GPUModel }))
	}
	bySeqs := func(c MLEnergyConfiguration) string {
		return fmt.Sprintf("%d (%.3g J per token)", c.MaxNumSeqs, c.EnergyPerTokenJoules)
	}
	matching := slices.DeleteFunc(slices.Clone(onGPU), func(c MLEnergyConfiguration) bool { return maxNumSeqs != 0 && c.MaxNumSeqs != maxNumSeqs })
	if len(matching) == 0 {
		return chosen, "", optionError("%s on %s was not measured with %d sequences at most: choose one of %s with --max-num-seqs",
			ofModel[0].ModelID, onGPU[0].GPUModel, maxNumSeqs, list(onGPU, bySeqs))
	}
	if middle, several := middleBatch(matching); several {
		note = fmt.Sprintf("%s on %s was measured with several batch sizes, which differ in energy: %s. The middle one, %d, was taken; choose another with --max-num-seqs.",
			ofModel[0].ModelID, onGPU[0].GPUModel, list(matching, bySeqs), middle)
		matching = slices.DeleteFunc(matching, func(c MLEnergyConfiguration) bool { return c.MaxNumSeqs != middle })
	}
	chosen = slices.MinFunc(matching, func(a, b MLEnergyConfiguration) int {
		return cmp.Compare(a.EnergyPerTokenJoules, b.EnergyPerTokenJoules)
	})
	if len(matching) > 1 {
		note += fmt.Sprintf(" Of %d configurations of %s on %s with %d sequences, the one with the least energy per token was taken: %s.",
			len(matching), chosen.ModelID, chosen.GPUModel, chosen.MaxNumSeqs, chosen.describe())
	}
	return chosen, strings.TrimSpace(note), chosen.check()
}

// middleBatch returns the lower median of the batch sizes, and whether there are
// several.
func middleBatch(configurations []MLEnergyConfiguration) (size int, several bool) {
	var sizes []int
	for _, c := range configurations {
		sizes = append(sizes, c.MaxNumSeqs)
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	return sizes[(len(sizes)-1)/2], len(sizes) > 1
}

func (m MLEnergy) where(keep func(MLEnergyConfiguration) bool) []MLEnergyConfiguration {
	var kept []MLEnergyConfiguration
	for _, c := range m.Configurations {
		if keep(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// nearby lists the models with a part of the asked name, else all.
func (m MLEnergy) nearby(model string) string {
	parts := strings.FieldsFunc(strings.ToLower(model), func(r rune) bool { return strings.ContainsRune("/-_. ", r) })
	similar := m.where(func(c MLEnergyConfiguration) bool {
		return slices.ContainsFunc(parts, func(part string) bool {
			return len(part) > 1 && strings.Contains(strings.ToLower(c.ModelID), part)
		})
	})
	name := func(c MLEnergyConfiguration) string { return c.ModelID }
	if len(similar) > 0 {
		return "the nearest are " + list(similar, name)
	}
	return "those that were are " + list(m.Configurations, name)
}

// list names each once, bounded for a terminal.
func list(configurations []MLEnergyConfiguration, name func(MLEnergyConfiguration) string) string {
	const most = 25
	var names []string
	for _, c := range configurations {
		if n := excerpt([]byte(name(c))); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

func (c MLEnergyConfiguration) describe() string {
	return fmt.Sprintf("%d GPUs, %s, tensor/expert/data parallel %d/%d/%d, %.4g J per token",
		c.NumGPUs, c.WeightPrecision, c.TensorParallel, c.ExpertParallel, c.DataParallel, c.EnergyPerTokenJoules)
}

// check refuses a configuration without the figures a join needs.
func (c MLEnergyConfiguration) check() error {
	if !(c.EnergyPerTokenJoules > 0 && c.OutputTokensPerSecond > 0 && c.NumGPUs > 0) {
		return fmt.Errorf("the configuration of %s lacks its energy per token, its throughput or its number of GPUs", c.ModelID)
	}
	return nil
}

// provider is who published the model: the part of its id before the slash.
func (c MLEnergyConfiguration) provider() string {
	provider, _, found := strings.Cut(c.ModelID, "/")
	if !found {
		return ""
	}
	return provider
}

// energy is the IT energy (the GPUs') of a number of output tokens.
func (c MLEnergyConfiguration) energy(outputTokens int64) kpi.KilowattHours {
	return kpi.KilowattHoursFromJoules(float64(outputTokens) * c.EnergyPerTokenJoules)
}

// gpuHours is how long the GPUs take for a number of output tokens.
func (c MLEnergyConfiguration) gpuHours(outputTokens int64) float64 {
	return float64(outputTokens) / c.OutputTokensPerSecond * float64(c.NumGPUs) / 3600
}

// taskClasses are the task classes of the leaderboard's tasks; a task that is
// not here has none.
var taskClasses = map[string]string{
	"lm-arena-chat":   "chat",
	"gpqa":            "reasoning",
	"image-chat":      "image_chat",
	"video-chat":      "video_chat",
	"sourcegraph-fim": "code_completion",
	"text-to-image":   "text_to_image",
	"text-to-video":   "text_to_video",
}
