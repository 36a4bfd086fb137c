package company

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// campaign is a training that a team repeats every month.
type campaign struct {
	model, project, feature, region string
	workload                        kpi.Workload
	gpus                            int
	hours                           float64
	day                             int // of the month, 0 to 20: a run ends in its month
}

func campaigns() []campaign {
	return []campaign{
		{modelRanking, projectRanking, "monthly retraining", iowa, kpi.WorkloadTraining, 32, 96, 1},
		{"BAAI/bge-m3", "semantic-search", "catalogue refresh", iowa, kpi.WorkloadFineTuning, 16, 60, 8},
		{"norrfold/query-intent", "semantic-search", "new intents", iowa, kpi.WorkloadTraining, 8, 24, 13},
		{"meta-llama/Llama-3.1-8B-Instruct", "product-answers", "shop adapters", iowa, kpi.WorkloadFineTuning, 32, 40, 15},
		{"Qwen/Qwen2.5-VL-7B-Instruct", "visual-search", "fashion adapters", virginia, kpi.WorkloadFineTuning, 32, 72, 19},
		{modelCare, projectCare, "policy update", virginia, kpi.WorkloadFineTuning, 64, 80, 4},
		{modelCare, projectCare, "conversation replay", virginia, kpi.WorkloadEvaluation, 16, 36, 11},
		{"openai/whisper-large-v3", "contact-centre-insights", "accents", paris, kpi.WorkloadFineTuning, 16, 48, 16},
		{"Qwen/QwQ-32B", "replenishment-planner", "reinforcement on orders", eemshaven, kpi.WorkloadTraining, 64, 100, 10},
		{"facebook/detr-resnet-50", "shelf-vision", "new packaging", eemshaven, kpi.WorkloadFineTuning, 16, 60, 3},
		{"Qwen/Qwen2.5-Coder-7B-Instruct", "logistics-copilot", "house libraries", finland, kpi.WorkloadFineTuning, 16, 50, 6},
		{modelWriter, projectCampaign, "brand voice", paris, kpi.WorkloadTraining, 48, 90, 17},
		{modelWriter, projectCampaign, "editor panel", paris, kpi.WorkloadEvaluation, 8, 30, 20},
		{modelImagery, projectImagery, "season styles", singapore, kpi.WorkloadFineTuning, 32, 60, 2},
	}
}

// trainingKilowatts is what a training takes a GPU, its share of the host
// included: an H100 at full load with an eighth of its server.
const trainingKilowatts = 0.86

// train makes the training runs and their events, one a run.
func (c *Company) train() {
	for month := c.Start; month.Before(c.End); month = month.AddDate(0, 1, 0) {
		for _, k := range campaigns() {
			r := c.random(fmt.Sprintf("%s %s %s %s", k.project, k.model, k.feature, month.Format(time.DateOnly)))
			start := month.AddDate(0, 0, k.day).Add(time.Duration(r.IntN(20)) * time.Hour)
			years := month.Sub(c.stories.release).Hours() / hoursPerYear
			hours := math.Round(k.hours * math.Pow(1.15, years) * around(r, 0.06))
			if k.project == projectImagery {
				k.region = c.imageryRegion(start)
			}
			c.run(k, start, time.Duration(hours)*time.Hour, 0.97+0.012*years+0.002*r.NormFloat64(), around(r, 0.03))
		}
	}
	// The spike: the ranking is trained from scratch, on rented GPUs, in one week.
	for _, variant := range []string{"foundation model, one tower", "foundation model, two towers"} {
		k := campaign{modelRanking, projectRanking, variant, iowa, kpi.WorkloadTraining, 64, 150, 0}
		c.stories.unplanned = append(c.stories.unplanned, c.run(k, c.stories.spikeWeek.Add(6*time.Hour), 150*time.Hour, 1.01, 1))
	}
}

// run adds one training run. Its accuracy is the model's own times relative. A
// run that is not over at the end is not in the company's books yet. The run's id
// is returned all the same.
func (c *Company) run(k campaign, start time.Time, duration time.Duration, relative, power float64) string {
	short := k.model[strings.LastIndex(k.model, "/")+1:]
	id := strings.ReplaceAll(strings.ReplaceAll(fmt.Sprintf("%s-%s-%s", short, k.feature, start.Format("20060102")), ",", ""), " ", "-")
	end := start.Add(duration)
	if start.Before(c.Start) || end.After(c.End) {
		return id
	}
	base := c.Models[slices.IndexFunc(c.Models, func(m warehouse.Model) bool { return m.Name == k.model })]
	accuracy := min(0.995, *base.Accuracy*relative)
	c.TrainingRuns = append(c.TrainingRuns, warehouse.TrainingRun{
		ID: id, Model: k.model, Project: k.project, Feature: k.feature, StartedAt: start, EndedAt: &end,
		GPUCount: &k.gpus, GPUModel: h100.name, Accuracy: &accuracy, AccuracyMetric: base.AccuracyMetric,
	})
	gpuHours := float64(k.gpus) * duration.Hours()
	event := warehouse.Event{
		ID: c.eventID("run/"+id, start), Time: start, Duration: duration, Model: k.model, Project: k.project, Region: k.region,
		Workload: k.workload, RunID: id, ITEnergy: kpi.KilowattHours(gpuHours * trainingKilowatts * power), Measured: true,
		GPUHours: gpuHours, GPUMemoryHours: gpuHours * h100.memory * 0.92, Source: source,
	}
	if k.region != eemshaven {
		cost := kpi.USD(gpuHours * h100.hourlyUSD(start))
		event.Cost = &cost
	}
	c.Events = append(c.Events, event)
	return id
}
