package company

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// The company's regions.
const (
	iowa      = "us-central1"
	virginia  = "us-east4"
	eemshaven = "europe-west4" // the company's own hall
	paris     = "europe-west9"
	finland   = "europe-north1"
	singapore = "asia-southeast1"
)

func regions() []string { return []string{iowa, virginia, eemshaven, paris, finland, singapore} }

// utcOffset is the hours by which the customers of a region are ahead of UTC,
// without daylight saving.
var utcOffset = map[string]int{iowa: -6, virginia: -5, eemshaven: 1, paris: 1, finland: 2, singapore: 8}

// pattern is when an endpoint is asked.
type pattern int

const (
	shopping pattern = iota // evenings and weekends, and the sales
	office                  // working hours
	opening                 // stores' opening hours, six days
	nightly                 // batches after closing time
)

// endpoint is a model behind an address in one region, for one project.
type endpoint struct {
	name, model, project, region string
	workload                     kpi.Workload
	pattern                      pattern
	requests                     float64 // millions a year, six months before the end
	growth                       float64 // factor a year
	wattHours                    float64 // IT energy of 1,000 requests
	accelerator                  accelerator
	metered                      bool
	input, output                float64       // tokens a request
	latency                      time.Duration // at night
	from, until                  time.Time     // zero: all the time
}

// reference is the energy in Wh of 1,000 requests that the warehouse compares a
// task class with; see its migrations for the sources.
const (
	chat           = 61.3
	reasoning      = 806.7
	imageChat      = 119.2
	codeCompletion = 25.0
	textToImage    = 802.1
	classification = 2.0
	extractiveQA   = 3.0
	detection      = 38.0
	summarization  = 49.0
)

// endpoints lists what the company serves. Energy is the reference of the task
// class times a factor, so a factor of 1 scores 50; embedding, speech and
// recommendation have no reference.
func (c *Company) endpoints() []endpoint {
	s := c.stories
	return []endpoint{
		{name: "search-embed", model: "BAAI/bge-m3", project: "semantic-search", region: iowa, workload: kpi.WorkloadEmbedding, pattern: shopping,
			requests: 5200, growth: 1.3, wattHours: 1.2, accelerator: l4, metered: true, input: 24, latency: 11 * time.Millisecond},
		{name: "catalogue-embed", model: "BAAI/bge-m3", project: "semantic-search", region: eemshaven, workload: kpi.WorkloadEmbedding, pattern: nightly,
			requests: 2600, growth: 1.2, wattHours: 1.6, accelerator: l4, metered: true, input: 310, latency: 22 * time.Millisecond},
		{name: "query-intent", model: "norrfold/query-intent", project: "semantic-search", region: iowa, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 1700, growth: 1.35, wattHours: 2.9 * classification, accelerator: l4, metered: true, input: 18, latency: 14 * time.Millisecond},
		{name: "answers-us", model: "meta-llama/Llama-3.1-8B-Instruct", project: "product-answers", region: iowa, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 620, growth: 1.5, wattHours: 0.42 * chat, accelerator: h100, metered: true, input: 820, output: 110, latency: 420 * time.Millisecond},
		{name: "answers-asia", model: "meta-llama/Llama-3.1-8B-Instruct", project: "product-answers", region: singapore, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 260, growth: 1.6, wattHours: 0.50 * chat, accelerator: a100, input: 780, output: 105, latency: 510 * time.Millisecond},
		{name: "answers-extract", model: "deepset/roberta-base-squad2", project: "product-answers", region: iowa, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 900, growth: 1.1, wattHours: 0.5 * extractiveQA, accelerator: l4, input: 290, latency: 21 * time.Millisecond},
		{name: "ranking-us", model: modelRanking, project: projectRanking, region: iowa, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 3400, growth: 1.3, wattHours: 4.1, accelerator: a100, metered: true, latency: 16 * time.Millisecond},
		{name: "ranking-eu", model: modelRanking, project: projectRanking, region: eemshaven, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 2500, growth: 1.25, wattHours: 4.3, accelerator: a100, metered: true, latency: 18 * time.Millisecond},
		{name: "photo-search", model: "Qwen/Qwen2.5-VL-7B-Instruct", project: "visual-search", region: virginia, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 340, growth: 1.7, wattHours: 0.72 * imageChat, accelerator: h100, input: 1250, output: 60, latency: 640 * time.Millisecond},
		{name: "care-us", model: modelCare, project: projectCare, region: virginia, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 250, growth: 1.45, wattHours: 4.5 * chat, accelerator: h100, metered: true, input: 1900, output: 240, latency: 1500 * time.Millisecond},
		{name: "care-eu", model: modelCare, project: projectCare, region: paris, workload: kpi.WorkloadInference, pattern: shopping,
			requests: 150, growth: 1.5, wattHours: 4.8 * chat, accelerator: h100, input: 2050, output: 250, latency: 1600 * time.Millisecond},
		{name: "care-drafts-v1", model: modelRetired, project: projectCare, region: virginia, workload: kpi.WorkloadInference, pattern: office,
			requests: 210, growth: 1.1, wattHours: 0.95 * chat, accelerator: a100, input: 940, output: 130, latency: 700 * time.Millisecond, until: s.modelRetired},
		{name: "care-drafts", model: "Qwen/Qwen3-14B", project: projectCare, region: virginia, workload: kpi.WorkloadInference, pattern: office,
			requests: 260, growth: 1.5, wattHours: 0.78 * chat, accelerator: h100, metered: true, input: 960, output: 140, latency: 690 * time.Millisecond, from: s.modelRetired.AddDate(0, -2, 0)},
		{name: "call-transcripts", model: "openai/whisper-large-v3", project: "contact-centre-insights", region: paris, workload: kpi.WorkloadBatch, pattern: office,
			requests: 62, growth: 1.2, wattHours: 340, accelerator: a100, latency: 2400 * time.Millisecond},
		{name: "call-summaries", model: "facebook/bart-large-cnn", project: "contact-centre-insights", region: paris, workload: kpi.WorkloadInference, pattern: office,
			requests: 190, growth: 1.2, wattHours: 0.6 * summarization, accelerator: l4, input: 880, output: 95, latency: 640 * time.Millisecond},
		{name: "order-planner", model: "Qwen/QwQ-32B", project: "replenishment-planner", region: eemshaven, workload: kpi.WorkloadInference, pattern: office,
			requests: 44, growth: 1.8, wattHours: 2.1 * reasoning, accelerator: h100, metered: true, input: 3100, output: 5200, latency: 18 * time.Second},
		{name: "order-planner-next", model: modelStaged, project: "replenishment-planner", region: eemshaven, workload: kpi.WorkloadEvaluation, pattern: office,
			requests: 14, growth: 1.2, wattHours: 0.38 * reasoning, accelerator: h100, metered: true, input: 3000, output: 2600, latency: 9 * time.Second, from: s.modelStaged},
		{name: "shelf-cameras-eu", model: "facebook/detr-resnet-50", project: "shelf-vision", region: eemshaven, workload: kpi.WorkloadInference, pattern: opening,
			requests: 290, growth: 1.4, wattHours: 1.5 * detection, accelerator: l4, latency: 120 * time.Millisecond},
		{name: "shelf-cameras-us", model: "facebook/detr-resnet-50", project: "shelf-vision", region: iowa, workload: kpi.WorkloadInference, pattern: opening,
			requests: 210, growth: 1.6, wattHours: 1.6 * detection, accelerator: l4, latency: 130 * time.Millisecond},
		{name: "route-chat", model: "google/gemma-3-12b-it", project: "logistics-copilot", region: finland, workload: kpi.WorkloadInference, pattern: office,
			requests: 115, growth: 1.4, wattHours: 1.8 * chat, accelerator: a100, metered: true, input: 1400, output: 220, latency: 950 * time.Millisecond},
		{name: "code-complete", model: "Qwen/Qwen2.5-Coder-7B-Instruct", project: "logistics-copilot", region: finland, workload: kpi.WorkloadInference, pattern: office,
			requests: 520, growth: 1.6, wattHours: 0.62 * codeCompletion, accelerator: a100, metered: true, input: 1100, output: 38, latency: 180 * time.Millisecond},
		{name: "imagery-studio", model: modelImagery, project: projectImagery, region: singapore, workload: kpi.WorkloadBatch, pattern: nightly,
			requests: 46, growth: 1.4, wattHours: 1.9 * textToImage, accelerator: h100, metered: true, input: 70, latency: 7 * time.Second},
		{name: "copy-writer", model: modelWriter, project: projectCampaign, region: paris, workload: kpi.WorkloadInference, pattern: office,
			requests: 230, growth: 1.4, wattHours: 1.5 * chat, accelerator: h100, input: 1300, output: 360, latency: 1100 * time.Millisecond},
		{name: "copy-translate", model: "mistralai/Mixtral-8x7B-Instruct-v0.1", project: projectCampaign, region: virginia, workload: kpi.WorkloadBatch, pattern: nightly,
			requests: 84, growth: 1.05, wattHours: 2.9 * chat, accelerator: a100, input: 720, output: 690, latency: 1900 * time.Millisecond},
		{name: "review-mood", model: "distilbert/distilbert-base-uncased-finetuned-sst-2-english", project: "review-insights", region: finland, workload: kpi.WorkloadBatch, pattern: nightly,
			requests: 1900, growth: 1.2, wattHours: 0.25 * classification, accelerator: l4, metered: true, input: 95, latency: 9 * time.Millisecond},
	}
}

const hoursPerYear = 8766

// tick is the shortest slot, and how far the newest event may be behind the end.
const tick = 10 * time.Minute

// slot is how long the requests are that one event stands for: the closer to the
// end, the finer, so that a panel of this hour has something to show. It depends
// on the month alone, or a later company would cut the same requests otherwise.
func (c *Company) slot(at time.Time) time.Duration {
	switch {
	case !at.Before(c.current):
		return tick
	case !at.Before(c.current.AddDate(0, -1, 0)):
		return time.Hour
	}
	return 3 * time.Hour
}

// serve makes the events of the endpoints: an event is an endpoint's requests in
// one slot.
func (c *Company) serve() {
	for _, e := range c.endpoints() {
		r := c.random(e.name)
		from, until := c.Start, c.End
		if e.from.After(from) {
			from = e.from
		}
		if !e.until.IsZero() {
			until = e.until
		}
		for at := from; !at.Add(c.slot(at)).After(until); at = at.Add(c.slot(at)) {
			c.Events = append(c.Events, c.requests(&e, at, c.slot(at), r))
		}
	}
}

// requests is one slot of an endpoint.
func (c *Company) requests(e *endpoint, at time.Time, slot time.Duration, r *rand.Rand) warehouse.Event {
	region, perThousand, latencyFactor := e.region, e.wattHours, 1.0
	if e.project == projectImagery {
		region = c.imageryRegion(at)
	}
	if e.model == modelWriter && !at.Before(c.stories.release) {
		perThousand, latencyFactor = perThousand/2, 0.7
	}
	years := at.Sub(c.current.AddDate(0, -6, 0)).Hours() / hoursPerYear
	load := e.pattern.load(at.Add(slot/2), region)
	count := math.Round(e.requests * 1e6 / hoursPerYear * slot.Hours() * math.Pow(e.growth, years) * load * around(r, 0.05))
	// A busy server batches more requests, so each takes less energy and waits longer.
	energy := kpi.KilowattHours(count / 1e6 * perThousand * (1.08 - 0.06*min(2, load)) * around(r, 0.025))
	latency := time.Duration(float64(e.latency) * latencyFactor * (0.9 + 0.2*load) * around(r, 0.08))
	gpuHours := float64(energy) / e.accelerator.kilowatts
	event := warehouse.Event{
		ID: c.eventID(e.name, at), Time: at, Model: e.model, Project: e.project, Endpoint: e.name, Region: region, Workload: e.workload,
		Requests: int64(count), InputTokens: int64(count * e.input * around(r, 0.02)), OutputTokens: int64(count * e.output * around(r, 0.02)),
		Latency: &latency, ITEnergy: energy, Measured: e.metered && r.Float64() < 0.97,
		GPUHours: gpuHours, GPUMemoryHours: gpuHours * e.accelerator.memory * 0.85, Source: source,
	}
	// The company's own hall sends no bill: its cost is the electricity.
	if region != eemshaven {
		cost := kpi.USD(gpuHours * e.accelerator.hourlyUSD(at))
		event.Cost = &cost
	}
	return event
}

// imageryRegion is where product imagery is made.
func (c *Company) imageryRegion(at time.Time) string {
	if at.Before(c.stories.regionMove) {
		return singapore
	}
	return finland
}

// load is the demand at a time as a factor of its mean over an ordinary week.
func (p pattern) load(at time.Time, region string) float64 {
	local := at.Add(time.Duration(utcOffset[region]) * time.Hour)
	hour := float64(local.Hour()) + float64(local.Minute())/60
	weekend := local.Weekday() == time.Saturday || local.Weekday() == time.Sunday
	switch p {
	case shopping:
		day := 1 + 0.55*math.Cos((hour-20)*math.Pi/12) + 0.18*math.Cos((hour-12.5)*math.Pi/6)
		if weekend {
			day *= 1.2
		} else {
			day *= 0.92
		}
		return day * season(local)
	case office:
		if weekend {
			return 0.22 * leave(local)
		}
		return (0.32 + 1.98*bell(hour, 13, 3.6)) * leave(local)
	case opening:
		if local.Weekday() == time.Sunday {
			return 0.25
		}
		return (0.15 + 2.1*bell(hour, 14.5, 4.4)) * (0.5 + 0.5*season(local))
	default:
		return 0.35 + 2.2*(bell(hour, 2, 3)+bell(hour, 26, 3))
	}
}

// bell is 1 at its middle.
func bell(hour, middle, width float64) float64 {
	d := (hour - middle) / width
	return math.Exp(-d * d / 2)
}

// season is the year of the shops.
func season(day time.Time) float64 {
	switch friday := blackFriday(day.Year()); {
	case !day.Before(friday.AddDate(0, 0, -4)) && day.Before(friday.AddDate(0, 0, 4)):
		return 1.55
	case day.Month() == time.November && day.Day() == 11:
		return 1.3
	case day.Month() == time.December && day.Day() < 23:
		return 1.3
	case day.Month() == time.December && day.Day() < 27:
		return 0.75
	case day.Month() == time.January && day.Day() < 15:
		return 1.1
	case day.Month() == time.July || day.Month() == time.August:
		return 0.93
	}
	return 1
}

// blackFriday is the day after the fourth Thursday of November.
func blackFriday(year int) time.Time {
	first := time.Date(year, 11, 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, (int(time.Thursday)-int(first.Weekday())+7)%7+22)
}

// leave is the year of the offices.
func leave(day time.Time) float64 {
	switch {
	case day.Month() == time.December && day.Day() > 23, day.Month() == time.January && day.Day() < 2:
		return 0.35
	case day.Month() == time.May && day.Day() == 1:
		return 0.4
	case day.Month() == time.July && day.Day() > 14, day.Month() == time.August && day.Day() < 15:
		return 0.85
	}
	return 1
}
