package prometheus

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/mapping"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus/prometheustest"
)

// same answers every question about samples with the same.
type same model.Matrix

func (s same) Names(_ context.Context, metrics []metric, _ string, _, _ time.Time) ([]metric, v1.Warnings, error) {
	return metrics, nil, nil
}

func (s same) Samples(_ context.Context, name, _ string, from, to time.Time) (model.Matrix, v1.Warnings, error) {
	var there model.Matrix
	for _, stream := range s {
		if string(stream.Metric[model.MetricNameLabel]) != name {
			continue
		}
		of := model.SampleStream{Metric: stream.Metric, Histograms: stream.Histograms}
		for _, value := range stream.Values {
			if at := int64(value.Timestamp); at >= from.UnixMilli() && at <= to.UnixMilli() {
				of.Values = append(of.Values, value)
			}
		}
		there = append(there, &of)
	}
	return there, nil, nil
}

func sameAs(series prometheustest.Recorded) same {
	var matrix same
	for _, s := range series {
		stream := &model.SampleStream{Metric: s.Metric}
		for _, one := range s.Samples {
			stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.Time(one.At), Value: model.SampleValue(one.Value)})
		}
		matrix = append(matrix, stream)
	}
	return matrix
}

// FuzzSamples reads whatever an API may answer: each event that comes out could be
// stored, and no energy comes from nowhere.
func FuzzSamples(f *testing.F) {
	for _, files := range [][]string{{"dcgm"}, {"vllm"}, {"triton"}, {"kepler"}, {"codecarbon"}} {
		var matrix model.Matrix
		for _, s := range prometheustest.Record(f, files...) {
			stream := &model.SampleStream{Metric: s.Metric}
			for i, one := range s.Samples {
				if i%20 == 0 { // a short seed is changed in more places
					stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.Time(one.At), Value: model.SampleValue(one.Value)})
				}
			}
			matrix = append(matrix, stream)
			if len(matrix) == 4 {
				break
			}
		}
		text, err := json.Marshal(matrix)
		require.NoError(f, err)
		f.Add(text, "")
	}
	f.Add([]byte(`[{"metric":{"__name__":"vllm:e2e_request_latency_seconds_bucket","le":"-Inf","model":"a"},"values":[[1793613000,"1"],[1793614000,"9"]]}]`), "")
	f.Add([]byte(`[{"metric":{"__name__":"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION","UUID":"a"},"values":[[1793613660,"NaN"],[1793613665,"1e300"]]}]`), "rules: [{match: {UUID: a}, model: b}]")
	f.Fuzz(func(t *testing.T, answer []byte, text string) {
		var matrix model.Matrix
		if len(answer) > 1<<16 || json.Unmarshal(answer, &matrix) != nil {
			return
		}
		m, err := ParseMapping([]byte(text))
		if err != nil {
			return
		}
		for _, stream := range matrix {
			if stream == nil {
				return
			}
		}
		store := &memory{}
		p := puller(t, same(matrix), store, m.WithRegion("us-central1"))
		report, err := p.Pull(context.Background(), ten, twelve)
		require.NoError(t, err) // the memory validates what it stores
		require.Equal(t, report.Read, report.Stored+report.Unchanged+report.Rejected)
		for _, events := range store.events {
			for _, e := range events {
				require.False(t, math.IsNaN(float64(e.ITEnergy)) || math.IsNaN(e.GPUHours) || math.IsNaN(e.GPUMemoryHours))
				require.LessOrEqual(t, float64(e.ITEnergy), 1e4, "a window of an hour and the lookback before it")
			}
		}
	})
}

// FuzzMapping reads whatever file: one that is accepted maps whatever there is.
func FuzzMapping(f *testing.F) {
	f.Add("read: [gpu]", "pod", "x")
	f.Add("rules: [{match: {pod: a}, project: b, workload: training}]", "pod", "a")
	f.Add("models: [{match: '^(.*)$', name: m}]", "model_name", "\xff")
	f.Add("{ties: [{meter: [a], server: [b]}], metrics: {gpu_joules: [c]}}", "a", "__idle__")
	f.Add("project: {from: [a], names: {x: y}}", "a", "x")
	f.Fuzz(func(t *testing.T, text, label, value string) {
		m, err := ParseMapping([]byte(text))
		if err != nil {
			return
		}
		m = m.WithRegion("us-central1")
		l := labelsOf(model.Metric{model.LabelName(label): model.LabelValue(value), "model": "m"}, m.file.Replicas)
		for _, of := range []func(labels, map[string]bool) (placement, bool, error){m.server, m.meter} {
			p, drop, err := of(l, map[string]bool{"us-central1": true})
			if drop || err != nil {
				continue
			}
			require.Equal(t, "us-central1", p.region)
			for _, name := range []string{p.model, p.project, p.endpoint} {
				require.NoError(t, mapping.CheckName("name", name))
			}
			require.NoError(t, mapping.CheckWorkload(p.workload))
		}
		newTies(m.file.Ties, []placedServer{{labels: l}}).of(l)
	})
}
