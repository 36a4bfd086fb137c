package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// pastStep is the least time between two moments of the past, an agent's interval.
const pastStep = 10 * time.Second

// ofSamples are the metrics that a sample tells; the others are of the moment alone.
var ofSamples = map[string]bool{"power_w": true, "utilization": true, "temperature": true, "memory_used": true, "cost_usd_per_hour": true, "carbon_g_per_hour": true}

// moment is the GPUs as they were read at a time.
type moment struct {
	at   time.Time
	gpus []liveGPU
}

// gpuSeries is a metric at some moments, a field a GPU; a stream asks for the newest
// moment alone and appends it to a chart. Without a GPU there is no field either: of a
// frame with times and no numbers Grafana says that it lacks a number field, and not
// what the panel has to say.
func gpuSeries(moments []moment, factors map[string]warehouse.FactorPeriod, request Request) *data.Frame {
	series := data.NewFrame("Live GPUs")
	newest := moments[len(moments)-1]
	metric := metricOf(request)
	if len(newest.gpus) == 0 {
		return series
	}
	times := make([]time.Time, len(moments))
	values := make([][]*float64, len(newest.gpus))
	for n, m := range moments {
		times[n] = m.at
		field, _ := gpuFrame(m.gpus, factors, m.at).FieldByName(metric)
		if field == nil {
			return series
		}
		for i := range values {
			value, _ := field.At(i).(*float64)
			values[i] = append(values[i], value)
		}
	}
	series.Fields = append(series.Fields, data.NewField("time", nil, times))
	for i, g := range newest.gpus {
		one := numberField(metric, values[i])
		one.Labels = data.Labels{"host": g.host, "gpu": fmt.Sprint(g.Index), "uuid": g.UUID}
		one.Config.DisplayNameFromDS = fmt.Sprintf("%s #%d", g.host, g.Index)
		// By its name Grafana knows a field again when a GPU comes or goes.
		one.Name = metric + " " + g.UUID
		series.Fields = append(series.Fields, one)
	}
	return series
}

func metricOf(request Request) string {
	if request.Metric == "" {
		return "power_w"
	}
	return request.Metric
}

// momentsUntilNow are the GPUs now, and those of the fleet at as many moments of the
// last minutes as points are asked for, as a stream would have shown them. A reading
// that was late at a moment is not there.
func momentsUntilNow(ctx context.Context, source Source, request Request, gpus []liveGPU, from string) ([]moment, error) {
	newest := moment{request.Now, slices.Clone(gpus)}
	for i, g := range newest.gpus {
		if request.Now.Sub(g.Time) > lateAfter {
			newest.gpus[i] = g.readBy(nil, request.Now)
		}
	}
	span := kpi.Span{From: request.Now.Add(-fleetShown), To: request.Now}
	if request.Span.From.After(span.From) {
		span.From = request.Span.From
	}
	if from != gpuSourceFleet || len(gpus) == 0 || request.MaxDataPoints < 2 || !ofSamples[metricOf(request)] || !span.From.Before(span.To) {
		return []moment{newest}, nil
	}
	uuids := make([]string, len(gpus))
	place := map[string]int{}
	for i, g := range gpus {
		uuids[i], place[g.UUID] = g.UUID, i
	}
	samples, err := source.GPUPast(ctx, uuids, kpi.Span{From: span.From.Add(-lateAfter), To: span.To})
	if err != nil {
		return nil, err
	}
	step := max(pastStep, (span.To.Sub(span.From)/time.Duration(request.MaxDataPoints)).Truncate(time.Second)+time.Second)
	var moments []moment
	read := make([]*warehouse.GPUSample, len(gpus)) // the newest of each GPU so far
	for at := span.From.Truncate(step).Add(step); at.Before(span.To); at = at.Add(step) {
		for len(samples) > 0 && !samples[0].Time.After(at) {
			read[place[samples[0].UUID]] = &samples[0]
			samples = samples[1:]
		}
		then := moment{at, make([]liveGPU, len(gpus))}
		for i, g := range gpus {
			then.gpus[i] = g.readBy(read[i], at)
		}
		moments = append(moments, then)
	}
	return append(moments, newest), nil
}

// readBy is the GPU as a sample tells it at a time; nothing is known of it by one that
// is not there or is late.
func (g liveGPU) readBy(sample *warehouse.GPUSample, at time.Time) liveGPU {
	g.PowerWatts, g.Utilization, g.MemoryUsedBytes, g.TemperatureC = nil, nil, nil, nil
	if sample != nil && at.Sub(sample.Time) <= lateAfter {
		g.PowerWatts, g.Utilization, g.MemoryUsedBytes, g.TemperatureC = sample.PowerWatts, sample.Utilization, sample.MemoryUsedBytes, sample.TemperatureC
	}
	return g
}
